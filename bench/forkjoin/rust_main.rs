//! What the Rust programs share: harness.h and workloads.h as Rust sees them,
//! and, in `rayon_main`, the main of Rayon's.

#![allow(dead_code)]

use std::ffi::CString;
use std::os::raw::{c_char, c_int};

/// A queen's column in each row so far.
#[derive(Clone, Copy)]
pub struct Queens {
    column: [i8; 16],
}

impl Queens {
    pub fn none() -> Queens {
        Queens { column: [0; 16] }
    }

    #[inline]
    pub fn fit(&self, row: usize, column: i32) -> bool {
        for i in 0..row {
            let apart = self.column[i] as i32 - column;
            let rows = (row - i) as i32;
            if apart == 0 || apart == rows || apart == -rows {
                return false;
            }
        }
        true
    }

    #[inline]
    pub fn with(&self, row: usize, column: i32) -> Queens {
        let mut more = *self;
        more.column[row] = column as i8;
        more
    }
}

#[repr(C)]
pub struct Matmul {
    pub c: *mut f32,
    pub a: *const f32,
    pub b: *const f32,
    pub stride: i64,
}

#[repr(C)]
pub struct Node {
    state: [u8; 20],
    depth: i32,
}

impl Node {
    pub fn unset() -> Node {
        Node { state: [0; 20], depth: 0 }
    }
}

#[repr(C)]
pub struct SortJob {
    pub items: *mut i32,
    pub scratch: *mut i32,
}

pub const SKYNET_CHILDREN: i64 = 10;
pub const MATMUL_LEAF: i64 = 64;
pub const SORT_LEAF: usize = 2048;

extern "C" {
    fn fj_open(argc: c_int, argv: *const *const c_char, peer: *const c_char,
               workload: *const c_char);
    fn fj_workers() -> c_int;
    fn fj_stack_size() -> i64;
    fn fj_next(size: *mut i64) -> c_int;
    fn fj_done(result: i64);
    fn fj_close() -> c_int;

    pub static matmul_input: Matmul;
    pub fn matmul_leaf(c: *mut f32, a: *const f32, b: *const f32, stride: i64);
    pub fn uts_root(root: *mut Node);
    pub fn uts_children(node: *const Node) -> c_int;
    pub fn uts_child(parent: *const Node, number: c_int, child: *mut Node);
    pub static sort_input: SortJob;
    pub fn sort_leaf(items: *mut i32, n: i64);
    pub fn merge_leaf(x: *const i32, nx: i64, y: *const i32, ny: i64,
                      to: *mut i32);
    pub fn merge_split(y: *const i32, ny: i64, limit: i32) -> i64;
}

/// Reads the arguments; says what the C side needs for as long as it runs.
pub fn open(peer: &str, workload: &str) {
    let arguments: Vec<*const c_char> = std::env::args()
        .map(|a| CString::new(a).unwrap().into_raw() as *const c_char)
        .collect();
    let peer = CString::new(peer).unwrap().into_raw();
    let workload = CString::new(workload).unwrap().into_raw();
    unsafe { fj_open(arguments.len() as c_int, arguments.as_ptr(), peer, workload) }
}

pub fn workers() -> usize {
    unsafe { fj_workers() as usize }
}

pub fn stack_size() -> usize {
    unsafe { fj_stack_size() as usize }
}

/// All rounds, and the end of the process.
pub fn rounds(mut work: impl FnMut(i64) -> i64) -> ! {
    let mut size = 0;
    unsafe {
        while fj_next(&mut size) != 0 {
            fj_done(work(size));
        }
        std::process::exit(fj_close())
    }
}
