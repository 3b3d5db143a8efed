/* What must hold of the park word: of all who try to end a park exactly one
 * wins; the strand goes on exactly once per park, never while its stack is in
 * use, and sees what the winner did; whoever comes with an old count changes
 * nothing.
 *
 * A strand is a function for what it does after each park, called by whoever
 * resumes it, and `stack`, plain memory that it writes as long as it runs: the
 * checker reports a resumption that is not ordered after that as a race. */
#include "parts/park_word.h"

#include "model.h"
#include "os/clock.h"
#include "os/futex.h"
#include "parts/task_word.h"

enum { MOST = 3 };

struct state {
    mri_park_word park;
    mri_atomic_u64 count[MOST]; /* of each park, 0: has not begun */
    unsigned parks, round;      /* plain: the strand's */
    int stack;                  /* plain: the strand's */
    int given[MOST]
             [MRI_PARK_EXPIRED + 1]; /* plain: by whoever ends a park thus */
    enum mri_park_state ended[MOST];
    mri_atomic_u32 wins[MOST];
    struct awaited *awaited;
};

static void open(void *a)
{
    struct state *s = a;
    mri_park_word_init(&s->park);
    s->parks = 1;
    model_name(&s->park.word, 8, "park");
    model_name(&s->stack, 4, "stack");
    model_name(&s->given, sizeof s->given, "given");
    for (int i = 0; i < MOST; i++)
        model_name(&s->count[i], 8, "count");
}

static void goes_on(struct state *s);

static void parks(struct state *s)
{
    s->stack = 1;
    uint64_t count = mri_park_begin(&s->park);
    mri_store_release(&s->count[s->round], count);
    s->stack = 2; /* the switch: saves registers on the stack it leaves */
    if (!mri_park_parked(&s->park, count))
        goes_on(s);
}

static void goes_on(struct state *s)
{
    model_assert(s->stack == 2);
    s->stack = 3;
    enum mri_park_state outcome = mri_park_outcome(&s->park);
    model_assert(outcome >= MRI_PARK_COMPLETED);
    model_assert(s->given[s->round][outcome] == 1);
    mri_park_word_check(&s->park);
    s->ended[s->round++] = outcome;
    if (s->round < s->parks)
        parks(s);
}

static void strand(void *a)
{
    parks(a);
}

/* As a strand that has no other to leave for: it stays on its stack and looks
 * whether its park has ended. Nobody resumes it. */
static void stays(void *a)
{
    struct state *s = a;
    uint64_t count = mri_park_begin(&s->park);
    mri_store_release(&s->count[0], count);
    while (!mri_park_ended(&s->park))
        mri_pause();
    s->stack = 2;
    goes_on(s);
}

static void strand_of_two(void *a)
{
    struct state *s = a;
    s->parks = 2;
    parks(s);
}

static void strand_of_three(void *a)
{
    struct state *s = a;
    s->parks = 3;
    parks(s);
}

static uint64_t count_of(struct state *s, unsigned round)
{
    uint64_t count;
    while (!(count = mri_load_acquire(&s->count[round])))
        mri_pause();
    return count;
}

static enum mri_park_end acted(struct state *s, unsigned round,
                               enum mri_park_end end)
{
    if (end != MRI_PARK_LOST)
        mri_add_relaxed(&s->wins[round], 1);
    if (end == MRI_PARK_RESUME)
        goes_on(s);
    return end;
}

static enum mri_park_end completes(struct state *s, unsigned round)
{
    uint64_t count = count_of(s, round);
    s->given[round][MRI_PARK_COMPLETED] = 1;
    return acted(s, round, mri_park_complete(&s->park, count));
}

static void completer(void *a)
{
    completes(a, 0);
}

/* The second park is nobody else's to end. */
static void completer_of_second(void *a)
{
    model_assert(completes(a, 1) != MRI_PARK_LOST);
}

static void completer_of_both(void *a)
{
    completes(a, 0);
    completer_of_second(a);
}

static void completer_of_three(void *a)
{
    completer_of_both(a);
    model_assert(completes(a, 2) != MRI_PARK_LOST);
}

static void canceller(void *a)
{
    struct state *s = a;
    uint64_t count = mri_load_acquire(&s->count[0]);
    if (!count)
        return;
    s->given[0][MRI_PARK_CANCELLED] = 1;
    acted(s, 0, mri_park_cancel(&s->park, count));
}

static void clock_ticks(void *a)
{
    struct state *s = a;
    uint64_t count = mri_load_acquire(&s->count[0]);
    if (!count)
        return;
    s->given[0][MRI_PARK_EXPIRED] = 1;
    acted(s, 0, mri_park_expire(&s->park, count));
}

