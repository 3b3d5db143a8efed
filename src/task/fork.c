/* What millrace/fork.h calls out of line; and proof that what it believes of
 * the deque's layout is so. */
#include "base/assert.h"
#include "sched/runtime.h"

#include <millrace/fork_detail.h>

#include <stdlib.h>

#define SAME(theirs, field, ours, its)                                         \
    MRI_STATIC_ASSERT(offsetof(theirs, field) == offsetof(ours, its) &&        \
                          sizeof(((theirs *)0)->field) ==                      \
                              sizeof(((ours *)0)->its),                        \
                      "millrace/fork_detail.h: " #field)

SAME(mr_slot, fn, mri_slot, fn);
SAME(mr_slot, done, mri_slot, done);
SAME(mr_slot, value, mri_slot, value);
SAME(mr_slot, context, mri_slot, context);
SAME(mr_slot, parent, mri_slot, parent);
MRI_STATIC_ASSERT(sizeof(mr_slot) == sizeof(mri_slot), "a slot is a slot");
SAME(mr_deque, floor, mri_deque, floor);
SAME(mr_deque, head, mri_deque, head);
SAME(mr_deque, end, mri_deque, end);
SAME(mr_deque, want, mri_deque, want);
SAME(mr_deque, context, mri_deque, context);
SAME(mr_deque, task, mri_deque, task);
SAME(mr_deque, stack_limit, mri_deque, stack_limit);

static mri_deque *inner(mr_deque *deque)
{
    return (mri_deque *)(void *)deque;
}

static mri_slot *inner_slot(mr_slot *slot)
{
    return (mri_slot *)(void *)slot;
}

/* ---- Children without a slot -------------------------------------------- */

typedef struct spilled {
    MRI_ALIGNED(MRI_CACHE_LINE) mri_slot slot; /* and the whole a multiple */
    mri_job job;
    mr_runtime *runtime; /* NULL: of no task */
} spilled;

/* The deque of a thread outside of tasks: without slots, so that each child is
 * spilled, and runs as it is spawned. */
static _Thread_local struct {
    mr_deque deque;
    mri_slot *spilling;
} serial __attribute__((tls_model("initial-exec")));

static bool is_serial(const mr_deque *deque)
{
    return !deque->end;
}

static spilled *spilled_of(mri_slot *slot)
{
    return mri_container_of(slot, spilled, slot);
}

mr_slot *mr_detail1_spill_to(mr_deque *deque, mr_slot *unused)
{
    (void)unused;
    mri_strand *s = is_serial(deque) ? NULL : mri_strand_of_deque(inner(deque));
    mr_runtime *rt = s ? s->worker->runtime : NULL;
    spilled *c = rt ? mri_runtime_allocate(rt, sizeof *c, MRI_CACHE_LINE)
                    : aligned_alloc(MRI_CACHE_LINE, sizeof *c);
    mri_require(c != NULL, "there is memory for a child without a slot");
    c->runtime = rt;
    if (s)
        s->spilling = &c->slot;
    else
        serial.spilling = &c->slot;
    MR_STORE_(&deque->want, 1);
    return (mr_slot *)(void *)&c->slot;
}

static void run_spilled(mri_strand *s, mri_job *job)
{
    mri_slot *slot = &mri_container_of(job, spilled, job)->slot;
    mri_strand_enter_context(s, slot->context);
    mri_slot_function(slot)(&s->deque, mri_load_relaxed(&s->deque.head), slot);
    mri_strand_leave_context(s, slot->context);
    mri_worker_completed(s, mri_task_word_complete(mri_slot_word(slot)));
}

static void spill_serial(mr_deque *deque)
{
    mri_slot *slot = serial.spilling;
    MR_STORE_(&deque->want, 0);
    MR_STORE_(&deque->head, NULL);
    mri_slot_function(slot)(inner(deque), NULL, slot);
}

static void spill(mri_strand *s)
{
    spilled *c = spilled_of(s->spilling);
    s->spilling = NULL;
    mri_store_relaxed(&s->deque.head, s->deque.end);
    /* Hunger that stood there asks again; without membarrier it always does. */
    mri_store_relaxed(&s->deque.want, s->deque.membarrier ? 0 : 1);
    mri_task_word_init(mri_slot_word(&c->slot));
    c->job = (mri_job){.node = {.word = MRI_NODE_JOB}, .run = run_spilled};
    mri_worker_push(s->worker, &c->job.node);
}

mr_slot *mr_detail1_publish(mr_deque *deque, mr_slot *head)
{
    if (is_serial(deque)) {
        spill_serial(deque);
        return MR_LOAD_(&deque->head);
    }
    mri_strand *s = mri_strand_of_deque(inner(deque));
    if (s->spilling)
        spill(s);
    else
        mri_worker_publish(&s->deque, inner_slot(head));
    return MR_LOAD_(&deque->head);
}

/* ---- Awaits ------------------------------------------------------------- */

static bool is_spilled(const mr_deque *d, const mr_slot *slot)
{
    return (uintptr_t)slot < (uintptr_t)d->slots ||
           (uintptr_t)slot >= (uintptr_t)d->end;
}

bool mr_detail1_await_slow(mr_deque *deque, mr_slot *slot)
{
    if (is_serial(deque))
        return true;
    mri_deque *d = inner(deque);
    mri_slot *s = inner_slot(slot), *h = mri_load_relaxed(&d->head);
    if (is_spilled(deque, slot)) {
        mri_worker_await(mri_strand_of_deque(d), mri_slot_word(s));
        return true;
    }
    mri_verdict verdict = mri_deque_await_slow(d, s, h);
    if (verdict == MRI_TAKEN)
        mri_worker_await_taken(mri_strand_of_deque(d), s, h);
    return verdict != MRI_MINE;
}

mr_slot *mr_detail1_await_end(mr_deque *deque, mr_slot *slot)
{
    if (is_spilled(deque, slot)) {
        spilled *c = spilled_of(inner_slot(slot));
        if (c->runtime)
            mri_runtime_release(c->runtime, c, sizeof *c);
        else
            free(c);
    }
    return MR_LOAD_(&deque->head);
}

bool mr_detail1_run_elsewhere(mr_deque *deque, mr_slot *slot, mr_slot_fn fn)
{
    return mri_worker_run_elsewhere(mri_strand_of_deque(inner(deque)),
                                    inner_slot(slot), (mri_slot_fn)(void *)fn);
}

mr_deque *mr_detail1_deque(void)
{
    mri_strand *s = mri_strand_self();
    return s ? (mr_deque *)(void *)&s->deque : &serial.deque;
}

void mr_detail1_unawaited(const char *task)
{
    mri_fatal("a task awaits its children before it returns", task, __FILE__,
              __LINE__, __func__);
}
