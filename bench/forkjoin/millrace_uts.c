#define FJ_WORKLOAD "uts"
#include "millrace_main.h"

struct origin {
    const struct uts_node *parent;
    int64_t number;
};

MR_DECLARE_FORKABLE(int64_t, count_child, struct origin)

MR_FORKABLE(int64_t, count, const struct uts_node *, node)
{
    int children = uts_children(node);
    if (children == 0)
        return 1;
    MR_CHILDREN(count_child, child, children);
    int last = children - 1;
    for (int i = 0; i < last; i++)
        MR_SPAWN_AT(count_child, child, i, (struct origin){node, i});
    int64_t all = 1 + MR_CALL(count_child, (struct origin){node, last});
    for (int i = last; i-- > 0;)
        all += MR_AWAIT_AT(count_child, child, i);
    return all;
}

MR_DEFINE_FORKABLE(int64_t, count_child, struct origin, o)
{
    struct uts_node child;
    uts_child(o.parent, (int)o.number, &child);
    return MR_CALL(count, &child);
}

static int64_t work(int64_t size)
{
    struct uts_node tree;
    (void)size;
    uts_root(&tree);
    return count(&tree);
}
