/* A runtime: its workers, its strands, and the way in for other threads.
 *
 * Must not know: what the tasks are.
 */
#ifndef MRI_SCHED_RUNTIME_H
#define MRI_SCHED_RUNTIME_H

#include "os/barrier.h"
#include "os/fork.h"
#include "sched/blocking.h"
#include "sched/monitor.h"
#include "sched/places.h"
#include "sched/poll.h"
#include "sched/tidy.h"
#include "sched/worker.h"
#include <millrace/runtime.h>

/* What is ended when nothing of the runtime is at work any more. */
typedef struct mri_last {
    void (*end)(mr_runtime *rt);
} mri_last;

struct mr_runtime {
    /* Constant from start to stop. */
    mri_barrier barrier;
    uint32_t workers, most_searchers;
    uint32_t generation; /* of the process: another one after fork() */
    mri_worker *worker;  /* `workers`, then MRI_SPARE_SEATS for spares, which
                            are initialised when one joins first */
    mri_places places;
    size_t places_size; /* of their memory; 0: none */
    mr_config config;

    mri_strand_pool pool;
    mri_tidy tidy;
    mri_blocking blocking; /* task/blocking.c's; closed once all jobs ended */

    /* Idling: see idle.c. */
    MRI_ALIGNED(MRI_CACHE_LINE) mri_event_count idle;
    mri_atomic_u32 searchers;
    /* When the next of the sleepers looks by itself; MRI_NEVER: none does. */
    mri_atomic(int64_t) watch;
    mri_atomic_u32 stopping;
    mri_poll poll;
    mri_event_count lingering; /* spares that have nothing to do */
    mri_atomic_u32 seats;      /* of `worker` that are initialised */

    mri_inbox inbox;
    mri_block_pool blocks;

    /* See entry.c. Threads from outside that may touch the runtime although
     * their job has ended; and a stop waits for the end of all jobs. */
    MRI_ALIGNED(MRI_CACHE_LINE) mri_atomic_u32 visitors;
    mri_event_count drained;

    /* io/'s: NULL until it is first needed; ended when no worker runs. */
    mri_atomic_ptr io;
    void (*end_io)(mr_runtime *rt); /* where that is not NULL */
    /* Likewise; before that, once all jobs have ended: 0 or MR_ETIMEDOUT. Where
     * that is not NULL, which a job says. */
    int (*end_loop)(mr_runtime *rt, int64_t deadline);

    /* async/'s, a mri_last: NULL until it is first needed; ended last. */
    mri_atomic_ptr heap;

    /* inspect/'s: who dumps on request; to be ended before the rest is. */
    mri_atomic_ptr dumper;
    void (*end_dumper)(mr_runtime *rt); /* where that is not NULL */
    /* inspect/'s: how deep stacks were used; where to look next. */
    mri_atomic_u64 stack_most;
    mri_atomic_u32 stack_next;

    /* The clock, as of when somebody read it last: a worker that sleeps or
     * wakes, or one that has looked for work MRI_INBOX_TURN times. */
    MRI_ALIGNED(MRI_CACHE_LINE) mri_atomic(int64_t) coarse_now;

    mri_monitor monitor;
};

/* Anybody: how many of rt->worker there are to look at, spares with the rest;
 * never fewer than before. rt->workers is how many there are to rely on. */
MRI_INLINE uint32_t mri_seats(const mr_runtime *rt)
{
    /* Acquire: what is there is initialised; pairs with the release in
     * spare.c. */
    return mri_load_acquire(&rt->seats);
}

/* Relaxed, both: whose look has to be ordered fences before it. */
MRI_INLINE bool mri_somebody_sleeps(mr_runtime *rt)
{
    return mri_event_count_awaited(&rt->idle) || mri_poll_is_asleep(&rt->poll);
}

/* Somebody hears of all that the monitor would look for. */
MRI_INLINE bool mri_monitor_may_rest(mr_runtime *rt)
{
    return mri_somebody_sleeps(rt) && !mri_poll_is_vacant(&rt->poll);
}

MRI_INLINE bool mri_worker_is_spare(const mri_worker *w)
{
    return w->index >= w->runtime->workers;
}

/* Anybody who has read the clock. Once in a millisecond it is a store: all
 * workers read the word. */
MRI_INLINE void mri_runtime_tick(mr_runtime *rt, int64_t now)
{
    if (now - mri_load_relaxed(&rt->coarse_now) >= 1000000)
        mri_store_relaxed(&rt->coarse_now, now);
}

/* Memory by the configured hooks. */
void *mri_runtime_allocate(mr_runtime *rt, size_t size, size_t align);
void mri_runtime_release(mr_runtime *rt, void *memory, size_t size);

/* Whether its threads are in this process: not in a child of fork(). */
MRI_INLINE bool mri_runtime_is_here(const mr_runtime *rt)
{
    return rt->generation == mri_fork_generation();
}

/* Any thread but a worker: the node of a job that is counted from now on, and
 * for which mri_worker_gone is called when it has ended. 0, or MR_ECANCELED: a
 * stop was called before. */
MRI_CHECKED int mri_runtime_submit(mr_runtime *rt, mri_run_node *node);

/* Any thread, about to touch the runtime because of a job that has not ended,
 * but may while it is at it: it stays until mri_runtime_leave. */
void mri_runtime_visit(mr_runtime *rt);
void mri_runtime_leave(mr_runtime *rt);

/* Any thread, for jobs that have not ended: into the inbox; a chain as
 * mri_inbox_push_chain. */
void mri_runtime_post(mr_runtime *rt, mri_run_node *node);
void mri_runtime_post_chain(mr_runtime *rt, mri_run_node *newest,
                            mri_run_node *oldest);

/* Worker: all that is in the inbox, *count of them, oldest first, linked up to
 * *last; NULL: nothing. */
mri_run_node *mri_runtime_take(mri_worker *w, mri_run_node **last,
                               uint64_t *count);

/* Once the inbox is closed: whether all jobs have ended. */
MRI_CHECKED bool mri_runtime_is_done(const mr_runtime *rt);

/* Worker that goes idle: who waits for the end of all jobs hears of it. */
void mri_runtime_pause(mr_runtime *rt);

/* After something was put where any worker would find it: one that has nothing
 * to do is woken, unless another is searching. */
void mri_runtime_wake(mr_runtime *rt);

/* Worker: sleep until there may be something to do; true: *work is it. */
MRI_CHECKED bool mri_idle_wait(mri_worker *w, mri_work *work);
/* Worker: search among the others for a while. */
MRI_CHECKED bool mri_idle_search(mri_worker *w, mri_work *work);

#endif
