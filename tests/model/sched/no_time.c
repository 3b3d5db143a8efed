/* For models in which nothing waits for a time. */
#include "sched/runtime.h"
#include "sched/wait.h"

int64_t mri_time_earliest(mr_runtime *rt)
{
    (void)rt;
    return MRI_NEVER;
}

void mri_time_fire_own(mri_worker *w)
{
    (void)w;
}

bool mri_time_fire(mri_worker *w)
{
    (void)w;
    return false;
}

void mri_time_tell(mri_worker *w)
{
    (void)w;
}

void mri_timers_open(mri_timers *t, int64_t now)
{
    (void)t;
    (void)now;
}
