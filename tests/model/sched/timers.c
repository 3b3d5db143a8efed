/* In place of parts/timers.c, which has models of its own: a worker's timers,
 * of which there is one. */
#include "parts/timers.h"

#include "os/clock.h"

void mri_timers_open(mri_timers *t, int64_t now)
{
    (void)now;
    mri_init(&t->earliest, MRI_NEVER);
}

bool mri_timer_start(mri_timers *t, mri_timer *x, int64_t at)
{
    x->at = at;
    t->rest.first = x;
    /* Release: of the lock that is not here. */
    mri_store_release(&t->earliest, at);
    return true;
}

static bool take(mri_timers *t)
{
    return mri_swap_acq_rel(&t->earliest, MRI_NEVER) != MRI_NEVER;
}

bool mri_timer_stop(mri_timers *t, mri_timer *x)
{
    (void)x;
    return take(t);
}

uint32_t mri_timers_expire(mri_timers *t, int64_t now, mri_expired out[],
                           uint32_t most)
{
    (void)now;
    (void)most;
    if (!take(t))
        return 0;
    out[0] = (mri_expired){t->rest.first->owner, t->rest.first->count};
    return 1;
}
