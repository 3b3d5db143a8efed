/* What a pool looks like from outside, and whether it is in order. */
#include "sched/blocking.h"

void mri_blocking_stats_get(mri_blocking *pool, mri_blocking_stats *out)
{
    mri_lock_acquire(&pool->lock);
    *out = (mri_blocking_stats){.threads = pool->count,
                                .idle = pool->idle,
                                .most_ever = pool->most_ever,
                                .queued = pool->queued,
                                .created = pool->created,
                                .refused = pool->refused};
    mri_lock_release(&pool->lock);
}

static void check_idle(const mri_blocking *pool)
{
    uint32_t idle = 0;
    const struct mri_blocking_thread *above = NULL;
    for (struct mri_blocking_thread *b = pool->top; b;
         above = b, b = b->below, idle++) {
        mri_require(b->above == above, "idle threads are linked both ways");
        /* Relaxed: changed under the lock alone. */
        mri_require(mri_load_relaxed(&b->bell) == MRI_BELL_WAITING && !b->job,
                    "an idle thread waits and has no job");
        mri_require(idle < pool->idle, "idle threads are counted");
    }
    mri_require(idle == pool->idle, "idle threads are counted");
}

static void check_queue(const mri_blocking *pool)
{
    uint64_t queued = 0;
    for (const mri_blocking_job *job = pool->first; job;
         job = job->next, queued++) {
        mri_require(queued < pool->queued, "queued jobs are counted");
        mri_require(job->next || job == pool->last, "the queue has an end");
    }
    mri_require(queued == pool->queued, "queued jobs are counted");
}

static void check_records(const mri_blocking *pool)
{
    uint32_t free = 0;
    for (const struct mri_blocking_thread *b = pool->free; b;
         b = b->below, free++)
        mri_require(free < pool->used, "a record is free once");
    mri_require(free + pool->count == pool->used,
                "a record is free or a thread's");
}

void mri_blocking_look(const mri_blocking *pool)
{
    mri_require(pool->starting <= pool->count && pool->idle <= pool->count &&
                    pool->count <= pool->most_ever &&
                    pool->most_ever <= pool->most,
                "threads are counted");
    mri_require(!pool->queued || (!pool->idle && mri_blocking_living(pool) > 0),
                "a queued job has somebody who will come");
    check_idle(pool);
    check_queue(pool);
    check_records(pool);
}

void mri_blocking_check(mri_blocking *pool)
{
    mri_lock_acquire(&pool->lock);
    mri_blocking_look(pool);
    mri_lock_release(&pool->lock);
}
