//! Rayon forks in two: ten children by halves. (A scope with ten spawns
//! allocates each, and costs several times as much.)
mod rayon_main;
use rayon_main::SKYNET_CHILDREN;

fn node(first: i64, leaves: i64) -> i64 {
    if leaves == 1 {
        return first;
    }
    children(first, leaves / SKYNET_CHILDREN, SKYNET_CHILDREN)
}

fn children(first: i64, each: i64, count: i64) -> i64 {
    if count == 1 {
        return node(first, each);
    }
    let half = count / 2;
    let (a, b) = rayon::join(
        || children(first, each, half),
        || children(first + half * each, each, count - half),
    );
    a + b
}

fn main() {
    rayon_main::run("skynet", |size| node(0, size))
}
