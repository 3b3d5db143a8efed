/* The monitor, and the spare workers that it calls in.
 *
 * Stealing does not help what waits while every worker is held up, by a task
 * that computes for long or by a call that blocks without a word. So the
 * monitor looks every millisecond: where an entry of a queue or of the inbox
 * has waited since the last look, or a timer is overdue, one more thread joins,
 * a spare, and the kernel's time slices do the rest. Never for a deque's
 * children, nor for the tokens that stand for them, nor for what else fork and
 * join put into a queue (mri_worker_await): those are somebody's work in hand,
 * and who has nothing to do takes them. Nor is the first one called in for what
 * waits behind a worker that merely waits for a CPU itself (held.c).
 *
 *     spare   a mri_worker beyond rt->workers, up to MRI_SPARES of them at
 *             once. It takes entries of queues and of the inbox alone, one
 *             at a time, neither searches nor sleeps where workers do
 *             (rt->idle), and retires at its next pick when it is calm
 *     calm    nothing has waited for long for a second, and some
 *             worker is idle or has picked something since the last look.
 *             Until then a spare that finds nothing lingers, asleep, and the
 *             next entry that finds no worker idle wakes it at once
 *     seats   workers, and all spares that have ever joined: what thieves
 *             and sleepers look at. A spare that has retired has an empty
 *             queue and runs no strand
 *
 * The monitor is no thread of its own but the first spare that is not needed.
 * When it is, it first makes another the monitor, one that has retired or a
 * new thread, and then joins. So there is one monitor at any time, which
 * stands in no list, and joining takes no wake-up. Where no thread can be
 * created it stays the monitor, and everything goes on with the spares there
 * are; without any (the first one is created by mr_start) as if there were no
 * monitor.
 *
 *     a spare's life   monitor -> joined -> dormant -> monitor -> ...
 *
 *     bell    of each; RESTS: it is dormant, in the list, and sleeps
 *               RESTS -> PROMOTED   who was the monitor, under the lock;
 *                                   release: all that a monitor keeps
 *               RESTS -> ENDED      stop, under the lock
 *               other -> RESTS      the spare itself, under the lock
 *
 * When the monitor looks. All that is put into queues is heard of by whoever
 * is idle (idle.c); so a monitor is needed while nobody is. It looks every
 * millisecond, later every ten where nothing goes through queues (fork and
 * join) and no timer comes up, and sleeps for good once it has found somebody
 * idle twice and it is calm. Where a spare was needed a moment ago and nobody
 * is idle, it looks every quarter of a millisecond: hogs come in numbers, and
 * the one that takes the last spare is then seen as soon. `state`:
 *
 *     AWAKE -> ASLEEP    the monitor, then a fence, and a look at who is idle
 *     ASLEEP -> AWAKE    the worker that leaves idleness when no other is
 *                        left there, after a fence; or the monitor itself
 *     any -> ENDING      stop
 *
 * It does not sleep while nobody is idle. Let L be the last worker to leave:
 * it takes itself off rt->idle's count, fence, finds the count 0, and looks at
 * `state`. The monitor stores ASLEEP, fence, and reads the count. If L's fence
 * came first, the monitor finds 0 (or somebody who has come since, who will
 * be the last in turn) and stays awake; if it came second, L finds ASLEEP, and
 * wakes it. Of two that leave at the same time the one whose fence comes
 * second finds the other gone. A worker that leaves while others stay pays for
 * nothing: it has read the count anyway.
 *   While the monitor sleeps it is calm: spares retire.
 *   Nor does it sleep while nobody waits for what the kernel has to tell, once
 * there is something (poll.h): the same argument, with the role's state in the
 * place of the count. That is looked after in look_at_poll.
 *
 * A spare that retires leaves nothing behind: it puts what is in its queue
 * into the inbox, as anybody would (mri_runtime_post), it has no duty to look
 * since it never took a wake-up from rt->idle, and its strands go back to the
 * pool. What wakes a spare that lingers is a hint: if it retires instead, then
 * nobody was idle when the entry was put in, and somebody will look before he
 * is; or nobody will for long, and the monitor looks again.
 *
 * Under a CPU quota below the CPUs that may be used, one thread more would use
 * it up early and have the kernel stop all of them until the next period. So
 * while spares are joined, all threads share as many CPUs as the quota gives
 * (share.c).
 *
 * Must not know: what is run.
 */
#ifndef MRI_SCHED_MONITOR_H
#define MRI_SCHED_MONITOR_H

#include "base/atomic.h"
#include "os/thread.h"
#include "parts/event_count.h"
#include "parts/lock.h"
#include "sched/worker.h"

enum {
    MRI_SPARES = 8,                  /* joined at once */
    MRI_SPARE_SEATS = MRI_SPARES + 1 /* one of them is the monitor */
};

