/* Giving jobs to threads; the protocol is in blocking.h. */
#include "sched/blocking.h"

#include "os/clock.h"
#include "os/futex.h"
#include "os/pages.h"

#include <millrace/error.h>
#include <string.h>

enum { DEFAULT_MOST = 512 };
#define DEFAULT_KEEP_NS INT64_C(10000000000)

typedef struct mri_blocking_thread blocker;

/* ---- Under the lock ----------------------------------------------------- */

static void enqueue(mri_blocking *pool, mri_blocking_job *job)
{
    job->next = NULL;
    if (pool->first)
        pool->last->next = job;
    else
        pool->first = job;
    pool->last = job;
    pool->queued++;
}

static mri_blocking_job *dequeue(mri_blocking *pool)
{
    mri_blocking_job *job = pool->first;
    if (job) {
        pool->first = job->next;
        pool->queued--;
    }
    return job;
}

static void become_idle(mri_blocking *pool, blocker *b)
{
    /* Relaxed: who rings has the lock after this thread. */
    mri_store_relaxed(&b->bell, MRI_BELL_WAITING);
    b->job = NULL;
    b->above = NULL;
    b->below = pool->top;
    if (pool->top)
        pool->top->above = b;
    pool->top = b;
    pool->idle++;
}

static void unlink_idle(mri_blocking *pool, blocker *b)
{
    if (b->above)
        b->above->below = b->below;
    else
        pool->top = b->below;
    if (b->below)
        b->below->above = b->above;
    pool->idle--;
}

/* Take an idle thread out; it is to be woken after the lock's release. */
static blocker *ring(mri_blocking *pool, mri_blocking_job *job)
{
    blocker *b = pool->top;
    unlink_idle(pool, b);
    b->job = job;
    /* Release: job; pairs with the load in rest. */
    mri_store_release(&b->bell, MRI_BELL_RUNG);
    return b;
}

/* Give the job to who idles, or else to who lives. The thread to wake. */
static blocker *give(mri_blocking *pool, mri_blocking_job *job)
{
    if (pool->top)
        return ring(pool, job);
    enqueue(pool, job);
    return NULL;
}

static blocker *take_record(mri_blocking *pool)
{
    blocker *b = pool->free;
    if (b)
        pool->free = b->below;
    else
        b = &pool->records[pool->used++];
    b->pool = pool;
    b->starting = true;
    b->done = false;
    pool->starting++;
    if (++pool->count > pool->most_ever)
        pool->most_ever = pool->count;
    return b;
}

/* No thread stands for it any more. */
static void give_record_back(mri_blocking *pool, blocker *b)
{
    b->below = pool->free;
    pool->free = b;
    pool->count--;
}

static void acquire(mri_blocking *pool)
{
    mri_lock_acquire(&pool->lock);
}

static void release(mri_blocking *pool)
{
    /* A long queue would make that a test of patience. */
    mri_audit(pool->queued > 100 || (mri_blocking_look(pool), true),
              "in order");
    mri_lock_release(&pool->lock);
}

/* The same after count may have become less. */
static void release_less(mri_blocking *pool)
{
    mri_atomic_u32 *gone = &pool->gone;
    bool last = pool->closing && pool->count == 0;
    if (last)
        /* Relaxed: the closer takes the lock before it believes it. */
        mri_store_relaxed(gone, 1);
    release(pool); /* LAST TOUCH of the pool */
    if (last)
        mri_futex_wake(gone, INT32_MAX);
}

/* ---- A thread of the pool ----------------------------------------------- */

/* Release the lock and come to an end. The record may be another's at once,
 * and the pool closed. */
static void leave(mri_blocking *pool, blocker *b)
{
    mri_thread before;
    bool join = pool->somebody_left && !b->starting;
    if (b->starting) {
        b->done = true; /* the rest is for who started it */
    } else {
        before = pool->left;
        pool->left = b->thread;
        pool->somebody_left = true;
        give_record_back(pool, b);
    }
    release_less(pool);
    if (join)
        mri_thread_join(&before);
}

/* Idle, until rung: true; or until nobody has rung for long: false. */
static bool rest(blocker *b, int64_t keep_ns)
{
    int64_t now = mri_clock_now();
    int64_t deadline = keep_ns < MRI_NEVER - now ? now + keep_ns : MRI_NEVER;
    /* Acquire: the job; pairs with the store in ring. */
    while (mri_load_acquire(&b->bell) == MRI_BELL_WAITING)
        if (mri_futex_wait(&b->bell, MRI_BELL_WAITING, deadline) ==
            MR_ETIMEDOUT)
            return false;
    return true;
}

/* Nobody has rung, or so it seemed. True: so it is, the thread has left. */
static bool leave_unless_rung(mri_blocking *pool, blocker *b)
{
    acquire(pool);
    /* Relaxed: changed under the lock alone. */
    if (mri_load_relaxed(&b->bell) == MRI_BELL_RUNG) {
        release(pool);
        return false;
    }
    unlink_idle(pool, b);
    leave(pool, b);
    return true;
}

/* The next job, or NULL: the thread has left. */
static mri_blocking_job *next_job(mri_blocking *pool, blocker *b)
{
    for (;;) {
        acquire(pool);
        mri_blocking_job *job = dequeue(pool);
        if (job) {
            release(pool);
            return job;
        }
        if (pool->closing) {
            leave(pool, b);
            return NULL;
        }
        become_idle(pool, b);
        release(pool);
        if (!rest(b, pool->keep_ns) && leave_unless_rung(pool, b))
            return NULL;
        if (b->job)
            return b->job;
    }
}

