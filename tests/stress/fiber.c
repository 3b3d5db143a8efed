/* Fibers that wander between threads: each thread takes one from a common
 * heap, runs it a step, and puts it back. */
#include "os/fiber.h"

#include "os/futex.h"
#include "os/pages.h"
#include "slow.h"
#include "test.h"

#include <millrace/error.h>
#include <pthread.h>

enum { FIBERS = 32, THREADS = 3 };
#define STACK_SIZE ((size_t)65536)

struct wanderer {
    mri_fiber fiber;
    mri_fiber *back; /* who runs it now */
    uint64_t steps, sum;
    struct wanderer *next;
    void *stack;
};

struct heap {
    pthread_mutex_t lock;
    struct wanderer *free;
    struct wanderer all[FIBERS];
    uint64_t steps_left;
};

/* Its sum depends on locals that must survive each move. */
static void wander(void *arg)
{
    struct wanderer *w = arg;
    uint64_t a = 1, b = 1;
    double halves = 1;
    for (;;) {
        uint64_t next = a + b;
        a = b, b = next;
        halves = halves > 1e-3 ? halves / 2 : 1;
        w->steps++;
        w->sum = a + (uint64_t)(halves * 1024);
        mri_fiber_switch(&w->fiber, w->back);
    }
}

static uint64_t expected_sum(uint64_t steps)
{
    uint64_t a = 1, b = 1, next;
    double halves = 1;
    for (uint64_t i = 0; i < steps; i++) {
        next = a + b;
        a = b, b = next;
        halves = halves > 1e-3 ? halves / 2 : 1;
    }
    return steps ? a + (uint64_t)(halves * 1024) : 0;
}

static struct wanderer *take(struct heap *h)
{
    struct wanderer *w = NULL;
    pthread_mutex_lock(&h->lock);
    if (h->steps_left > 0 && h->free) {
        h->steps_left--;
        w = h->free;
        h->free = w->next;
    }
    pthread_mutex_unlock(&h->lock);
    return w;
}

/* At the far end, so that all get their turn. */
static void put(struct heap *h, struct wanderer *w)
{
    pthread_mutex_lock(&h->lock);
    struct wanderer **end = &h->free;
    while (*end)
        end = &(*end)->next;
    w->next = NULL;
    *end = w;
    pthread_mutex_unlock(&h->lock);
}

static void *drive(void *arg)
{
    struct heap *h = arg;
    mri_fiber here;
    mri_fiber_of_thread(&here);
    for (struct wanderer *w; (w = take(h));) {
        w->back = &here;
        mri_fiber_switch(&here, &w->fiber);
        put(h, w);
    }
    mri_fiber_close(&here);
    return NULL;
}

TEST(stress_fiber, fibers_wander_between_threads_unharmed)
{
    uint64_t total = (uint64_t)slow_scale(500000), seen = 0;
    struct heap *h = calloc(1, sizeof *h);
    pthread_t threads[THREADS];
    EXPECT(h);
    pthread_mutex_init(&h->lock, NULL);
    h->steps_left = total;
    for (int i = 0; i < FIBERS; i++) {
        struct wanderer *w = &h->all[i];
        EXPECT_EQ(mri_pages_map(&w->stack, STACK_SIZE), 0);
        mri_fiber_open(&w->fiber, w->stack, STACK_SIZE, wander, w);
        put(h, w);
    }
    for (int i = 0; i < THREADS; i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, drive, h), 0);
    for (int i = 0; i < THREADS; i++)
        EXPECT_EQ(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < FIBERS; i++) {
        struct wanderer *w = &h->all[i];
        EXPECT_EQ(w->sum, expected_sum(w->steps));
        seen += w->steps;
        mri_fiber_close(&w->fiber);
        EXPECT_EQ(mri_pages_unmap(w->stack, STACK_SIZE), 0);
    }
    EXPECT_EQ(seen, total);
    free(h);
}
