/* Workers that have nothing to do: they search for a bounded time, then sleep,
 * and cost nothing then.
 *
 * Where work can appear, and who hears of it:
 *   queues, inbox   whoever pushes calls mri_runtime_wake
 *   deques          the owner keeps its children to itself unless `want` is
 *                   set; who searches or is about to sleep sets it on every
 *                   strand that runs, and the owner's next spawn publishes,
 *                   and calls mri_runtime_wake
 *
 * mri_runtime_wake wakes one sleeper, and nobody if somebody is searching: at
 * most half the workers search, and one that finds something wakes the next if
 * it was the last to search. So a burst of work wakes one after the other, as
 * long as there is something for each to find.
 *
 * No work is left lying in a queue while all others sleep. Let P push, then
 * wake: fence, read searchers, and, if 0, notify the event count. Let S be
 * whoever searched or was about to sleep at that time.
 *  - P read searchers > 0 on account of S. S leaves by a decrement, which came
 *    later in that word's order. If S found something, it wakes another if it
 *    was the last, with a fence in between, so that it sees whoever prepared
 *    to sleep before P's fence; and if it was not the last, the same holds of
 *    who remains. If S found nothing, it prepares to sleep, which counts it,
 *    with a fence, and looks at all queues again. P's fence came before S's,
 *    since otherwise P would have read the decrement: so S sees what P has
 *    pushed.
 *  - P read 0: it notifies, and event_count.h proves that of those who wait
 *    for the same thing (for anything that can run) one looks after P.
 *
 * Children that nobody knows of. A strand that was installed after a sleeper
 * set `want` on the one before it asks, after it stored `current`, whether
 * anybody sleeps, and sets its own `want`. Its store and its look are ordered
 * by nothing but a light fence, and an owner that spawns and then works in one
 * long leaf answers nobody. Both are caught by the watch: one of the sleepers
 * at a time, as long as any other worker runs, wakes after a millisecond, then
 * two, up to ten, looks, and forces what it finds. Let S go to sleep for good:
 *  - S took R for idle, which runs. R clears `idle`, fence, looks for sleepers;
 *    S counts itself, fence, looks at `idle`. So R sees S: it sets its own
 *    `want` now, and, while S sleeps, that of each strand it installs. Where
 *    publishing clears one, somebody is woken, who asks or watches.
 *  - S found another watching, that looks no later than S would have. That one
 *    ends its watch, looks, and begins the next (and so on), or leaves with
 *    what it found and wakes another: S, or one that in turn finds something or
 *    watches.
 *
 * The watch is for timers too (wait.h), and for memory that is to be given back
 * (tidy.h): `watch` is the earliest time at which one of the sleepers wakes by
 * itself. Who would wake earlier puts its own time there; who wakes takes it
 * out, if it is still its own. So a time that stands there is one at which
 * somebody wakes, at the latest.
 *
 * One of the sleepers may sleep in the kernel's wait for descriptors (poll.h):
 * ASLEEP is its count, with a fence behind it as in prepare, and the exchange
 * by which it leaves tells it whether it was called, as a signal would. Its
 * time-out is its watch. Who finds it so is called after those who sleep here:
 * whoever pushes wakes one of them, or it. But for one single thing that the
 * kernel had to tell it leaves without a word to another, since waking one for
 * each would double what an event costs. Then the watch, its own or what it
 * was called for, is left to the monitor: the role is vacant, so the monitor
 * is awake, and wakes a sleeper at the second look that finds it so.
 *
 * Spares (monitor.h) push like anybody, are looked at like anybody (mri_seats,
 * raised before the fence of their first push), and run like anybody: one that
 * joins clears `idle`, fence, and looks for sleepers as it installs a strand.
 * They search, sleep and watch nowhere here, so no wake-up is theirs to lose.
 *
 * Must not know: what is run.
 */
#include "base/assert.h"
#include "os/clock.h"
#include "sched/runtime.h"
#include "sched/wait.h"

/* Of a search, and between two. Models have one round, and no pause. */
#ifndef MRI_SEARCH_ROUNDS
#define MRI_SEARCH_ROUNDS 64
#define MRI_SEARCH_PAUSES 16
#endif

