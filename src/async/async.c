/* mr_async: a task that has a future. */
#include "async/future.h"
#include "task/task.h"

#include <millrace/error.h>

int64_t mri_future_call_in(mri_strand *s, mr_future *f, mr_fn fn, void *arg)
{
    mri_scope sc;
    mri_scope_begin(&sc, s);
    uintptr_t stage = MRI_FUTURE_QUEUED;
    uintptr_t runs = mri_stage_of(&sc, MRI_FUTURE_RUNS);
    /* Release: the context, for who cancels it. */
    if (!mri_cas_release(&f->stage, &stage, runs))
        return MR_ECANCELED;
    int64_t value = mri_task_call_in(s, &sc, fn, arg);
    /* Relaxed: who comes later touches nothing, who came before is waited for
     * by the context's own count. */
    if (mri_unlikely(mri_swap_relaxed(&f->stage, MRI_FUTURE_ENDED) != runs))
        mri_scope_end(&sc, s);
    return value;
}

void mri_async_run(mri_strand *s, mri_job *job)
{
    mr_future *f = mri_container_of(job, mr_future, job);
    int64_t value = mri_future_call_in(s, f, job->fn, f->arg);
    mri_future_complete(s, f, value, true);
}

static mr_future *make(mr_runtime *rt, mri_strand *here, const void *arg,
                       size_t size)
{
    mri_heap *heap = mri_heap_of(rt);
    return heap ? mri_future_new(heap, here, MRI_FUTURE_ASYNC, 2, arg, size)
                : NULL;
}

static mr_future *begin_inside(mri_strand *s, mr_fn fn, const void *arg,
                               size_t size, void *site)
{
    mri_worker *w = s->worker;
    mr_future *f = make(w->runtime, s, arg, size);
    if (mri_unlikely(!f))
        return NULL;
    mri_job_init(&f->job, mri_async_run, fn, site);
    mri_worker_born(w, 1);
    mri_worker_push(w, &f->job.node);
    return f;
}

static mr_future *begin_outside(mr_runtime *rt, mr_fn fn, const void *arg,
                                size_t size, void *site)
{
    if (mri_inbox_closed(&rt->inbox))
        return mri_future_of_code(MR_ECANCELED);
    mr_future *f = make(rt, NULL, arg, size);
    if (!f)
        return NULL;
    mri_job_init(&f->job, mri_async_run, fn, site);
    int rc = mri_runtime_submit(rt, &f->job.node);
    if (mri_likely(rc == 0))
        return f;
    mri_future_unmake(f, NULL);
    return mri_future_of_code(rc);
}

static mr_future *begin(mr_runtime *rt, mri_strand *s, mr_fn fn,
                        const void *arg, size_t size, void *site)
{
    if (mri_unlikely(!mri_runtime_is_here(rt)))
        return mri_future_of_code(MR_EPERM);
    return s && s->worker->runtime == rt
               ? begin_inside(s, fn, arg, size, site)
               : begin_outside(rt, fn, arg, size, site);
}

mr_future *mr_async(mr_fn fn, const void *arg, size_t size)
{
    mri_strand *s = mri_strand_self();
    if (mri_unlikely(!s))
        return mri_future_of_code(MR_EPERM);
    return begin(s->worker->runtime, s, fn, arg, size, MRI_CALL_SITE());
}

mr_future *mr_async_in(mr_runtime *rt, mr_fn fn, const void *arg, size_t size)
{
    return begin(rt, mri_strand_self(), fn, arg, size, MRI_CALL_SITE());
}
