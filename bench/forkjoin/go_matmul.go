package main

// #include "workloads.h"
import "C"

import (
    "sync"
    "unsafe"
)

var stride int64

type block struct {
    c, a, b unsafe.Pointer
}

func (m block) moved(c, a, b int64) block {
    return block{unsafe.Add(m.c, 4*c), unsafe.Add(m.a, 4*a),
        unsafe.Add(m.b, 4*b)}
}

func multiply(m block, n int64) {
    if n == C.MATMUL_LEAF {
        C.matmul_leaf((*C.float)(m.c), (*C.float)(m.a), (*C.float)(m.b),
            C.int64_t(stride))
        return
    }
    half := n / 2
    down := half * stride
    for k := int64(0); k < 2; k++ {
        m := m.moved(0, k*half, k*down)
        var group sync.WaitGroup
        group.Add(3)
        fork := func(m block) {
            multiply(m, half)
            group.Done()
        }
        go fork(m)
        go fork(m.moved(half, 0, half))
        go fork(m.moved(down, down, 0))
        multiply(m.moved(down+half, down, half), half)
        group.Wait()
    }
}

func main() {
    run("matmul", func(size int64) int64 {
        m := &C.matmul_input
        stride = size
        multiply(block{unsafe.Pointer(m.c), unsafe.Pointer(m.a),
            unsafe.Pointer(m.b)}, size)
        return size
    })
}
