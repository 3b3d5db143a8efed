/* What must hold of the event count: nobody sleeps while the condition that
 * it waits for is true and its notification was given. The checker reports a
 * violation as a deadlock. */
#include "textbook/event_count.h"

#include "model.h"

struct state {
    struct event_count events;
    mri_atomic_u32 items; /* the condition: something to take */
};

static void open(void *a)
{
    struct state *s = a;
    event_count_open(&s->events);
    model_name(&s->events.epoch, 4, "epoch");
    model_name(&s->events.waiters, 4, "waiters");
    model_name(&s->items, 4, "items");
}

static bool take(struct state *s)
{
    uint32_t n = mri_load_relaxed(&s->items);
    while (n > 0)
        if (mri_cas_relaxed(&s->items, &n, n - 1))
            return true;
    return false;
}

static void consumer(void *a)
{
    struct state *s = a;
    while (!take(s)) {
        uint32_t key = event_count_prepare(&s->events);
        if (take(s)) {
            event_count_cancel(&s->events);
            return;
        }
        event_count_commit(&s->events, key);
    }
}

static void producer(void *a)
{
    struct state *s = a;
    mri_add_relaxed(&s->items, 1);
    event_count_notify(&s->events, 1);
}

static void producer_of_2(void *a)
{
    struct state *s = a;
    mri_add_relaxed(&s->items, 2);
    event_count_notify(&s->events, 2);
}

static void nobody_counted(void *a)
{
    struct state *s = a;
    model_assert(mri_load_relaxed(&s->events.waiters) == 0);
    model_assert(mri_load_relaxed(&s->items) == 0);
}

#define EVENTS(name_, ...)                                                     \
    MODEL(name_, .state_size = sizeof(struct state), .setup = open,            \
          .finish = nobody_counted, .thread = {__VA_ARGS__}, .bound = 2,       \
          .deep_bound = 3)

MODEL(event_count_1_and_1, .state_size = sizeof(struct state), .setup = open,
      .finish = nobody_counted, .thread = {consumer, producer}, .spurious = 1,
      .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED)
EVENTS(event_count_2_consumers_1_producer_of_2, consumer, consumer,
       producer_of_2)
/* A minute at bound 2. */
MODEL(event_count_2_and_2, .state_size = sizeof(struct state), .setup = open,
      .finish = nobody_counted,
      .thread = {consumer, consumer, producer, producer}, .bound = 1,
      .deep_bound = 2)
