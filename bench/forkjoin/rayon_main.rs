//! The main of Rayon's programs: the caller waits, the pool works.

#[path = "rust_main.rs"]
mod rust_main;
pub use rust_main::*;

#[allow(dead_code)]
pub fn run(workload: &str, work: fn(i64) -> i64) -> ! {
    open("Rayon", workload);
    let pool = pool();
    rounds(|size| pool.install(|| work(size)))
}

pub fn pool() -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(workers())
        .stack_size(stack_size())
        .build()
        .unwrap()
}
