/* What must hold of the task state word: the waiter is resumed exactly once
 * or knows that it is not; the result is seen by whoever knows that the task
 * is done; the task's memory, freed or left the moment that an await returns,
 * is not touched any more; exactly one of completer and dropper frees. */
#include "parts/task_word.h"

#include "model.h"
#include "os/clock.h"
#include "os/futex.h"

#include <millrace/error.h>

struct task {
    mri_task_word word;
    int result;  /* plain: completer's until done */
    int touched; /* plain: the awaiter's before it drops */
};

/* A strand that waits, reduced to the place where it is resumed. */
struct strand {
    MRI_ALIGNED(8) mri_atomic_u32 resumed;
    int purpose; /* plain: written before it waits, read by who resumes it */
};

struct state {
    struct task *task;
    mri_atomic(struct task *) shown; /* when the task is in a frame */
    struct strand strand;
    mri_atomic_u32 runs; /* of the continuation */
};

static void task_on_heap(void *a)
{
    struct state *s = a;
    s->task = model_alloc(sizeof *s->task);
    mri_task_word_init(&s->task->word);
    model_name(&s->task->word, 8, "word");
    model_name(&s->task->result, 4, "result");
    model_name(&s->strand.resumed, 4, "strand.resumed");
}

static void run_continuation(struct state *s, uint64_t payload)
{
    struct task **continuation = (struct task **)(uintptr_t)payload;
    struct task *of = *continuation;
    model_assert(of->result == 42);
    model_assert(mri_add_relaxed(&s->runs, 1) == 0);
    model_free(of);
    model_free(continuation);
}

static void complete(struct state *s, struct task *t)
{
    t->result = 42;
    mri_waiter waiter = mri_task_word_complete(&t->word);
    struct strand *strand = (void *)(uintptr_t)mri_waiter_payload(waiter);
    switch (mri_waiter_kind(waiter)) {
    case MRI_WAITER_STRAND:
        model_assert(strand->purpose == 7);
        model_assert(mri_swap_release(&strand->resumed, 1) == 0);
        mri_futex_wake(&strand->resumed, 1);
        break;
    case MRI_WAITER_THREAD:
        mri_task_wake_thread(waiter);
        break;
    case MRI_WAITER_CONTINUATION:
        run_continuation(s, mri_waiter_payload(waiter));
        break;
    case MRI_WAITER_DROPPED:
        model_assert(t->touched == 3);
        model_free(t);
        break;
    default:
        model_assert(waiter == MRI_WAITER_NONE);
    }
}

static void completer(void *a)
{
    struct state *s = a;
    complete(s, s->task);
}

static void completer_of_shown(void *a)
{
    struct state *s = a;
    struct task *t;
    while (!(t = mri_load_acquire(&s->shown)))
        mri_pause();
    complete(s, t);
}

static mri_waiter strand_waits(struct state *s)
{
    s->strand.purpose = 7;
    return mri_waiter_of(MRI_WAITER_STRAND, (uintptr_t)&s->strand);
}

static void await_resumption(struct state *s)
{
    while (!mri_load_acquire(&s->strand.resumed))
        if (mri_futex_wait(&s->strand.resumed, 0, MRI_NEVER) < 0)
            continue;
}

static void finish_with(struct state *s)
{
    model_assert(s->task->result == 42);
    mri_task_word_check(&s->task->word);
    model_free(s->task);
}

/* ---- A strand ----------------------------------------------------------- */

static void awaits_as_strand(void *a)
{
    struct state *s = a;
    if (mri_task_word_await_begin(&s->task->word, strand_waits(s)))
        await_resumption(s);
    else
        model_assert(mri_load_relaxed(&s->strand.resumed) == 0);
    finish_with(s);
}

/* Withdraws; what it finds instead of success is a result. */
static void withdraws_then_drops(void *a)
{
    struct state *s = a;
    mri_waiter me = strand_waits(s);
    if (mri_task_word_await_begin(&s->task->word, me)) {
        if (mri_task_word_withdraw(&s->task->word, me)) {
            s->task->touched = 3;
            if (mri_task_word_drop(&s->task->word))
                finish_with(s);
            return;
        }
        finish_with(s);
        await_resumption(s);
        return;
    }
    finish_with(s);
}

static void withdraws_then_awaits(void *a)
{
    struct state *s = a;
    mri_waiter me = strand_waits(s);
    if (mri_task_word_await_begin(&s->task->word, me)) {
        if (mri_task_word_withdraw(&s->task->word, me)) {
            s->strand.purpose = 0;
            awaits_as_strand(s);
            return;
        }
        await_resumption(s);
    }
    finish_with(s);
}

