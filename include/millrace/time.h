/* Time: one monotonic clock, nanoseconds, absolute deadlines. */
#ifndef MILLRACE_TIME_H
#define MILLRACE_TIME_H

#include <millrace/export.h>

#include <stdint.h>

MR_BEGIN_DECLS

#define MR_US INT64_C(1000)
#define MR_MS INT64_C(1000000)
#define MR_S INT64_C(1000000000)
/* The deadline that never comes. */
#define MR_NEVER INT64_MAX

/* CLOCK_MONOTONIC. Any thread, any signal handler. */
MR_API int64_t mr_now(void);

/* The deadline `ns` from now; MR_NEVER where that would overflow. */
MR_API int64_t mr_after(int64_t ns);

MR_END_DECLS

#endif
