/* Reading /sys/devices/system/{cpu,node}. */
#include "os/topology.h"

#include "os/textfile.h"

#define CPU_DIR "/sys/devices/system/cpu"
#define NODE_DIR "/sys/devices/system/node"

/* No machine has this many kinds of cache on one CPU; sysfs numbers them
 * without gaps, and a broken one must not keep us reading. */
#define MAX_CACHES 16

/* MAX_NUMNODES of any kernel; the same for nodes. */
#define MAX_NODES 1024

/* The lowest number of a list that must contain `member`, else -1: a list
 * that says otherwise is not to be believed. */
static int lowest_with(const char *list, int member)
{
    int64_t first, last, lowest = INT64_MAX;
    bool member_seen = false;
    while (mri_text_range(&list, &first, &last)) {
        lowest = first < lowest ? first : lowest;
        member_seen |= first <= member && member <= last;
    }
    return list && member_seen ? (int)lowest : -1;
}

/* core_cpus_list since Linux 5.3, and before by its older name. */
static int read_core(mri_text *text, mri_cpu *cpu)
{
    int rc =
        mri_text_read(text, CPU_DIR "/cpu%d/topology/core_cpus_list", cpu->id);
    if (rc == 0)
        rc = mri_text_read(text, CPU_DIR "/cpu%d/topology/thread_siblings_list",
                           cpu->id);
    if (rc > 0)
        cpu->core = lowest_with(text->data, cpu->id);
    return rc;
}

static int read_package(mri_text *text, mri_cpu *cpu)
{
    int64_t id;
    int rc = mri_text_read(text, CPU_DIR "/cpu%d/topology/physical_package_id",
                           cpu->id);
    if (rc > 0 && mri_text_number(text->data, &id) && id <= INT32_MAX)
        cpu->package = (int)id;
    return rc;
}

/* 1: there is an index of this number; 0: there is none. */
static int read_cache(mri_text *text, mri_cpu *cpu, int index)
{
    int64_t level;
    int rc = mri_text_read(text, CPU_DIR "/cpu%d/cache/index%d/level", cpu->id,
                           index);
    if (rc <= 0)
        return rc;
    if (!mri_text_number(text->data, &level) || level < 2 || level > 3)
        return 1;
    rc = mri_text_read(text, CPU_DIR "/cpu%d/cache/index%d/type", cpu->id,
                       index);
    if (rc < 0 || (rc > 0 && text->data[0] == 'I')) /* Instruction */
        return rc;
    rc = mri_text_read(text, CPU_DIR "/cpu%d/cache/index%d/shared_cpu_list",
                       cpu->id, index);
    if (rc > 0)
        *(level == 2 ? &cpu->l2 : &cpu->l3) = lowest_with(text->data, cpu->id);
    return rc < 0 ? rc : 1;
}

static int read_cpu(mri_text *text, mri_cpu *cpu)
{
    int rc = read_core(text, cpu);
    if (rc < 0 || (rc = read_package(text, cpu)) < 0)
        return rc;
    for (int index = 0; index < MAX_CACHES; index++) {
        rc = read_cache(text, cpu, index);
        if (rc <= 0)
            return rc;
    }
    return 0;
}

static void mark_node(mri_cpu *cpu, int count, const char *list, int node)
{
    int64_t first, last;
    while (mri_text_range(&list, &first, &last))
        for (int i = 0; i < count; i++)
            if (first <= cpu[i].id && cpu[i].id <= last)
                cpu[i].node = node;
}

static int read_nodes(mri_text *text, mri_cpu *cpu, int count, const char *root)
{
    mri_text online;
    mri_text_open(&online, root);
    int rc = mri_text_read(&online, NODE_DIR "/online");
    const char *list = rc > 0 ? online.data : "";
    int64_t first, last;
    while (rc >= 0 && mri_text_range(&list, &first, &last)) {
        for (int node = (int)first; rc >= 0 && node <= last && node < MAX_NODES;
             node++) {
            rc = mri_text_read(text, NODE_DIR "/node%d/cpulist", node);
            if (rc > 0)
                mark_node(cpu, count, text->data, node);
        }
    }
    mri_text_close(&online);
    return rc < 0 ? rc : 0;
}

static int read_online(mri_text *text, int *online)
{
    int64_t first, last, sum = 0;
    int rc = mri_text_read(text, CPU_DIR "/online");
    if (rc <= 0)
        return rc;
    const char *list = text->data;
    while (mri_text_range(&list, &first, &last))
        sum += last - first + 1;
    if (list && sum > 0 && sum <= INT32_MAX)
        *online = (int)sum;
    return 0;
}

int mri_topology_read(mri_cpu *cpu, int count, int *online, const char *root)
{
    mri_text text;
    mri_text_open(&text, root);
    *online = -1;
    int rc = read_online(&text, online);
    for (int i = 0; i < count; i++)
        cpu[i].core = cpu[i].l2 = cpu[i].l3 = cpu[i].package = cpu[i].node = -1;
    for (int i = 0; rc >= 0 && i < count; i++)
        rc = read_cpu(&text, &cpu[i]);
    if (rc >= 0)
        rc = read_nodes(&text, cpu, count, root);
    mri_text_close(&text);
    return rc;
}
