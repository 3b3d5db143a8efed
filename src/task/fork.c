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
SAME(mr_deque, limit, mri_deque, limit);
SAME(mr_deque, want, mri_deque, want);
SAME(mr_deque, slots, mri_deque, slots);
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

/* ---- Children without a slot --------------------------------------------
 * One lies in memory of its own and the next goes on top of it, so that to
 * those who call spawn and await it is a slot like any, with the head behind
 * it; but there is no room behind it, and no await of it is fast. In a strand
 * it stands in a run queue until somebody runs it. Those awaited out of order
 * stay until they are the youngest. */

typedef struct mri_spilled spilled;
struct mri_spilled {
    MRI_ALIGNED(MRI_CACHE_LINE) mri_slot slot; /* and the whole a multiple */
    mri_job job;
    mr_runtime *runtime; /* NULL: of no task */
    spilled *below;
    bool awaited;
};

/* The deque of a thread outside of tasks: without slots, so that each child is
 * spilled. It runs as it is awaited. */
static _Thread_local struct {
    mr_deque deque;
    spilled *youngest;
} serial __attribute__((tls_model("initial-exec"))) = {
    .deque = {.floor = (mr_slot *)(void *)MRI_NO_FLOOR}};

static bool is_serial(const mr_deque *deque)
{
    return !deque->slots;
}

static spilled **youngest(mr_deque *deque)
{
    return is_serial(deque) ? &serial.youngest
                            : &mri_strand_of_deque(inner(deque))->spilled;
}

static bool is_spilled(const mr_deque *deque, const mr_slot *slot)
{
    const mri_deque *d = (const mri_deque *)(const void *)deque;
    return is_serial(deque) || (uintptr_t)slot < (uintptr_t)d->slots ||
           (uintptr_t)slot >= (uintptr_t)d->end;
}

static spilled *spilled_of(mr_slot *slot)
{
    return mri_container_of(inner_slot(slot), spilled, slot);
}

/* The head is behind the youngest there is now. */
static void set_head(mr_deque *deque)
{
    spilled *c = *youngest(deque);
    mr_slot *head = c ? (mr_slot *)(void *)(&c->slot + 1) : NULL;
    if (is_serial(deque)) {
        deque->limit = head;
        MR_STORE_(&deque->head, head);
    } else if (c) {
        mri_deque_go_outside(inner(deque), inner_slot(head));
    } else {
        mri_deque_come_inside(inner(deque));
    }
}

mr_slot *mr_detail1_spill(mr_deque *deque, mr_slot *unused)
{
    (void)unused;
    mr_runtime *rt = is_serial(deque)
                         ? NULL
                         : mri_strand_of_deque(inner(deque))->worker->runtime;
    spilled *c = rt ? mri_runtime_allocate(rt, sizeof *c, MRI_CACHE_LINE)
                    : aligned_alloc(MRI_CACHE_LINE, sizeof *c);
    mri_require(c != NULL, "there is memory for a child without a slot");
    c->runtime = rt;
    c->awaited = false;
    c->below = *youngest(deque);
    *youngest(deque) = c;
    set_head(deque);
    if (rt)
        MR_STORE_(&deque->want, 1);
    return (mr_slot *)(void *)&c->slot;
}

/* Those at the top that were awaited. */
static void release_spilled(mr_deque *deque)
{
    spilled **top = youngest(deque);
    while (*top && (*top)->awaited) {
        spilled *c = *top;
        *top = c->below;
        if (c->runtime)
            mri_runtime_release(c->runtime, c, sizeof *c);
        else
            free(c);
    }
    set_head(deque);
}

static void run_spilled(mri_strand *s, mri_job *job)
{
    mri_slot *slot = &mri_container_of(job, spilled, job)->slot;
    mri_strand_enter_context(s, slot->context);
    mri_slot_function(slot)(&s->deque, mri_load_relaxed(&s->deque.head), slot);
    mri_strand_leave_context(s, slot->context);
    mri_worker_completed(s, mri_task_word_complete(mri_slot_word(slot)));
}

static void push_spilled(mri_strand *s, spilled *c)
{
    /* Hunger that stood there asks again; without membarrier it always does. */
    mri_store_relaxed(&s->deque.want, s->deque.membarrier ? 0 : 1);
    mri_task_word_init(mri_slot_word(&c->slot));
    /* To be shown; what is called is the slot's. */
    mr_fn code = (mr_fn)(void *)mri_slot_function(&c->slot);
    mri_job_init_child(&c->job, run_spilled, code,
                       mri_load_relaxed(&s->deque.task));
    mri_worker_push(s->worker, &c->job.node);
}

void mr_detail1_publish(mr_deque *deque, mr_slot *head)
{
    mri_strand *s = mri_strand_of_deque(inner(deque));
    if (is_spilled(deque, head - 1))
        push_spilled(s, spilled_of(head - 1));
    else
        mri_worker_publish(&s->deque, inner_slot(head));
}

/* ---- Awaits ------------------------------------------------------------- */

/* False: it is the caller's to run. */
static bool await_slow(mr_deque *deque, mr_slot *slot)
{
    mri_deque *d = inner(deque);
    mri_slot *s = inner_slot(slot);
    mr_slot *head = MR_LOAD_(&deque->head);
    if (is_serial(deque)) {
        mri_slot_function(s)(d, inner_slot(head), s);
        return true;
    }
    if (is_spilled(deque, slot)) {
        mri_worker_await(mri_strand_of_deque(d), mri_slot_word(s));
        return true;
    }
    mri_verdict verdict = mri_deque_await_slow(d, s, inner_slot(head));
    if (verdict == MRI_TAKEN)
        mri_worker_await_taken(mri_strand_of_deque(d), s, inner_slot(head));
    return verdict != MRI_MINE;
}

mr_slot *mr_detail1_await_slow(mr_deque *deque, mr_slot *slot)
{
    return await_slow(deque, slot) ? slot : NULL;
}

mr_slot *mr_detail1_await_end(mr_deque *deque, mr_slot *slot)
{
    if (is_spilled(deque, slot)) {
        spilled_of(slot)->awaited = true;
        release_spilled(deque);
    }
    return MR_LOAD_(&deque->head);
}

mr_slot *mr_detail1_await_elsewhere(mr_deque *deque, mr_slot *slot)
{
    mri_slot *s = inner_slot(slot);
    return mri_worker_run_elsewhere(mri_strand_of_deque(inner(deque)), s,
                                    mri_slot_function(s))
               ? slot
               : NULL;
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

void mr_detail1_unclosed(const char *task)
{
    mri_fatal("a task closes its scopes, and no others, before it returns",
              task, __FILE__, __LINE__, __func__);
}
