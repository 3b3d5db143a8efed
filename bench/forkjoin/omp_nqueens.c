#define FJ_WORKLOAD "nqueens"
#include "omp_main.h"

static int n;

static int64_t place(const struct queens *above, int row, int column);

static int64_t solve(const struct queens *q, int row)
{
    int64_t solutions[QUEENS_MOST], all = 0;
    int children = 0;
    if (row == n)
        return 1;
    for (int column = 0; column < n; column++) {
        if (!queens_fit(q, row, column))
            continue;
        int child = children++;
#pragma omp task shared(solutions)
        solutions[child] = place(q, row, column);
    }
#pragma omp taskwait
    for (int i = 0; i < children; i++)
        all += solutions[i];
    return all;
}

static int64_t place(const struct queens *above, int row, int column)
{
    struct queens mine = queens_with(above, row, column);
    return solve(&mine, row + 1);
}

static int64_t work(int64_t size)
{
    struct queens none = {{0}};
    n = (int)size;
    return solve(&none, 0);
}
