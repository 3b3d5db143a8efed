#define FJ_WORKLOAD "uts"
#include "tbb_main.hh"

static int64_t count(const struct uts_node &node);

static int64_t count_child(const struct uts_node &node, int number)
{
    struct uts_node child;
    uts_child(&node, number, &child);
    return count(child);
}

static int64_t count(const struct uts_node &node)
{
    int children = uts_children(&node);
    if (children == 0)
        return 1;
    auto *nodes = static_cast<int64_t *>(
        __builtin_alloca(static_cast<size_t>(children) * sizeof(int64_t)));
    int64_t all = 1;
    tbb::task_group group;
    for (int i = 0; i < children - 1; i++)
        group.run([=, &node] { nodes[i] = count_child(node, i); });
    nodes[children - 1] = count_child(node, children - 1);
    group.wait();
    for (int i = 0; i < children; i++)
        all += nodes[i];
    return all;
}

static int64_t work(int64_t)
{
    struct uts_node root;
    uts_root(&root);
    return count(root);
}
