//! The responder on Tokio: a task for each connection; told which requests are
//! heavy, it hands them to Tokio's pool (spawn_blocking).

use std::os::raw::{c_char, c_int};
use std::os::unix::io::FromRawFd;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::task::spawn_blocking;

const INPUT: usize = 1024;
const ANSWER: usize = 78;
const MANY: usize = INPUT / 18;
const BAD: c_int = -2;
const HEAVY: c_int = 2;
const SOCK_NONBLOCK: c_int = 0o4000;

#[repr(C)]
struct Options {
    workers: c_int,
    told: c_int,
    port: u16,
    spin: u64,
}

#[repr(C)]
struct Input {
    from: u32,
    to: u32,
    data: [u8; INPUT],
}

extern "C" {
    static http_text: [u8; MANY * ANSWER];
    fn http_open(argc: c_int, argv: *const *const c_char) -> Options;
    fn http_listen(port: *mut u16, flags: c_int) -> c_int;
    fn http_ready(port: u16);
    fn http_room(input: *mut Input, size: *mut usize) -> *mut u8;
    fn http_next(input: *mut Input) -> c_int;
    fn http_work(kind: c_int);
}

/// Where the next bytes go.
fn room(input: &mut Input) -> &mut [u8] {
    let mut size = 0;
    unsafe {
        let at = http_room(input, &mut size);
        std::slice::from_raw_parts_mut(at, size)
    }
}

async fn serve(mut stream: TcpStream, told: bool) -> std::io::Result<()> {
    let mut input = Input { from: 0, to: 0, data: [0; INPUT] };
    loop {
        let n = stream.read(room(&mut input)).await?;
        if n == 0 {
            return Ok(());
        }
        input.to += n as u32;
        let mut answers = 0;
        let last = loop {
            let kind = unsafe { http_next(&mut input) };
            if kind < 0 {
                break kind;
            }
            if told && kind == HEAVY {
                spawn_blocking(|| unsafe { http_work(HEAVY) }).await?;
            } else {
                unsafe { http_work(kind) };
            }
            answers += 1;
        };
        if last == BAD {
            return Ok(());
        }
        if answers > 0 {
            let text = unsafe { &http_text[..answers * ANSWER] };
            stream.write_all(text).await?;
        }
    }
}

async fn accept_all(listener: TcpListener, told: bool) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, told));
        }
    }
}

fn main() {
    let given: Vec<std::ffi::CString> = std::env::args()
        .map(|a| std::ffi::CString::new(a).unwrap())
        .collect();
    let argv: Vec<*const c_char> = given.iter().map(|a| a.as_ptr()).collect();
    let options = unsafe { http_open(argv.len() as c_int, argv.as_ptr()) };
    let runtime = Builder::new_multi_thread()
        .worker_threads(options.workers as usize)
        .enable_io()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut port = options.port;
        let listener = unsafe {
            let fd = http_listen(&mut port, SOCK_NONBLOCK);
            std::net::TcpListener::from_raw_fd(fd)
        };
        let listener = TcpListener::from_std(listener).unwrap();
        unsafe { http_ready(port) };
        // On a worker: what runs here is none.
        let all = tokio::spawn(accept_all(listener, options.told != 0));
        all.await.unwrap();
    });
}
