/* Many threads get, use and put strands of one pool, more threads than there
 * are CPUs, through caches and past them, and some give memory back. */
#include "parts/strand_pool.h"

#include "os/clock.h"
#include "slow.h"
#include "test.h"

#include <millrace/error.h>
#include <pthread.h>

enum { THREADS = 8, HELD = 100 };

struct pattern {
    uint32_t most, keep;
    uint32_t burst; /* got at once, then put */
    bool flush;     /* after each burst */
    bool hand_over; /* put by another thread than the one that got */
    bool give;      /* what is dirty is given back after each burst */
};

static mri_strand_pool pool;
static const struct pattern *pattern;
static int64_t until;
static mri_atomic_u64 slot[16]; /* strands on their way to another, + 1 */
static uint32_t uses[1 << 16];  /* plain: the holder's */

static int64_t seconds_for(int64_t all)
{
    const char *env = getenv("STRESS_SECONDS");
    int64_t ns = env ? atoi(env) * INT64_C(1000000000) : 400000000;
    return ns / all;
}

static void use(uint32_t i)
{
    uint64_t *stack = (void *)mri_strand_stack(&pool, i);
    uint64_t *control = mri_strand_control(&pool, i);
    EXPECT(*control == uses[i]);
    uses[i]++;
    ++*control;
    stack[pool.stack_size / 8 - 1] = i;
    EXPECT(mri_strand_canary_ok(&pool, i));
}

static void put(mri_strand_cache *cache, uint32_t i)
{
    use(i);
    if (pattern->hand_over) {
        /* Both ways: what the other thread did comes before. */
        uint64_t other = mri_swap_acq_rel(&slot[i % 16], (uint64_t)i + 1);
        if (other == 0)
            return;
        i = (uint32_t)other - 1;
        use(i);
    }
    mri_strand_put(&pool, cache, i);
}

static void *work(void *arg)
{
    mri_strand_cache cache = {0};
    uint64_t rounds = 0;
    (void)arg;
    do {
        uint32_t held[HELD], n = 0;
        while (n < pattern->burst) {
            int64_t i = mri_strand_get(&pool, &cache);
            EXPECT(i >= 0 || i == MR_EAGAIN);
            if (i < 0)
                break;
            use(held[n++] = (uint32_t)i);
        }
        for (uint32_t i = 0; i < n; i++)
            put(&cache, held[i]);
        if (pattern->flush || n == 0)
            mri_strand_flush(&pool, &cache);
        if (pattern->give)
            (void)mri_strand_give_back(&pool, mri_strand_unneeded(&pool) + 1);
        rounds++;
    } while (mri_clock_now() < until);
    mri_strand_flush(&pool, &cache);
    return (void *)(uintptr_t)rounds;
}

static void run(struct pattern p)
{
    pthread_t thread[THREADS];
    mri_strand_config config = {.most = p.most,
                                .chunk = 8,
                                .keep = p.keep,
                                .drop_slots = p.give,
                                .stack_size = 1,
                                .slots_size = 1};
    memset(uses, 0, sizeof uses);
    memset(slot, 0, sizeof slot);
    pattern = &p;
    until = mri_clock_now() + seconds_for(1);
    EXPECT_EQ(mri_strand_pool_open(&pool, &config), 0);
    for (int t = 0; t < THREADS; t++)
        EXPECT_EQ(pthread_create(&thread[t], NULL, work, NULL), 0);
    for (int t = 0; t < THREADS; t++) {
        void *rounds = NULL;
        EXPECT_EQ(pthread_join(thread[t], &rounds), 0);
        EXPECT(rounds != NULL);
    }
    mri_strand_stats stats;
    mri_strand_pool_check(&pool);
    mri_strand_pool_stats(&pool, &stats);
    uint32_t on_the_way = 0;
    for (int i = 0; i < 16; i++)
        on_the_way += mri_load_relaxed(&slot[i]) != 0;
    EXPECT_EQ(stats.warm + stats.dirty + stats.cold + on_the_way, stats.fresh);
    EXPECT(!p.give || stats.drops > 0);
    EXPECT_EQ(mri_strand_pool_close(&pool), 0);
}

TEST(stress_strand_pool, one_at_a_time_past_the_cache)
{
    run((struct pattern){.most = 1024, .keep = 64, .burst = 1, .flush = true});
}

TEST(stress_strand_pool, bursts_that_overflow_the_cache)
{
    run((struct pattern){.most = 4096, .keep = 500, .burst = HELD});
}

TEST(stress_strand_pool, bursts_whose_stacks_turn_cold)
{
    run((struct pattern){.most = 4096, .keep = 1, .burst = 40, .flush = true});
}

TEST(stress_strand_pool, dirty_ones_are_given_back_meanwhile)
{
    run((struct pattern){.most = 4096, .keep = 1, .burst = 60, .give = true});
}

TEST(stress_strand_pool, few_dirty_ones_are_given_back_and_wanted_again)
{
    run((struct pattern){.most = 400, .keep = 1, .burst = 60, .give = true});
}

TEST(stress_strand_pool, fewer_strands_than_wanted)
{
    run((struct pattern){.most = 16, .keep = 4, .burst = 8, .flush = true});
}

TEST(stress_strand_pool, put_by_another_thread)
{
    run((struct pattern){
        .most = 4096, .keep = 32, .burst = 33, .hand_over = true});
}
