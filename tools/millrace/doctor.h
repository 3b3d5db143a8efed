/* The sections of `millrace doctor`, one file each. A section adds items to
 * the report; what it cannot look at it reports as failed, and goes on. */
#ifndef MILLRACE_DOCTOR_H
#define MILLRACE_DOCTOR_H

#include "report.h"

void doctor_cpus(report *r);     /* sections "cpus" and "topology" */
void doctor_sync(report *r);     /* "sync": barrier, fence, futex */
void doctor_memory(report *r);   /* "memory": pages and guards */
void doctor_fiber(report *r);    /* "fiber" */
void doctor_versions(report *r); /* "versions" */

/* Run-time versions, each in the only file that includes its header. NULL:
 * not told. Static storage. */
const char *version_of_libuv(void);
const char *version_of_jemalloc(void);

#endif
