/* The strand pool where the system refuses: every call failed in turn, guards
 * denied by a filter, mappings used up. */
#define _GNU_SOURCE
#include "parts/strand_pool.h"

#include "child.h"
#include "faults.h"
#include "filter.h"
#include "mapped.h"
#include "slow.h"
#include "test.h"

#include <errno.h>
#include <millrace/error.h>
#include <sys/syscall.h>

enum { STRANDS = 40 };

static const mri_strand_config config = {
    .most = 1024, .chunk = 8, .keep = 4, .stack_size = 1 << 20};

static int mappings(void)
{
    int lines = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    EXPECT(maps);
    for (int c; (c = fgetc(maps)) != EOF;)
        lines += c == '\n';
    fclose(maps);
    return lines;
}

/* stdio has taken its buffers. */
static void warm_up(void)
{
    for (int i = 0; i < 3; i++) {
        (void)mapped_kib();
        (void)mappings();
    }
}

TEST(faults_strand_pool, failed_open_leaves_nothing_mapped)
{
    warm_up();
    int refused = 0;
    for (int n = 1;; n++) {
        mri_strand_pool pool;
        long kib = mapped_kib();
        int maps = mappings();
        faults_arm(n, ENOMEM);
        int rc = mri_strand_pool_open(&pool, &config);
        bool hit = faults_disarm();
        const char *call = hit ? faults_last() : "none";
        if (rc == 0) /* guards or budget that could not be tried */
            EXPECT_EQ(mri_strand_pool_close(&pool), 0);
        else
            EXPECT_EQ(rc, MR_ENOMEM);
        refused += rc < 0;
        if (strcmp(call, "munmap") != 0 && !slow_is_sanitized()) {
            EXPECT_EQ(mapped_kib(), kib);
            EXPECT_EQ(mappings(), maps);
        }
        if (!hit)
            break;
    }
    EXPECT_EQ(refused, 2); /* mmap, madvise of the arrays */
}

static void same(const mri_strand_stats *a, const mri_strand_stats *b)
{
    /* A chunk whose first guard failed is kept for the next who asks. */
    EXPECT(b->mapped == a->mapped || b->mapped == b->fresh + config.chunk);
    EXPECT_EQ(a->fresh, b->fresh);
    EXPECT_EQ(a->warm, b->warm);
    EXPECT_EQ(a->cold, b->cold);
    EXPECT_EQ(a->guard, b->guard);
}

/* STRANDS got, each of which may fail: then the pool is as it was, and what is
 * asked again is given. How many failed. */
static int get_all(mri_strand_pool *pool, mri_strand_cache *cache)
{
    int failed = 0;
    for (int got = 0; got < STRANDS;) {
        mri_strand_stats before, after;
        mri_strand_pool_stats(pool, &before);
        uint32_t cached = cache->count;
        int64_t i = mri_strand_get(pool, cache);
        got += i >= 0;
        if (i >= 0) {
            *mri_strand_stack(pool, (uint32_t)i) = 1;
            continue;
        }
        EXPECT_EQ(i, MR_ENOMEM);
        EXPECT_EQ(cache->count, cached);
        mri_strand_pool_stats(pool, &after);
        mri_strand_pool_check(pool);
        same(&before, &after);
        failed++;
    }
    return failed;
}

/* All calls of a pool's life after open, from the nth on `forever` or once.
 * False where there are fewer than n. */
static bool live(const mri_strand_config *c, int n, int *failed)
{
    mri_strand_pool pool;
    mri_strand_cache cache = {0};
    EXPECT_EQ(mri_strand_pool_open(&pool, c), 0);
    faults_arm(n, ENOMEM);
    *failed = get_all(&pool, &cache);
    for (uint32_t i = 0; i < STRANDS; i++)
        mri_strand_put(&pool, &cache, i);
    mri_strand_flush(&pool, &cache);
    while (mri_strand_give_back(&pool, UINT32_MAX) > 0)
        continue;
    mri_strand_pool_check(&pool);
    mri_strand_stats stats;
    mri_strand_pool_stats(&pool, &stats);
    EXPECT_EQ(stats.warm + stats.cold, stats.fresh);
    int rc = mri_strand_pool_close(&pool);
    bool hit = faults_disarm();
    if (rc < 0)
        rc = mri_strand_pool_close(&pool); /* what was left */
    EXPECT_EQ(rc, 0);
    return hit;
}

static void fail_each(const mri_strand_config *c, int *errors, int *calls)
{
    int failed;
    warm_up();
    *errors = 0;
    for (*calls = 0;; ++*calls) {
        long kib = mapped_kib();
        int maps = mappings();
        bool hit = live(c, *calls + 1, &failed);
        if (!slow_is_sanitized()) {
            EXPECT_EQ(mapped_kib(), kib);
            EXPECT_EQ(mappings(), maps);
        }
        *errors += failed;
        if (!hit)
            return;
        EXPECT(failed <= 1);
    }
}

