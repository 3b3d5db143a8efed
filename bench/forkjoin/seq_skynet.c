#define FJ_WORKLOAD "skynet"
#include "seq_main.h"

static int64_t node(int64_t first, int64_t leaves)
{
    if (leaves == 1)
        return first;
    int64_t each = leaves / SKYNET_CHILDREN, sum = 0;
    for (int i = 0; i < SKYNET_CHILDREN; i++)
        sum += node(first + i * each, each);
    return sum;
}

static int64_t work(int64_t size)
{
    return node(0, size);
}
