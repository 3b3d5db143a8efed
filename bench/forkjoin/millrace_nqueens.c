#define FJ_WORKLOAD "nqueens"
#include "millrace_main.h"

static int n;

/* One more queen than `above` has. */
struct placement {
    const struct queens *above;
    int row, column;
};

MR_DECLARE_FORKABLE(int64_t, place, struct placement)

MR_FORKABLE(int64_t, solve, struct placement, p)
{
    int64_t all = 0;
    int children = 0;
    if (p.row == n)
        return 1;
    MR_CHILDREN(place, child, QUEENS_MOST);
    for (int column = 0; column < n; column++)
        if (queens_fit(p.above, p.row, column)) {
            struct placement next = {p.above, p.row, column};
            MR_SPAWN_AT(place, child, children, next);
            children++;
        }
    while (children > 0) {
        children--;
        all += MR_AWAIT_AT(place, child, children);
    }
    return all;
}

MR_DEFINE_FORKABLE(int64_t, place, struct placement, p)
{
    struct queens mine = queens_with(p.above, p.row, p.column);
    return MR_CALL(solve, (struct placement){&mine, p.row + 1, 0});
}

static int64_t work(int64_t size)
{
    struct queens none = {{0}};
    n = (int)size;
    return solve((struct placement){&none, 0, 0});
}
