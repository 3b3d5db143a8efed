#define FJ_PEER "millrace_generic"
#define FJ_WORKLOAD "skynet"
#include "millrace_main.h"

struct part {
    int64_t first, leaves;
};

static int64_t node(void *arg)
{
    struct part p = *(struct part *)arg, part[SKYNET_CHILDREN];
    mr_task child[SKYNET_CHILDREN];
    if (p.leaves == 1)
        return p.first;
    int64_t each = p.leaves / SKYNET_CHILDREN;
    int last = SKYNET_CHILDREN - 1;
    for (int i = 0; i < SKYNET_CHILDREN; i++)
        part[i] = (struct part){p.first + i * each, each};
    for (int i = 0; i < last; i++)
        mr_spawn(&child[i], node, &part[i]);
    int64_t all = node(&part[last]);
    for (int i = last; i-- > 0;)
        all += mr_await(&child[i]);
    return all;
}

static int64_t work(int64_t size)
{
    struct part all = {0, size};
    return node(&all);
}
