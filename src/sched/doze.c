/* The monitor's `state`: when it sleeps for good, who wakes it, who ends it;
 * see monitor.h. */
#include "os/clock.h"
#include "os/futex.h"
#include "sched/monitor.h"
#include "sched/runtime.h"

MRI_COLD void mri_monitor_wake_slow(mri_monitor *m)
{
    uint32_t asleep = MRI_MONITOR_ASLEEP;
    /* Relaxed: nothing is handed over; see monitor.h. */
    if (mri_cas_relaxed(&m->state, &asleep, MRI_MONITOR_AWAKE))
        mri_futex_wake(&m->state, 1);
}

void mri_monitor_doze(mr_runtime *rt)
{
    mri_monitor *m = &rt->monitor;
    uint32_t awake = MRI_MONITOR_AWAKE;
    if (!mri_cas_relaxed(&m->state, &awake, MRI_MONITOR_ASLEEP))
        return;
    mri_fence_seq_cst(); /* with those in mri_idle_wait and poll.c */
    if (!mri_monitor_may_rest(rt))
        mri_monitor_wake_slow(m);
    while (mri_load_relaxed(&m->state) == MRI_MONITOR_ASLEEP)
        (void)!mri_futex_wait(&m->state, MRI_MONITOR_ASLEEP, MRI_NEVER);
}

void mri_monitor_set_ending(mri_monitor *m)
{
    /* Relaxed: what stop has stored before is seen under the lock, or by
     * whom the futex lets go and who looks again. */
    (void)mri_swap_relaxed(&m->state, MRI_MONITOR_ENDING);
    mri_futex_wake(&m->state, 1);
}
