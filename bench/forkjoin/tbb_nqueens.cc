#define FJ_WORKLOAD "nqueens"
#include "tbb_main.hh"

static int n;

static int64_t solve(const struct queens &q, int row)
{
    if (row == n)
        return 1;
    int64_t solutions[QUEENS_MOST], all = 0;
    int placed = 0;
    tbb::task_group children;
    for (int column = 0; column < n; column++) {
        if (!queens_fit(&q, row, column))
            continue;
        int child = placed++;
        children.run([=, &q, &solutions] {
            struct queens mine = queens_with(&q, row, column);
            solutions[child] = solve(mine, row + 1);
        });
    }
    children.wait();
    for (int i = 0; i < placed; i++)
        all += solutions[i];
    return all;
}

static int64_t work(int64_t size)
{
    struct queens none = {};
    n = static_cast<int>(size);
    return solve(none, 0);
}
