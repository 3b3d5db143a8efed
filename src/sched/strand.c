/* See strand.h. */
#include "sched/strand.h"

#include "base/assert.h"
#include "os/futex.h"
#include "sched/overflow.h"
#include "sched/runtime.h"

/* What is kept free below an awaited child that starts on this stack: enough
 * for the library's own slow paths, a signal's frame, and the child's, which
 * compilers make of several calls of a typed function (millrace/fork.h). */
enum { RESERVE = 49152 };

#define LINE(field) (offsetof(mri_strand, field) / MRI_CACHE_LINE)
MRI_STATIC_ASSERT(LINE(shown.wait) == LINE(worker) &&
                      LINE(worker) == LINE(fiber.sp) &&
                      LINE(member.of) == LINE(member.cancelable),
                  "what each wait touches lies together");

/* The first time ever that this index is used. */
static void map(mr_runtime *rt, mri_strand *s, uint32_t i)
{
    mri_slot *slots = (mri_slot *)(void *)mri_strand_slots(&rt->pool, i);
    s->index = i;
    s->stack = mri_strand_stack(&rt->pool, i);
    mri_deque_map(&s->deque, slots,
                  (uint32_t)(rt->pool.slots_size / sizeof *slots),
                  &rt->barrier);
    size_t reserve = rt->pool.stack_size / 4;
    s->deque.stack_limit = s->stack + (reserve < RESERVE ? reserve : RESERVE);
    mri_park_word_init(&s->park);
    mri_token_open(&s->token);
    s->token.node.word = MRI_NODE_TOKEN + MRI_RUN_NODE_IN_HAND;
    s->node.word = MRI_NODE_STRAND;
    s->mapped = true;
}

static void begin(void *arg);

/* Stacks begin at different places within a page. Where they all begin at the
 * same, those of neighbouring strands share cache sets, and a strand's frames
 * meet its slots at equal offsets, which the processor takes for the same
 * address until it knows better: a tenth of the time of fib. */
static size_t stack_size(const mr_runtime *rt, const mri_strand *s)
{
    return rt->pool.stack_size - 1024 - s->index % 8 * 128;
}

mri_strand *mri_strand_take(mri_worker *w)
{
    mr_runtime *rt = w->runtime;
    int64_t i = mri_strand_get(&rt->pool, &w->cache);
    if (i < 0)
        return NULL;
    mri_strand *s = mri_strand_control(&rt->pool, (uint32_t)i);
    if (mri_unlikely(!s->mapped))
        map(rt, s, (uint32_t)i);
    mri_fiber_open(&s->fiber, s->stack, stack_size(rt, s), begin, s);
    mri_count(w, strands);
    return s;
}

void mri_strand_drop(mri_worker *w, mri_strand *s)
{
    mri_fiber_close(&s->fiber);
    mri_count_by(w, strands, -1);
    mri_strand_put(&w->runtime->pool, &w->cache, s->index);
}

/* On the far side of a switch. */
static void arrive(mri_strand *s)
{
    mri_worker *w = s->worker;
    mri_after after = w->after;
    w->after.what = MRI_AFTER_NOTHING;
    switch (after.what) {
    case MRI_AFTER_NOTHING:
        break;
    case MRI_AFTER_PARKED:
        /* Its wait is over already: nobody else resumes it. */
        if (!mri_park_parked(&after.left->park, after.count))
            mri_worker_push(w, &after.left->node);
        break;
    case MRI_AFTER_REQUEUED:
        mri_worker_push(w, &after.left->node);
        break;
    case MRI_AFTER_RECYCLED:
        mri_strand_drop(w, after.left);
        break;
    }
}

static void begin(void *arg)
{
    mri_strand *s = arg;
    arrive(s);
    mri_worker_loop(s);
}

/* The calling thread goes on with s. */
static void install(mri_worker *w, mri_strand *s)
{
    s->worker = w;
    /* Release: a thief sees the strand's deque initialised. */
    mri_store_release(&w->current, s);
    mri_strand_set_self(s);
    /* Hunger of sleepers reaches the strand that runs: see idle.c. */
    mri_light_fence();
    if (mri_unlikely(mri_somebody_sleeps(w->runtime)))
        mri_deque_hunger(&s->deque);
}

static void check_canary(mri_worker *w, const mri_strand *s)
{
    if (mri_likely(mri_strand_canary_ok(&w->runtime->pool, s->index)))
        return;
    mri_overflow_say(s);
    mri_fatal("a task keeps within its stack", "canary", __FILE__, __LINE__,
              __func__);
}

