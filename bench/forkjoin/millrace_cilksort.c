#define FJ_WORKLOAD "cilksort"
#include "millrace_main.h"

struct runs {
    const int32_t *x, *y;
    int64_t nx, ny;
    int32_t *to;
};

/* The result says nothing: tasks return something. */
MR_FORKABLE(int64_t, merge, struct runs, r)
{
    if (r.nx < r.ny)
        r = (struct runs){r.y, r.x, r.ny, r.nx, r.to};
    if (r.nx + r.ny <= SORT_LEAF) {
        merge_leaf(r.x, r.nx, r.y, r.ny, r.to);
        return 0;
    }
    int64_t i = r.nx / 2, j = merge_split(r.y, r.ny, r.x[i]);
    struct runs lower = {r.x, r.y, i, j, r.to};
    struct runs upper = {r.x + i, r.y + j, r.nx - i, r.ny - j, r.to + i + j};
    MR_CHILD(merge, child);
    MR_SPAWN(merge, child, lower);
    MR_CALL(merge, upper);
    MR_AWAIT(merge, child);
    return 0;
}

struct part {
    int32_t *items, *scratch;
    int64_t n;
};

static struct part part_of(struct part p, int64_t from, int64_t n)
{
    return (struct part){p.items + from, p.scratch + from, n};
}

MR_FORKABLE(int64_t, sort, struct part, p)
{
    if (p.n <= SORT_LEAF) {
        sort_leaf(p.items, p.n);
        return 0;
    }
    int64_t part = p.n / 4, half = 2 * part, last = p.n - 3 * part;
    int32_t *items = p.items, *scratch = p.scratch;
    MR_CHILDREN(sort, quarter, 3);
    MR_CHILD(merge, first);
    for (int i = 0; i < 3; i++)
        MR_SPAWN_AT(sort, quarter, i, part_of(p, i * part, part));
    MR_CALL(sort, part_of(p, 3 * part, last));
    for (int i = 3; i-- > 0;)
        MR_AWAIT_AT(sort, quarter, i);
    struct runs lower = {items, items + part, part, part, scratch};
    struct runs upper = {items + half, items + half + part, part, last,
                         scratch + half};
    struct runs both = {scratch, scratch + half, half, p.n - half, items};
    MR_SPAWN(merge, first, lower);
    MR_CALL(merge, upper);
    MR_AWAIT(merge, first);
    return MR_CALL(merge, both);
}

static int64_t work(int64_t size)
{
    sort((struct part){sort_input.items, sort_input.scratch, size});
    return size;
}
