//! Crossbeam's bounded channels, between threads: see channel.h.

use crossbeam_channel::bounded;
use std::thread;
use std::time::Instant;

const ROOM: usize = 128;

fn trips(n: usize) {
    let (there, other) = bounded::<u64>(0);
    let (back, here) = bounded::<u64>(0);
    let answers = thread::spawn(move || {
        for item in other {
            back.send(item).unwrap();
        }
    });
    for i in 0..n {
        there.send(i as u64).unwrap();
        here.recv().unwrap();
    }
    drop(there);
    answers.join().unwrap();
}

fn streams(senders: usize, receivers: usize, n: usize) {
    let (to, from) = bounded::<u64>(ROOM);
    let mut all = Vec::new();
    for _ in 0..senders {
        let to = to.clone();
        all.push(thread::spawn(move || {
            for i in 0..n / senders {
                to.send(i as u64).unwrap();
            }
        }));
    }
    for _ in 0..receivers {
        let from = from.clone();
        all.push(thread::spawn(move || {
            for _ in 0..n / receivers {
                from.recv().unwrap();
            }
        }));
    }
    for one in all {
        one.join().unwrap();
    }
}

fn main() {
    let given: Vec<usize> =
        std::env::args().skip(1).map(|a| a.parse().unwrap()).collect();
    let (senders, receivers, n) = (given[0], given[1], given[2]);
    let begin = Instant::now();
    if senders == 0 {
        trips(n);
    } else {
        streams(senders, receivers, n);
    }
    println!("{}", begin.elapsed().as_nanos() as f64 / n as f64);
}
