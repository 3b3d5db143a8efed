package main

// What the Go programs share: harness.h and workloads.h through cgo. A call
// through cgo costs what hundreds of plain ones do, so only coarse leaves are
// the C ones; queens and the nodes of UTS (SHA-1 from Go's own library, in
// assembly too) are written again in Go.

// #include "harness.h"
// #include "workloads.h"
// #include <stdlib.h>
import "C"

import (
    "os"
    "runtime"
    "runtime/debug"
)

func run(workload string, work func(size int64) int64) {
    arguments := make([]*C.char, len(os.Args)+1)
    for i, a := range os.Args {
        arguments[i] = C.CString(a)
    }
    argv := C.malloc(C.size_t(len(arguments)) * 8)
    copy((*[1 << 20]*C.char)(argv)[:len(arguments)], arguments)
    C.fj_open(C.int(len(os.Args)), (**C.char)(argv), C.CString("Go"),
        C.CString(workload))
    runtime.GOMAXPROCS(int(C.fj_workers()))
    debug.SetMaxStack(int(C.fj_stack_size()))
    var size C.int64_t
    for C.fj_next(&size) != 0 {
        C.fj_done(C.int64_t(work(int64(size))))
    }
    os.Exit(int(C.fj_close()))
}
