/* What must hold of the run queue: each entry leaves exactly once; those that
 * one thread gets come in the order they were pushed, and so do those of two
 * threads where one comes after the other; nobody who comes when there are
 * enough entries for everybody goes away with none. */
#include "parts/run_queue.h"

#include "model.h"

enum { MOST = 8, THREADS = 4 };

struct item {
    mri_run_node node;
    uint32_t number;
};

/* What a thread got: plain, its own. */
struct got {
    uint32_t count[MOST], least; /* least: the next must not be below */
};

struct state {
    mri_run_queue queue, mine; /* mine: thread 1's, a thief */
    mri_run_slot slot[4], my_slot[4];
    struct item item[MOST];
    struct got got[THREADS];
    uint32_t pushed;
    mri_atomic_u32 turn;
};

/* The indices start shortly before they wrap round. */
static void queue_open(mri_run_queue *q, mri_run_slot *slot, uint32_t capacity)
{
    mri_run_queue_open(q, slot, capacity);
    mri_init(&q->head, UINT64_MAX);
    mri_init(&q->tail, UINT64_MAX);
    q->head_seen = UINT64_MAX;
    model_name(&q->head, 8, "head");
    model_name(&q->tail, 8, "tail");
    model_name(&q->spilled, 8, "spilled");
    model_name(&q->lock, 4, "lock");
    model_name(slot, capacity * sizeof *slot, "slot");
}

static void open(struct state *s, uint32_t capacity, uint32_t mine)
{
    queue_open(&s->queue, s->slot, capacity);
    queue_open(&s->mine, s->my_slot, mine);
    model_name(s->item, sizeof s->item, "item");
}

/* Every other one is in somebody's hand: containers keep that apart. */
static void number(struct item *item, uint32_t n)
{
    item->number = n;
    item->node.word = n % 2 ? MRI_RUN_NODE_IN_HAND : 0;
}

static void push_into(struct state *s, mri_run_queue *q)
{
    struct item *item = &s->item[s->pushed];
    number(item, s->pushed++);
    mri_run_queue_push(q, &item->node);
}

static void push(struct state *s)
{
    push_into(s, &s->queue);
}

static void push_n(struct state *s, int n)
{
    for (int i = 0; i < n; i++)
        push(s);
}

static void push_list(struct state *s, uint32_t n)
{
    struct item *first = &s->item[s->pushed];
    for (uint32_t i = 0; i < n; i++) {
        number(&first[i], s->pushed++);
        first[i].node.next = i + 1 < n ? &first[i + 1].node : NULL;
    }
    mri_run_queue_push_list(&s->queue, &first->node, &first[n - 1].node, n);
}

/* Setup and finish have the first. */
static struct got *mine(struct state *s)
{
    return &s->got[model_thread() + 1];
}

/* False: there was none. */
static bool got(struct state *s, mri_run_node *node)
{
    if (!node)
        return false;
    struct item *item = mri_container_of(node, struct item, node);
    node->next = node; /* the taker's, plain: who still follows it races */
    struct got *g = mine(s);
    /* The node is the popper's own now: nobody else may touch it. */
    node->next = NULL;
    model_assert(item->number >= g->least);
    g->least = item->number + 1;
    g->count[item->number]++;
    return true;
}

static bool pop(struct state *s)
{
    return got(s, mri_run_queue_pop(&s->queue));
}

static bool steal(struct state *s)
{
    return got(s, mri_run_queue_steal(&s->queue));
}

/* ---- Setups and the end ------------------------------------------------- */

static void open_1(void *a)
{
    open(a, 1, 1);
}

static void open_2(void *a)
{
    open(a, 2, 2);
}

static void open_4(void *a)
{
    open(a, 4, 4);
}

/* Two in the ring, or one, and the rest in the list. */
static void open_2_with_4(void *a)
{
    open(a, 2, 2);
    push_n(a, 4);
}

/* The thief has three of its own, one of them in its list. */
static void open_4_and_spilled(void *a)
{
    struct state *s = a;
    open(a, 4, 2);
    for (int i = 0; i < 3; i++)
        push_into(s, &s->mine);
    push_n(a, 4);
}

