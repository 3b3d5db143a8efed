/* Workers without spares: the monitor is always awake, which nobody sees. */
#include "sched/runtime.h"

#include "model.h"

int mri_thread_start(mri_thread *t, const char *name, void (*run)(void *),
                     void *arg, size_t stack_size)
{
    (void)t;
    (void)name;
    (void)run;
    (void)arg;
    (void)stack_size;
    return 0;
}

/* The model's: what its workers say at their end. */
void mri_thread_join(mri_thread *t)
{
    while (t->arg && !mri_load_acquire((mri_atomic_uptr *)t->arg))
        mri_pause();
}

void mri_monitor_start(mr_runtime *rt)
{
    (void)rt;
}

void mri_monitor_end(mr_runtime *rt)
{
    (void)rt;
}

void mri_monitor_join(mr_runtime *rt)
{
    (void)rt;
}

void mri_monitor_wake_slow(mri_monitor *m)
{
    (void)m;
    model_assert(!"the monitor is awake");
}

bool mri_spare_find(mri_worker *w, mri_work *work)
{
    (void)w;
    (void)work;
    model_assert(!"there is no spare");
    return false;
}