void mri_strand_switch(mri_strand *from, mri_strand *to, mri_after after)
{
    mri_worker *w = from->worker;
    check_canary(w, from);
    w->after = after;
    install(w, to);
    mri_fiber_switch(&from->fiber, &to->fiber);
    arrive(from);
}

static void enter(mri_worker *w, mri_strand *first)
{
    mri_fiber_of_thread(&w->home);
    install(w, first);
    mri_fiber_switch(&w->home, &first->fiber);
    /* Back from mri_strand_leave. */
    mri_strand_drop(w, w->after.left);
    w->after.what = MRI_AFTER_NOTHING; /* a spare enters again */
    mri_strand_flush(&w->runtime->pool, &w->cache);
    mri_fiber_close(&w->home);
}

void mri_strand_enter(mri_worker *w, mri_strand *first)
{
    if (w->runtime->config.leave_sigsegv)
        enter(w, first);
    else
        mri_overflow_call(enter, w, first);
}

MRI_NORETURN void mri_strand_leave(mri_strand *s)
{
    mri_worker *w = s->worker;
    w->after = (mri_after){.what = MRI_AFTER_RECYCLED, .left = s};
    mri_store_release(&w->current, NULL);
    mri_strand_set_self(NULL);
    mri_fiber_switch(&s->fiber, &w->home);
    mri_fatal("a strand that has left is not resumed", "left", __FILE__,
              __LINE__, __func__);
}

/* ---- Waiting ------------------------------------------------------------ */

/* A new strand for the loop or, where there is none, one that is ready and so
 * has a stack already; NULL: neither. */
static mri_strand *take_any(mri_worker *w)
{
    mri_strand *s = mri_strand_take(w);
    return mri_likely(s) ? s : mri_worker_find_ready(w);
}

/* Neither: this one keeps its thread until the park ends, another gives a
 * strand back, or another becomes ready. */
static mri_strand *wait_for_strand(mri_strand *s)
{
    mri_worker *w = s->worker;
    for (;;) {
        if (mri_park_ended(&s->park))
            return NULL;
        mri_strand *next = take_any(w);
        if (next)
            return next;
        mri_futex_nap(100000);
    }
}

/* The time, as of a moment ago: some milliseconds. */
static void mark_time(mri_strand *s)
{
    mri_store_relaxed(&s->shown.since,
                      mri_load_relaxed(&s->worker->runtime->coarse_now));
}

/* Off the worker, with children that may be started elsewhere meanwhile: the
 * strand's token stands in the queue for them. */
static void leave_to(mri_strand *s, mri_strand *next, mri_after after)
{
    mri_worker *w = s->worker;
    bool children = !mri_deque_is_idle(&s->deque);
    if (children && mri_deque_park(&s->deque) &&
        mri_token_offer(&w->queue, &s->token))
        mri_runtime_wake(w->runtime);
    if (mri_unlikely(!next))
        next = wait_for_strand(s);
    if (next) {
        mark_time(s);
        mri_strand_switch(s, next, after);
        mark_time(s);
    }
    mri_strand_waits_for(s, NULL);
    if (children)
        mri_deque_resume(&s->deque);
}

void mri_strand_park_into(mri_strand *s, uint64_t count, mri_strand *next)
{
    mri_count(s->worker, parks);
    leave_to(s, next,
             (mri_after){.what = MRI_AFTER_PARKED, .left = s, .count = count});
}

void mri_strand_park(mri_strand *s, uint64_t count)
{
    mri_strand_park_into(s, count, mri_worker_next(s->worker));
}

void mri_strand_yield(mri_strand *s)
{
    mri_strand *next = take_any(s->worker);
    mri_count(s->worker, yields);
    /* Without another strand nobody can run here: go on. */
    if (next)
        leave_to(s, next, (mri_after){.what = MRI_AFTER_REQUEUED, .left = s});
}

void mri_strand_ready(mri_strand *s)
{
    mri_strand *here = mri_strand_self();
    mr_runtime *rt = s->worker->runtime;
    if (here && here->worker->runtime == rt) {
        mri_worker_push(here->worker, &s->node);
        return;
    }
    mri_runtime_post(rt, &s->node);
}

void mri_strand_ready_list(mr_runtime *rt, mri_run_node *first,
                           mri_run_node *last, uint64_t count)
{
    mri_strand *here = mri_strand_self();
    if (!here || here->worker->runtime != rt) {
        /* In reverse: as if they had become ready so. */
        mri_runtime_post_chain(rt, first, last);
        return;
    }
    mri_run_queue_push_list(&here->worker->queue, first, last, count);
    mri_runtime_wake(rt);
}
