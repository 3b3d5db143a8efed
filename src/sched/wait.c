/* See wait.h. */
#include "sched/wait.h"

#include "sched/runtime.h"

/* How many are fired under one look at the clock, and before something runs. */
enum { BATCH = 64, MOST = 256 };

/* ---- What a timer is for ------------------------------------------------ */

/* A timer's owner is a strand that parks, or, with this bit, an alarm. */
#define ALARM ((uintptr_t)1)

MRI_STATIC_ASSERT(_Alignof(mri_alarm) > ALARM, "an alarm leaves a bit free");

static void fire_one(mri_worker *w, const mri_expired *e)
{
    uintptr_t owner = (uintptr_t)e->owner;
    if (owner & ALARM) {
        mri_alarm *alarm = (mri_alarm *)(owner - ALARM);
        alarm->ring(w, alarm);
        return;
    }
    mri_strand *s = e->owner;
    /* Of those that come too late it is told by the count. */
    if (mri_park_expire(&s->park, e->count) == MRI_PARK_RESUME)
        mri_run_queue_push(&w->queue, &s->node);
}

/* ---- Waiting ------------------------------------------------------------ */

static void start(mri_worker *w, mri_timer *x, int64_t at)
{
    if (mri_timer_start(&w->timers, x, at))
        w->earlier = true;
}

static enum mri_park_state wait_until(mri_strand *s, uint64_t count,
                                      int64_t deadline)
{
    mri_timers *timers = &s->worker->timers;
    mri_timer timer;
    mri_timer_init(&timer, s, count);
    start(s->worker, &timer, deadline);
    mri_strand_park(s, count);
    enum mri_park_state outcome = mri_park_outcome(&s->park);
    /* False where it was handed out and came too late: it knows the strand,
     * not the timer. */
    if (outcome != MRI_PARK_EXPIRED)
        (void)!mri_timer_stop(timers, &timer);
    return outcome;
}

enum mri_park_state mri_wait(mri_strand *s, uint64_t count, int64_t deadline)
{
    if (deadline != MRI_NEVER)
        return wait_until(s, count, deadline);
    mri_strand_park(s, count);
    return mri_park_outcome(&s->park);
}

void mri_alarm_set(mri_strand *s, mri_alarm *alarm, int64_t at)
{
    mri_worker *w = s->worker;
    alarm->timers = &w->timers;
    mri_timer_init(&alarm->timer, (char *)alarm + ALARM, 0);
    start(w, &alarm->timer, at);
    /* Who has set it goes on, for nobody knows how long. */
    if (w->earlier)
        mri_time_tell(w);
}

bool mri_alarm_stop(mri_alarm *alarm)
{
    return mri_timer_stop(alarm->timers, &alarm->timer);
}

/* ---- Firing ------------------------------------------------------------- */

int64_t mri_time_earliest(mr_runtime *rt)
{
    int64_t earliest = MRI_NEVER;
    uint32_t seats = mri_seats(rt);
    for (uint32_t i = 0; i < seats; i++) {
        int64_t at = mri_timers_earliest(&rt->worker[i].timers);
        earliest = at < earliest ? at : earliest;
    }
    return earliest;
}

static bool fire(mri_worker *w, mri_timers *t, int64_t now)
{
    mri_expired out[BATCH];
    uint32_t fired = 0;
    do {
        uint32_t n = mri_timers_expire(t, now, out, BATCH);
        for (uint32_t i = 0; i < n; i++)
            fire_one(w, &out[i]);
        fired += n;
    } while (fired < MOST && mri_timers_earliest(t) <= now);
    return fired > 0;
}

void mri_time_fire_own(mri_worker *w)
{
    if (mri_timers_earliest(&w->timers) == MRI_NEVER)
        return;
    if (fire(w, &w->timers, mri_clock_now()))
        mri_runtime_wake(w->runtime);
}

bool mri_time_fire(mri_worker *w)
{
    mr_runtime *rt = w->runtime;
    if (mri_time_earliest(rt) == MRI_NEVER)
        return false;
    int64_t now = mri_clock_now();
    bool fired = false;
    uint32_t seats = mri_seats(rt);
    for (uint32_t i = 0; i < seats; i++) {
        mri_timers *t = &rt->worker[i].timers;
        if (mri_timers_earliest(t) <= now && fire(w, t, now))
            fired = true;
    }
    /* The first is the caller's. */
    if (fired && mri_run_queue_size(&w->queue) > 1)
        mri_runtime_wake(rt);
    return fired;
}

void mri_time_tell(mri_worker *w)
{
    mr_runtime *rt = w->runtime;
    w->earlier = false;
    /* With the one in prepare: the timer, then the look at the sleepers. */
    mri_fence_seq_cst();
    if (mri_timers_earliest(&w->timers) < mri_load_relaxed(&rt->watch))
        mri_runtime_wake(rt);
}
