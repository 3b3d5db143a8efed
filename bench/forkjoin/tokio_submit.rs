mod tokio_main;

fn main() {
    tokio_main::run("submit", |runtime, size| {
        for _ in 0..size {
            runtime.spawn(tokio_main::task());
        }
    })
}
