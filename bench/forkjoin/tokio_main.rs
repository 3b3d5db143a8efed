//! The main of Tokio's programs: the caller is no worker.

#[path = "rust_main.rs"]
mod rust_main;
use rust_main::*;
use std::sync::atomic::{AtomicI64, Ordering};

pub static RAN: AtomicI64 = AtomicI64::new(0);

pub fn run(workload: &str, hand_in: fn(&tokio::runtime::Runtime, i64)) -> ! {
    open("Tokio", workload);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .build()
        .unwrap();
    rounds(|size| {
        RAN.store(0, Ordering::SeqCst);
        hand_in(&runtime, size);
        while RAN.load(Ordering::SeqCst) < size {
            std::thread::yield_now();
        }
        RAN.load(Ordering::SeqCst)
    })
}

pub async fn task() {
    RAN.fetch_add(1, Ordering::Relaxed);
}
