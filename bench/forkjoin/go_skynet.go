package main

import "sync"

const children = 10

func node(first, leaves int64) int64 {
    if leaves == 1 {
        return first
    }
    each := leaves / children
    var sum [children]int64
    var group sync.WaitGroup
    group.Add(children - 1)
    for i := int64(0); i < children-1; i++ {
        go func(i int64) {
            sum[i] = node(first+i*each, each)
            group.Done()
        }(i)
    }
    all := node(first+(children-1)*each, each)
    group.Wait()
    for i := 0; i < children-1; i++ {
        all += sum[i]
    }
    return all
}

func main() {
    run("skynet", func(size int64) int64 { return node(0, size) })
}
