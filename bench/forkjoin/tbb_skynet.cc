#define FJ_WORKLOAD "skynet"
#include "tbb_main.hh"

static int64_t node(int64_t first, int64_t leaves)
{
    if (leaves == 1)
        return first;
    int64_t each = leaves / SKYNET_CHILDREN, sum[SKYNET_CHILDREN], all = 0;
    tbb::task_group children;
    for (int i = 0; i < SKYNET_CHILDREN - 1; i++)
        children.run([=, &sum] { sum[i] = node(first + i * each, each); });
    int last = SKYNET_CHILDREN - 1;
    sum[last] = node(first + last * each, each);
    children.wait();
    for (int64_t s : sum)
        all += s;
    return all;
}

static int64_t work(int64_t size)
{
    return node(0, size);
}
