/* The monotonic clock. */
#include "os/clock.h"

#include <errno.h>
#include <time.h>

int64_t mri_clock_now(void)
{
    struct timespec now;
    /* Answered by the vDSO; fails only for an unknown clock or bad address. */
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void mri_clock_sleep(int64_t deadline)
{
    if (deadline < 0)
        deadline = 0;
    struct timespec until = {deadline / 1000000000, deadline % 1000000000};
    /* Comes back early for nothing but a signal. */
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) ==
           EINTR)
        continue;
}

int64_t mri_clock_coarse(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now); /* likewise */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