enum {
    /* Of a search where there are descriptors to wait for. Who searches sees
     * none of their events; and what comes by them comes in bits: a server with
     * two workers spends 8.0 instead of 8.6 us of CPU on a request with two
     * rounds (bench/http). */
    POLL_ROUNDS = MRI_SEARCH_ROUNDS > 2 ? 2 : MRI_SEARCH_ROUNDS,
    WATCH_MIN = 1000000,  /* ns */
    WATCH_MAX = 10000000, /* ns */
};

void mri_runtime_wake(mr_runtime *rt)
{
    /* With the fence in prepare: what was pushed, then the two looks. */
    mri_fence_seq_cst();
    if (mri_load_relaxed(&rt->searchers) != 0)
        return;
    if (mri_event_count_awaited(&rt->idle))
        mri_event_count_notify_one(&rt->idle);
    else if (mri_poll_kick(rt))
        return;
    else if (mri_unlikely(mri_event_count_awaited(&rt->lingering)))
        mri_event_count_notify_one(&rt->lingering); /* a hint: monitor.h */
}

static bool stopping(const mr_runtime *rt)
{
    return mri_load_relaxed(&rt->stopping) != 0;
}

/* ---- Searching ---------------------------------------------------------- */

static bool search(mri_worker *w, mri_work *work)
{
    bool polls = mri_poll_ops_of(&w->runtime->poll) != NULL;
    int rounds = polls ? POLL_ROUNDS : MRI_SEARCH_ROUNDS;
    for (int round = 0; round < rounds; round++) {
        if (mri_worker_steal(w, work) || mri_worker_look(w, work))
            return true;
        if (stopping(w->runtime))
            return false;
        for (int i = 0; i < MRI_SEARCH_PAUSES; i++)
            mri_pause();
    }
    return false;
}

bool mri_idle_search(mri_worker *w, mri_work *work)
{
    mr_runtime *rt = w->runtime;
    if (mri_load_relaxed(&rt->searchers) >= rt->most_searchers)
        return false;
    mri_add_relaxed(&rt->searchers, 1);
    mri_count(w, searches);
    bool found = search(w, work);
    /* Release, acquire: who stays longer sees what this one has put into its
     * own queue. */
    if (mri_sub_acq_rel(&rt->searchers, 1) == 1 && found)
        mri_runtime_wake(rt);
    return found;
}

/* ---- Sleeping ----------------------------------------------------------- */

/* Children that their owner has not published, because it is in a leaf. */
static bool force_others(mri_worker *w, mri_work *work)
{
    mr_runtime *rt = w->runtime;
    bool forced = false;
    uint32_t seats = mri_seats(rt);
    for (uint32_t i = 0; i < seats; i++) {
        mri_strand *s = mri_load_acquire(&rt->worker[i].current);
        if (i == w->index || !s || !mri_deque_looks_live(&s->deque))
            continue;
        mri_count(w, forces);
        if (mri_deque_force(&s->deque, &rt->barrier) > 0)
            forced = true;
    }
    return forced && mri_worker_steal(w, work);
}

static bool others_run(mri_worker *w)
{
    mr_runtime *rt = w->runtime;
    uint32_t seats = mri_seats(rt);
    for (uint32_t i = 0; i < seats; i++)
        if (i != w->index && !mri_load_relaxed(&rt->worker[i].idle))
            return true;
    return false;
}