static void each_park_ended_once(void *a)
{
    struct state *s = a;
    model_assert(s->round == s->parks);
    for (unsigned i = 0; i < s->parks; i++)
        model_assert(mri_load_relaxed(&s->wins[i]) == 1);
    for (unsigned i = 1; i < s->parks; i++)
        model_assert(s->ended[i] == MRI_PARK_COMPLETED);
}

#define PARK(name_, ...)                                                       \
    MODEL(park_word_##name_, .state_size = sizeof(struct state),               \
          .setup = open, .finish = each_park_ended_once,                       \
          .free_pauses = MODEL_NONE, __VA_ARGS__)

#define EXHAUST .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED

PARK(complete, .thread = {strand, completer}, EXHAUST)
PARK(stays, .thread = {stays, completer}, EXHAUST)
PARK(stays_and_is_completed_or_cancelled,
     .thread = {stays, completer, canceller}, EXHAUST)
PARK(complete_or_cancel, .thread = {strand, completer, canceller}, EXHAUST)
PARK(complete_cancel_or_expire,
     .thread = {strand, completer, canceller, clock_ticks}, .bound = 2)
PARK(parks_again, .thread = {strand_of_two, completer_of_both, canceller})
/* A minute and more at bound 2. */
PARK(parks_again_on_another, .bound = 1, .deep_bound = 2,
     .thread = {strand_of_two, completer, completer_of_second, canceller})
PARK(parks_a_third_time,
     .thread = {strand_of_three, completer_of_three, canceller})

/* ---- A strand that need not wait after all ------------------------------ */

static void strand_that_stays(void *a)
{
    struct state *s = a;
    s->stack = 1;
    uint64_t count = mri_park_begin(&s->park);
    mri_store_release(&s->count[0], count);
    s->stack = 2;
    enum mri_park_end end = mri_park_complete(&s->park, count);
    model_assert(end != MRI_PARK_RESUME);
    if (end == MRI_PARK_WON)
        mri_add_relaxed(&s->wins[0], 1);
    else
        mri_fence_acquire(); /* as the scheduler's queues would */
    enum mri_park_state outcome = mri_park_outcome(&s->park);
    model_assert((end == MRI_PARK_WON) == (outcome == MRI_PARK_COMPLETED));
    s->round = 1;
}

static void canceller_never_resumes(void *a)
{
    struct state *s = a;
    enum mri_park_end end = mri_park_cancel(&s->park, count_of(s, 0));
    model_assert(end != MRI_PARK_RESUME);
    if (end == MRI_PARK_WON)
        mri_add_relaxed(&s->wins[0], 1);
}

PARK(need_not_wait, .thread = {strand_that_stays, canceller_never_resumes},
     EXHAUST)

/* ---- A strand that awaits a task, with both words ----------------------- */

/* In the awaiting frame, like the task itself: gone as soon as it goes on. */
struct awaited {
    MRI_ALIGNED(8) mri_park_word *park;
    uint64_t count;
    mri_task_word task;
    int result;
};

static void awaits_open(void *a)
{
    struct state *s = a;
    open(a);
    s->awaited = model_alloc(sizeof *s->awaited);
    mri_task_word_init(&s->awaited->task);
    model_name(s->awaited, sizeof *s->awaited, "awaited");
}

static void has_awaited(struct state *s)
{
    model_assert(s->stack == 2);
    s->stack = 3;
    model_assert(s->awaited->result == 42);
    model_free(s->awaited);
    s->round = 1;
}

static void awaits(void *a)
{
    struct state *s = a;
    struct awaited *t = s->awaited;
    s->stack = 1;
    t->park = &s->park;
    t->count = mri_park_begin(&s->park);
    uint64_t count = t->count; /* the frame is gone on the far side */
    if (!mri_task_word_await_begin(
            &t->task, mri_waiter_of(MRI_WAITER_STRAND, (uintptr_t)t))) {
        s->stack = 2;
        model_assert(mri_park_complete(&s->park, count) == MRI_PARK_WON);
        has_awaited(s);
        return;
    }
    s->stack = 2;
    if (!mri_park_parked(&s->park, count))
        has_awaited(s);
}

static void does_the_task(void *a)
{
    struct state *s = a;
    struct awaited *t = s->awaited;
    t->result = 42;
    mri_waiter waiter = mri_task_word_complete(&t->task);
    if (waiter == MRI_WAITER_NONE)
        return;
    struct awaited *frame = (void *)(uintptr_t)mri_waiter_payload(waiter);
    enum mri_park_end end = mri_park_complete(frame->park, frame->count);
    model_assert(end != MRI_PARK_LOST);
    if (end == MRI_PARK_RESUME)
        has_awaited(s);
}

static void has_gone_on(void *a)
{
    struct state *s = a;
    model_assert(s->round == 1);
}

MODEL(park_word_awaits_task, .state_size = sizeof(struct state),
      .setup = awaits_open, .finish = has_gone_on,
      .thread = {awaits, does_the_task}, EXHAUST)
