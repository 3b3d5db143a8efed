//! The placements of a row are forked one by one: the rest of the row is the
//! other half of the join.
mod rayon_main;
use rayon_main::Queens;

fn solve(q: &Queens, row: usize, n: usize) -> i64 {
    if row == n {
        return 1;
    }
    from(q, row, n, 0)
}

fn from(q: &Queens, row: usize, n: usize, mut column: usize) -> i64 {
    while column < n && !q.fit(row, column as i32) {
        column += 1;
    }
    if column == n {
        return 0;
    }
    let (a, b) = rayon::join(
        || solve(&q.with(row, column as i32), row + 1, n),
        || from(q, row, n, column + 1),
    );
    a + b
}

fn main() {
    rayon_main::run("nqueens", |size| solve(&Queens::none(), 0, size as usize))
}
