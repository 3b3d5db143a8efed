/* What must hold of the inbox: everything that was let in comes out exactly
 * once and in each producer's order; of all pushes between two takes exactly
 * one is told to notify; nothing gets in after close; a consumer that sleeps
 * by the protocol of inbox.h is woken for everything. */
#include "parts/inbox.h"

#include "model.h"
#include "os/clock.h"
#include "os/futex.h"

#include <millrace/error.h>

enum { MOST = 3, TAKERS = 3 };

struct item {
    mri_run_node node;
    uint32_t producer, number;
};

/* What a thread that takes has seen: plain, each its own. */
struct takes {
    uint32_t lists, items;
    uint32_t next[MOST]; /* by producer: number not seen before */
};

struct state {
    mri_inbox inbox;
    mri_atomic_u32 bell;
    struct item item[MOST][MOST];
    uint32_t in[MOST], told[MOST]; /* by producer, each its own */
    struct takes takes[TAKERS];    /* 0: finish */
    int said;                      /* plain: before a take */
    bool mortal;                   /* items are blocks, freed when taken */
};

static void open(void *a)
{
    struct state *s = a;
    mri_inbox_open(&s->inbox);
    mri_init(&s->bell, 0);
    model_name(&s->inbox.newest, 8, "newest");
    model_name(&s->bell, 4, "bell");
    for (int p = 0; p < MOST; p++)
        for (int i = 0; i < MOST; i++)
            model_name(&s->item[p][i], sizeof(struct item), "item");
}

static void open_mortal(void *a)
{
    struct state *s = a;
    open(a);
    s->mortal = true;
}

static struct item *item_new(struct state *s, uint32_t p, uint32_t number)
{
    struct item *item =
        s->mortal ? model_alloc(sizeof *item) : &s->item[p][number];
    item->producer = p;
    item->number = number;
    return item;
}

static int push(struct state *s, uint32_t p)
{
    struct item *item = item_new(s, p, s->in[p]);
    int rc = mri_inbox_push(&s->inbox, &item->node);
    s->in[p] += rc >= 0;
    s->told[p] += rc == 1;
    if (rc < 0) {
        model_assert(rc == MR_ECANCELED);
        model_assert(mri_inbox_closed(&s->inbox));
        if (s->mortal)
            model_free(item);
    }
    return rc;
}

static void got(struct state *s, struct takes *t, mri_run_node *list)
{
    t->lists += list != NULL;
    while (list) {
        struct item *item = mri_container_of(list, struct item, node);
        list = list->next;
        model_assert(item->number >= t->next[item->producer]);
        t->next[item->producer] = item->number + 1;
        t->items++;
        if (s->mortal)
            model_free(item);
    }
}

/* Everything came out, and one push was told per list. */
static void all_out(void *a)
{
    struct state *s = a;
    mri_inbox_check(&s->inbox);
    got(s, &s->takes[0], mri_inbox_take(&s->inbox));
    uint32_t in = 0, told = 0, lists = 0, items = 0;
    for (int i = 0; i < MOST; i++) {
        in += s->in[i];
        told += s->told[i];
        lists += s->takes[i].lists;
        items += s->takes[i].items;
    }
    model_assert(items == in);
    model_assert(told == lists);
}

static void producer_0(void *a)
{
    (void)push(a, 0);
}

static void producer_1(void *a)
{
    (void)push(a, 1);
}

static void producer_0_twice(void *a)
{
    (void)push(a, 0);
    (void)push(a, 0);
}

static void producer_1_twice(void *a)
{
    (void)push(a, 1);
    (void)push(a, 1);
}

static void chain_of_2(void *a)
{
    struct state *s = a;
    struct item *older = item_new(s, 1, 0), *newer = item_new(s, 1, 1);
    newer->node.next = &older->node;
    int rc = mri_inbox_push_chain(&s->inbox, &newer->node, &older->node);
    s->in[1] = rc >= 0 ? 2 : 0;
    s->told[1] = rc == 1;
    if (rc < 0 && s->mortal) {
        model_free(older);
        model_free(newer);
    }
}

static void taker(void *a)
{
    struct state *s = a;
    got(s, &s->takes[1], mri_inbox_take(&s->inbox));
}

