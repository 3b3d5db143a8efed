// Go's channels: see channel.h.
package main

import (
    "fmt"
    "os"
    "runtime"
    "strconv"
    "sync"
    "time"
)

const room = 128

func number(i int) int {
    n, err := strconv.Atoi(os.Args[i])
    if err != nil {
        panic(err)
    }
    return n
}

func trips(n int) {
    there, back := make(chan int64), make(chan int64)
    go func() {
        for item := range there {
            back <- item
        }
    }()
    for i := 0; i < n; i++ {
        there <- int64(i)
        <-back
    }
    close(there)
}

func streams(senders, receivers, n int) {
    c := make(chan int64, room)
    var all sync.WaitGroup
    all.Add(senders + receivers)
    for s := 0; s < senders; s++ {
        go func() {
            for i := 0; i < n/senders; i++ {
                c <- int64(i)
            }
            all.Done()
        }()
    }
    for r := 0; r < receivers; r++ {
        go func() {
            for i := 0; i < n/receivers; i++ {
                <-c
            }
            all.Done()
        }()
    }
    all.Wait()
}

func main() {
    senders, receivers, n := number(1), number(2), number(3)
    runtime.GOMAXPROCS(2)
    if senders == 0 {
        runtime.GOMAXPROCS(1)
    }
    begin := time.Now()
    if senders == 0 {
        trips(n)
    } else {
        streams(senders, receivers, n)
    }
    fmt.Println(float64(time.Since(begin).Nanoseconds()) / float64(n))
}
