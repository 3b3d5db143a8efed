/* What CPUs this process can use: affinity, the quota of every ancestor
 * cgroup, and which CPUs share which cache.
 *
 * Affinity is the calling thread's, which the threads it starts inherit. It
 * contains what cpusets allow (os/cgroup.h) and no offline CPU: the kernel
 * leaves both out before it answers. It alone is believed about that; a
 * container's /sys may tell made-up numbers (lxcfs).
 *
 * Must not know: how many workers anybody starts.
 */
#ifndef MRI_OS_CPUS_H
#define MRI_OS_CPUS_H

#include "base/compiler.h"

#include <stdbool.h>

/* One usable CPU (in the affinity mask), and its place in the machine. A
 * field that the system does not tell is -1. */
typedef struct mri_cpu {
    int id;      /* the kernel's number */
    int core;    /* lowest CPU number among its hardware threads */
    int l2, l3;  /* lowest CPU number that shares that cache */
    int package; /* socket */
    int node;    /* NUMA node */
} mri_cpu;

typedef struct mri_cpus {
    int online;         /* CPUs of the machine that are online, or -1 */
    int affinity;       /* CPUs in the mask: length of cpu[] */
    int64_t quota_ppm;  /* tightest quota in millionths of a CPU; 0: none */
    int cgroup_version; /* where the tightest quota stands: 1, 2; 0: none */
    char *quota_path;   /* its directory; owned; NULL: none */
    int usable;         /* min(affinity, quota rounded up), at least 1 */
    mri_cpu *cpu;       /* sorted by id; owned */
} mri_cpus;

/* Where to read. Zero for the live machine. */
typedef struct mri_cpus_source {
    const char *root;     /* prefix of /proc and /sys; NULL or "": live */
    const uint64_t *mask; /* affinity instead of sched_getaffinity, or NULL */
    size_t mask_words;
} mri_cpus_source;

/* Read everything; source NULL: live. 0, or a negative code and *out needs no
 * close: MR_ENOMEM, MR_EMFILE, MR_ENFILE, MR_EIO or whatever else a read
 * failed with, or sched_getaffinity, without which nothing can be said. A
 * file that is missing, forbidden or malformed says nothing and is no error.
 * Some ten files per CPU, about 3 microseconds each. */
MRI_CHECKED int mri_cpus_open(mri_cpus *out, const mri_cpus_source *source);
void mri_cpus_close(mri_cpus *cpus);

/* `usable` alone, without the topology: at least 1, or a negative code as
 * above. */
MRI_CHECKED int mri_cpus_usable(const mri_cpus_source *source);

#endif