static void taker_twice(void *a)
{
    taker(a);
    taker(a);
}

static void other_taker(void *a)
{
    struct state *s = a;
    got(s, &s->takes[2], mri_inbox_take(&s->inbox));
}

/* Closes, and knows everything that got in but was not taken. */
static void closer(void *a)
{
    struct state *s = a;
    mri_inbox_close(&s->inbox);
    model_assert(mri_inbox_closed(&s->inbox));
    got(s, &s->takes[2], mri_inbox_take(&s->inbox));
}

static void closed_and_empty(void *a)
{
    struct state *s = a;
    model_assert(mri_inbox_closed(&s->inbox));
    mri_inbox_close(&s->inbox);
    model_assert(mri_inbox_take(&s->inbox) == NULL);
    model_assert(push(s, 2) == MR_ECANCELED);
    all_out(a);
    model_assert(s->takes[0].items == 0);
}

/* ---- More ways in ------------------------------------------------------- */

/* As who has to be done with the inbox once its item is in. */
static void pushes_behind(void *a)
{
    struct state *s = a;
    struct item *item = item_new(s, 1, 0);
    int rc = mri_inbox_push_behind(&s->inbox, &item->node);
    s->in[1] += rc == 0;
    model_assert(rc != MR_ECANCELED || mri_inbox_closed(&s->inbox));
    if (rc != 0 && s->mortal)
        model_free(item);
}

static void pushes_late(void *a)
{
    struct state *s = a;
    struct item *item = item_new(s, 1, 0);
    int rc = mri_inbox_push_late(&s->inbox, &item->node, &item->node);
    model_assert(rc == 0 || rc == 1);
    s->in[1]++;
    s->told[1] += rc == 1;
}

static void closes(void *a)
{
    struct state *s = a;
    mri_inbox_close(&s->inbox);
}

static void closed_and_all_out(void *a)
{
    struct state *s = a;
    model_assert(mri_inbox_closed(&s->inbox));
    all_out(a);
}

/* Says that it takes before it does. */
static void says_and_takes_it(void *a)
{
    struct state *s = a;
    while (mri_inbox_is_empty(&s->inbox))
        mri_pause();
    s->said = 1;
    for (taker(a); s->takes[1].items < 2; taker(a))
        mri_pause();
}

static void pushes_and_finds_it_empty(void *a)
{
    struct state *s = a;
    (void)push(s, 0);
    while (!mri_inbox_is_empty(&s->inbox))
        mri_pause();
    s->said++;
}

static void somebody_took(void *a)
{
    struct state *s = a;
    all_out(a);
    model_assert(s->said == 2);
}

static void all_out_in_any_order(void *a)
{
    struct state *s = a;
    uint32_t items = 0;
    mri_inbox_check(&s->inbox);
    for (mri_run_node *n = mri_inbox_take(&s->inbox); n; n = n->next)
        items++;
    model_assert(items == s->in[0] + s->in[1]);
}

/* A consumer takes again what it has put back: addresses come back. */
static void taker_gives_back(void *a)
{
    struct state *s = a;
    mri_run_node *list = mri_inbox_take(&s->inbox);
    s->takes[1].lists += list != NULL;
    while (list) {
        mri_run_node *next = list->next;
        int rc = mri_inbox_push(&s->inbox, list);
        s->told[2] += rc == 1;
        list = next;
    }
}

/* ---- Notification ------------------------------------------------------- */

static void ring(struct state *s)
{
    mri_add_release(&s->bell, 1);
    if (mri_futex_wake(&s->bell, 1) < 0)
        model_assert(!"a wake fails");
}

static void notify_0(void *a)
{
    if (push(a, 0) == 1)
        ring(a);
}

static void notify_1(void *a)
{
    if (push(a, 1) == 1)
        ring(a);
}

static void notify_1_twice(void *a)
{
    notify_1(a);
    notify_1(a);
}

static void notify_2(void *a)
{
    if (push(a, 2) == 1)
        ring(a);
}

/* Sleeps until `items` have come or, for FOR_EVER, the inbox is closed. */
enum { FOR_EVER = 100 };

