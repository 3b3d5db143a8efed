/* mr_blocking: a call that can only block, on a thread of its own. */
#include "sched/runtime.h"
#include "task/task.h"

#include <millrace/error.h>

struct call {
    mri_blocking_job job;
    mr_fn fn;
    void *arg;
    int64_t result;
    mri_task_word word;
};

/* On a thread of the pool, which is no worker. */
static void run(mri_blocking_job *job)
{
    struct call *c = mri_container_of(job, struct call, job);
    c->result = c->fn(c->arg);
    /* The caller waits for it, or is about to, or need not any more. */
    mri_waiter waiter = mri_task_word_complete(&c->word);
    mri_strand *s = mri_worker_released(waiter);
    if (s)
        mri_strand_ready(s);
}

int64_t mr_blocking(mr_fn fn, void *arg)
{
    mri_strand *s = mri_strand_self();
    struct call call = {.job = {.run = run}, .fn = fn, .arg = arg};
    if (!s)
        return fn(arg);
    mr_runtime *rt = s->worker->runtime;
    if (!mri_runtime_is_here(rt))
        return MR_EPERM;
    mri_task_word_init(&call.word);
    int rc = mri_blocking_submit(&rt->blocking, &call.job);
    if (rc < 0)
        return rc;
    mri_worker_await_for(s, &call.word, "mr_blocking");
    return call.result;
}
