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

/* The deadline `ns` from now; MR_NEVER where that would overflow. Any thread,
 * any signal handler. */
MR_API int64_t mr_after(int64_t ns);

/* Park the task until the deadline (of mr_now()) has passed, or for `ns`
 * nanoseconds; what has passed already is a mr_yield. 0; or MR_ECANCELED,
 * early, where the task's scope is cut short (millrace/scope.h): a point of
 * cancellation, also where there is nothing to wait for. With MR_NEVER
 * it has no end of its own. Outside a task the calling thread sleeps; a worker
 * never does. MR_EPERM in a child of fork() that came from a task. */
MR_API int64_t mr_sleep_until(int64_t deadline);
MR_API int64_t mr_sleep(int64_t ns);

/* Every `period` nanoseconds, without drift: the points in time are where they
 * were from the beginning, however late somebody comes. The caller's storage;
 * may be read. */
typedef struct mr_interval {
    int64_t next; /* when it is over for the next time */
    int64_t period;
} mr_interval;

/* The first one is over `period` from now. 0, or MR_EINVAL for a period that
 * is not positive. Any thread. */
MR_API int mr_interval_open(mr_interval *interval, int64_t period);

/* Sleep as mr_sleep_until until `next`. How many periods were over since the
 * last call: 1, or more where the caller came later than the next one; or what
 * mr_sleep_until returned, and nothing has changed. One at a time. */
MR_API int64_t mr_interval_wait(mr_interval *interval);

MR_END_DECLS

#endif
