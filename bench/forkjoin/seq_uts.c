#define FJ_WORKLOAD "uts"
#include "seq_main.h"

static int64_t count(const struct uts_node *node)
{
    int children = uts_children(node);
    int64_t nodes = 1;
    for (int i = 0; i < children; i++) {
        struct uts_node child;
        uts_child(node, i, &child);
        nodes += count(&child);
    }
    return nodes;
}

static int64_t work(int64_t size)
{
    struct uts_node root;
    (void)size;
    uts_root(&root);
    return count(&root);
}
