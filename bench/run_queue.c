/* The run queue: its owner alone, in the ring and past it; and how fast what
 * it pushes is stolen by one and by two thieves (a second has 1e9 / ns
 * steals), one entry at a time and by halves. */
#include "parts/run_queue.h"
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { CAPACITY = 256, NODES = 4096, MOST_THIEVES = 2 };

static mri_run_queue queue;
static mri_run_slot slots[CAPACITY];
static struct {
    MRI_ALIGNED(MRI_CACHE_LINE) mri_run_node node;
} nodes[NODES];

static void open(void)
{
    mri_run_queue_open(&queue, slots, CAPACITY);
}

/* Push k, pop k. */
static double alone(uint64_t n, uint64_t k)
{
    open();
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i += k) {
        for (uint64_t j = 0; j < k; j++)
            mri_run_queue_push(&queue, &nodes[j].node);
        for (uint64_t j = 0; j < k; j++)
            if (mri_run_queue_pop(&queue) != &nodes[j].node)
                abort();
    }
    return (double)(bench_ran() - start) / (double)n;
}

static double alone_1(uint64_t n)
{
    return alone(n, 1);
}

static double alone_128(uint64_t n)
{
    return alone(n, 128);
}

static double alone_overflow(uint64_t n)
{
    return alone(n, 1024);
}

/* One thread steals what it has pushed: the calls' own cost. */
static double steal_own(uint64_t n)
{
    open();
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i += 128) {
        for (uint64_t j = 0; j < 128; j++)
            mri_run_queue_push(&queue, &nodes[j].node);
        for (uint64_t j = 0; j < 128; j++)
            if (mri_run_queue_steal(&queue) != &nodes[j].node)
                abort();
    }
    return (double)(bench_ran() - start) / (double)n;
}

/* ---- Thieves ------------------------------------------------------------ */

struct thief {
    mri_run_queue mine;
    mri_run_slot slot[CAPACITY];
    pthread_barrier_t *start;
    mri_atomic_u64 *left; /* of all: how many are still to be taken */
    bool half;
};

static mri_run_node *take(struct thief *t)
{
    mri_run_node *node = t->half ? mri_run_queue_pop(&t->mine) : NULL;
    if (node)
        return node;
    return t->half ? mri_run_queue_steal_half(&queue, &t->mine)
                   : mri_run_queue_steal(&queue);
}

/* Counts what it got when it finds nothing, so that counting costs little. */
static void *rob(void *arg)
{
    struct thief *t = arg;
    uint64_t got = 0;
    pthread_barrier_wait(t->start);
    for (;;) {
        if (take(t)) {
            got++;
            continue;
        }
        if (mri_sub_relaxed(t->left, got) == got)
            return NULL;
        if (mri_load_relaxed(t->left) == 0)
            return NULL;
        got = 0;
        sched_yield();
    }
}

/* Pushes n, into the ring as long as there is room. The nodes go round; with
 * a ring far smaller than their number none comes back while it is queued. */
static void push_all(uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        while (mri_run_queue_size(&queue) >= CAPACITY)
            sched_yield();
        mri_run_queue_push(&queue, &nodes[i % NODES].node);
    }
}

static double robbed(uint64_t n, unsigned thieves, bool half)
{
    static struct thief t[MOST_THIEVES];
    pthread_t thread[MOST_THIEVES];
    pthread_barrier_t start;
    mri_atomic_u64 left;
    open();
    mri_init(&left, n);
    pthread_barrier_init(&start, NULL, thieves + 1);
    for (unsigned i = 0; i < thieves; i++) {
        mri_run_queue_open(&t[i].mine, t[i].slot, CAPACITY);
        t[i].start = &start;
        t[i].left = &left;
        t[i].half = half;
        if (pthread_create(&thread[i], NULL, rob, &t[i]) != 0)
            abort();
    }
    pthread_barrier_wait(&start);
    int64_t begin = bench_now();
    push_all(n);
    for (unsigned i = 0; i < thieves; i++)
        pthread_join(thread[i], NULL);
    double ns = (double)(bench_now() - begin) / (double)n;
    pthread_barrier_destroy(&start);
    return ns;
}

static double robbed_by_1(uint64_t n)
{
    return robbed(n, 1, false);
}

static double robbed_by_2(uint64_t n)
{
    return robbed(n, 2, false);
}

static double halved_by_1(uint64_t n)
{
    return robbed(n, 1, true);
}

static double halved_by_2(uint64_t n)
{
    return robbed(n, 2, true);
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"push + pop, one at a time", 65536, alone_1},
        {"push + pop, 128 at a time", 65536, alone_128},
        {"push + pop, 1024 at a time, overflowing", 65536, alone_overflow},
        {"push + steal, 128 at a time, one thread", 65536, steal_own},
        {"pushed and stolen, 1 thief", 1 << 18, robbed_by_1},
        {"pushed and stolen, 2 thieves", 1 << 18, robbed_by_2},
        {"pushed and stolen by halves, 1 thief", 1 << 18, halved_by_1},
        {"pushed and stolen by halves, 2 thieves", 1 << 18, halved_by_2},
    };
    return bench_main(argc, argv, "run_queue", cases, MRI_ARRAY_LEN(cases));
}
