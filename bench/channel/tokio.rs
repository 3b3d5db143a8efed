//! Tokio's bounded channels: see channel.h. They have room for one item at
//! least, which the trip uses, and one receiver: of several, each waits for a
//! lock around it.

use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, Mutex};

const ROOM: usize = 128;

async fn trips(n: usize) {
    let (there, mut other) = mpsc::channel::<u64>(1);
    let (back, mut here) = mpsc::channel::<u64>(1);
    let answers = tokio::spawn(async move {
        while let Some(item) = other.recv().await {
            back.send(item).await.unwrap();
        }
    });
    for i in 0..n {
        there.send(i as u64).await.unwrap();
        here.recv().await.unwrap();
    }
    drop(there);
    answers.await.unwrap();
}

async fn streams(senders: usize, receivers: usize, n: usize) {
    let (to, mut from) = mpsc::channel::<u64>(ROOM);
    let mut all = Vec::new();
    for _ in 0..senders {
        let to = to.clone();
        all.push(tokio::spawn(async move {
            for i in 0..n / senders {
                to.send(i as u64).await.unwrap();
            }
        }));
    }
    if receivers == 1 {
        all.push(tokio::spawn(async move {
            for _ in 0..n {
                from.recv().await.unwrap();
            }
        }));
    } else {
        let from = Arc::new(Mutex::new(from));
        for _ in 0..receivers {
            let from = from.clone();
            all.push(tokio::spawn(async move {
                for _ in 0..n / receivers {
                    from.lock().await.recv().await.unwrap();
                }
            }));
        }
    }
    for task in all {
        task.await.unwrap();
    }
}

fn main() {
    let given: Vec<usize> =
        std::env::args().skip(1).map(|a| a.parse().unwrap()).collect();
    let (senders, receivers, n) = (given[0], given[1], given[2]);
    let workers = if senders == 0 { 1 } else { 2 };
    let runtime =
        Builder::new_multi_thread().worker_threads(workers).build().unwrap();
    // In a task of a worker: block_on's own is on a thread beside them.
    let took = runtime.block_on(async move {
        tokio::spawn(async move {
            let begin = Instant::now();
            if senders == 0 {
                trips(n).await;
            } else {
                streams(senders, receivers, n).await;
            }
            begin.elapsed()
        })
        .await
        .unwrap()
    });
    println!("{}", took.as_nanos() as f64 / n as f64);
}
