/* A million strands in one process: how much memory that takes, and that the
 * guards hold out. */
#include "parts/strand_pool.h"

#include "slow.h"
#include "test.h"

static mri_strand_pool pool;
static mri_strand_cache cache;

static mri_strand_stats stats_of(void)
{
    mri_strand_stats stats;
    mri_strand_pool_stats(&pool, &stats);
    return stats;
}

static volatile char *top(uint32_t i)
{
    return mri_strand_stack(&pool, i) + pool.stack_size - 64;
}

static long status_kib(const char *key)
{
    char line[256];
    long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, key, strlen(key)) == 0)
            kib = atol(line + strlen(key));
    if (status)
        fclose(status);
    return kib;
}

/* Mapped and guarded all of them, one stack page of each of `many` touched. */
static void reserve_and_touch(uint32_t most, uint32_t many, mri_strand_config c)
{
    c.most = most;
    EXPECT_EQ(mri_strand_pool_open(&pool, &c), 0);
    uint32_t *got = malloc(most * sizeof *got);
    EXPECT(got);
    for (uint32_t n = 0; n < most; n++) {
        int64_t i = mri_strand_get(&pool, &cache);
        EXPECT(i >= 0);
        got[n] = (uint32_t)i;
    }
    EXPECT_EQ(stats_of().fresh, most);
    long before = status_kib("VmRSS:"), page = (long)mri_page_size() / 1024;
    for (uint32_t n = 0; n < many; n++)
        *top(got[n]) = 1;
    long each = (status_kib("VmRSS:") - before) * 1024 / many;
    if (!slow_is_sanitized() && before > 0 && many > 1000)
        EXPECT(each <= page * 1024 + 64);
    for (uint32_t n = 0; n < many; n++)
        EXPECT(*top(got[n]) == 1 && mri_strand_canary_ok(&pool, got[n]));
    for (uint32_t n = 0; n < most; n++)
        mri_strand_put(&pool, &cache, got[n]);
    mri_strand_flush(&pool, &cache);
    free(got);
}

TEST(stress_million, reserved_and_100000_touched)
{
    uint32_t most = (uint32_t)slow_scale(1000000);
    if (mri_guard_probe() != MRI_GUARD_MADVISE)
        SKIP("no lightweight guards here");
    reserve_and_touch(most / 64 * 64, most / 10, (mri_strand_config){0});
    EXPECT_EQ(stats_of().by_madvise, most / 64 * 64);
    EXPECT_EQ(stats_of().by_canary, 0);
    EXPECT_EQ(stats_of().warm, 64);
    mri_strand_pool_check(&pool);
    EXPECT_EQ(mri_strand_pool_close(&pool), 0);
}

TEST(stress_million, reserved_with_mprotect_and_canaries)
{
    uint32_t most = (uint32_t)slow_scale(1000000) / 64 * 64;
    if (mri_guard_probe() == MRI_GUARD_NONE)
        SKIP("no guards here");
    reserve_and_touch(most, most / 10,
                      (mri_strand_config){.force_guard = true,
                                          .guard = MRI_GUARD_MPROTECT,
                                          .mappings = slow_scale(20000)});
    EXPECT_EQ(stats_of().by_mprotect, slow_scale(20000) / 2);
    EXPECT_EQ(stats_of().by_canary, most - slow_scale(20000) / 2);
    mri_strand_pool_check(&pool);
    EXPECT_EQ(mri_strand_pool_close(&pool), 0);
}
