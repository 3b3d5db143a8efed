/* What must hold of the event count: nobody sleeps while what it waits for is
 * there and was notified (a violation is a deadlock); no notification lets two
 * go; who is let go sees what the notifier did; nobody stays counted. */
#include "parts/event_count.h"

#include "model.h"
#include "os/clock.h"

#include <millrace/error.h>

struct state {
    mri_event_count events;
    mri_atomic_u32 items;   /* what consumers wait for */
    mri_atomic_u32 flag[2]; /* what others wait for, each its own */
    mri_atomic_u32 let_go, gave_up;
    int data; /* plain: the notifier's, then of whom it lets go */
};

static void open(void *a)
{
    struct state *s = a;
    mri_event_count_init(&s->events);
    model_name(&s->events.state, 8, "state");
    model_name(&s->events.bell, 4, "bell");
    model_name(&s->items, 4, "items");
    model_name(&s->flag[0], 4, "flag0");
    model_name(&s->flag[1], 4, "flag1");
    model_name(&s->data, 4, "data");
}

/* Just before both counters begin again at 0. */
static void open_at_the_end(void *a)
{
    struct state *s = a;
    open(a);
    mri_init(&s->events.state, ~(MRI_EVENT_GENERATION - 1));
    mri_init(&s->events.bell, UINT32_MAX);
}

static void nobody_counted(void *a)
{
    struct state *s = a;
    mri_event_count_check(&s->events);
    uint64_t state = mri_load_relaxed(&s->events.state);
    model_assert((state & (MRI_EVENT_GENERATION - 1)) == 0);
}

/* ---- Consumers that all wait for items ---------------------------------- */

static bool take(struct state *s)
{
    uint32_t n = mri_load_relaxed(&s->items);
    while (n > 0)
        if (mri_cas_relaxed(&s->items, &n, n - 1))
            return true;
    return false;
}

/* Whether it got an item, or gave up at its deadline. */
static bool consumes(struct state *s, int64_t deadline)
{
    while (!take(s)) {
        mri_event_key key = mri_event_count_prepare(&s->events);
        if (take(s)) {
            mri_event_count_cancel(&s->events);
            break;
        }
        if (mri_event_count_commit(&s->events, key, deadline) == MR_ETIMEDOUT)
            return false;
    }
    return true;
}

static void consumer(void *a)
{
    model_assert(consumes(a, MRI_NEVER));
}

static void consumer_in_a_hurry(void *a)
{
    struct state *s = a;
    if (!consumes(s, 1))
        mri_store_relaxed(&s->gave_up, 1);
}

static void producer(void *a)
{
    struct state *s = a;
    mri_add_relaxed(&s->items, 1);
    mri_event_count_notify_one(&s->events);
}

static void producer_of_2(void *a)
{
    producer(a);
    producer(a);
}

static void producer_for_all(void *a)
{
    struct state *s = a;
    mri_add_relaxed(&s->items, 2);
    mri_event_count_notify_all(&s->events);
}

static void produces_for_all(struct state *s)
{
    mri_add_relaxed(&s->items, 1);
    mri_event_count_notify_all(&s->events);
}

static void producer_for_one_then_all(void *a)
{
    producer(a);
    produces_for_all(a);
}

static void producer_for_all_then_one(void *a)
{
    produces_for_all(a);
    producer(a);
}

static void all_consumed(void *a)
{
    struct state *s = a;
    nobody_counted(a);
    model_assert(mri_load_relaxed(&s->items) == mri_load_relaxed(&s->gave_up));
}

#define CONSUME(name_, ...)                                                    \
    MODEL(event_count_##name_, .state_size = sizeof(struct state),             \
          .finish = all_consumed, __VA_ARGS__)
#define EXHAUST                                                                \
    .spurious = 1, .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED

CONSUME(1_and_1, .setup = open, .thread = {consumer, producer}, EXHAUST)
CONSUME(1_and_1_with_deadline, .setup = open,
        .thread = {consumer_in_a_hurry, producer}, EXHAUST)
/* ---- Waiters that wait for different things ----------------------------- */

static void awaits_flag(struct state *s, int which)
{
    while (!mri_load_relaxed(&s->flag[which])) {
        mri_event_key key = mri_event_count_prepare(&s->events);
        if (mri_load_relaxed(&s->flag[which])) {
            mri_event_count_cancel(&s->events);
            return;
        }
        model_assert(mri_event_count_commit(&s->events, key, MRI_NEVER) == 0);
    }
}

static void awaits_flag_0(void *a)
{
    awaits_flag(a, 0);
}

static void awaits_flag_1(void *a)
{
    awaits_flag(a, 1);
}

