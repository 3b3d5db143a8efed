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
    mr_fn fn;
    void *arg;
    int64_t result;
    mri_task_word word;
};

static void run_call(mri_strand *s, mri_job *job)
{
    struct call *c = mri_container_of(job, struct call, job);
    c->result = mri_task_call_in(s, NULL, c->fn, c->arg);
    mri_runtime_gone(s->worker->runtime);
    mri_worker_completed(s, mri_task_word_complete(&c->word));
}

int64_t mr_run(mr_runtime *rt, mr_fn fn, void *arg)
{
    struct call call = {
        .job = {.node = {.word = MRI_NODE_JOB}, .run = run_call},
        .fn = fn,
        .arg = arg,
    };
    if (mri_strand_self())
        return MR_EPERM;
    int rc = mri_runtime_admit(rt);
    if (rc < 0)
        return rc;
    mri_task_word_init(&call.word);
    mri_runtime_post(rt, &call.job.node);
    mri_runtime_leave(rt);
    while (mri_task_word_block(&call.word, MR_NEVER) < 0)
        continue;
    return call.result;
}

/* ---- Submit ------------------------------------------------------------- */

typedef struct submitted {
    mri_job job;
    mr_fn fn;
    void *arg; /* copy, or the caller's own */
    size_t size;
    MRI_ALIGNED(16) char copy[];
} submitted;

static void run_submitted(mri_strand *s, mri_job *job)
{
    submitted *m = mri_container_of(job, submitted, job);
    (void)mri_task_call_in(s, NULL, m->fn, m->arg);
    mr_runtime *rt = s->worker->runtime;
    mri_runtime_release(rt, m, sizeof *m + m->size);
    mri_runtime_gone(rt);
}

static submitted *compose(mr_runtime *rt, mr_fn fn, const void *arg,
                          size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    submitted *m = mri_runtime_allocate(rt, sizeof *m + size, 16);
    if (!m)
        return NULL;
    m->job = (mri_job){.node = {.word = MRI_NODE_JOB}, .run = run_submitted};
    m->fn = fn;
    m->size = size;
    m->arg = size > 0 ? m->copy : (void *)(uintptr_t)arg;
    if (size > 0)
        memcpy(m->copy, arg, size);
    return m;
}

static int submit_inside(mri_strand *s, mr_runtime *rt, submitted *m)
{
    if (!m)
        return MR_ENOMEM;
    mri_runtime_born(rt);
    mri_worker_push(s->worker, &m->job.node);
    return 0;
}

static int submit_outside(mr_runtime *rt, mr_fn fn, const void *arg,
                          size_t size)
{
    int rc = mri_runtime_admit(rt);
    if (rc < 0)
        return rc;
    submitted *m = compose(rt, fn, arg, size);
    if (m)
        mri_runtime_post(rt, &m->job.node);
    else
        mri_runtime_gone(rt);
    mri_runtime_leave(rt);
    return m ? 0 : MR_ENOMEM;
}

int mr_submit(mr_runtime *rt, mr_fn fn, const void *arg, size_t size)
{
    mri_strand *s = mri_strand_self();
    if (s && s->worker->runtime == rt)
        return mri_runtime_is_here(rt)
                   ? submit_inside(s, rt, compose(rt, fn, arg, size))
                   : MR_EPERM;
    return submit_outside(rt, fn, arg, size);
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