/* The thief has one of its own and no room. */
static void open_4_and_full(void *a)
{
    struct state *s = a;
    open(a, 4, 1);
    push_into(s, &s->mine);
    push_n(a, 4);
}

static void open_1_with_3(void *a)
{
    open(a, 1, 1);
    push_n(a, 3);
}

static void open_4_with_4(void *a)
{
    open(a, 4, 4);
    push_n(a, 4);
}

/* The list alone, for its owner to refill the ring from. */
static void open_2_spilled(struct state *s, int n)
{
    open(s, 2, 2);
    push_n(s, 2 + n);
    model_assert(pop(s));
    model_assert(steal(s));
}

static void open_2_spilled_1(void *a)
{
    open_2_spilled(a, 1);
}

static void open_2_spilled_2(void *a)
{
    open_2_spilled(a, 2);
}

static void open_2_spilled_4(void *a)
{
    open_2_spilled(a, 4);
}

/* Whatever is left comes out in order; then each has left once. */
static void all_once(void *a)
{
    struct state *s = a;
    struct got *rest = &s->got[0];
    mri_run_queue_check(&s->queue);
    mri_run_queue_check(&s->mine);
    rest->least = 0;
    while (got(s, mri_run_queue_pop(&s->mine)))
        ;
    rest->least = 0;
    while (pop(s))
        ;
    model_assert(mri_run_queue_size(&s->queue) == 0);
    for (uint32_t i = 0; i < s->pushed; i++) {
        uint32_t count = 0;
        for (int t = 0; t < THREADS; t++)
            count += s->got[t].count[i];
        model_assert(count == 1);
    }
}

/* ---- Threads ------------------------------------------------------------ */

static void thief(void *a)
{
    steal(a);
}

static void thief_twice(void *a)
{
    steal(a);
    steal(a);
}

static void thief_half(void *a)
{
    struct state *s = a;
    got(s, mri_run_queue_steal_half(&s->queue, &s->mine));
    got(s, mri_run_queue_pop(&s->mine));
}

/* What this one steals is younger than what it has. */
static void thief_half_with_own(void *a)
{
    struct state *s = a;
    got(s, mri_run_queue_steal_half(&s->queue, &s->mine));
    mine(s)->least = 0;
    while (got(s, mri_run_queue_pop(&s->mine)))
        ;
}

static void thief_half_with_list(void *a)
{
    struct state *s = a;
    got(s, mri_run_queue_pop(&s->mine));
    thief_half_with_own(a);
}

/* Steals from the thief's queue. */
static void thief_of_thief(void *a)
{
    struct state *s = a;
    got(s, mri_run_queue_steal(&s->mine));
}

static void push_2_pop_2(void *a)
{
    push_n(a, 2);
    pop(a);
    pop(a);
}

static void push_pop_push_pop(void *a)
{
    push(a);
    pop(a);
    push(a);
    pop(a);
}

static void push_3_pop_2(void *a)
{
    push_n(a, 3);
    pop(a);
    pop(a);
}

static void push_3(void *a)
{
    push_n(a, 3);
}

static void push_list_3_pop_2(void *a)
{
    push_list(a, 3);
    pop(a);
    pop(a);
}

static void pop_push_list_3(void *a)
{
    pop(a);
    push_list(a, 3);
}

static void push_1(void *a)
{
    push(a);
}

static void push_2(void *a)
{
    push_n(a, 2);
}

static void pop_once(void *a)
{
    pop(a);
}

static void pop_push(void *a)
{
    pop(a);
    push(a);
}

static void pop_2_push(void *a)
{
    pop(a);
    pop(a);
    push(a);
}

static void pop_push_pop(void *a)
{
    pop(a);
    push(a);
    pop(a);
}

/* Enough for everybody. */
static void pop_finds(void *a)
{
    model_assert(pop(a));
}

static void pop_2_find(void *a)
{
    pop_finds(a);
    pop_finds(a);
}

static void pop_3_find(void *a)
{
    pop_2_find(a);
    pop_finds(a);
}

static void thief_finds(void *a)
{
    model_assert(steal(a));
}

static void thief_half_finds(void *a)
{
    struct state *s = a;
    model_assert(got(s, mri_run_queue_steal_half(&s->queue, &s->mine)));
}

