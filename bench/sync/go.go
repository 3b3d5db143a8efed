// A mutex for which many contend, by Go: `sync_go WORKERS TASKS N WITH WITHOUT`.
// Prints the ns that go by for each time that it was taken. See millrace.c.
package main

import (
    "fmt"
    "os"
    "runtime"
    "strconv"
    "sync"
    "time"
)

func number(s string) int {
    n, err := strconv.Atoi(s)
    if err != nil {
        panic(err)
    }
    return n
}

func compute(seed uint64, steps int) uint64 {
    for i := 0; i < steps; i++ {
        seed ^= seed << 13
        seed ^= seed >> 7
        seed ^= seed << 17
    }
    return seed
}

func main() {
    workers, tasks := number(os.Args[1]), number(os.Args[2])
    n, with, without := number(os.Args[3]), number(os.Args[4]), number(os.Args[5])
    runtime.GOMAXPROCS(workers)
    var mutex sync.Mutex
    var all sync.WaitGroup
    shared, kept := uint64(1), make([]uint64, tasks)
    begun := time.Now()
    for t := 0; t < tasks; t++ {
        all.Add(1)
        go func(t int) {
            own := uint64(88172645463325252)
            for i := 0; i < n/tasks; i++ {
                mutex.Lock()
                shared = compute(shared, with)
                mutex.Unlock()
                own = compute(own, without)
            }
            kept[t] = own
            all.Done()
        }(t)
    }
    all.Wait()
    fmt.Println(float64(time.Since(begun).Nanoseconds()) / float64(n))
}
