/* What the machine gives this process. */
#ifndef MILLRACE_MACHINE_H
#define MILLRACE_MACHINE_H

#include <millrace/export.h>

MR_BEGIN_DECLS

/* How many threads can compute at the same time in this process: the CPUs of
 * the calling thread's affinity mask, but no more than the CPU quota of the
 * process's cgroup and of each cgroup above it, version 1 and 2, a fraction
 * counting as a whole CPU. At least 1; a quota that cannot be seen from here
 * (no /proc, a container's cut-off ancestors) does not count.
 *
 * A negative code where it could be seen but was not read for now: MR_ENOMEM,
 * MR_EMFILE, MR_ENFILE, or another error of the system. Reads /proc and /sys
 * at each call (some 100 microseconds); keep the result. Any thread. */
MR_API int mr_usable_cpus(void);

MR_END_DECLS

#endif
