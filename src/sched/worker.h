/* A worker: a thread that finds what can run, and runs it.
 *
 * Where it looks, in this order:
 *   next     what became ready as the last thing ended; nobody else sees it
 *   queue    its run queue, first in, first out; thieves take from it too
 *   inbox    the runtime's: what other threads have put in; whoever takes it
 *            takes all, into its own queue
 *   timers   what is due, into its queue: see wait.h
 *   poll     what the kernel has told, likewise: see poll.h
 *   others   the deque of the strand that another worker runs, then that
 *            worker's queue; from a random one on, those that are near (see
 *            places.h), nearest first, then all of them, then the spares
 * Every MRI_INBOX_TURN-th pick is a turn: of the inbox and of the queue by
 * turns (of the other where there is nothing), and `next` joins the queue. So
 * of the worker's picks no more than 2 T (n + 1), T = MRI_INBOX_TURN come
 * before that of what stands in its queue behind n others, whatever they wake
 * and whatever comes in from outside: of 2 T picks one is the queue's, and the
 * queue is first in, first out. What comes in from outside with m before it is
 * in the queue, behind them, after 2 T; and a timer that is due after T.
 * Without chains of wake-ups it is n + n / T + 1. A child that its parent runs
 * in its await, and all that it calls, are part of the pick.
 *
 * A worker whose strand parks takes from `next` and its queue right there, and
 * goes on with what it finds without a way through its loop: a pick like any,
 * but for turns, which are the loop's.
 *
 * Idle: see idle.c, which has the proof that no work is left lying.
 *
 * Must not know: what a task computes, scopes, I/O.
 */
#ifndef MRI_SCHED_WORKER_H
#define MRI_SCHED_WORKER_H

#include "os/thread.h"
#include "parts/event_count.h"
#include "parts/inbox.h"
#include "parts/run_queue.h"
#include "parts/strand_pool.h"
#include "parts/task_word.h"
#include "parts/timers.h"
#include "sched/block.h"
#include "sched/strand.h"
#include <millrace/runtime.h>

/* Models shrink it. */
#ifndef MRI_QUEUE
#define MRI_QUEUE 256
#endif

enum { MRI_INBOX_TURN = 61 };

/* What stands in queues and inboxes: run_node.word.
 *     63                          3     2       1    0
 *     | code that spawned a job, or 0 | in hand | kind |
 * in hand: run_node.h. Tokens are, and children of fork and join that stand in
 * a queue for want of a slot: who awaits them comes by. And strands, as long as
 * they wait for such a child: see mri_worker_await. */
enum mri_node_kind {
    MRI_NODE_JOB,    /* a mri_job */
    MRI_NODE_NEW,    /* a job from outside, in the inbox: see entry.c */
    MRI_NODE_STRAND, /* a mri_strand that is ready */
    MRI_NODE_TOKEN   /* a parked mri_strand with children to be stolen */
};
#define MRI_NODE_SITE 8
MRI_STATIC_ASSERT(MRI_NODE_TOKEN < MRI_RUN_NODE_IN_HAND &&
                      MRI_RUN_NODE_IN_HAND * 2 == MRI_NODE_SITE,
                  "the parts of a node's word");

MRI_INLINE enum mri_node_kind mri_node_kind(const mri_run_node *node)
{
    return (enum mri_node_kind)(node->word % MRI_RUN_NODE_IN_HAND);
}

/* Code lies in the lower eighth of all addresses. */
MRI_INLINE void *mri_node_site(const mri_run_node *node)
{
    return (void *)(node->word / MRI_NODE_SITE);
}

/* Something to be called once, on a strand of whichever worker finds it. */
typedef struct mri_job mri_job;
struct mri_job {
    mri_run_node node;
    void (*run)(mri_strand *s, mri_job *job);
    mr_fn fn; /* what `run` will call */
};

/* Spawned by the code `site`, which is shown; or NULL. */

MRI_INLINE void mri_job_init(mri_job *job,
                             void (*run)(mri_strand *s, mri_job *job), mr_fn fn,
                             void *site)
{
    job->node.word = (uintptr_t)site * MRI_NODE_SITE + MRI_NODE_JOB;
    job->run = run;
    job->fn = fn;
}

/* The same of a child of fork and join: it is in hand. */
MRI_INLINE void mri_job_init_child(mri_job *job,
                                   void (*run)(mri_strand *s, mri_job *job),
                                   mr_fn fn, void *site)
{
    mri_job_init(job, run, fn, site);
    job->node.word += MRI_RUN_NODE_IN_HAND;
}

/* Counters: their worker writes them, on slow paths alone; anybody reads. */
typedef struct mri_worker_stats {
    mri_atomic_u64 jobs, resumes, steals, robberies, tokens, publishes, forces,
        parks, yields, searches, sleeps, wakes, takes;
    mri_atomic_u64 strands; /* taken less given back, here: maybe below 0 */
} mri_worker_stats;

struct mri_worker {
    /* Constant. */
    mr_runtime *runtime;
    uint32_t index;
    int cpu; /* to keep to, or -1 */

    /* The worker alone. */
    mri_strand *first;
    uint32_t tick;
    uint64_t random;
    bool earlier; /* it has started a timer of which the sleepers do not know */
    mri_strand *next;
    mri_run_node *held; /* what the loop that is about to begin runs first: out
                           of all queues, so that loop must begin */
    mri_after after;
    mri_strand_cache cache;
    mri_blocks blocks;
    mri_fiber home;
    mri_thread thread;

