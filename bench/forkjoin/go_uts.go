package main

import (
    "crypto/sha1"
    "encoding/binary"
    "math"
    "sync"
)

type uts struct {
    state [20]byte
    depth int
}

// The trees of workloads.c.
type tree struct {
    geometric                 bool
    seed, mostDepth, children int
    branching, chance         float64
}

var trees = map[int64]tree{
    0:  {true, 19, 5, 0, 4, 0},
    1:  {true, 19, 10, 0, 4, 0},
    11: {true, 29, 13, 0, 4, 0},
    3:  {false, 42, 0, 8, 2000, 0.124875},
    13: {false, 7, 0, 5, 2000, 0.200014},
}

var shape tree

func root() uts {
    var seed [20]byte
    binary.BigEndian.PutUint32(seed[16:], uint32(shape.seed))
    return uts{sha1.Sum(seed[:]), 0}
}

func (u *uts) child(number int) uts {
    var from [24]byte
    copy(from[:], u.state[:])
    binary.BigEndian.PutUint32(from[20:], uint32(number))
    return uts{sha1.Sum(from[:]), u.depth + 1}
}

func (u *uts) children() int {
    bits := binary.BigEndian.Uint32(u.state[16:]) & 0x7fffffff
    random := float64(bits) / 2147483648
    if !shape.geometric {
        if u.depth == 0 {
            return int(shape.branching)
        }
        if random < shape.chance {
            return shape.children
        }
        return 0
    }
    if u.depth >= shape.mostDepth {
        return 0
    }
    p := 1 / (1 + shape.branching)
    n := int(math.Floor(math.Log(1-random) / math.Log(1-p)))
    if n > 100 {
        return 100
    }
    return n
}

func count(u *uts) int64 {
    children := u.children()
    if children == 0 {
        return 1
    }
    nodes := make([]int64, children)
    var group sync.WaitGroup
    group.Add(children - 1)
    for i := 0; i < children-1; i++ {
        go func(i int) {
            child := u.child(i)
            nodes[i] = count(&child)
            group.Done()
        }(i)
    }
    last := u.child(children - 1)
    all := 1 + count(&last)
    group.Wait()
    for _, n := range nodes {
        all += n
    }
    return all
}

func main() {
    run("uts", func(size int64) int64 {
        shape = trees[size]
        top := root()
        return count(&top)
    })
}
