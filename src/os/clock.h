/* The one clock: monotonic, in nanoseconds. Deadlines everywhere are absolute
 * points on it. Must not know: who waits. */
#ifndef MRI_OS_CLOCK_H
#define MRI_OS_CLOCK_H

#include <stdint.h>

/* A deadline that never comes. */
#define MRI_NEVER INT64_MAX

/* CLOCK_MONOTONIC now. Cannot fail on Linux. Any thread, any signal handler. */
int64_t mri_clock_now(void);

/* Block the calling thread until the deadline has passed. */
void mri_clock_sleep(int64_t deadline);

/* The same clock as of the kernel's last tick, up to 10 ms ago, at a fifth of
 * the price. */
int64_t mri_clock_coarse(void);

#endif
