package main

import (
    "runtime"
    "sync/atomic"
)

func main() {
    run("resubmit", func(size int64) int64 {
        var ran int64
        go func() {
            for i := int64(0); i < size; i++ {
                go func() { atomic.AddInt64(&ran, 1) }()
            }
        }()
        for atomic.LoadInt64(&ran) < size {
            runtime.Gosched()
        }
        return ran
    })
}
