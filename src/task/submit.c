/* Tasks from any thread: mr_run, mr_submit, mr_main. */
#include "base/assert.h"
#include "sched/runtime.h"
#include "task/task.h"
#include <millrace/error.h>
#include <millrace/time.h>

#include <string.h>

/* ---- Run ---------------------------------------------------------------- */

struct call {
    mri_job job;
    void *arg;
    int64_t result;
    mri_task_word word;
};

static void run_call(mri_strand *s, mri_job *job)
{
    struct call *c = mri_container_of(job, struct call, job);
    s->computes = true;
    c->result = mri_task_call_in(s, NULL, c->job.fn, c->arg);
    mri_worker_gone(s->worker);
    mri_worker_completed(s, mri_task_word_complete(&c->word));
}

int64_t mr_run(mr_runtime *rt, mr_fn fn, void *arg)
{
    struct call call = {.arg = arg};
    if (mri_strand_self() || !mri_runtime_is_here(rt))
        return MR_EPERM;
    mri_job_init(&call.job, run_call, fn, MRI_CALL_SITE());
    mri_task_word_init(&call.word);
    int rc = mri_runtime_submit(rt, &call.job.node);
    if (rc < 0)
        return rc;
    while (mri_task_word_block(&call.word, MR_NEVER) < 0)
        continue;
    return call.result;
}

/* ---- Submit ------------------------------------------------------------- */

/* `job.run` says which: its argument is a copy, or the caller's own pointer;
 * it lies in a block, or it is too large for one. */
typedef struct submitted {
    mri_job job;
    union {
        void *arg;
        size_t size;
        char copy[1];
    };
} submitted;

enum {
    COPY = offsetof(submitted, copy),
    LARGE_COPY = (COPY + sizeof(size_t) + 15) & ~15, /* behind its size */
    MOST_IN_BLOCK = MRI_BLOCK - COPY
};
MRI_STATIC_ASSERT(COPY % 16 == 0, "a copy is aligned to 16");

static submitted *submitted_of(mri_job *job)
{
    return mri_container_of(job, submitted, job);
}

static void end_small(mri_strand *s, submitted *m)
{
    mri_block_put(s->worker, m);
    mri_worker_gone(s->worker);
}

static void run_pointer(mri_strand *s, mri_job *job)
{
    submitted *m = submitted_of(job);
    (void)mri_task_call_in(s, NULL, m->job.fn, m->arg);
    end_small(s, m);
}

static void run_copy(mri_strand *s, mri_job *job)
{
    submitted *m = submitted_of(job);
    (void)mri_task_call_in(s, NULL, m->job.fn, m->copy);
    end_small(s, m);
}

static void run_large(mri_strand *s, mri_job *job)
{
    submitted *m = submitted_of(job);
    (void)mri_task_call_in(s, NULL, m->job.fn, (char *)m + LARGE_COPY);
    mri_runtime_release(s->worker->runtime, m, LARGE_COPY + m->size);
    mri_worker_gone(s->worker);
}

static void fill_small(submitted *m, mr_fn fn, const void *arg, size_t size,
                       void *site)
{
    mri_job_init(&m->job, size > 0 ? run_copy : run_pointer, fn, site);
    if (size > 0)
        memcpy(m->copy, arg, size);
    else
        m->arg = (void *)(uintptr_t)arg;
}

static submitted *compose_large(mr_runtime *rt, mr_fn fn, const void *arg,
                                size_t size, void *site)
{
    submitted *m = size < SIZE_MAX / 2
                       ? mri_runtime_allocate(rt, LARGE_COPY + size, 16)
                       : NULL;
    if (!m)
        return NULL;
    mri_job_init(&m->job, run_large, fn, site);
    m->size = size;
    memcpy((char *)m + LARGE_COPY, arg, size);
    return m;
}

static int submit_inside(mri_worker *w, mr_fn fn, const void *arg, size_t size,
                         void *site)
{
    submitted *m;
    if (mri_likely(size <= MOST_IN_BLOCK)) {
        m = mri_block_get(w);
        if (m)
            fill_small(m, fn, arg, size, site);
    } else {
        m = compose_large(w->runtime, fn, arg, size, site);
    }
    if (!m)
        return MR_ENOMEM;
    mri_worker_born(w, 1);
    mri_worker_push(w, &m->job.node);
    return 0;
}

static int submit_small(mr_runtime *rt, mr_fn fn, const void *arg, size_t size,
                        void *site)
{
    submitted *m = mri_block_get_outside(rt);
    if (!m)
        return MR_ENOMEM;
    fill_small(m, fn, arg, size, site);
    int rc = mri_runtime_submit(rt, &m->job.node);
    if (mri_unlikely(rc < 0))
        mri_block_put_outside(rt, m);
    return rc;
}

static int submit_large(mr_runtime *rt, mr_fn fn, const void *arg, size_t size,
                        void *site)
{
    submitted *m = compose_large(rt, fn, arg, size, site);
    if (!m)
        return MR_ENOMEM;
    int rc = mri_runtime_submit(rt, &m->job.node);
    if (rc < 0)
        mri_runtime_release(rt, m, LARGE_COPY + size);
    return rc;
}

int mr_submit(mr_runtime *rt, mr_fn fn, const void *arg, size_t size)
{
    mri_strand *s = mri_strand_self();
    void *site = MRI_CALL_SITE();
    if (!mri_runtime_is_here(rt))
        return MR_EPERM;
    if (s && s->worker->runtime == rt)
        return submit_inside(s->worker, fn, arg, size, site);
    if (mri_inbox_closed(&rt->inbox))
        return MR_ECANCELED;
    return size <= MOST_IN_BLOCK ? submit_small(rt, fn, arg, size, site)
                                 : submit_large(rt, fn, arg, size, site);
}

/* ---- Main --------------------------------------------------------------- */

int64_t mr_main(const mr_config *config, mr_fn fn, void *arg)
{
    mr_runtime *rt;
    if (mri_strand_self())
        return MR_EPERM;
    int rc = mr_start(&rt, config);
    if (rc < 0)
        return rc;
    int64_t result = mr_run(rt, fn, arg);
    mri_require(mr_stop(rt, MR_NEVER) == 0, "a stop without deadline ends");
    return result;
}
