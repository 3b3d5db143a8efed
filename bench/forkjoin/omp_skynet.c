#define FJ_WORKLOAD "skynet"
#include "omp_main.h"

static int64_t node(int64_t first, int64_t leaves)
{
    if (leaves == 1)
        return first;
    int64_t each = leaves / SKYNET_CHILDREN, sum[SKYNET_CHILDREN], all = 0;
    for (int i = 0; i < SKYNET_CHILDREN - 1; i++) {
#pragma omp task shared(sum)
        sum[i] = node(first + i * each, each);
    }
    int last = SKYNET_CHILDREN - 1;
    sum[last] = node(first + last * each, each);
#pragma omp taskwait
    for (int i = 0; i < SKYNET_CHILDREN; i++)
        all += sum[i];
    return all;
}

static int64_t work(int64_t size)
{
    return node(0, size);
}
