//! The children of a node are forked by halves.
mod rayon_main;
use rayon_main::*;

fn count(node: &Node) -> i64 {
    match unsafe { uts_children(node) } {
        0 => 1,
        children => 1 + some(node, 0, children),
    }
}

fn some(node: &Node, first: i32, count_of: i32) -> i64 {
    if count_of == 1 {
        let mut child = Node::unset();
        unsafe { uts_child(node, first, &mut child) }
        return count(&child);
    }
    let half = count_of / 2;
    let (a, b) = rayon::join(
        || some(node, first, half),
        || some(node, first + half, count_of - half),
    );
    a + b
}

fn main() {
    run("uts", |_| {
        let mut root = Node::unset();
        unsafe { uts_root(&mut root) }
        count(&root)
    })
}