static void serve(void *arg)
{
    blocker *b = arg;
    mri_blocking *pool = b->pool;
    /* Where that is refused by now (a cpuset that has changed), where its
     * creator runs will do. */
    (void)!mri_thread_cpus_set(&pool->cpus);
    for (mri_blocking_job *job = b->job ? b->job : next_job(pool, b); job;
         job = next_job(pool, b))
        job->run(job); /* LAST TOUCH of the job */
}

/* ---- Submit ------------------------------------------------------------- */

static void wake(blocker *b)
{
    if (b)
        mri_futex_wake(&b->bell, 1);
}

/* Release the lock once the outcome of a creation is counted. */
static void release_born(mri_blocking *pool)
{
    mri_atomic_u32 *born = &pool->born;
    mri_add_relaxed(born, 1); /* relaxed: read under the lock */
    release_less(pool);
    mri_futex_wake(born, INT32_MAX);
}

static void count_thread(mri_blocking *pool, blocker *b)
{
    acquire(pool);
    pool->created++;
    if (b->done) { /* it is on its last steps, or gone */
        release(pool);
        mri_thread_join(&b->thread);
        acquire(pool);
        give_record_back(pool, b);
    }
    b->starting = false;
    pool->starting--;
    release_born(pool);
}

/* There is no thread. 0 if the job that it was to carry has found another, or
 * if it was to carry none; else the code. */
static int count_refusal(mri_blocking *pool, blocker *b, int rc)
{
    mri_blocking_job *job = b->job;
    blocker *woken = NULL;
    acquire(pool);
    pool->refused++;
    give_record_back(pool, b);
    pool->starting--;
    bool taken = !job || pool->top || mri_blocking_living(pool) > 0;
    if (job && taken)
        woken = give(pool, job);
    release_born(pool);
    wake(woken);
    return taken ? 0 : rc;
}

/* Releases the lock. */
static int create_for(mri_blocking *pool, mri_blocking_job *job)
{
    blocker *b = take_record(pool);
    b->job = NULL;
    if (mri_blocking_living(pool) > 0)
        enqueue(pool, job);
    else
        b->job = job;
    release(pool);
    int rc = mri_thread_start(&b->thread, pool->name, serve, b, 0);
    if (rc < 0)
        return count_refusal(pool, b, rc);
    count_thread(pool, b);
    return 0;
}

/* All threads that there may be are starting, and may all be refused: nobody
 * is known who would take a job from the queue. */
static bool undecided(const mri_blocking *pool)
{
    return !pool->top && pool->count == pool->most &&
           mri_blocking_living(pool) == 0;
}

static void await_birth(mri_blocking *pool)
{
    uint32_t born = mri_load_relaxed(&pool->born); /* under the lock */
    release(pool);
    (void)!mri_futex_wait(&pool->born, born, MRI_NEVER);
    acquire(pool);
}

int mri_blocking_submit(mri_blocking *pool, mri_blocking_job *job)
{
    acquire(pool);
    while (!pool->closing && undecided(pool))
        await_birth(pool);
    if (pool->closing) {
        release(pool);
        return MR_ECANCELED;
    }
    if (!pool->top && pool->count < pool->most)
        return create_for(pool, job);
    blocker *woken = give(pool, job);
    release(pool);
    wake(woken);
    return 0;
}

/* ---- Open and close ----------------------------------------------------- */

static size_t records_size(const mri_blocking *pool)
{
    size_t page = mri_page_size();
    return (pool->most * sizeof(blocker) + page - 1) & ~(page - 1);
}

int mri_blocking_open(mri_blocking *pool, const mri_blocking_config *config)
{
    static const mri_blocking_config zero;
    const mri_blocking_config *c = config ? config : &zero;
    if (c->most > MRI_BLOCKING_MOST || c->keep_ns < 0)
        return MR_EINVAL;
    memset(pool, 0, sizeof *pool);
    mri_lock_init(&pool->lock);
    mri_init(&pool->born, 0);
    mri_init(&pool->gone, 0);
    pool->most = c->most ? c->most : DEFAULT_MOST;
    pool->keep_ns = c->keep_ns ? c->keep_ns : DEFAULT_KEEP_NS;
    strncpy(pool->name, c->name ? c->name : "blocking", sizeof pool->name - 1);
    int rc = mri_thread_cpus_get(&pool->cpus);
    if (rc < 0)
        return rc;
    void *records;
    rc = mri_pages_map(&records, records_size(pool));
    if (rc == 0)
        pool->records = records;
    return rc;
}

/* No thread is there, nor a submit that would touch a record. */
static int give_back(mri_blocking *pool)
{
    if (pool->somebody_left)
        mri_thread_join(&pool->left);
    pool->somebody_left = false;
    acquire(pool);
    pool->free = NULL; /* nobody looks at records from here on */
    pool->used = 0;
    release(pool);
    if (!pool->records)
        return 0;
    int rc = mri_pages_unmap(pool->records, records_size(pool));
    if (rc == 0)
        pool->records = NULL;
    return rc;
}

int mri_blocking_close(mri_blocking *pool, int64_t deadline)
{
    int rc = 0;
    acquire(pool);
    pool->closing = true;
    while (pool->top) {
        blocker *woken = ring(pool, NULL);
        release(pool);
        wake(woken);
        acquire(pool);
    }
    while (pool->count > 0 && rc != MR_ETIMEDOUT) {
        release(pool);
        rc = mri_futex_wait(&pool->gone, 0, deadline);
        acquire(pool);
    }
    bool empty = pool->count == 0;
    release(pool);
    return empty ? give_back(pool) : MR_ETIMEDOUT;
}
