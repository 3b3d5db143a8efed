#define FJ_WORKLOAD "cilksort"
#include "seq_main.h"

static void merge(const int32_t *x, int64_t nx, const int32_t *y, int64_t ny,
                  int32_t *to)
{
    if (nx < ny) {
        merge(y, ny, x, nx, to);
        return;
    }
    if (nx + ny <= SORT_LEAF) {
        merge_leaf(x, nx, y, ny, to);
        return;
    }
    int64_t i = nx / 2, j = merge_split(y, ny, x[i]);
    merge(x, i, y, j, to);
    merge(x + i, nx - i, y + j, ny - j, to + i + j);
}

static void sort(int32_t *items, int32_t *scratch, int64_t n)
{
    if (n <= SORT_LEAF) {
        sort_leaf(items, n);
        return;
    }
    int64_t part = n / 4, half = 2 * part, last = n - 3 * part;
    for (int i = 0; i < 3; i++)
        sort(items + i * part, scratch + i * part, part);
    sort(items + 3 * part, scratch + 3 * part, last);
    merge(items, part, items + part, part, scratch);
    merge(items + half, part, items + half + part, last, scratch + half);
    merge(scratch, half, scratch + half, n - half, items);
}

static int64_t work(int64_t size)
{
    sort(sort_input.items, sort_input.scratch, size);
    return size;
}