/* One after the other: the second gets a younger one. */
static void thief_first(void *a)
{
    struct state *s = a;
    steal(s);
    mri_store_release(&s->turn, mine(s)->least);
}

static void thief_second(void *a)
{
    struct state *s = a;
    mine(s)->least = mri_load_acquire(&s->turn);
    steal(s);
}

#define QUEUE(name_, setup_, ...)                                              \
    MODEL(name_, .state_size = sizeof(struct state), .setup = (setup_),        \
          .finish = all_once, .thread = {__VA_ARGS__})
/* A quarter of a minute and more at bound 2. */
#define QUEUE_DEEP(name_, setup_, ...)                                         \
    MODEL(name_, .state_size = sizeof(struct state), .setup = (setup_),        \
          .finish = all_once, .deep_only = true, .deep_bound = 2,              \
          .thread = {__VA_ARGS__})

MODEL(run_queue_every_interleaving, .state_size = sizeof(struct state),
      .setup = open_1, .finish = all_once, .thread = {push_pop_push_pop, thief},
      .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED)
QUEUE(run_queue_enough_of_1, open_1_with_3, pop_finds, thief_finds, thief_finds)
QUEUE(run_queue_enough_while_refilled, open_2_with_4, pop_3_find, thief_finds)
QUEUE(run_queue_enough_while_pushed, open_2_spilled_1, push_1, thief_finds)
QUEUE(run_queue_enough_for_half, open_1_with_3, pop_finds, thief_half_finds)
QUEUE(run_queue_half, open_4_with_4, pop_2_push, thief_half, thief)
QUEUE(run_queue_half_pushed, open_2, push_3_pop_2, thief_half)
QUEUE(run_queue_half_stolen_on, open_4_with_4, pop_finds, thief_half,
      thief_of_thief)
QUEUE(run_queue_half_of_the_list, open_2_spilled_4, pop_once, thief_half)
QUEUE(run_queue_half_behind_older, open_4_and_spilled, pop_once,
      thief_half_with_list)
QUEUE(run_queue_half_without_room, open_4_and_full, pop_once,
      thief_half_with_own)
QUEUE(run_queue_in_order_across_thieves, open_1, push_2, thief_first,
      thief_second)
QUEUE(run_queue_in_order_across_refill, open_1_with_3, pop_once, thief_first,
      thief_second)
QUEUE(run_queue_of_2_wraps, open_2, push_3_pop_2, thief_twice)
QUEUE(run_queue_of_2_two_thieves, open_2, push_2_pop_2, thief, thief)
QUEUE(run_queue_list, open_2, push_list_3_pop_2, thief_twice)
QUEUE(run_queue_list_behind_a_list, open_2_with_4, pop_push_list_3, thief)
QUEUE(run_queue_list_half_of_it, open_2, push_list_3_pop_2, thief_half)
QUEUE(run_queue_refills_under_a_thief, open_2_spilled_2, pop_2_push, thief)
QUEUE(run_queue_full_under_a_thief, open_2_with_4, pop_push_pop, thief_twice)
QUEUE(run_queue_of_1_slot_reused, open_1, push_pop_push_pop, thief, thief)
QUEUE(run_queue_of_1_push_3, open_1, push_3_pop_2, thief_twice)

QUEUE_DEEP(run_queue_of_1_overflows, open_1, push_2_pop_2, thief, thief)
QUEUE_DEEP(run_queue_of_4, open_4, push_3_pop_2, thief, thief)
QUEUE_DEEP(run_queue_thieves_drain_the_list, open_1, push_3, thief_twice, thief)
QUEUE_DEEP(run_queue_refills_under_thieves, open_2_spilled_2, pop_push, thief,
           thief)
QUEUE_DEEP(run_queue_full_under_thieves, open_2_with_4, pop_push_pop, thief,
           thief)
QUEUE_DEEP(run_queue_enough_of_2, open_2_with_4, pop_2_find, thief_finds,
           thief_finds)
QUEUE_DEEP(run_queue_half_of_the_list_2_thieves, open_2_spilled_4, pop_once,
           thief_half, thief)
