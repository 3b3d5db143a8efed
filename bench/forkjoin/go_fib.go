package main

import "sync"

func fib(n int64) int64 {
    if n < 2 {
        return n
    }
    var a int64
    var child sync.WaitGroup
    child.Add(1)
    go func() {
        a = fib(n - 1)
        child.Done()
    }()
    b := fib(n - 2)
    child.Wait()
    return a + b
}

func main() {
    run("fib", fib)
}
