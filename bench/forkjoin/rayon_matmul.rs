mod rayon_main;
use rayon_main::*;

/// Blocks that no two tasks write at once.
#[derive(Clone, Copy)]
struct Block {
    c: *mut f32,
    a: *const f32,
    b: *const f32,
}

unsafe impl Send for Block {}
unsafe impl Sync for Block {}

impl Block {
    fn moved(self, c: i64, a: i64, b: i64) -> Block {
        unsafe {
            Block {
                c: self.c.offset(c as isize),
                a: self.a.offset(a as isize),
                b: self.b.offset(b as isize),
            }
        }
    }
}

fn multiply(m: Block, stride: i64, n: i64) {
    if n == MATMUL_LEAF {
        unsafe { matmul_leaf(m.c, m.a, m.b, stride) }
        return;
    }
    let half = n / 2;
    let down = half * stride;
    for k in 0..2 {
        let m = m.moved(0, k * half, k * down);
        let upper = m.moved(half, 0, half);
        let left = m.moved(down, down, 0);
        let lower = m.moved(down + half, down, half);
        rayon::join(
            || rayon::join(|| multiply(m, stride, half), || multiply(upper, stride, half)),
            || rayon::join(|| multiply(left, stride, half), || multiply(lower, stride, half)),
        );
    }
}

fn main() {
    run("matmul", |size| {
        let m = unsafe { &matmul_input };
        multiply(Block { c: m.c, a: m.a, b: m.b }, m.stride, size);
        size
    })
}
