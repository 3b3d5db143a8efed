#include "parts/inbox.h"

#include "os/futex.h"
#include "stress.h"
#include "test.h"

#include <millrace/error.h>
#include <pthread.h>

enum { MOST = 32, ITEMS = 64 };

struct item {
    mri_run_node node;
    uint32_t producer, number;
    mri_atomic_u32 free; /* 1: its producer may fill it */
};

struct scene {
    mri_inbox inbox;
    mri_atomic_u32 bell, stop;
    uint32_t burst; /* what a producer pushes before it lets others run */
    bool chained;   /* a burst goes in as one chain */
    struct item item[MOST][ITEMS];
    uint64_t accepted[MOST], told[MOST]; /* each its producer's */
    uint32_t next[MOST];                 /* the consumer's, as the rest */
    uint64_t lists, taken;
};

struct producer {
    struct scene *scene;
    uint32_t index;
};

static void ring(struct scene *s)
{
    mri_add_release(&s->bell, 1);
    EXPECT(mri_futex_wake(&s->bell, 1) >= 0);
}

/* The next item, once it has come back from the consumer; NULL: stop. */
static struct item *item_new(struct scene *s, uint32_t p, uint32_t number)
{
    struct item *item = &s->item[p][number % ITEMS];
    while (mri_load_acquire(&item->free) == 0) {
        if (mri_load_relaxed(&s->stop))
            return NULL;
        sched_yield();
    }
    mri_store_relaxed(&item->free, 0);
    item->producer = p;
    item->number = number;
    return item;
}

/* How many went in; -1 when refused. */
static int push_burst(struct scene *s, uint32_t p, uint32_t number)
{
    struct item *oldest = item_new(s, p, number), *newest = oldest;
    int count = 1;
    if (!oldest)
        return 0;
    while (s->chained && count < (int)s->burst) {
        struct item *item = item_new(s, p, number + (uint32_t)count);
        if (!item)
            break;
        item->node.next = &newest->node;
        newest = item;
        count++;
    }
    int rc = mri_inbox_push_chain(&s->inbox, &newest->node, &oldest->node);
    if (rc == 1) {
        s->told[p]++;
        ring(s);
    }
    EXPECT(rc == 0 || rc == 1 || rc == MR_ECANCELED);
    return rc < 0 ? -1 : count;
}

static void *produce(void *arg)
{
    struct producer *me = arg;
    struct scene *s = me->scene;
    uint32_t number = 0;
    for (uint32_t i = 1;; i++) {
        int count = push_burst(s, me->index, number);
        if (count < 0)
            break;
        if (count == 0) {
            if (mri_inbox_closed(&s->inbox))
                break;
            continue;
        }
        number += (uint32_t)count;
        if (s->chained || i % s->burst == 0)
            sched_yield();
    }
    s->accepted[me->index] = number;
    return NULL;
}

static void take_in(struct scene *s, mri_run_node *list)
{
    s->lists += list != NULL;
    while (list) {
        struct item *item = mri_container_of(list, struct item, node);
        list = list->next;
        EXPECT_EQ(item->number, s->next[item->producer]);
        s->next[item->producer]++;
        s->taken++;
        mri_store_release(&item->free, 1);
    }
}

/* Until `end`, and until something has come at all. Sleeps by the protocol of
 * inbox.h; a lost wake-up shows as a wait that is over by its deadline although
 * something is in. */
static void consume_until(struct scene *s, int64_t end)
{
    while (mri_clock_now() < end || s->taken == 0) {
        uint32_t seen = mri_load_acquire(&s->bell);
        mri_run_node *list = mri_inbox_take(&s->inbox);
        take_in(s, list);
        if (list)
            continue;
        int64_t deadline = mri_clock_now() + 10000000000;
        int rc = mri_futex_wait(&s->bell, seen, deadline);
        EXPECT(rc == 0 || rc == MR_EAGAIN || rc == MR_EINTR);
    }
}

/* How many items went through until `end`. */
static uint64_t play(int producers, uint32_t burst, bool chained, int64_t end)
{
    static struct scene s;
    struct producer who[MOST];
    pthread_t thread[MOST];
    uint64_t accepted = 0, told = 0;
    memset(&s, 0, sizeof s);
    mri_inbox_open(&s.inbox);
    s.burst = burst;
    s.chained = chained;
    for (int p = 0; p < producers; p++) {
        for (int i = 0; i < ITEMS; i++)
            mri_init(&s.item[p][i].free, 1);
        who[p] = (struct producer){&s, (uint32_t)p};
        EXPECT_EQ(pthread_create(&thread[p], NULL, produce, &who[p]), 0);
    }
    consume_until(&s, end);
    mri_inbox_close(&s.inbox);
    take_in(&s, mri_inbox_take(&s.inbox));
    mri_store_relaxed(&s.stop, 1);
    for (int p = 0; p < producers; p++) {
        EXPECT_EQ(pthread_join(thread[p], NULL), 0);
        accepted += s.accepted[p];
        told += s.told[p];
    }
    mri_inbox_check(&s.inbox);
    EXPECT_EQ(s.taken, accepted);
    EXPECT_EQ(s.lists, told);
    return accepted;
}

/* A share of the time that a test has. */
static int64_t share(int64_t end, int parts)
{
    int64_t now = mri_clock_now();
    return now + (end - now) / parts;
}

TEST(stress_inbox, loses_nothing_and_wakes_from_1_to_many_producers)
{
    int64_t end = stress_end();
    for (int producers = 1; producers <= 4; producers++)
        EXPECT(play(producers, 1, false, share(end, 6 - producers)) > 0);
    EXPECT(play(stress_crowd(MOST), 1, false, share(end, 1)) > 0);
}

TEST(stress_inbox, keeps_order_in_bursts_and_chains)
{
    int64_t end = stress_end();
    for (uint32_t burst = 2, parts = 6; burst <= 8; burst *= 2)
        for (int chained = 0; chained < 2; chained++, parts--)
            EXPECT(play(stress_crowd(MOST), burst, chained,
                        share(end, (int)parts)) > 0);
}

/* Closed a moment after it was opened, over and over. */
TEST(stress_inbox, close_races_with_pushes)
{
    uint64_t accepted = 0;
    for (int64_t end = stress_end(); mri_clock_now() < end;)
        accepted += play(4, 1, false, mri_clock_now() + 100000);
    EXPECT(accepted > 0);
}
