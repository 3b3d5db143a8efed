#define FJ_WORKLOAD "nqueens"
#include "seq_main.h"

static int n;

static int64_t solve(const struct queens *above, int row)
{
    if (row == n)
        return 1;
    int64_t solutions = 0;
    for (int column = 0; column < n; column++) {
        if (!queens_fit(above, row, column))
            continue;
        struct queens mine = queens_with(above, row, column);
        solutions += solve(&mine, row + 1);
    }
    return solutions;
}

static int64_t work(int64_t size)
{
    struct queens none = {{0}};
    n = (int)size;
    return solve(&none, 0);
}