    /* The worker writes, anybody reads. */
    MRI_ALIGNED(MRI_CACHE_LINE) mri_atomic(mri_strand *) current;
    mri_atomic_u32 idle; /* 1: has nothing to run and looks for the last time,
                            or sleeps */
    mri_atomic_u32 at;   /* the CPU it was seen on last; see places.h */
    mri_atomic_u64 born, gone; /* jobs; see entry.c */
    mri_worker_stats stats;
    mri_atomic_u32 tid; /* of its thread; 0: not known yet */

    /* The monitor alone: what it saw last. */
    uint64_t seen_head, seen_moves;
    bool seen_waiting;
    int64_t seen_begin, seen_cpu; /* see held.c */

    mri_run_queue queue;
    mri_run_slot slots[MRI_QUEUE];
    mri_timers timers; /* of what began to wait here; see wait.h */
};

/* One thing to run. */
typedef struct mri_work {
    mri_run_node *node; /* or */
    mri_slot *slot;     /* stolen: the caller runs and completes it */
} mri_work;

#define mri_count_by(w, what, n)                                               \
    mri_store_relaxed(&(w)->stats.what,                                        \
                      mri_load_relaxed(&(w)->stats.what) + (uint64_t)(n))
#define mri_count(w, what) mri_count_by(w, what, 1)

/* Worker: any number, of equal chance, that nobody need be unable to guess. */
MRI_INLINE uint64_t mri_worker_random(mri_worker *w)
{
    /* Marsaglia, Xorshift RNGs, 2003: shifts 13, 7, 17. */
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random;
}

/* Worker, before a job is pushed that is submitted. */
MRI_INLINE void mri_worker_born(mri_worker *w, uint64_t jobs)
{
    /* Relaxed: whatever lets the job, or its end, be seen releases it. */
    mri_store_relaxed(&w->born, mri_load_relaxed(&w->born) + jobs);
}

/* Worker on which such a job has ended. */
MRI_INLINE void mri_worker_gone(mri_worker *w)
{
    /* Release: pairs with the acquire in mri_runtime_is_done. */
    mri_store_release(&w->gone, mri_load_relaxed(&w->gone) + 1);
}

/* Worker. Something to run, waiting for it if need be; false: stop. */
MRI_CHECKED bool mri_worker_find(mri_worker *w, mri_work *work);

/* Worker. One look at everything that needs no search. */
MRI_CHECKED bool mri_worker_look(mri_worker *w, mri_work *work);
/* Worker. One look at all the others, asking each for more. */
MRI_CHECKED bool mri_worker_steal(mri_worker *w, mri_work *work);

/* Worker whose strand is about to park: what it goes on with, mostly another
 * that is ready, which saves the way through the loop; else one for the loop,
 * or NULL as mri_strand_take. The caller switches to it, whatever happens: a
 * strand that is ready is in no queue any more, and what was picked for the
 * loop is in `held`. */
MRI_CHECKED mri_strand *mri_worker_next(mri_worker *w);

/* Worker that has no strand for its loop: one that is ready to go on, or NULL.
 * Nothing else can be run then. */
mri_strand *mri_worker_find_ready(mri_worker *w);

/* Seat i, before anybody can see it. */
void mri_worker_open(mr_runtime *rt, uint32_t i);

/* A worker's thread, from start to stop. `arg` is the worker. */
void mri_worker_main(void *arg);

/* The loop, on a strand of its own. */
MRI_NORETURN void mri_worker_loop(mri_strand *s);

/* Worker. Into its own queue; somebody who has nothing to do hears of it. */
void mri_worker_push(mri_worker *w, mri_run_node *node);

/* Whoever has completed a task, any thread: the strand that is the caller's to
 * resume, or NULL (nobody waits, or who does goes on by itself). */
MRI_CHECKED mri_strand *mri_worker_released(mri_waiter waiter);

/* On strand s: act on what the completion of a task has returned. */
void mri_worker_completed(mri_strand *s, mri_waiter waiter);

/* Owner of the deque: answer the hunger of others (mri_deque_spawn found it);
 * `head` as it is after the spawn. */
void mri_worker_publish(mri_deque *deque, mri_slot *head);

/* On strand s: wait until a task is done whose word this is. `what` as for
 * mri_strand_waits_for. */
void mri_worker_await_for(mri_strand *s, mri_task_word *word, const char *what);

/* The same for a child of fork and join. A strand that has such a child at its
 * own base, or what mr_run was called for, is in hand meanwhile: with all that
 * it waits for it is one computation, which more threads than there are workers
 * do not help. What mr_submit or a scope has started may be somebody's request
 * beside others, and is not; nor is a strand that waits for anything else. */
void mri_worker_await(mri_strand *s, mri_task_word *word);

/* On strand s: the child in this slot was taken by a thief; wait until it is
 * done, then its result is in the slot, and the slot the strand's again. */
void mri_worker_await_taken(mri_strand *s, mri_slot *slot, mri_slot *head);

/* On strand s: the child in this slot is the strand's to run, by fn, but its
 * stack is nearly used up: run it on another one and wait. False: no other is
 * to be had, and nothing was done. */
MRI_CHECKED bool mri_worker_run_elsewhere(mri_strand *s, mri_slot *slot,
                                          mri_slot_fn fn);

/* The word by which a stolen child is waited for. */
MRI_INLINE mri_task_word *mri_slot_word(mri_slot *slot)
{
    MRI_STATIC_ASSERT(sizeof(slot->done) == sizeof(mri_task_word),
                      "a slot's done is a task word");
    return (mri_task_word *)(void *)&slot->done;
}

MRI_INLINE mri_strand *mri_strand_of_deque(mri_deque *deque)
{
    return mri_container_of(deque, mri_strand, deque);
}

#endif
