#define FJ_WORKLOAD "uts"
#include "omp_main.h"

static int64_t count(const struct uts_node *node);

static int64_t count_child(const struct uts_node *node, int number)
{
    struct uts_node child;
    uts_child(node, number, &child);
    return count(&child);
}

static int64_t count(const struct uts_node *node)
{
    int children = uts_children(node);
    if (children == 0)
        return 1;
    int64_t *nodes = __builtin_alloca((size_t)children * sizeof *nodes);
    int64_t all = 1;
    for (int i = 0; i < children - 1; i++) {
#pragma omp task
        nodes[i] = count_child(node, i);
    }
    nodes[children - 1] = count_child(node, children - 1);
#pragma omp taskwait
    for (int i = 0; i < children; i++)
        all += nodes[i];
    return all;
}

static int64_t work(int64_t size)
{
    struct uts_node root;
    (void)size;
    uts_root(&root);
    return count(&root);
}
