/* What must hold of the Chase-Lev deque: each value is taken exactly once,
 * whatever the owner and the thieves do. */
#include "textbook/chase_lev.h"

#include "model.h"

enum { MOST = 4 };

struct state {
    struct chase_lev deque;
    uint32_t data[MOST];     /* plain: written before the push */
    uint32_t taken[MOST][3]; /* by thread: plain, each its own */
};

static void open_1(void *a)
{
    struct state *s = a;
    chase_lev_open(&s->deque, 1);
    model_name(&s->deque.top, 8, "top");
    model_name(&s->deque.bottom, 8, "bottom");
    model_name(&s->deque.array, 8, "array");
}

static void open_4(void *a)
{
    struct state *s = a;
    chase_lev_open(&s->deque, 4);
}

static void push(struct state *s, uint32_t i)
{
    s->data[i] = i + 10;
    chase_lev_push(&s->deque, i);
}

static void got(struct state *s, uint64_t value)
{
    if (value >= MOST)
        return;
    model_assert(s->data[value] == value + 10);
    s->taken[value][model_thread()]++;
}

static void thief(void *a)
{
    struct state *s = a;
    got(s, chase_lev_steal(&s->deque));
}

static void thief_twice(void *a)
{
    struct state *s = a;
    got(s, chase_lev_steal(&s->deque));
    got(s, chase_lev_steal(&s->deque));
}

/* What is left is taken by nobody in particular, counted as thread 0's; then
 * every value that was pushed has turned up exactly once. */
static void all_once(struct state *s, uint32_t pushed)
{
    for (uint64_t v; (v = chase_lev_take(&s->deque)) < MOST;)
        s->taken[v][0]++;
    for (uint32_t i = 0; i < pushed; i++)
        model_assert(s->taken[i][0] + s->taken[i][1] + s->taken[i][2] == 1);
    chase_lev_close(&s->deque);
}

static void finish_2(void *a)
{
    all_once(a, 2);
}

static void finish_3(void *a)
{
    all_once(a, 3);
}

static void push_2_take_2(void *a)
{
    struct state *s = a;
    push(s, 0);
    push(s, 1);
    got(s, chase_lev_take(&s->deque));
    got(s, chase_lev_take(&s->deque));
}

static void push_take_push_take(void *a)
{
    struct state *s = a;
    push(s, 0);
    got(s, chase_lev_take(&s->deque));
    push(s, 1);
    got(s, chase_lev_take(&s->deque));
}

static void push_3_take_3(void *a)
{
    struct state *s = a;
    for (uint32_t i = 0; i < 3; i++)
        push(s, i);
    for (uint32_t i = 0; i < 3; i++)
        got(s, chase_lev_take(&s->deque));
}

#define DEQUE(name_, setup_, finish_, ...)                                     \
    MODEL(name_, .state_size = sizeof(struct state), .setup = (setup_),        \
          .finish = (finish_), .bound = 2, .deep_bound = 3,                    \
          .thread = {__VA_ARGS__})

DEQUE(chase_lev_push_2_take_2, open_4, finish_2, push_2_take_2, thief, thief)
DEQUE(chase_lev_grow_from_1, open_1, finish_2, push_2_take_2, thief_twice)
DEQUE(chase_lev_reuse_of_1_slot, open_1, finish_2, push_take_push_take, thief,
      thief)
DEQUE(chase_lev_push_3_take_3, open_1, finish_3, push_3_take_3, thief_twice,
      thief)
MODEL(chase_lev_every_interleaving, .state_size = sizeof(struct state),
      .setup = open_1, .finish = finish_2, .thread = {push_2_take_2, thief},
      .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED)
