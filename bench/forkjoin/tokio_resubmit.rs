mod tokio_main;

fn main() {
    tokio_main::run("resubmit", |runtime, size| {
        runtime.spawn(async move {
            for _ in 0..size {
                tokio::spawn(tokio_main::task());
            }
        });
    })
}
