/* Dekker's handshake with one light and one heavy side, running free.
 *
 * A counts i up in x, light, looks at y. B counts j up in y, heavy, looks at
 * x. Forbidden: A at some i does not see B's j, and B at that j does not see
 * A's i. Each side's view only grows, so it suffices to compare, for each j,
 * the first i that B did not see (x as seen, plus 1) with the first i at
 * which A saw j. */
#include "os/barrier.h"

#include "os/clock.h"
#include "slow.h"
#include "test.h"

#include <millrace/error.h>
#include <pthread.h>
#include <sched.h>

#define ROUNDS 300000

struct dekker {
    mri_barrier barrier;
    bool both_light; /* no fence at all: what the barrier is there to stop */
    uint32_t rounds; /* at most; then, those that were run */
    int64_t deadline;
    uint32_t *first; /* A writes: [j] is the first i at which it saw j */
    uint32_t *seen;  /* B writes: [j] is what it saw of x */
    uint32_t total;  /* A writes: its last i */
    MRI_ALIGNED(128) mri_atomic_u32 x;
    MRI_ALIGNED(128) mri_atomic_u32 y;
    MRI_ALIGNED(128) mri_atomic_u32 stop;
};

static void *run_light_side(void *arg)
{
    struct dekker *d = arg;
    const mri_barrier barrier = d->barrier;
    uint32_t i = 0, last = 0;
    while (!mri_load_acquire(&d->stop) && i < UINT32_MAX - 1) {
        mri_store_relaxed(&d->x, ++i);
        if (d->both_light)
            __asm__ volatile("" ::: "memory");
        else
            mri_barrier_light(&barrier);
        for (uint32_t y = mri_load_relaxed(&d->y); last < y;)
            d->first[++last] = i;
    }
    d->total = i;
    return NULL;
}

/* Until A has moved, so that it runs now and each round can tell; then for a
 * while that differs from round to round. */
static void meet(struct dekker *d, uint32_t last_seen, uint32_t j)
{
    for (int i = 1; mri_load_relaxed(&d->x) == last_seen; i++)
        i % 1024 ? mri_pause() : (void)sched_yield();
    for (volatile uint32_t wait = j * 2654435761U >> 25; wait > 0; wait--)
        ;
}

static void run_heavy_side(struct dekker *d)
{
    uint32_t j = 0;
    while (j < d->rounds && mri_clock_now() < d->deadline) {
        j++;
        meet(d, d->seen[j - 1], j);
        mri_store_relaxed(&d->y, j);
        if (d->both_light)
            __asm__ volatile("" ::: "memory");
        else
            mri_barrier_heavy(&d->barrier);
        d->seen[j] = mri_load_relaxed(&d->x);
    }
    mri_store_release(&d->stop, 1);
    d->rounds = j;
}

static int count_violations(const struct dekker *d)
{
    int violations = 0;
    for (uint32_t j = 1; j <= d->rounds; j++) {
        uint32_t unseen = d->seen[j] + 1;
        if (unseen > d->total)
            continue; /* A never came to write it */
        if (d->first[j] == 0 || d->first[j] > unseen)
            violations++;
    }
    return violations;
}

static int run(struct dekker *d)
{
    pthread_t thread;
    d->deadline = mri_clock_now() + INT64_C(2000000000);
    d->first = calloc(d->rounds + 1, sizeof *d->first);
    d->seen = calloc(d->rounds + 1, sizeof *d->seen);
    EXPECT(d->first && d->seen);
    EXPECT_EQ(pthread_create(&thread, NULL, run_light_side, d), 0);
    run_heavy_side(d);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    int violations = count_violations(d);
    free(d->first);
    free(d->seen);
    return violations;
}

TEST(stress_barrier, light_and_heavy_order_dekker)
{
    struct dekker d = {.rounds = (uint32_t)slow_scale(ROUNDS)};
    mri_barrier_open(&d.barrier);
    if (!d.barrier.membarrier)
        SKIP("no membarrier here");
    EXPECT_EQ(run(&d), 0);
    EXPECT(d.total > 1);
}

TEST(stress_barrier, fallback_orders_dekker)
{
    struct dekker d = {.rounds = (uint32_t)slow_scale(ROUNDS)};
    d.barrier = (mri_barrier){.membarrier = false, .denied = MR_ENOSYS};
    EXPECT_EQ(run(&d), 0);
    EXPECT(d.total > 1);
}

/* The two tests above can fail: without the barrier they do. Where both
 * threads share a CPU, or a tool in between serialises them, nothing shows. */
TEST(stress_barrier, without_fences_dekker_breaks)
{
    struct dekker d = {.rounds = ROUNDS, .both_light = true};
    int violations = run(&d);
    fprintf(stderr, "  %d violations in %u rounds without fences\n", violations,
            d.rounds);
    if (violations == 0)
        SKIP("stores were not seen to pass loads on this machine");
}
