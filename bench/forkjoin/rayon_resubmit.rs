mod rayon_main;
use rayon_main::*;
use std::sync::atomic::{AtomicI64, Ordering};

static RAN: AtomicI64 = AtomicI64::new(0);

fn main() {
    open("Rayon", "resubmit");
    let pool = pool();
    rounds(|size| {
        RAN.store(0, Ordering::SeqCst);
        pool.spawn(move || {
            for _ in 0..size {
                rayon::spawn(|| {
                    RAN.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        while RAN.load(Ordering::SeqCst) < size {
            std::thread::yield_now();
        }
        RAN.load(Ordering::SeqCst)
    })
}