/* Between prepare and commit: the last look. */
static bool last_look(mri_worker *w, mri_work *work)
{
    return mri_worker_look(w, work) || mri_worker_steal(w, work) ||
           force_others(w, work);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When there is something to look at, though nobody calls: a timer, those who
 * run, or memory that nobody needs (a period is shorter than a rest). */
static int64_t next_look(mri_worker *w, int64_t period)
{
    int64_t at = mri_time_earliest(w->runtime);
    bool dirty = mri_strand_some_are_dirty(&w->runtime->pool);
    if (others_run(w))
        return earlier(at, mri_clock_now() + period);
    return dirty ? earlier(at, mri_clock_now() + MRI_TIDY_REST) : at;
}

/* How long, if nobody calls: for good, unless it falls to this one to look.
 * Relaxed: what it looks at is ordered by the fences in prepare. */
static int64_t watch_begin(mri_worker *w, int64_t period)
{
    int64_t at = next_look(w, period);
    int64_t other = mri_load_relaxed(&w->runtime->watch);
    do
        if (other <= at)
            return MRI_NEVER;
    while (!mri_cas_relaxed(&w->runtime->watch, &other, at));
    return at;
}

/* Unless another looks before this one would have, and has told so. */
static void watch_end(mri_worker *w, int64_t at)
{
    if (at != MRI_NEVER)
        (void)!mri_cas_relaxed(&w->runtime->watch, &at, MRI_NEVER);
}

/* Where one sleeps: on the event count, or with the role (poll.h). */
typedef struct bed {
    bool polls;
    mri_event_key key;
} bed;

/* From now on whoever pushes something sees it. */
static bed lie_down(mr_runtime *rt)
{
    bed b = {.polls = mri_poll_doze(rt)};
    if (!b.polls)
        b.key = mri_event_count_prepare(&rt->idle);
    return b;
}

static void get_up(mr_runtime *rt, bed b)
{
    if (!b.polls)
        mri_event_count_cancel(&rt->idle);
    else if (mri_poll_leave(rt))
        mri_runtime_wake(rt); /* it was told of something, and finds another */
}

/* True: called, as one of those who sleep. */
static bool sleep_in(mri_worker *w, bed b, int64_t deadline)
{
    if (b.polls)
        return mri_poll_wait(w, deadline);
    return mri_event_count_commit(&w->runtime->idle, b.key, deadline) == 0;
}

/* What the kernel has told. Called as well, or with more than one, the caller
 * tells another; with one alone it does not: see above. */
static bool take_polled(mri_worker *w, mri_work *work, bool called)
{
    mri_run_node *node = mri_run_queue_pop(&w->queue);
    if (!node)
        return false;
    *work = (mri_work){.node = node};
    if (called || mri_run_queue_size(&w->queue) > 0)
        mri_runtime_wake(w->runtime);
    return true;
}

/* One sleep. True: to be awake from now on, with *found or without. */
static bool sleep_once(mri_worker *w, mri_work *work, int64_t period,
                       bool *found)
{
    mr_runtime *rt = w->runtime;
    bed b = lie_down(rt);
    *found = last_look(w, work);
    if (*found || stopping(rt)) {
        get_up(rt, b);
        if (*found)
            mri_runtime_wake(rt);
        return true;
    }
    int64_t deadline = watch_begin(w, period);
    mri_count(w, sleeps);
    bool called = sleep_in(w, b, deadline);
    watch_end(w, deadline);
    if (called)
        mri_count(w, wakes);
    mri_runtime_tick(rt, mri_clock_coarse());
    if (b.polls)
        *found = take_polled(w, work, called);
    /* Called from a watch, it looks here again, so that it does not leave with
     * something to run and nobody to watch. */
    return *found || (called && deadline == MRI_NEVER);
}

/* Between two sleeps, until there is work, which it then has. */
static bool tidy(mri_worker *w, mri_work *work)
{
    while (!stopping(w->runtime) && mri_tidy_step(w->runtime))
        if (mri_worker_look(w, work) || mri_worker_steal(w, work)) {
            mri_runtime_wake(w->runtime);
            return true;
        }
    return false;
}

bool mri_idle_wait(mri_worker *w, mri_work *work)
{
    mr_runtime *rt = w->runtime;
    int64_t period = WATCH_MIN;
    bool found;
    mri_store_relaxed(&w->idle, 1);
    while (!sleep_once(w, work, period, &found)) {
        if ((found = tidy(w, work)))
            break;
        period = earlier(period * 2, WATCH_MAX);
    }
    mri_store_relaxed(&w->idle, 0);
    /* With the fence in prepare: who takes this one for idle after it has
     * looked, and so does not watch, is seen here and by each install. */
    mri_fence_seq_cst();
    /* The others that sleep are hungry, and did not see this one run. */
    if (mri_somebody_sleeps(rt))
        mri_deque_hunger(&mri_load_relaxed(&w->current)->deque);
    if (!mri_monitor_may_rest(rt))
        mri_monitor_wake(&rt->monitor);
    return found;
}
