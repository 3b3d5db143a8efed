/* How long a stress test goes on: a fraction of a second every day,
 * STRESS_SECONDS when somebody wants to be sure. */
#ifndef TESTS_SUPPORT_STRESS_H
#define TESTS_SUPPORT_STRESS_H

#include "os/clock.h"

#include <stdlib.h>
#include <unistd.h>

/* The point on the clock at which to stop. */
static inline int64_t stress_end(void)
{
    const char *env = getenv("STRESS_SECONDS");
    double seconds = env ? atof(env) : 0.4;
    return mri_clock_now() + (int64_t)(seconds * 1e9);
}

/* Four times more threads than CPUs, at most `most`. */
static inline int stress_crowd(int most)
{
    long crowd = 4 * sysconf(_SC_NPROCESSORS_ONLN);
    return crowd < most ? (int)crowd : most;
}

#endif
