/* The CPU quota that the cgroups above this process impose, version 1
 * (cpu.cfs_quota_us over cpu.cfs_period_us) and version 2 (cpu.max).
 *
 * A group's quota bounds everything below it, so each directory from the
 * process's own group up to the root of the mount is read and the tightest
 * counts. (go#73193: a runtime that read the own group only saw no limit
 * where the limit stood on the parent.)
 *
 * Not read, because the kernel applies it elsewhere already: cpuset. Attaching
 * a task to a cpuset, and changing one, rewrites the affinity mask of its
 * tasks, which sched_getaffinity then tells. Weights (cpu.shares, cpu.weight)
 * bound nothing while other groups are idle.
 *
 * Must not know: affinity, how many workers anybody starts.
 */
#ifndef MRI_OS_CGROUP_H
#define MRI_OS_CGROUP_H

#include "base/compiler.h"

typedef struct mri_quota {
    int64_t ppm; /* millionths of a CPU, rounded up; 0: no quota is visible */
    int version; /* of the cgroup it stands in: 1, 2; 0: none */
    char *path;  /* that cgroup's directory; owned; NULL: none */
} mri_quota;

/* Below `root` ("" or NULL: live). 0, or the code of a read that failed (not
 * of a file that says nothing, os/textfile.h), and *out is empty then. */
MRI_CHECKED int mri_quota_open(mri_quota *out, const char *root);
void mri_quota_close(mri_quota *quota);

#endif
