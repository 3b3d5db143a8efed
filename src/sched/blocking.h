/* An elastic pool of threads for what can only block: calls that know no other
 * way to wait than to hold a thread.
 *
 *     static void look_up(mri_blocking_job *job) { ... wake whoever waits for
 * it ... }
 *
 *     struct request { mri_blocking_job job; ... } r = {.job = {.run =
 * look_up}}; rc = mri_blocking_submit(&pool, &r.job);
 *
 * A job is the caller's memory from submit until its run is entered; the pool
 * does not touch it from there on, so run may hand it on or free it.
 *
 * A submit finds one of these, in this order:
 *   a thread that idles      the job is handed to it, and it alone is woken:
 *                            the one that became idle last, so that those that
 *                            are not needed are the ones whose time runs out
 *   fewer threads than most  one more is created, outside the lock. The job
 *                            waits in the queue, where a thread that is done
 *                            earlier may take it. With no thread alive that
 *                            would, it is carried by the new one, so that it
 *                            can be given back if there is none.
 *   else                     the job waits in the queue
 *
 * Jobs leave the queue in the order in which they entered, and a thread
 * becomes idle only when the queue is empty, so no job is overtaken: all are
 * given to threads in the order in which submit accepted them. Which of two
 * such threads runs first is the kernel's choice.
 *
 * All fields are read and written under the lock, but for the bells:
 *   bell  of each thread; WAITING or RUNG. Its thread sets WAITING, under the
 *         lock, when it becomes idle; whoever takes it out of the idle ones
 *         sets RUNG, under the lock, and then wakes it
 *   born  one more per creation that was decided
 *   gone  0 until the pool is closing and has no thread left, then 1
 *
 *   count = threads that live + starting     count <= most
 *   starting: begun by submit and not yet known to it as created or refused
 *   queued > 0  implies  idle = 0 and a thread lives that will come and look
 *
 * No job is left behind. (Handed) The thread was idle and is not any more, by
 * the same holder of the lock; it leaves only after it has seen, under the
 * lock, that its bell is still WAITING. (Queued) Only with a thread alive,
 * which is not idle, so it runs a job or is about to look; each looks into the
 * queue, under the lock, before it becomes idle or leaves, and one more job is
 * taken by each that looks. A thread that starts looks as well, and whether it
 * starts is not what a queued job depends on. A submit that finds `most`
 * threads starting and none alive waits until one of them is decided.
 *
 * No wake-up is lost. T sleeps while its bell is WAITING. Whoever sets RUNG
 * wakes T afterwards: T either is asleep and is woken, or finds the word
 * changed. Nobody else sleeps there, so one wake is one thread. The job is
 * written before RUNG (release) and read after it (acquire).
 *   A closer sleeps while gone is 0; the last thread to leave sets it and wakes
 * it. A submit that waits for a creation to be decided has read born under the
 * lock, and it changes, under the lock, before the wake.
 *
 * Nobody touches what may be gone. Once a job is handed or queued it may run,
 * and its caller may close the pool while submit has not returned. Submit's
 * last touches are the release of the lock and a futex wake, which both use
 * the address alone at the end (parts/lock.h, os/futex.h). A submit that
 * creates a thread touches the pool until it has counted the outcome, and is
 * in `starting`, hence in count, until then, and close waits for count to be
 * zero.
 *
 * Threads that leave are joined, each by the next to leave, the last by close:
 * after close none of them executes anything, so the library may be unloaded.
 * A thread that leaves before submit has counted it as created is joined by
 * that submit.
 *
 * Threads run where the thread that opened the pool might run, whoever creates
 * them: a pinned worker's affinity is not inherited.
 *
 * Which may run together:
 *                  submit  close          stats, check
 *   submit         yes     yes            yes
 *   close          yes     no             yes
 *   stats, check   yes     yes            yes
 * Jobs may submit; a job that closes its pool waits for itself until the
 * deadline. The memory of the pool outlives every call.
 *
 * Must not know: strands, tasks, what is waited for.
 */
#ifndef MRI_SCHED_BLOCKING_H
#define MRI_SCHED_BLOCKING_H

#include "base/atomic.h"
#include "os/thread.h"
#include "parts/lock.h"

