// Reads of a file by Go: `files_go WORKERS SIZE SPAN READS PATH`. Prints what one
// takes, in ns: processor time of the process and time that goes by. See
// files.h.
package main

import (
    "fmt"
    "os"
    "runtime"
    "strconv"
    "sync"
    "syscall"
    "time"
)

const firstSeed = 88172645463325252

func number(s string) int {
    n, err := strconv.Atoi(s)
    if err != nil {
        panic(err)
    }
    return n
}

func processor() int64 {
    var u syscall.Rusage
    if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
        panic(err)
    }
    return u.Utime.Nano() + u.Stime.Nano()
}

func reads(f *os.File, size, span, n int, seed uint64) {
    buf := make([]byte, size)
    for i := 0; i < n; i++ {
        seed ^= seed << 13
        seed ^= seed >> 7
        seed ^= seed << 17
        at := seed % uint64(span/size) * uint64(size)
        if _, err := f.ReadAt(buf, int64(at)); err != nil {
            panic(err)
        }
    }
}

func all(f *os.File, workers, size, span, n int) {
    var group sync.WaitGroup
    for i := 0; i < workers; i++ {
        seed := uint64(firstSeed + i)
        group.Add(1)
        go func() {
            reads(f, size, span, n/workers, seed)
            group.Done()
        }()
    }
    group.Wait()
}

func main() {
    workers, size := number(os.Args[1]), number(os.Args[2])
    span, n := number(os.Args[3]), number(os.Args[4])
    runtime.GOMAXPROCS(workers)
    f, err := os.Open(os.Args[5])
    if err != nil {
        panic(err)
    }
    all(f, workers, size, span, n/8)
    ran, begin := processor(), time.Now()
    all(f, workers, size, span, n)
    wall := time.Since(begin)
    fmt.Println(float64(processor()-ran)/float64(n),
        float64(wall.Nanoseconds())/float64(n))
}