TEST(faults_strand_pool, each_failure_is_an_error_or_harmless)
{
    int errors, calls;
    if (mri_guard_probe() != MRI_GUARD_MADVISE)
        SKIP("no lightweight guards here");
    fail_each(&config, &errors, &calls);
    /* 5 chunks, one per batch, of two calls each, 40 strands of two guards:
     * the failure is seen where it leaves a batch with nothing. Then 36 drops
     * and 5 + 1 munmaps, which fail nobody's get. */
    EXPECT_EQ(errors, 5 * 2 + 5 * 2);
    EXPECT_EQ(calls, 5 * 2 + STRANDS * 2 + (STRANDS - 4) + 5 + 1);
}

TEST(faults_strand_pool, failed_mprotect_leads_to_canaries)
{
    mri_strand_config c = config;
    int errors, calls;
    c.force_guard = true;
    c.guard = MRI_GUARD_MPROTECT;
    if (mri_guard_probe() == MRI_GUARD_NONE)
        SKIP("no guards here");
    fail_each(&c, &errors, &calls);
    EXPECT_EQ(errors, 5 * 2);
}

TEST(faults_strand_pool, drop_that_is_refused_leaves_the_strand_warm)
{
    mri_strand_pool pool;
    mri_strand_cache cache = {0};
    mri_strand_stats stats;
    EXPECT_EQ(mri_strand_pool_open(&pool, &config), 0);
    EXPECT_EQ(get_all(&pool, &cache), 0);
    for (uint32_t i = 0; i < 8; i++)
        mri_strand_put(&pool, &cache, i);
    faults_arm_call("madvise", 1, EINVAL, true);
    mri_strand_flush(&pool, &cache);
    EXPECT(faults_disarm());
    mri_strand_pool_stats(&pool, &stats);
    EXPECT_EQ(stats.cold, 0);
    EXPECT_EQ(stats.drops_refused, stats.warm - config.keep);
    EXPECT_EQ(*mri_strand_stack(&pool, 0), 1);
    EXPECT_EQ(mri_strand_pool_close(&pool), 0);
}

TEST(faults_strand_pool, give_back_that_is_refused_leaves_the_strand_warm)
{
    mri_strand_pool pool;
    mri_strand_cache cache = {0};
    mri_strand_stats stats;
    EXPECT_EQ(mri_strand_pool_open(&pool, &config), 0);
    EXPECT_EQ(get_all(&pool, &cache), 0);
    for (uint32_t i = 0; i < STRANDS; i++)
        mri_strand_put(&pool, &cache, i);
    mri_strand_pool_stats(&pool, &stats);
    uint32_t dirty = stats.dirty;
    EXPECT(dirty > 0);
    faults_arm_call("madvise", 1, EINVAL, true);
    EXPECT_EQ(mri_strand_give_back(&pool, UINT32_MAX), dirty);
    EXPECT(faults_disarm());
    EXPECT_EQ(mri_strand_give_back(&pool, UINT32_MAX), 0);
    mri_strand_pool_stats(&pool, &stats);
    EXPECT_EQ(stats.cold, 0);
    EXPECT_EQ(stats.warm, config.keep + dirty);
    EXPECT_EQ(stats.drops_refused, dirty);
    mri_strand_pool_check(&pool);
    EXPECT_EQ(mri_strand_pool_close(&pool), 0);
}

TEST(faults_strand_pool, lightweight_guards_refused_later_lead_to_mprotect)
{
    mri_strand_pool pool;
    mri_strand_cache cache = {0};
    mri_strand_stats stats;
    if (mri_guard_probe() != MRI_GUARD_MADVISE)
        SKIP("no lightweight guards here");
    EXPECT_EQ(mri_strand_pool_open(&pool, &config), 0);
    EXPECT(mri_strand_get(&pool, &cache) >= 0); /* a batch of 8: a chunk */
    cache.count = 0;
    /* The third: after the next chunk's own. */
    faults_arm_call("madvise", 3, EINVAL, true);
    EXPECT_EQ(mri_strand_get(&pool, &cache), 15);
    EXPECT(faults_disarm());
    mri_strand_pool_stats(&pool, &stats);
    EXPECT_EQ(stats.guard, MRI_GUARD_MPROTECT);
    EXPECT_EQ(stats.by_madvise, 8);
    EXPECT_EQ(stats.by_mprotect, 8);
    EXPECT_EQ(stats.guard_refused, 1);
    EXPECT_EQ(mri_strand_pool_close(&pool), 0);
}

