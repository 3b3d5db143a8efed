/* What the monitor looks at, and when; see monitor.h. */
#include "sched/monitor.h"

#include "base/assert.h"
#include "os/clock.h"
#include "os/futex.h"
#include "sched/runtime.h"
#include "sched/wait.h"

/* Models shrink it. */
#ifndef MRI_MONITOR_CALMS
#define MRI_MONITOR_CALMS 4
#endif

enum {
    PERIOD_LATELY = 250000,    /* ns: where spares were needed lately */
    LATELY = 1000000000,       /* ns */
    PERIOD_MIN = 1000000,      /* ns */
    PERIOD_MAX = 10000000,     /* ns */
    CALMS = MRI_MONITOR_CALMS, /* looks at which nothing went through queues,
                                  until the period doubles */
    QUIETS = 2,                /* looks that find somebody idle, until sleep */
    OVERDUE = 1000000,         /* ns */
    INBOX_AGE = 8 /* looks at an inbox that nobody takes, though some pick
                     something: each looks there every 61 picks */
};

/* What one look has found. */
struct view {
    bool alone;  /* no spare has joined */
    bool late;   /* something has waited since the look before, and one more
                    thread would help */
    bool moved;  /* some worker has picked something */
    bool idle;   /* some worker is */
    bool vacant; /* nobody waits for what the kernel tells */
    bool rest;   /* and nothing is left to the monitor, nor was lately */
    bool active; /* something has gone through a queue, or stands there */
};

/* ---- One look -------------------------------------------------------------
 */

/* Relaxed, here and below: what was read a moment too early is read again a
 * millisecond later. */
static void look_at_queue(mri_worker *w, struct view *v)
{
    uint64_t head = mri_run_queue_head(&w->queue);
    bool waits = mri_run_queue_size(&w->queue) > 0,
         still = head == w->seen_head;
    if (waits && still && w->seen_waiting && !v->idle &&
        !mri_run_queue_in_hand(&w->queue) && (!v->alone || mri_held_is(w)))
        v->late = true;
    if (waits || !still)
        v->active = true;
    w->seen_head = head;
    w->seen_waiting = waits;
}

static uint64_t moves(const mri_worker *w)
{
    const mri_worker_stats *s = &w->stats;
    return mri_load_relaxed(&s->jobs) + mri_load_relaxed(&s->resumes) +
           mri_load_relaxed(&s->steals) + mri_load_relaxed(&s->tokens);
}

static void look_at_moves(const mr_runtime *rt, mri_worker *w, struct view *v)
{
    uint64_t now = moves(w);
    bool moved = now != w->seen_moves;
    w->seen_moves = now;
    if (w->index >= rt->workers)
        return;
    v->moved |= moved;
    mri_held_look(w, moved);
}

/* True: it has waited for too long for any worker that comes by. */
static bool look_at_inbox(mr_runtime *rt, uint64_t takes, struct view *v)
{
    mri_monitor_looks *l = &rt->monitor.looks;
    bool taken = takes != l->takes;
    l->takes = takes;
    if (taken)
        v->active = true;
    if (taken || mri_inbox_looks_empty(&rt->inbox)) {
        l->inbox_age = !mri_inbox_looks_empty(&rt->inbox);
        return false;
    }
    v->active = true;
    uint32_t age = l->inbox_age++;
    return age >= INBOX_AGE || (age >= 1 && !v->moved);
}

static bool look_at_timers(mr_runtime *rt, int64_t now, struct view *v)
{
    bool overdue = mri_time_earliest(rt) <= now - OVERDUE;
    v->active |= overdue;
    return overdue;
}

/* Into the inbox. */
static void poll_for_others(mr_runtime *rt)
{
    mri_run_list ready;
    mri_poll_fetch(rt, &ready);
    if (ready.count > 0)
        mri_strand_ready_list(rt, ready.first, ready.last, ready.count);
}

/* Whoever looked last is long in what it found there. */
static void look_at_poll(mr_runtime *rt, struct view *v)
{
    mri_monitor_looks *l = &rt->monitor.looks;
    bool vacant = mri_poll_is_vacant(&rt->poll);
    uint32_t taken = mri_load_relaxed(&rt->poll.taken);
    bool again = taken != l->taken, late = vacant && l->vacant && !again;
    l->vacant = vacant;
    l->taken = taken;
    v->vacant = vacant;
    v->rest = !again && mri_monitor_may_rest(rt);
    if (late && mri_event_count_awaited(&rt->idle))
        mri_event_count_notify_one(&rt->idle);
    else if (late)
        poll_for_others(rt);
}

/* Threads that the system has yet to start would be no sooner here for one
 * more of them. */
static bool workers_have_begun(const mr_runtime *rt)
{
    for (uint32_t i = 0; i < rt->workers; i++)
        if (mri_load_relaxed(&rt->worker[i].tid) == 0)
            return false;
    return true;
}

