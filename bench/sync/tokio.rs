//! A mutex for which many contend, by Tokio: `sync_tokio WORKERS TASKS N WITH
//! WITHOUT`. Prints the ns that go by for each time that it was taken. See
//! millrace.c.

use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Builder;
use tokio::sync::Mutex;

fn compute(mut seed: u64, steps: usize) -> u64 {
    for _ in 0..steps {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
    }
    seed
}

async fn contends(shared: Arc<Mutex<u64>>, each: usize, with: usize, without: usize) -> u64 {
    let mut own = 88172645463325252;
    for _ in 0..each {
        let mut inside = shared.lock().await;
        *inside = compute(*inside, with);
        drop(inside);
        own = compute(own, without);
    }
    own
}

fn main() {
    let argument: Vec<usize> = std::env::args()
        .skip(1)
        .map(|a| a.parse().unwrap())
        .collect();
    let (tasks, n, with, without) = (argument[1], argument[2], argument[3], argument[4]);
    let runtime = Builder::new_multi_thread()
        .worker_threads(argument[0])
        .build()
        .unwrap();
    let shared = Arc::new(Mutex::new(1));
    let mut kept = 0;
    let begun = Instant::now();
    runtime.block_on(async {
        let all: Vec<_> = (0..tasks)
            .map(|_| tokio::spawn(contends(shared.clone(), n / tasks, with, without)))
            .collect();
        for task in all {
            kept ^= task.await.unwrap();
        }
    });
    let took = begun.elapsed().as_nanos() as f64 / n as f64;
    println!("{} {}", took, kept);
}