enum mri_monitor_state {
    MRI_MONITOR_AWAKE,
    MRI_MONITOR_ASLEEP,
    MRI_MONITOR_ENDING
};

enum mri_spare_bell { MRI_SPARE_RESTS, MRI_SPARE_PROMOTED, MRI_SPARE_ENDED };

typedef struct mri_spare {
    mr_runtime *runtime; /* constant */
    uint32_t seat;       /* constant: of rt->worker */
    mri_atomic_u32 bell;
    mri_atomic_u32 tid;     /* of its thread; it writes, the monitor reads */
    bool open;              /* its own: its seat is initialised */
    struct mri_spare *next; /* in the list of dormant ones, under the lock */
    mri_thread thread;      /* who creates it, and stop */
} mri_spare;

/* What the monitor alone reads and writes, handed on by the bell. */
typedef struct mri_monitor_looks {
    uint32_t inbox_age; /* looks since which it waits untaken */
    uint64_t takes;     /* of the inbox, ever */
    int64_t retry;      /* no spare joins before that: one was refused */
    int64_t needed;     /* when one was, last */
    bool vacant;        /* poll.h's role, and how often it had been taken */
    uint32_t taken;
    /* share.c */
    bool shared;
    int64_t quota_read;
    uint32_t quota;
    mri_thread_cpus all, few;
} mri_monitor_looks;

typedef struct mri_monitor {
    /* The monitor; who wakes it; stop. */
    MRI_ALIGNED(MRI_CACHE_LINE) mri_atomic_u32 state;
    /* The monitor writes. */
    mri_atomic_u32 calm;                   /* all spares read it */
    mri_atomic_u32 joined;                 /* spares that are; they write too */
    mri_atomic_u64 joins, refused, looked; /* how many ever */

    MRI_ALIGNED(MRI_CACHE_LINE) mri_lock lock;
    /* Its holder. */
    bool ending;   /* nobody is promoted any more */
    uint32_t made; /* threads: spare[0..made) */
    mri_spare *dormant;

    mri_monitor_looks looks;
    mri_spare spare[MRI_SPARE_SEATS];
} mri_monitor;

/* Starting: the first monitor. Where its thread is refused, there is none. */
void mri_monitor_start(mr_runtime *rt);

/* Stopping, nothing runs any more and rt->stopping is set: all spares are told
 * to end; then wait until they have. */
void mri_monitor_end(mr_runtime *rt);
void mri_monitor_join(mr_runtime *rt);

/* ---- Between monitor.c, held.c, doze.c, spare.c and share.c ---------------
 */

/* Monitor: look until it is `me` who is to join (true: another is the monitor
 * now), or until stop. */
MRI_CHECKED bool mri_monitor_watch(mr_runtime *rt, mri_spare *me);

/* Monitor: sleep for good, unless nobody is idle. */
void mri_monitor_doze(mr_runtime *rt);

/* Stop: it does not sleep, nor look, any more. */
void mri_monitor_set_ending(mri_monitor *m);

MRI_INLINE bool mri_monitor_ends(mri_monitor *m)
{
    /* Relaxed: as in set_ending. */
    return mri_load_relaxed(&m->state) == MRI_MONITOR_ENDING;
}

/* Monitor, of a worker and at each look: what held_is goes by; `moved`: it has
 * begun something since the last one. */
void mri_held_look(mri_worker *w, bool moved);

/* Monitor: what it runs holds it up, so that what waits behind it needs one
 * more thread. */
MRI_CHECKED bool mri_held_is(const mri_worker *w);
MRI_CHECKED bool mri_held_are_all(const mr_runtime *rt);

/* Monitor: make another the monitor, and be ready to join. False: it cannot be
 * done for now. */
MRI_CHECKED bool mri_spare_relieve(mri_spare *me, int64_t now);

/* Monitor: from now on spares retire; or do not. */
void mri_spare_set_calm(mr_runtime *rt, bool calm);

/* Monitor: have all threads share CPUs if spares are joined and a quota says
 * so; or do not any more. */
void mri_monitor_share(mr_runtime *rt, int64_t now);

/* ---- For workers ----------------------------------------------------------
 */

/* Spare, at each pick: as mri_worker_find; false: it is to retire. */
MRI_CHECKED bool mri_spare_find(mri_worker *w, mri_work *work);

void mri_monitor_wake_slow(mri_monitor *m);

/* The last worker to leave idleness, after its fence. */
MRI_INLINE void mri_monitor_wake(mri_monitor *m)
{
    /* Relaxed: with the fence before, and the one in monitor.c's sleep. */
    if (mri_unlikely(mri_load_relaxed(&m->state) == MRI_MONITOR_ASLEEP))
        mri_monitor_wake_slow(m);
}

#endif
