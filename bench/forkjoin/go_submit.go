package main

import (
    "runtime"
    "sync/atomic"
)

// Every goroutine is handed in by a goroutine: there is no outside. The one
// that hands in here keeps its thread to itself.
func main() {
    run("submit", func(size int64) int64 {
        runtime.LockOSThread()
        defer runtime.UnlockOSThread()
        var ran int64
        for i := int64(0); i < size; i++ {
            go func() { atomic.AddInt64(&ran, 1) }()
        }
        for atomic.LoadInt64(&ran) < size {
            runtime.Gosched()
        }
        return ran
    })
}
