/* Spawn and await through a function pointer: millrace/task.h. */
#include "base/assert.h"
#include "sched/runtime.h"
#include "task/scope.h"
#include "task/task.h"
#include <millrace/error.h>

MRI_STATIC_ASSERT(sizeof(mri_task) == sizeof(mr_task), "mr_task has the size");

/* A child of this kind: value[0] is the argument, then the result; value[1]
 * the function. */
static MRI_SLOT_FN void run_slot(mri_deque *deque, mri_slot *head,
                                 mri_slot *slot)
{
    mri_strand *s = mri_strand_of_deque(deque);
    mr_fn fn = (mr_fn)slot->value[1];
    /* At the base of a strand: awaited out of order, it would be above. */
    if (head == deque->slots)
        mri_store_relaxed(&deque->task, (void *)fn);
    if (mri_unlikely(mri_strand_is_deep(s)) &&
        mri_worker_run_elsewhere(s, slot, run_slot))
        return;
    slot->value[0] = mri_task_call(s, fn, (void *)slot->value[0]);
}

/* ---- Spawn -------------------------------------------------------------- */

/* What stands in the place of its slot. */
#define QUEUED ((uintptr_t)1)

static bool is_queued(const mri_slot *slot)
{
    return ((uintptr_t)slot & QUEUED) != 0;
}

static mri_scope *scope_of(const mri_task *t)
{
    return (mri_scope *)((uintptr_t)t->slot - QUEUED);
}

static void run_queued(mri_strand *s, mri_job *job)
{
    mri_task *t = mri_container_of(job, mri_task, job);
    t->value = mri_task_call_in(s, scope_of(t), t->job.fn, (void *)t->value);
    mri_worker_completed(s, mri_task_word_complete(&t->word));
}

static MRI_COLD void spawn_queued(mri_task *t, mr_fn fn, void *arg,
                                  mri_strand *s, void *site)
{
    mri_scope *sc = s->deque.context;
    if (sc)
        mri_add_relaxed(&sc->queued, 1); /* its close looks */
    t->slot = (mri_slot *)((uintptr_t)sc + QUEUED);
    t->value = (int64_t)arg;
    mri_job_init_child(&t->job, run_queued, fn, site);
    mri_task_word_init(&t->word);
    mri_worker_push(s->worker, &t->job.node);
}

/* This and mr_await save no register before they have to: what is rare is left
 * by a jump. */
MRI_ENTRY void mr_spawn(mr_task *task, mr_fn fn, void *arg)
{
    mri_strand *s = mri_strand_at_entry();
    mri_task *t = (mri_task *)task;
    t->owner = s;
    if (mri_unlikely(!s)) {
        t->owner = MRI_NOBODY;
        t->slot = (mri_slot *)QUEUED; /* as mr_task_result wants it */
        return;
    }
    mri_slot *head = mri_load_relaxed(&s->deque.head);
    if (mri_unlikely(!mri_deque_has_room(&s->deque, head))) {
        spawn_queued(t, fn, arg, s, MRI_CALL_SITE());
        return;
    }
    t->slot = head;
    head->value[0] = (int64_t)arg;
    head->value[1] = (int64_t)fn;
    if (mri_deque_spawn_by(&s->deque, head, run_slot, MRI_CALL_SITE()))
        mri_worker_publish(&s->deque, head + 1);
}

/* ---- Await -------------------------------------------------------------- */

static MRI_COLD int64_t await_queued(mri_strand *s, mri_task *t)
{
    mri_scope *sc = scope_of(t);
    mri_worker_await(s, &t->word);
    if (sc)
        mri_sub_relaxed(&sc->queued, 1);
    return t->value;
}

/* The caller's to run. */
MRI_INLINE int64_t run_here(mri_strand *s, mri_slot *slot)
{
    if (mri_unlikely(mri_strand_is_deep(s)) &&
        mri_worker_run_elsewhere(s, slot, run_slot))
        return slot->value[0];
    /* A scope left open is in a frame that is gone, and the caller in it. */
    const void *context = s->deque.context;
    mr_fn fn = (mr_fn)slot->value[1];
    int64_t result = mri_task_call_at(s, slot, fn, (void *)slot->value[0]);
    mri_require(s->deque.context == context,
                "a task closes its scopes, and no others, before it returns");
    return result;
}

static int64_t await_decided(mri_strand *s, mri_slot *slot, mri_slot *head,
                             mri_verdict verdict)
{
    if (verdict == MRI_MINE)
        return run_here(s, slot);
    if (verdict == MRI_TAKEN)
        mri_worker_await_taken(s, slot, head);
    return slot->value[0];
}

static MRI_COLD int64_t await_slow(mri_strand *s, mri_slot *slot,
                                   mri_slot *head)
{
    return await_decided(s, slot, head,
                         mri_deque_await_slow(&s->deque, slot, head));
}

/* Not the youngest. What is queued has in the place of its slot what no slot's
 * address can be, so it comes here, and the youngest need not be asked. */
static MRI_COLD int64_t await_other(mri_strand *s, mri_task *t, mri_slot *head)
{
    if (is_queued(t->slot))
        return await_queued(s, t);
    return await_decided(s, t->slot, head,
                         mri_deque_await(&s->deque, t->slot, head, run_slot));
}

MRI_ENTRY int64_t mr_await(mr_task *task)
{
    mri_strand *s = mri_strand_at_entry();
    mri_task *t = (mri_task *)task;
    if (mri_unlikely(t->owner != s || !s))
        return MR_EPERM;
    mri_slot *slot = t->slot;
    t->owner = MRI_NOBODY;
    mri_slot *head = mri_load_relaxed(&s->deque.head);
    if (mri_unlikely(slot + 1 != head))
        return await_other(s, t, head);
    if (mri_unlikely(!mri_deque_await_fast(&s->deque, slot, head, run_slot)))
        return await_slow(s, slot, head);
    return run_here(s, slot);
}

bool mri_task_is_spawned(uintptr_t fn)
{
    return fn == (uintptr_t)run_slot;
}

void mr_yield(void)
{
    mri_strand *s = mri_strand_self();
    if (s)
        mri_strand_yield(s);
}