/* Its strand's memory goes as soon as it is withdrawn. */
static void withdraws_and_leaves(void *a)
{
    struct state *s = a;
    struct strand *mine = model_alloc(sizeof *mine);
    mri_waiter me = mri_waiter_of(MRI_WAITER_STRAND, (uintptr_t)mine);
    mine->purpose = 7;
    if (mri_task_word_await_begin(&s->task->word, me) &&
        !mri_task_word_withdraw(&s->task->word, me))
        while (!mri_load_acquire(&mine->resumed))
            mri_pause();
    model_free(mine);
    s->task->touched = 3;
    if (mri_task_word_drop(&s->task->word))
        finish_with(s);
}

/* ---- A thread ----------------------------------------------------------- */

static void blocks(void *a)
{
    struct state *s = a;
    model_assert(mri_task_word_block(&s->task->word, MRI_NEVER) == 0);
    finish_with(s);
}

static MRI_NOINLINE void task_in_frame(struct state *s)
{
    struct task t;
    mri_task_word_init(&t.word);
    mri_store_release(&s->shown, &t);
    model_assert(mri_task_word_block(&t.word, MRI_NEVER) == 0);
    model_assert(t.result == 42);
}

static void blocks_for_a_task_in_its_frame(void *a)
{
    task_in_frame(a);
}

static void blocks_until_then_drops(void *a)
{
    struct state *s = a;
    int rc = mri_task_word_block(&s->task->word, 1);
    if (rc == 0) {
        finish_with(s);
        return;
    }
    model_assert(rc == MR_ETIMEDOUT);
    s->task->touched = 3;
    if (mri_task_word_drop(&s->task->word))
        finish_with(s);
}

static void blocks_until_then_for_ever(void *a)
{
    struct state *s = a;
    int rc = mri_task_word_block(&s->task->word, 1);
    model_assert(rc == 0 || rc == MR_ETIMEDOUT);
    if (rc != 0)
        model_assert(mri_task_word_block(&s->task->word, MRI_NEVER) == 0);
    finish_with(s);
}

/* ---- Others ------------------------------------------------------------- */

static void continues(void *a)
{
    struct state *s = a;
    struct task **c = model_alloc(sizeof *c);
    *c = s->task;
    if (!mri_task_word_await_begin(
            &s->task->word,
            mri_waiter_of(MRI_WAITER_CONTINUATION, (uintptr_t)c)))
        run_continuation(s, (uintptr_t)c);
}

static void ran_once(void *a)
{
    struct state *s = a;
    model_assert(mri_load_relaxed(&s->runs) == 1);
}

static void drops(void *a)
{
    struct state *s = a;
    s->task->touched = 3;
    if (mri_task_word_drop(&s->task->word))
        finish_with(s);
}

static void polls(void *a)
{
    struct state *s = a;
    while (!mri_task_word_is_done(&s->task->word))
        mri_pause();
    finish_with(s);
}

/* Somebody else looks too, and never sees a task that is done and has no
 * result. Memory: the last of the two that look frees. */
static void looks_then_leaves(void *a)
{
    struct state *s = a;
    if (mri_task_word_is_done(&s->task->word))
        model_assert(s->task->result == 42);
    if (mri_add_acq_rel(&s->runs, 1) == 1)
        model_free(s->task);
}

static void awaits_then_leaves(void *a)
{
    struct state *s = a;
    if (mri_task_word_await_begin(&s->task->word, strand_waits(s)))
        await_resumption(s);
    model_assert(s->task->result == 42);
    if (mri_add_acq_rel(&s->runs, 1) == 1)
        model_free(s->task);
}

#define TASK_WORD(name_, ...)                                                  \
    MODEL(task_word_##name_, .state_size = sizeof(struct state),               \
          .setup = task_on_heap, .bound = MODEL_UNBOUNDED,                     \
          .deep_bound = MODEL_UNBOUNDED, .spurious = 1, __VA_ARGS__)

TASK_WORD(strand_awaits_and_frees, .thread = {awaits_as_strand, completer})
TASK_WORD(withdraw_then_drop, .thread = {withdraws_then_drops, completer})
TASK_WORD(withdraw_then_await, .thread = {withdraws_then_awaits, completer})
TASK_WORD(withdraw_and_leave, .thread = {withdraws_and_leaves, completer})
TASK_WORD(thread_blocks_and_frees, .thread = {blocks, completer})
MODEL(task_word_frame_dies, .state_size = sizeof(struct state),
      .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED, .spurious = 1,
      .thread = {blocks_for_a_task_in_its_frame, completer_of_shown})
TASK_WORD(deadline_then_drop, .thread = {blocks_until_then_drops, completer})
TASK_WORD(deadline_then_block,
          .thread = {blocks_until_then_for_ever, completer})
TASK_WORD(continuation, .thread = {continues, completer}, .finish = ran_once)
TASK_WORD(complete_or_drop_frees, .thread = {drops, completer})
TASK_WORD(poll, .thread = {polls, completer})
TASK_WORD(await_and_look,
          .thread = {awaits_then_leaves, looks_then_leaves, completer})
