/* millrace/time.h. */
#include <millrace/time.h>

#include "sched/runtime.h"
#include "task/cancel.h"
#include <millrace/error.h>

int64_t mr_now(void)
{
    return mri_clock_now();
}

int64_t mr_after(int64_t ns)
{
    int64_t now = mri_clock_now();
    return ns > MR_NEVER - now ? MR_NEVER : now + ns;
}

static int64_t sleep_in_task(mri_strand *s, int64_t deadline)
{
    if (!mri_runtime_is_here(s->worker->runtime))
        return MR_EPERM;
    if (deadline <= mri_clock_now()) {
        mri_strand_yield(s);
        return mri_cancelable_pass(s);
    }
    mri_strand_waits_for(s, "a time");
    int rc = mri_cancelable_wait(s, mri_park_begin(&s->park), deadline);
    return rc == MR_ETIMEDOUT ? 0 : rc;
}

int64_t mr_sleep_until(int64_t deadline)
{
    mri_strand *s = mri_strand_self();
    if (s)
        return sleep_in_task(s, deadline);
    mri_clock_sleep(deadline);
    return 0;
}

int64_t mr_sleep(int64_t ns)
{
    return mr_sleep_until(mr_after(ns));
}

/* ---- Intervals ---------------------------------------------------------- */

int mr_interval_open(mr_interval *interval, int64_t period)
{
    if (period <= 0)
        return MR_EINVAL;
    *interval = (mr_interval){.next = mr_after(period), .period = period};
    return 0;
}

int64_t mr_interval_wait(mr_interval *interval)
{
    int64_t rc = mr_sleep_until(interval->next);
    if (rc < 0)
        return rc;
    int64_t periods = 1 + (mri_clock_now() - interval->next) / interval->period;
    if (periods > (MR_NEVER - interval->next) / interval->period)
        interval->next = MR_NEVER;
    else
        interval->next += periods * interval->period;
    return periods;
}