typedef struct mri_blocking_job {
    struct mri_blocking_job *next; /* the pool's until run is entered */
    void (*run)(struct mri_blocking_job *job); /* the caller's */
} mri_blocking_job;

/* Zero means default. */
typedef struct mri_blocking_config {
    uint32_t most;    /* threads; 512 */
    int64_t keep_ns;  /* how long a thread idles before it leaves; 10 s */
    const char *name; /* of each thread, 15 bytes of it; "blocking" */
} mri_blocking_config;

enum { MRI_BLOCKING_MOST = 1 << 16 };

enum mri_bell { MRI_BELL_WAITING, MRI_BELL_RUNG };

/* One of the pool's records: a thread's from before its creation until it has
 * left, else free. All under the pool's lock but for the bell's load, and for
 * job, which is the thread's own until its first look and after a ring. */
struct mri_blocking_thread {
    MRI_ALIGNED(MRI_CACHE_LINE) mri_atomic_u32 bell;
    bool starting;         /* its submit has not counted the outcome */
    bool done;             /* it left while starting */
    mri_blocking_job *job; /* handed to it; NULL: it looks into the queue */
    struct mri_blocking_thread *above, *below; /* idle; below: free, too */
    struct mri_blocking *pool;                 /* never changed */
    mri_thread thread;
};

typedef struct mri_blocking {
    MRI_ALIGNED(MRI_CACHE_LINE) mri_lock lock;
    bool closing;             /* for ever: no new job is accepted */
    uint32_t count, starting; /* see above */
    uint32_t idle, most_ever;
    uint64_t queued;
    mri_blocking_job *first, *last;   /* the queue, oldest first */
    struct mri_blocking_thread *top;  /* of the idle ones: idle the shortest */
    struct mri_blocking_thread *free; /* records used before */
    struct mri_blocking_thread *records; /* `most`, the first `used` touched */
    uint32_t used;
    bool somebody_left; /* `left` has to be joined */
    mri_thread left;
    uint64_t created, refused; /* threads; creations */
    mri_atomic_u32 born, gone;
    /* Never changed. */
    uint32_t most;
    int64_t keep_ns;
    char name[MRI_THREAD_NAME];
    mri_thread_cpus cpus;
} mri_blocking;

typedef struct mri_blocking_stats {
    uint32_t threads;   /* alive, or on their way */
    uint32_t idle;      /* of them */
    uint32_t most_ever; /* that many threads at once */
    uint64_t queued;    /* jobs that no thread has been given */
    uint64_t created, refused;
} mri_blocking_stats;

/* Config NULL: defaults. No thread is created yet. 0, or a negative code:
 * MR_EINVAL for more than MRI_BLOCKING_MOST threads or a negative time,
 * MR_ENOMEM, or what sched_getaffinity said. */
MRI_CHECKED int mri_blocking_open(mri_blocking *pool,
                                  const mri_blocking_config *config);

/* Have job->run(job) called on a thread of the pool, once. 0; or a negative
 * code, with the job untouched and never run: MR_ECANCELED for a pool that is
 * closing or closed; or what the creation of a thread failed with, where no
 * thread lives that could take it (MR_EAGAIN, MR_ENOMEM). May wait for the
 * creation of a thread, never for a job. */
MRI_CHECKED int mri_blocking_submit(mri_blocking *pool, mri_blocking_job *job);

/* Refuse new jobs, let those accepted run to their end, and wait for all
 * threads to leave. 0: they have, and the pool is empty for good.
 * MR_ETIMEDOUT at the deadline: nothing was given back, jobs go on running,
 * queued ones will run, none is accepted; to be called again. Another code:
 * memory could not be given back; may be called again. Beyond the deadline it
 * waits only for thread-local destructors of the last to leave. */
MRI_CHECKED int mri_blocking_close(mri_blocking *pool, int64_t deadline);

/* All of one moment. */
void mri_blocking_stats_get(mri_blocking *pool, mri_blocking_stats *out);

/* Whether the equations above hold, and the lists are what the counts say. */
void mri_blocking_check(mri_blocking *pool);

/* The same for who holds the lock. */
void mri_blocking_look(const mri_blocking *pool);

/* Threads that are known to have been created and have not left. For who holds
 * the lock. */
MRI_INLINE uint32_t mri_blocking_living(const mri_blocking *pool)
{
    return pool->count - pool->starting;
}

#endif