static void raises(struct state *s, int which)
{
    mri_store_relaxed(&s->flag[which], 1);
    mri_event_count_notify_all(&s->events);
}

static void raises_both(void *a)
{
    raises(a, 0);
    raises(a, 1);
}

static void raises_0(void *a)
{
    raises(a, 0);
}

#define FLAGS(name_, ...)                                                      \
    MODEL(event_count_##name_, .state_size = sizeof(struct state),             \
          .setup = open, .finish = nobody_counted, __VA_ARGS__)

FLAGS(flag_for_all, .thread = {awaits_flag_0, raises_0}, EXHAUST)
MODEL(event_count_wraps_around, .state_size = sizeof(struct state),
      .setup = open_at_the_end, .finish = nobody_counted,
      .thread = {awaits_flag_0, raises_0}, EXHAUST)

/* ---- What a notification is --------------------------------------------- */

static void waits_blindly(void *a)
{
    struct state *s = a;
    mri_event_key key = mri_event_count_prepare(&s->events);
    if (mri_event_count_commit(&s->events, key, 1) == 0)
        mri_add_relaxed(&s->let_go, 1);
}

static void notifies(void *a)
{
    struct state *s = a;
    mri_event_count_notify_one(&s->events);
}

static void at_most_one_let_go(void *a)
{
    struct state *s = a;
    nobody_counted(a);
    model_assert(mri_load_relaxed(&s->let_go) <= 1);
}

MODEL(event_count_one_lets_one_go, .state_size = sizeof(struct state),
      .setup = open, .finish = at_most_one_let_go,
      .thread = {waits_blindly, waits_blindly, notifies})

static void waits_and_reads(void *a)
{
    struct state *s = a;
    mri_event_key key = mri_event_count_prepare(&s->events);
    model_assert(mri_event_count_commit(&s->events, key, MRI_NEVER) == 0);
    model_assert(s->data == 42);
}

static void await_the_waiter(struct state *s)
{
    while (!mri_event_count_awaited(&s->events))
        mri_pause();
    s->data = 42;
}

static void writes_then_notifies_one(void *a)
{
    struct state *s = a;
    await_the_waiter(s);
    mri_event_count_notify_one(&s->events);
}

static void writes_then_notifies_all(void *a)
{
    struct state *s = a;
    await_the_waiter(s);
    mri_event_count_notify_all(&s->events);
}

FLAGS(signal_brings_data, .thread = {waits_and_reads, writes_then_notifies_one},
      EXHAUST)
FLAGS(generation_brings_data,
      .thread = {waits_and_reads, writes_then_notifies_all}, EXHAUST)

/* Its own condition never comes; it takes from nobody what is not its own. */
FLAGS(a_later_waiter_takes_nothing,
      .thread = {awaits_flag_0, waits_blindly, raises_0}, .bound = 2)

/* Who is let go and does not look itself, hands the duty on. */
static void passes_on(void *a)
{
    struct state *s = a;
    mri_event_key key = mri_event_count_prepare(&s->events);
    if (mri_event_count_commit(&s->events, key, 1) == 0)
        mri_event_count_notify_one(&s->events);
}

CONSUME(a_deadline_loses_no_signal, .setup = open,
        .thread = {consumer, passes_on, producer}, .bound = 2)

/* ---- The same with more threads, or more of each ------------------------ */

FLAGS(flags_differ, .thread = {awaits_flag_0, awaits_flag_1, raises_both},
      .bound = 1, .deep_bound = 2)
CONSUME(2_and_1_of_2, .setup = open,
        .thread = {consumer, consumer, producer_of_2}, .bound = 2,
        .deep_bound = 2)
CONSUME(2_and_1_for_all, .setup = open,
        .thread = {consumer, consumer, producer_for_all})
CONSUME(2_and_1_with_deadline, .setup = open,
        .thread = {consumer, consumer_in_a_hurry, producer_of_2}, .bound = 2,
        .deep_bound = 2)
CONSUME(2_and_one_then_all, .setup = open,
        .thread = {consumer, consumer, producer_for_one_then_all}, .bound = 1,
        .deep_bound = 2)
CONSUME(2_and_all_then_one, .setup = open,
        .thread = {consumer, consumer, producer_for_all_then_one}, .bound = 1,
        .deep_bound = 2)
CONSUME(2_and_2, .setup = open,
        .thread = {consumer, consumer, producer, producer}, .bound = 1,
        .deep_bound = 2)
CONSUME(2_and_2_with_deadline, .setup = open,
        .thread = {consumer, consumer_in_a_hurry, producer, producer},
        .bound = 1, .deep_bound = 2)
