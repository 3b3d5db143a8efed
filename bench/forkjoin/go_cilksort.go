package main

// #include "workloads.h"
import "C"

import (
    "sync"
    "unsafe"
)

const leaf = C.SORT_LEAF

func at(items []int32) *C.int32_t {
    if len(items) == 0 {
        return nil
    }
    return (*C.int32_t)(unsafe.Pointer(&items[0]))
}

func size(items []int32) C.int64_t {
    return C.int64_t(len(items))
}

func merge(x, y, to []int32) {
    if len(x) < len(y) {
        x, y = y, x
    }
    if len(to) <= leaf {
        C.merge_leaf(at(x), size(x), at(y), size(y), at(to))
        return
    }
    i := len(x) / 2
    j := int(C.merge_split(at(y), size(y), C.int32_t(x[i])))
    both(func() { merge(x[:i], y[:j], to[:i+j]) },
        func() { merge(x[i:], y[j:], to[i+j:]) })
}

func both(a, b func()) {
    var child sync.WaitGroup
    child.Add(1)
    go func() {
        a()
        child.Done()
    }()
    b()
    child.Wait()
}

func sort(items, scratch []int32) {
    n := len(items)
    if n <= leaf {
        C.sort_leaf(at(items), size(items))
        return
    }
    part := n / 4
    half := 2 * part
    var group sync.WaitGroup
    group.Add(3)
    for i := 0; i < 3; i++ {
        go func(from, to int) {
            sort(items[from:to], scratch[from:to])
            group.Done()
        }(i*part, (i+1)*part)
    }
    sort(items[3*part:], scratch[3*part:])
    group.Wait()
    both(func() { merge(items[:part], items[part:half], scratch[:half]) },
        func() {
            merge(items[half:half+part], items[half+part:], scratch[half:])
        })
    merge(scratch[:half], scratch[half:], items)
}

func main() {
    run("cilksort", func(n int64) int64 {
        in := &C.sort_input
        items := unsafe.Slice((*int32)(unsafe.Pointer(in.items)), n)
        scratch := unsafe.Slice((*int32)(unsafe.Pointer(in.scratch)), n)
        sort(items, scratch)
        return n
    })
}
