#include "parts/run_queue.h"

#include "stress.h"
#include "test.h"

#include <pthread.h>
#include <sched.h>

enum { MOST = 16, ITEMS = 512, RING = 256 };

struct item {
    mri_run_node node;
    uint64_t number;
    mri_atomic_u32 free; /* 1: the owner may push it */
};

struct thief {
    struct scene *scene;
    mri_run_queue mine;
    mri_run_slot slot[RING];
    uint64_t least, taken;
};

struct scene {
    mri_run_queue queue;
    mri_run_slot slot[RING];
    struct item item[ITEMS];
    struct thief thief[MOST];
    int thieves;
    bool half;
    mri_atomic_u32 stop;
    uint64_t pushed, least, taken; /* the owner's */
};

/* It is the popper's alone now; in order unless batches went about. */
static void got(struct scene *s, mri_run_node *node, uint64_t *least)
{
    struct item *item = mri_container_of(node, struct item, node);
    EXPECT_EQ(mri_load_relaxed(&item->free), 0);
    EXPECT(s->half || item->number >= *least);
    *least = item->number + 1;
    mri_store_release(&item->free, 1);
}

static void *rob(void *arg)
{
    struct thief *t = arg;
    struct scene *s = t->scene;
    for (;;) {
        bool stop = mri_load_acquire(&s->stop);
        mri_run_node *node = mri_run_queue_pop(&t->mine);
        if (!node)
            node = s->half ? mri_run_queue_steal_half(&s->queue, &t->mine)
                           : mri_run_queue_steal(&s->queue);
        /* Also from the next thief, who may have all of it. */
        if (!node)
            node = mri_run_queue_steal(
                &s->thief[(t - s->thief + 1) % s->thieves].mine);
        if (node) {
            got(s, node, &t->least);
            t->taken++;
        } else if (stop) {
            return NULL;
        } else {
            sched_yield();
        }
    }
}

static void push_one(struct scene *s)
{
    struct item *item = &s->item[s->pushed % ITEMS];
    while (mri_load_acquire(&item->free) == 0)
        sched_yield();
    mri_store_relaxed(&item->free, 0);
    item->number = s->pushed++;
    mri_run_queue_push(&s->queue, &item->node);
}

static bool pop_one(struct scene *s)
{
    mri_run_node *node = mri_run_queue_pop(&s->queue);
    if (node) {
        got(s, node, &s->least);
        s->taken++;
    }
    return node != NULL;
}

static void start(struct scene *s, pthread_t *thread, uint32_t capacity)
{
    mri_run_queue_open(&s->queue, s->slot, capacity);
    for (int i = 0; i < ITEMS; i++)
        mri_init(&s->item[i].free, 1);
    for (int i = 0; i < s->thieves; i++) {
        s->thief[i].scene = s;
        mri_run_queue_open(&s->thief[i].mine, s->thief[i].slot, capacity);
    }
    for (int i = 0; i < s->thieves; i++)
        EXPECT_EQ(pthread_create(&thread[i], NULL, rob, &s->thief[i]), 0);
}

/* Push `most` at most and pop as many, over and over. */
static void play(int thieves, uint32_t capacity, int most, bool half,
                 int64_t end)
{
    static struct scene s;
    pthread_t thread[MOST];
    memset(&s, 0, sizeof s);
    s.thieves = thieves;
    s.half = half;
    start(&s, thread, capacity);
    int k = 1;
    do {
        for (int round = 0; round < 20; round++) {
            for (int i = 0; i < k; i++)
                push_one(&s);
            for (int i = 0; i < k; i++)
                pop_one(&s);
        }
        k = k % most + 1;
    } while (mri_clock_now() < end);
    while (pop_one(&s))
        ;
    mri_store_release(&s.stop, 1);
    uint64_t taken = s.taken;
    for (int i = 0; i < thieves; i++) {
        EXPECT_EQ(pthread_join(thread[i], NULL), 0);
        taken += s.thief[i].taken;
        mri_run_queue_check(&s.thief[i].mine);
    }
    mri_run_queue_check(&s.queue);
    EXPECT_EQ(taken, s.pushed);
}

/* A share of the time that a test has. */
static int64_t share(int64_t end, int parts)
{
    int64_t now = mri_clock_now();
    return now + (end - now) / parts;
}

TEST(stress_run_queue, push_k_pop_k_loses_nothing)
{
    int64_t end = stress_end();
    play(1, 4, 8, false, share(end, 4));
    play(2, 8, 8, false, share(end, 3));
    play(stress_crowd(MOST), 1, 8, false, share(end, 2));
    play(stress_crowd(MOST), 2, 8, false, end);
}

TEST(stress_run_queue, long_overflow_loses_nothing)
{
    int64_t end = stress_end();
    play(1, 2, 200, false, share(end, 2));
    play(stress_crowd(MOST), 16, 200, false, end);
}

TEST(stress_run_queue, halves_go_about_and_arrive_once)
{
    int64_t end = stress_end();
    play(2, 64, 64, true, share(end, 3));
    play(stress_crowd(MOST), 4, 200, true, share(end, 2));
    play(stress_crowd(MOST), RING, 200, true, end);
}
