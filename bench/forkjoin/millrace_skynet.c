#define FJ_WORKLOAD "skynet"
#include "millrace_main.h"

struct part {
    int64_t first, leaves;
};

MR_FORKABLE(int64_t, node, struct part, p)
{
    if (p.leaves == 1)
        return p.first;
    int64_t each = p.leaves / SKYNET_CHILDREN;
    int last = SKYNET_CHILDREN - 1;
    MR_CHILDREN(node, child, SKYNET_CHILDREN - 1);
    for (int i = 0; i < last; i++)
        MR_SPAWN_AT(node, child, i, (struct part){p.first + i * each, each});
    int64_t all = MR_CALL(node, (struct part){p.first + last * each, each});
    for (int i = last; i-- > 0;)
        all += MR_AWAIT_AT(node, child, i);
    return all;
}

static int64_t work(int64_t size)
{
    return node((struct part){0, size});
}
