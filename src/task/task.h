/* A task of the pointer kind: mr_task seen from inside.
 *
 *     where                 slot     runs
 *     in its spawner's      the one  by whoever takes it there, the spawner's
 *     deque                          await included
 *     in a run queue        its      by whoever pops it; the await parks.
 *     (the slots are full)  context  Never in the await: two that wait for
 *                           + 1      each other would hang
 *     in a scope            NULL     likewise; the scope's close waits
 *
 * `owner` is the strand that spawned it, and MRI_NOBODY once it is awaited or
 * where nothing was started: that is how a wrong await is known. A child of a
 * scope has the scope there, which is no strand.
 *
 * Must not know: how a worker finds it.
 */
#ifndef MRI_TASK_TASK_H
#define MRI_TASK_TASK_H

#include "sched/worker.h"
#include <millrace/task.h>

typedef struct mri_task {
    union {
        mri_strand *owner; /* the spawner's strand writes and reads it */
        struct mri_scope *scope;
    };
    mri_slot *slot; /* likewise */
    /* Queued: the spawner writes, who runs it reads. */
    mri_job job;
    int64_t value; /* the argument; who runs it: the result, before word */
    mri_task_word word;
} mri_task;

/* Whether a slot's function is that of mr_spawn, so that value[1] has the
 * task's. For who looks. */
bool mri_task_is_spawned(uintptr_t fn);

/* Not NULL: what a thread outside of tasks runs on. */
#define MRI_NOBODY ((mri_strand *)~(uintptr_t)0)

/* fn(arg) on strand s, whose head is `head`, and is left so. */
MRI_INLINE int64_t mri_task_call_at(mri_strand *s, const mri_slot *head,
                                    mr_fn fn, void *arg)
{
    int64_t result = fn(arg);
    mri_require(mri_load_relaxed(&s->deque.head) == head,
                "a task awaits its children before it returns");
    return result;
}

MRI_INLINE int64_t mri_task_call(mri_strand *s, mr_fn fn, void *arg)
{
    return mri_task_call_at(s, mri_load_relaxed(&s->deque.head), fn, arg);
}

/* The same of what begins with a context of its own. */
MRI_INLINE int64_t mri_task_call_in(mri_strand *s, void *context, mr_fn fn,
                                    void *arg)
{
    mri_strand_enter_context(s, context);
    int64_t result = mri_task_call(s, fn, arg);
    mri_strand_leave_context(s, context);
    return result;
}

#endif