static void consume(struct state *s, uint32_t items)
{
    while (s->takes[1].items < items) {
        uint32_t seen = mri_load_acquire(&s->bell);
        bool closed = items == FOR_EVER && mri_inbox_closed(&s->inbox);
        mri_run_node *list = mri_inbox_take(&s->inbox);
        got(s, &s->takes[1], list);
        if (list)
            continue;
        if (closed)
            return;
        int rc = mri_futex_wait(&s->bell, seen, MRI_NEVER);
        model_assert(rc == 0 || rc == MR_EAGAIN || rc == MR_EINTR);
    }
}

static void consumer_of_2(void *a)
{
    consume(a, 2);
}

static void consumer_of_3(void *a)
{
    consume(a, 3);
}

static void consumer_until_closed(void *a)
{
    consume(a, FOR_EVER);
}

static void closer_rings(void *a)
{
    closer(a);
    ring(a);
}

#define INBOX(name_, setup_, finish_, ...)                                     \
    MODEL(name_, .state_size = sizeof(struct state), .setup = (setup_),        \
          .finish = (finish_), .spurious = MODEL_NONE,                         \
          .thread = {__VA_ARGS__})
#define INBOX_DEEP(name_, setup_, finish_, spurious_, ...)                     \
    MODEL(name_, .state_size = sizeof(struct state), .setup = (setup_),        \
          .finish = (finish_), .spurious = (spurious_), .bound = 1,            \
          .deep_bound = 2, .thread = {__VA_ARGS__})
#define INBOX_UNBOUNDED(name_, setup_, finish_, ...)                           \
    MODEL(name_, .state_size = sizeof(struct state), .setup = (setup_),        \
          .finish = (finish_), .bound = MODEL_UNBOUNDED,                       \
          .deep_bound = MODEL_UNBOUNDED, .thread = {__VA_ARGS__})

INBOX_UNBOUNDED(inbox_2_producers, open, all_out, producer_0_twice, producer_1,
                taker)
INBOX(inbox_2_producers_take_twice, open, all_out, producer_0_twice,
      producer_1_twice, taker_twice)
INBOX(inbox_2_takers, open, all_out, producer_0_twice, producer_1, taker,
      other_taker)
INBOX(inbox_taken_items_die, open_mortal, all_out, producer_0_twice, producer_1,
      taker_twice)
INBOX(inbox_chain, open_mortal, all_out, producer_0_twice, chain_of_2, taker)
INBOX(inbox_addresses_come_back, open, all_out_in_any_order, producer_0_twice,
      producer_1, taker_gives_back)
INBOX_UNBOUNDED(inbox_close, open_mortal, closed_and_empty, producer_0, taker,
                closer)
INBOX(inbox_close_with_2_producers, open_mortal, closed_and_empty,
      producer_0_twice, chain_of_2, taker, closer)
INBOX_UNBOUNDED(inbox_behind_others, open_mortal, all_out, producer_0,
                pushes_behind, taker)
INBOX(inbox_behind_others_and_closed, open_mortal, closed_and_empty, producer_0,
      pushes_behind, closer)
INBOX(inbox_late, open_mortal, closed_and_all_out, producer_0_twice,
      pushes_late, taker, closes)
INBOX(inbox_empty_says_who_took, open, somebody_took, pushes_and_finds_it_empty,
      says_and_takes_it, pushes_late)
INBOX(inbox_wakes_for_2_producers, open, all_out, notify_0, notify_1,
      consumer_of_2)
/* Ten seconds and more at bound 2. */
INBOX_DEEP(inbox_wakes_spuriously, open, all_out, 1, notify_0, notify_1,
           consumer_of_2)
INBOX_DEEP(inbox_wakes_for_3_items, open, all_out, MODEL_NONE, notify_0,
           notify_1_twice, consumer_of_3)
INBOX_DEEP(inbox_wakes_for_close, open, closed_and_empty, MODEL_NONE, notify_0,
           notify_1, closer_rings, consumer_until_closed)
MODEL(inbox_wakes_for_3_producers, .state_size = sizeof(struct state),
      .setup = open, .finish = all_out, .deep_bound = 2, .deep_only = true,
      .spurious = MODEL_NONE,
      .thread = {notify_0, notify_1, notify_2, consumer_of_3})
