package main

import "sync"

type queens struct {
    column [16]int8
}

func (q *queens) fit(row, column int) bool {
    for i := 0; i < row; i++ {
        apart := int(q.column[i]) - column
        if apart == 0 || apart == row-i || apart == i-row {
            return false
        }
    }
    return true
}

func solve(q queens, row, n int) int64 {
    if row == n {
        return 1
    }
    var solutions [16]int64
    var group sync.WaitGroup
    placed := 0
    for column := 0; column < n; column++ {
        if !q.fit(row, column) {
            continue
        }
        mine := q
        mine.column[row] = int8(column)
        group.Add(1)
        go func(child int) {
            solutions[child] = solve(mine, row+1, n)
            group.Done()
        }(placed)
        placed++
    }
    group.Wait()
    all := int64(0)
    for _, s := range solutions[:placed] {
        all += s
    }
    return all
}

func main() {
    run("nqueens", func(size int64) int64 {
        return solve(queens{}, 0, int(size))
    })
}
