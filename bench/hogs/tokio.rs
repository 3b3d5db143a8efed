//! Light tasks among heavy ones, by Tokio: `hogs_tokio WORKERS RATE TASKS HOW`,
//! where HOW is spawn (heavy ones like all others) or spawn_blocking (those to
//! its pool of threads). Prints the median and the 99th percentile of what
//! light ones wait, in ns.

use std::sync::atomic::{AtomicPtr, Ordering};
use tokio::runtime::{Builder, Runtime};

extern "C" {
    fn hogs_run(rate: f64, n: u64, hand_in: extern "C" fn(u64, i32));
    fn hogs_light(i: u64);
    fn hogs_heavy();
    fn hogs_waited(q: f64) -> f64;
}

/// For what the other language calls back; never freed.
static RUNTIME: AtomicPtr<Runtime> = AtomicPtr::new(std::ptr::null_mut());

fn runtime() -> &'static Runtime {
    unsafe { &*RUNTIME.load(Ordering::Acquire) }
}

extern "C" fn as_they_come(i: u64, heavy: i32) {
    if heavy != 0 {
        runtime().spawn(async { unsafe { hogs_heavy() } });
    } else {
        runtime().spawn(async move { unsafe { hogs_light(i) } });
    }
}

extern "C" fn told_apart(i: u64, heavy: i32) {
    if heavy != 0 {
        runtime().spawn_blocking(|| unsafe { hogs_heavy() });
    } else {
        runtime().spawn(async move { unsafe { hogs_light(i) } });
    }
}

fn main() {
    let argument: Vec<String> = std::env::args().collect();
    let workers: usize = argument[1].parse().unwrap();
    let rate: f64 = argument[2].parse().unwrap();
    let tasks: u64 = argument[3].parse().unwrap();
    let told = argument[4] == "spawn_blocking";
    let made = Builder::new_multi_thread().worker_threads(workers).build();
    RUNTIME.store(Box::into_raw(Box::new(made.unwrap())), Ordering::Release);
    unsafe {
        hogs_run(rate, tasks, if told { told_apart } else { as_they_come });
        println!("{} {}", hogs_waited(0.5), hogs_waited(0.99));
    }
}