static enum child_end lose_guards(void *arg)
{
    bool all = *(bool *)arg;
    mri_strand_pool pool;
    mri_strand_cache cache = {0};
    mri_strand_stats stats;
    if (mri_guard_probe() == MRI_GUARD_NONE ||
        !filter_deny(SYS_madvise, FILTER_GUARD_INSTALL, EPERM) ||
        (all && !filter_deny(SYS_mprotect, -1, EPERM)))
        return CHILD_SKIP;
    CHILD_EXPECT(mri_strand_pool_open(&pool, &config) == 0);
    CHILD_EXPECT(get_all(&pool, &cache) == 0);
    mri_strand_pool_stats(&pool, &stats);
    CHILD_EXPECT(stats.by_madvise == 0);
    CHILD_EXPECT(stats.by_mprotect == (all ? 0 : stats.fresh));
    CHILD_EXPECT(stats.by_canary == (all ? stats.fresh : 0));
    for (uint32_t i = 0; i < STRANDS; i++)
        CHILD_EXPECT(mri_strand_canary_ok(&pool, i));
    CHILD_EXPECT(mri_strand_pool_close(&pool) == 0);
    return CHILD_OK;
}

TEST(faults_strand_pool, lightweight_guards_denied_mprotect_is_used)
{
    bool all = false;
    CHILD_RUN_OR_SKIP(lose_guards, &all, "no guards or filters here");
}

TEST(faults_strand_pool, all_guards_denied_canaries_are_used)
{
    bool all = true;
    CHILD_RUN_OR_SKIP(lose_guards, &all, "no guards or filters here");
}

/* The pool is told that it may have more mappings than there are. */
static enum child_end exhaust_mappings(void *arg)
{
    (void)arg;
    int64_t budget = mappings_to_spend();
    if (budget < 0 || mri_guard_probe() < MRI_GUARD_MADVISE)
        return CHILD_SKIP;
    uint32_t count = (uint32_t)budget / 2 + 1000;
    mri_strand_pool pool;
    mri_strand_cache cache = {0};
    mri_strand_stats stats;
    mri_strand_config c = {.most = count,
                           .stack_size = 1,
                           .slots_size = 1,
                           .force_guard = true,
                           .guard = MRI_GUARD_MPROTECT,
                           .mappings = budget * 2};
    CHILD_EXPECT(mri_strand_pool_open(&pool, &c) == 0);
    for (uint32_t n = 0; n < count; n++) {
        int64_t i = mri_strand_get(&pool, &cache);
        CHILD_EXPECT(i >= 0);
        *mri_strand_stack(&pool, (uint32_t)i) = 1;
        CHILD_EXPECT(mri_strand_canary_ok(&pool, (uint32_t)i));
    }
    mri_strand_pool_stats(&pool, &stats);
    CHILD_EXPECT(stats.guard == MRI_GUARD_NONE);
    CHILD_EXPECT(stats.guard_refused == 1);
    CHILD_EXPECT(stats.by_mprotect >= budget / 2 - 16);
    CHILD_EXPECT(stats.by_canary >= 900);
    CHILD_EXPECT(mri_strand_pool_close(&pool) == 0);
    CHILD_EXPECT(mri_map_budget() >= budget - 8);
    return CHILD_OK;
}

TEST(faults_strand_pool, mappings_used_up_canaries_are_used)
{
    CHILD_RUN_OR_SKIP(exhaust_mappings, NULL,
                      "mappings cannot be exhausted here");
}

/* The same by its own budget: the program keeps its half. */
static enum child_end keep_to_the_budget(void *arg)
{
    (void)arg;
    int64_t budget = mappings_to_spend();
    if (budget < 0 || mri_guard_probe() == MRI_GUARD_NONE)
        return CHILD_SKIP;
    mri_strand_pool pool;
    mri_strand_cache cache = {0};
    mri_strand_stats stats;
    mri_strand_config c = {.force_guard = true, .guard = MRI_GUARD_MPROTECT};
    CHILD_EXPECT(mri_strand_pool_open(&pool, &c) == 0);
    for (int64_t n = 0; n < budget / 4 + 1000; n++) {
        int64_t i = mri_strand_get(&pool, &cache);
        CHILD_EXPECT(i >= 0);
        mri_strand_stack(&pool, (uint32_t)i)[pool.stack_size - 64] = 1;
    }
    mri_strand_pool_stats(&pool, &stats);
    CHILD_EXPECT(stats.by_mprotect >= budget / 4 - 1 &&
                 stats.by_mprotect <= budget / 4);
    CHILD_EXPECT(stats.by_canary >= 900);
    CHILD_EXPECT(stats.guard_refused == 0);
    CHILD_EXPECT(mri_map_budget() >= budget / 2 - 600); /* and chunks */
    CHILD_EXPECT(mri_strand_pool_close(&pool) == 0);
    return CHILD_OK;
}

TEST(faults_strand_pool, half_of_the_mappings_are_left_to_the_program)
{
    CHILD_RUN_OR_SKIP(keep_to_the_budget, NULL, "the budget is not known here");
}
