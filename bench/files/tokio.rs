//! Reads of a file by Tokio: `files_tokio HOW WORKERS SIZE SPAN READS PATH`,
//! where HOW is file (its File: seek, then read_exact) or blocking (read_exact_at of
//! a plain File by spawn_blocking). Prints what one takes, in ns: processor
//! time of the process and time that goes by. See files.h.

use std::io::SeekFrom;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::runtime::Builder;

const SEED: u64 = 88172645463325252;

#[repr(C)]
struct Cost {
    cpu: f64,
    wall: f64,
}

extern "C" {
    fn files_now() -> Cost;
    fn files_since(begin: Cost, reads: u64) -> Cost;
}

#[derive(Clone, Copy)]
struct Load {
    workers: usize,
    size: usize,
    span: u64,
}

fn next(seed: &mut u64, load: Load) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed % (load.span / load.size as u64) * load.size as u64
}

async fn by_file(path: String, load: Load, n: u64, mut seed: u64) {
    let mut file = tokio::fs::File::open(path).await.unwrap();
    let mut buf = vec![0u8; load.size];
    for _ in 0..n {
        let at = next(&mut seed, load);
        file.seek(SeekFrom::Start(at)).await.unwrap();
        file.read_exact(&mut buf).await.unwrap();
    }
}

async fn by_blocking(path: String, load: Load, n: u64, mut seed: u64) {
    let file = Arc::new(std::fs::File::open(path).unwrap());
    let mut buf = vec![0u8; load.size];
    for _ in 0..n {
        let at = next(&mut seed, load);
        let file = file.clone();
        buf = tokio::task::spawn_blocking(move || {
            file.read_exact_at(&mut buf, at).unwrap();
            buf
        })
        .await
        .unwrap();
    }
}

async fn all(how: &str, load: Load, n: u64, path: &str) {
    let mut running = Vec::new();
    for i in 0..load.workers {
        let (path, share) = (path.to_string(), n / load.workers as u64);
        let seed = SEED + i as u64;
        running.push(if how == "file" {
            tokio::spawn(by_file(path, load, share, seed))
        } else {
            tokio::spawn(by_blocking(path, load, share, seed))
        });
    }
    for one in running {
        one.await.unwrap();
    }
}

fn main() {
    let argument: Vec<String> = std::env::args().collect();
    let how = &argument[1];
    let load = Load {
        workers: argument[2].parse().unwrap(),
        size: argument[3].parse().unwrap(),
        span: argument[4].parse().unwrap(),
    };
    let n: u64 = argument[5].parse().unwrap();
    let path = &argument[6];
    let mut builder = Builder::new_multi_thread();
    let runtime = builder.worker_threads(load.workers).build().unwrap();
    runtime.block_on(all(how, load, n / 8, path));
    let begin = unsafe { files_now() };
    runtime.block_on(all(how, load, n, path));
    let cost = unsafe { files_since(begin, n) };
    println!("{} {}", cost.cpu, cost.wall);
}
