/* What the machine gives this process. */
#ifndef MILLRACE_MACHINE_H
#define MILLRACE_MACHINE_H

#include <millrace/export.h>

MR_BEGIN_DECLS

/* How many threads can compute at the same time in this process: the CPUs of
 * its affinity mask, but no more than the CPU quota of its cgroup and of each
 * cgroup above it, version 1 and 2, a fraction counting as a whole CPU. At
 * least 1, also where nothing can be read. Reads /proc and /sys at each call
 * (some 100 microseconds); keep the result. Any thread. */
MR_API int mr_usable_cpus(void);

MR_END_DECLS

#endif
