mod rayon_main;
use rayon::join;
use rayon_main::*;
use std::slice::from_raw_parts_mut;

fn merge(x: &[i32], y: &[i32], to: &mut [i32]) {
    if x.len() < y.len() {
        return merge(y, x, to);
    }
    if to.len() <= SORT_LEAF {
        let (nx, ny) = (x.len() as i64, y.len() as i64);
        unsafe { merge_leaf(x.as_ptr(), nx, y.as_ptr(), ny, to.as_mut_ptr()) }
        return;
    }
    let i = x.len() / 2;
    let j = unsafe { merge_split(y.as_ptr(), y.len() as i64, x[i]) } as usize;
    let (to1, to2) = to.split_at_mut(i + j);
    join(|| merge(&x[..i], &y[..j], to1), || merge(&x[i..], &y[j..], to2));
}

fn sort(items: &mut [i32], scratch: &mut [i32]) {
    let n = items.len();
    if n <= SORT_LEAF {
        unsafe { sort_leaf(items.as_mut_ptr(), n as i64) }
        return;
    }
    let part = n / 4;
    let (left, right) = items.split_at_mut(2 * part);
    let (to_left, to_right) = scratch.split_at_mut(2 * part);
    {
        let (a, b) = left.split_at_mut(part);
        let (c, d) = right.split_at_mut(part);
        let (ta, tb) = to_left.split_at_mut(part);
        let (tc, td) = to_right.split_at_mut(part);
        join(
            || join(|| sort(a, ta), || sort(b, tb)),
            || join(|| sort(c, tc), || sort(d, td)),
        );
        join(|| merge(a, b, to_left), || merge(c, d, to_right));
    }
    merge(to_left, to_right, items);
}

fn main() {
    run("cilksort", |size| {
        let n = size as usize;
        unsafe {
            let items = from_raw_parts_mut(sort_input.items, n);
            let scratch = from_raw_parts_mut(sort_input.scratch, n);
            sort(items, scratch)
        }
        size
    })
}
