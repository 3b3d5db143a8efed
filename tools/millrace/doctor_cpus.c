/* CPUs that can be used, and how they are connected. */
#include "doctor.h"
#include "os/cpus.h"

#include <millrace.h>
#include <stdlib.h>

#define MILLION 1e6

/* "0-3,8" */
static json_t *ids_of(const mri_cpus *cpus)
{
    json_t *ids = json_string("");
    for (int i = 0, last; ids && i < cpus->affinity; i = last + 1) {
        for (last = i; last + 1 < cpus->affinity; last++)
            if (cpus->cpu[last + 1].id != cpus->cpu[last].id + 1)
                break;
        json_t *more = json_sprintf("%s%s%d", json_string_value(ids),
                                    i ? "," : "", cpus->cpu[i].id);
        if (more && last > i) {
            json_t *head = more;
            more = json_sprintf("%s-%d", json_string_value(head),
                                cpus->cpu[last].id);
            json_decref(head);
        }
        json_decref(ids);
        ids = more;
    }
    return ids;
}

static void add_mask(report *r, const mri_cpus *cpus)
{
    json_t *ids = ids_of(cpus);
    if (cpus->online < 0)
        report_item(r, "online", NULL, "not told");
    else
        report_item(r, "online", json_integer(cpus->online), "%d",
                    cpus->online);
    report_item(r, "mask", json_integer(cpus->affinity), "%d (%s)",
                cpus->affinity, ids ? json_string_value(ids) : "");
    json_decref(ids);
    if (cpus->online > cpus->affinity)
        report_means(r,
                     "Affinity or a cpuset leaves %d of the CPUs that are "
                     "online to others.",
                     cpus->online - cpus->affinity);
    else
        report_means(r, "Neither affinity nor a cpuset takes a CPU away.");
}

static void add_quota(report *r, const mri_cpus *cpus)
{
    double quota = (double)cpus->quota_ppm / MILLION;
    if (cpus->quota_ppm == 0) {
        report_item(r, "quota", NULL, "none");
        report_means(r, "No cgroup that can be seen from here limits CPU "
                        "time.");
        return;
    }
    report_item(r, "quota", json_real(quota), "%.6g CPUs", quota);
    if (quota >= cpus->affinity) {
        report_means(r, "No less than the mask: it is never reached.");
    } else {
        report_means(r,
                     "Less than the %d CPUs of the mask: the kernel will "
                     "throttle. Once the threads of this cgroup have used %.6g "
                     "CPUs' worth of a period (usually 100 ms), all of them "
                     "stand still for the rest of it.",
                     cpus->affinity, quota);
        if (cpus->usable > quota)
            report_means(r,
                         "%d busy worker%s will meet it; latencies of tens of "
                         "milliseconds then come from here.",
                         cpus->usable, cpus->usable > 1 ? "s" : "");
        report_degraded(r);
    }
    report_item(r, "quota_at", json_string(cpus->quota_path), "%s (v%d)",
                cpus->quota_path, cpus->cgroup_version);
    report_means(r, "The tightest of this process's cgroup and all above it.");
}

static void add_usable(report *r, const mri_cpus *cpus)
{
    report_item(r, "usable", json_integer(cpus->usable), "%d", cpus->usable);
    if (cpus->usable == 1)
        report_means(r, "One worker by default: tasks take turns, nothing runs "
                        "at the same time.");
    else
        report_means(r, "Workers by default: the mask, or the quota rounded "
                        "up where that is less.");
}

/* Which field of a CPU tells its group. */
typedef int (*group_of)(const mri_cpu *cpu);

static int core_of(const mri_cpu *cpu)
{
    return cpu->core;
}

static int l2_of(const mri_cpu *cpu)
{
    return cpu->l2;
}

static int l3_of(const mri_cpu *cpu)
{
    return cpu->l3;
}

static int package_of(const mri_cpu *cpu)
{
    return cpu->package;
}

static int node_of(const mri_cpu *cpu)
{
    return cpu->node;
}

static int by_number(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* How many different groups; 0: not told of some CPU; negative: no memory. */
static int count_groups(const mri_cpus *cpus, group_of group)
{
    int count = 0, n = cpus->affinity;
    int *numbers = malloc(((size_t)n + 1) * sizeof *numbers);
    if (!numbers)
        return MR_ENOMEM;
    for (int i = 0; i < n; i++)
        numbers[i] = group(&cpus->cpu[i]);
    qsort(numbers, (size_t)n, sizeof *numbers, by_number);
    for (int i = 0; i < n; i++)
        count += i == 0 || numbers[i] != numbers[i - 1];
    if (n > 0 && numbers[0] < 0)
        count = 0;
    free(numbers);
    return count;
}

static const struct kind {
    const char *key, *one;
    group_of group;
    const char *single, *several; /* what it means */
} kinds[] = {
    {"cores", "core", core_of, NULL, NULL},
    {"l2", "group", l2_of, "All usable CPUs share one second-level cache.",
     "CPUs that share a second-level cache exchange work cheapest."},
    {"l3", "group", l3_of,
     "All usable CPUs share one third-level cache: stolen work finds its data "
     "there.",
     "Stolen work that crosses a group fetches its data from farther away."},
    {"packages", "socket", package_of, "One socket.",
     "What crosses sockets costs several times what stays in one."},
    {"nodes", "node", node_of, "All memory is equally near.",
     "Memory of another node is slower: pages belong to the node whose CPU "
     "touched them first."},
};

static void explain(report *r, const struct kind *kind, int count, int cpus)
{
    if (kind->single)
        report_means(r, "%s", count == 1 ? kind->single : kind->several);
    else if (count < cpus)
        report_means(r,
                     "%d CPUs are hardware threads of %d cores: two on one "
                     "core share its units and do clearly less than twice "
                     "the work of one.",
                     cpus, count);
    else
        report_means(r, "One usable CPU on each: no two workers share the "
                        "units of a core.");
}

static void add_groups(report *r, const mri_cpus *cpus, const struct kind *kind)
{
    int count = count_groups(cpus, kind->group);
    if (count < 0) {
        report_failed(r, kind->key, count);
    } else if (count == 0) {
        report_item(r, kind->key, NULL, "not told");
    } else {
        report_item(r, kind->key, json_integer(count), "%d %s%s", count,
                    kind->one, count > 1 ? "s" : "");
        explain(r, kind, count, cpus->affinity);
    }
}

void doctor_cpus(report *r)
{
    mri_cpus cpus;
    int rc = mri_cpus_open(&cpus, NULL);
    report_section(r, "cpus");
    if (rc < 0) {
        report_failed(r, "usable", rc);
        return;
    }
    add_mask(r, &cpus);
    add_quota(r, &cpus);
    add_usable(r, &cpus);
    report_section(r, "topology");
    for (size_t i = 0; i < MRI_ARRAY_LEN(kinds); i++)
        add_groups(r, &cpus, &kinds[i]);
    mri_cpus_close(&cpus);
}