static struct view look(mr_runtime *rt, int64_t now)
{
    /* Who is idle has been told, or is just being woken. */
    struct view v = {.alone = mri_load_relaxed(&rt->monitor.joined) == 0,
                     .idle = mri_somebody_sleeps(rt)};
    uint64_t takes = 0;
    uint32_t seats = mri_seats(rt);
    for (uint32_t i = 0; i < seats; i++) {
        mri_worker *w = &rt->worker[i];
        look_at_moves(rt, w, &v);
        look_at_queue(w, &v);
        takes += mri_load_relaxed(&w->stats.takes);
    }
    bool late = look_at_inbox(rt, takes, &v);
    late |= look_at_timers(rt, now, &v);
    if (late && !v.idle && !v.late && (!v.alone || mri_held_are_all(rt)))
        v.late = true;
    look_at_poll(rt, &v);
    if (v.late && !workers_have_begun(rt))
        v.late = false;
    return v;
}

/* ---- Sleeping -------------------------------------------------------------
 */

/* When to look next: in a period, or when a timer would be overdue. */
static int64_t next_look(mr_runtime *rt, int64_t now, int64_t period)
{
    int64_t at = mri_time_earliest(rt);
    if (at >= now + period - OVERDUE)
        return now + period;
    at += OVERDUE;
    int64_t soonest = now + (period < PERIOD_MIN ? period : PERIOD_MIN);
    return at > soonest ? at : soonest;
}

/* Until then; what time it is. */
static int64_t pause_until(mr_runtime *rt, int64_t deadline)
{
    mri_monitor *m = &rt->monitor;
    int64_t now;
    do {
        (void)!mri_futex_wait(&m->state, MRI_MONITOR_AWAKE, deadline);
        now = mri_clock_now();
    } while (now < deadline && !mri_monitor_ends(m));
    mri_runtime_tick(rt, now);
    return now;
}

/* ---- Watching -------------------------------------------------------------
 */

struct pace {
    int64_t period;
    int calms, quiets;
};

/* Something was late a moment ago. Where one hog was there are more: until none
 * has come for a while it is not calm, so that those who were called in stay,
 * and if they are all held up as well, that is seen sooner. */
static bool is_lately(const mr_runtime *rt, int64_t now)
{
    return now - rt->monitor.looks.needed < LATELY;
}

static void pace_open(struct pace *p, bool lately)
{
    *p = (struct pace){.period = lately ? PERIOD_LATELY : PERIOD_MIN};
}

static void pace_next(struct pace *p, const struct view *v, bool lately)
{
    p->quiets = v->rest ? p->quiets + 1 : 0;
    p->calms = v->active ? 0 : p->calms + 1;
    if (lately && !v->idle)
        p->period = PERIOD_LATELY;
    else if (lately || v->active || v->vacant || p->period < PERIOD_MIN)
        p->period = PERIOD_MIN;
    else if (p->calms % CALMS == 0)
        p->period =
            p->period * 2 < PERIOD_MAX ? p->period * 2 : (int64_t)PERIOD_MAX;
}

/* Something waits: whoever lingers is told, and else one more is to join. */
static bool is_to_join(mr_runtime *rt, mri_spare *me, int64_t now)
{
    rt->monitor.looks.needed = now;
    mri_spare_set_calm(rt, false);
    if (mri_event_count_awaited(&rt->lingering)) {
        mri_event_count_notify_one(&rt->lingering);
        return false;
    }
    return mri_spare_relieve(me, now);
}

/* While it sleeps it is calm, and who has taken CPUs away gives them back
 * first. */
static bool may_sleep(mr_runtime *rt, const struct pace *p, bool lately)
{
    return p->quiets >= QUIETS && !lately && !rt->monitor.looks.shared;
}

bool mri_monitor_watch(mr_runtime *rt, mri_spare *me)
{
    mri_monitor *m = &rt->monitor;
    struct pace pace;
    int64_t now = mri_clock_now();
    pace_open(&pace, is_lately(rt, now));
    while (!mri_monitor_ends(m)) {
        mri_monitor_share(rt, now);
        now = pause_until(rt, next_look(rt, now, pace.period));
        struct view v = look(rt, now);
        mri_store_relaxed(&m->looked, mri_load_relaxed(&m->looked) + 1);
        (void)!mri_tidy_step(rt);
        if (v.late && is_to_join(rt, me, now))
            return true;
        bool lately = is_lately(rt, now);
        if (!lately && (v.moved || v.idle))
            mri_spare_set_calm(rt, true);
        pace_next(&pace, &v, lately);
        if (may_sleep(rt, &pace, lately)) {
            mri_monitor_doze(rt);
            pace_open(&pace, false);
            now = mri_clock_now();
            (void)look(rt, now); /* what was seen before is old */
        }
    }
    return false;
}
