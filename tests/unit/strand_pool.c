#define _GNU_SOURCE
#include "parts/strand_pool.h"

#include "slow.h"
#include "test.h"

#include <millrace/error.h>
#include <signal.h>
#include <sys/mman.h>

static mri_strand_pool pool;
static mri_strand_cache cache;

static void open_pool(mri_strand_config config)
{
    memset(&cache, 0, sizeof cache);
    EXPECT_EQ(mri_strand_pool_open(&pool, &config), 0);
}

static mri_strand_stats stats_of(void)
{
    mri_strand_stats stats;
    mri_strand_pool_stats(&pool, &stats);
    return stats;
}

static void close_pool(void)
{
    mri_strand_pool_check(&pool);
    EXPECT_EQ(mri_strand_pool_close(&pool), 0);
}

static uint32_t get(void)
{
    int64_t i = mri_strand_get(&pool, &cache);
    EXPECT(i >= 0);
    return (uint32_t)i;
}

static void put(uint32_t i)
{
    mri_strand_put(&pool, &cache, i);
}

static void touch(void *at)
{
    *(volatile char *)at = 1;
}

/* Where a stack's first frame would be. */
static char *top(uint32_t i)
{
    return mri_strand_stack(&pool, i) + pool.stack_size - 64;
}

static const mri_strand_config small = {
    .most = 64, .chunk = 4, .keep = 8, .stack_size = 1, .slots_size = 1};

TEST(strand_pool, sizes_are_those_asked_for_or_the_defaults)
{
    open_pool((mri_strand_config){0});
    EXPECT_EQ(pool.most, 1 << 20);
    EXPECT_EQ(pool.stack_size, 256 << 10);
    EXPECT_EQ(pool.slots_size, 16 << 10);
    close_pool();
    open_pool((mri_strand_config){.most = 65, .stack_size = 1});
    EXPECT_EQ(pool.most, 128);
    EXPECT_EQ(pool.stack_size, mri_page_size());
    close_pool();
}

TEST(strand_pool, sizes_that_do_not_fit_are_refused)
{
    static const mri_strand_config bad[] = {
        {.chunk = 3},
        {.chunk = 1 << 17},
        {.most = 1 << 24},
        {.control_size = 12},
        {.control_size = (size_t)1 << 40},
        {.stack_size = SIZE_MAX},
        {.slots_size = SIZE_MAX},
        {.mappings = -1},
    };
    for (size_t i = 0; i < MRI_ARRAY_LEN(bad); i++)
        EXPECT_EQ(mri_strand_pool_open(&pool, &bad[i]), MR_EINVAL);
}

TEST(strand_pool, parts_of_strands_do_not_overlap_and_are_zero)
{
    open_pool((mri_strand_config){.most = 256, .control_size = 96});
    uint32_t i[3];
    for (int n = 0; n < 3; n++) {
        i[n] = get();
        char *slots = mri_strand_slots(&pool, i[n]);
        char *stack = mri_strand_stack(&pool, i[n]);
        char *control = mri_strand_control(&pool, i[n]);
        EXPECT_EQ(stack - slots, pool.slots_size + mri_page_size());
        for (size_t at = 0; at < pool.slots_size; at++)
            EXPECT_EQ(slots[at], 0);
        for (size_t at = 0; at < pool.stack_size; at++)
            EXPECT_EQ(stack[at], 0);
        for (size_t at = 0; at < 96; at++)
            EXPECT_EQ(control[at], 0);
        memset(slots, 1, pool.slots_size);
        memset(stack, 1, pool.stack_size);
        memset(control, 1, 96);
    }
    close_pool();
}

TEST(strand_pool, last_one_put_is_first_one_got)
{
    open_pool(small);
    uint32_t a = get(), b = get();
    put(a);
    put(b);
    EXPECT_EQ(get(), b);
    EXPECT_EQ(get(), a);
    close_pool();
}

TEST(strand_pool, each_strand_is_got_once_until_none_is_left)
{
    open_pool(small);
    bool got[64] = {false};
    for (int n = 0; n < 64; n++) {
        uint32_t i = get();
        EXPECT(i < 64 && !got[i]);
        got[i] = true;
    }
    EXPECT_EQ(mri_strand_get(&pool, &cache), MR_EAGAIN);
    EXPECT_EQ(stats_of().fresh, 64);
    put(17);
    EXPECT_EQ(get(), 17);
    close_pool();
}

static uint32_t get_all(uint32_t *out, uint32_t count)
{
    for (uint32_t n = 0; n < count; n++)
        touch(top(out[n] = get()));
    return count;
}

static void put_all(const uint32_t *index, uint32_t count)
{
    for (uint32_t n = 0; n < count; n++)
        put(index[n]);
}

static void give_all_back(void)
{
    while (mri_strand_give_back(&pool, UINT32_MAX) > 0)
        continue;
}

TEST(strand_pool, idle_strands_beyond_keep_lose_their_stack_and_no_other_part)
{
    open_pool((mri_strand_config){.most = 128, .keep = 8});
    uint32_t got[100], count = get_all(got, 100), zero = 0;
    for (uint32_t n = 0; n < count; n++) {
        *(uint32_t *)mri_strand_control(&pool, n) = n + 1;
        touch(mri_strand_slots(&pool, n));
    }
    put_all(got, count);
    mri_strand_flush(&pool, &cache);
    give_all_back();
    mri_strand_stats stats = stats_of();
    EXPECT_EQ(stats.warm, 8);
    EXPECT_EQ(stats.dirty, 0);
    EXPECT_EQ(stats.cold, stats.fresh - 8);
    EXPECT_EQ(stats.drops, stats.cold);
    EXPECT_EQ(stats.drops_refused, 0);
    for (uint32_t n = 0; n < count; n++) {
        EXPECT_EQ(*(uint32_t *)mri_strand_control(&pool, n), n + 1);
        EXPECT_EQ(*mri_strand_slots(&pool, n), 1);
        zero += *top(n) == 0;
    }
    EXPECT(zero >= count - 8);
    for (uint32_t n = 0; n < 8; n++)
        EXPECT_EQ(*top(get()), 1); /* the warm ones come first */
    EXPECT_EQ(*top(get()), 0);
    close_pool();
}

TEST(strand_pool, slots_are_dropped_where_that_was_asked_for)
{
    open_pool((mri_strand_config){.most = 64, .keep = 1, .drop_slots = true});
    uint32_t a = get(), b = get();
    touch(mri_strand_slots(&pool, a));
    put(a);
    put(b);
    mri_strand_flush(&pool, &cache);
    EXPECT_EQ(*mri_strand_slots(&pool, a), 0);
    close_pool();
}

TEST(strand_pool, who_puts_gives_nothing_back)
{
    open_pool((mri_strand_config){.most = 128, .keep = 8});
    uint32_t got[100], count = get_all(got, 100);
    put_all(got, count);
    EXPECT_EQ(stats_of().drops, 0);
    EXPECT_EQ(stats_of().cold, 0);
    EXPECT_EQ(stats_of().warm, 8);
    EXPECT_EQ(stats_of().dirty, stats_of().fresh - 8 - cache.count);
    EXPECT(mri_strand_some_are_dirty(&pool));
    for (uint32_t n = 0; n < count; n++)
        EXPECT_EQ(*top(got[n]), 1);
    close_pool();
}

TEST(strand_pool, who_puts_more_than_may_be_dirty_gives_them_back)
{
    open_pool((mri_strand_config){.most = 256, .keep = 8, .most_dirty = 32});
    uint32_t got[200], count = get_all(got, 200);
    put_all(got, count);
    mri_strand_stats stats = stats_of();
    EXPECT(stats.dirty >= 32 && stats.dirty < 32 + MRI_STRAND_CACHE);
    EXPECT(stats.cold > 0);
    EXPECT_EQ(stats.warm + stats.dirty + stats.cold + cache.count, stats.fresh);
    close_pool();
}

TEST(strand_pool, dirty_strands_are_got_before_cold_and_fresh_ones)
{
    open_pool((mri_strand_config){.most = 256, .keep = 1});
    uint32_t got[96], count = get_all(got, 96);
    put_all(got, count);
    mri_strand_flush(&pool, &cache);
    uint32_t dirty = stats_of().dirty, zero = 0;
    EXPECT(dirty > 0 && stats_of().cold > 0);
    for (uint32_t n = 0; n < 1 + dirty; n++)
        EXPECT_EQ(*top(get()), 1);
    EXPECT_EQ(stats_of().dirty, 0);
    for (uint32_t n = 0; n < 8; n++)
        zero += *top(get()) == 0;
    EXPECT_EQ(zero, 8);
    EXPECT_EQ(stats_of().fresh, 96);
    close_pool();
}

TEST(strand_pool, unneeded_are_those_that_nobody_has_got_since)
{
    open_pool((mri_strand_config){.most = 256, .keep = 1});
    uint32_t got[128], count = get_all(got, 128);
    put_all(got, count);
    uint32_t dirty = stats_of().dirty;
    EXPECT_EQ(mri_strand_unneeded(&pool), 0);
    EXPECT_EQ(mri_strand_unneeded(&pool), dirty);
    /* Half of them, and back again. */
    uint32_t half = (uint32_t)get_all(got, dirty / 2);
    uint32_t least = stats_of().dirty;
    put_all(got, half);
    EXPECT(stats_of().dirty > least);
    EXPECT_EQ(mri_strand_unneeded(&pool), least);
    EXPECT_EQ(mri_strand_unneeded(&pool), stats_of().dirty);
    EXPECT_EQ(mri_strand_give_back(&pool, 3), 3);
    EXPECT_EQ(mri_strand_give_back(&pool, 1000), MRI_STRAND_GIVE);
    give_all_back();
    EXPECT_EQ(mri_strand_unneeded(&pool), 0);
    EXPECT(!mri_strand_some_are_dirty(&pool));
    close_pool();
}

/* Runs of neighbours of any length, also across chunks: those in between that
 * are in use keep what they have, and all keep their guards. */
static void give_back_around(mri_strand_config config)
{
    enum { MANY = 96 };
    open_pool(config);
    uint32_t got[MANY], left = 0;
    get_all(got, MANY);
    for (uint32_t n = 0; n < MANY; n++)
        touch(mri_strand_slots(&pool, got[n]));
    for (uint32_t n = 0; n < MANY; n++)
        if (got[n] % 7 != 0 && got[n] % 16 != 9)
            put(got[n]);
    mri_strand_flush(&pool, &cache);
    give_all_back();
    for (uint32_t n = 0; n < MANY; n++) {
        bool used = got[n] % 7 == 0 || got[n] % 16 == 9;
        left += !used && *top(got[n]) != 0;
        EXPECT(!used || *top(got[n]) == 1);
        EXPECT(!used || *mri_strand_slots(&pool, got[n]) == 1);
        EXPECT(mri_strand_canary_ok(&pool, got[n]));
    }
    EXPECT_EQ(left, 1); /* the warm one */
    EXPECT_EQ(stats_of().warm, 1);
    EXPECT_EQ(stats_of().drops_refused, 0);
}

TEST(strand_pool, neighbours_in_use_keep_what_they_have)
{
    mri_strand_config config = {
        .most = 96, .chunk = 16, .keep = 1, .drop_slots = true};
    give_back_around(config);
    close_pool();
    config.force_guard = true;
    config.guard = MRI_GUARD_NONE;
    give_back_around(config);
    close_pool();
}

static void expect_guarded(char *page);

TEST(strand_pool, guards_stay_where_neighbours_are_given_back)
{
    mri_guard best = mri_guard_probe();
    if (best == MRI_GUARD_NONE)
        SKIP("no guards here");
    for (mri_guard kind = MRI_GUARD_MPROTECT; kind <= best; kind++) {
        give_back_around((mri_strand_config){.most = 96,
                                             .chunk = 16,
                                             .keep = 1,
                                             .drop_slots = true,
                                             .force_guard = true,
                                             .guard = kind});
        for (uint32_t i = 0; i < 32; i++)
            expect_guarded(mri_strand_stack(&pool, i) - mri_page_size());
        close_pool();
    }
}

TEST(strand_pool, stack_used_is_what_was_written)
{
    open_pool((mri_strand_config){.most = 64, .keep = 1});
    uint32_t i = get();
    EXPECT_EQ(mri_strand_stack_used(&pool, i), 0);
    char *end = mri_strand_stack(&pool, i) + pool.stack_size;
    touch(end - 1);
    EXPECT_EQ(mri_strand_stack_used(&pool, i), 8);
    touch(end - 5000);
    EXPECT_EQ(mri_strand_stack_used(&pool, i), 5000);
    touch(mri_strand_stack(&pool, i));
    EXPECT_EQ(mri_strand_stack_used(&pool, i), pool.stack_size);
    close_pool();
}

TEST(strand_pool, address_tells_strand_and_part)
{
    open_pool(small);
    size_t page = mri_page_size();
    uint32_t found;
    for (uint32_t n = 0; n < 10; n++) {
        uint32_t i = get();
        char *slots = mri_strand_slots(&pool, i);
        for (int at = 0; at < 4; at++) {
            EXPECT_EQ(mri_strand_find(&pool, slots + at * page, &found),
                      MRI_STRAND_SLOTS + at);
            EXPECT_EQ(found, i);
            EXPECT_EQ(
                mri_strand_find(&pool, slots + at * page + page - 1, &found),
                MRI_STRAND_SLOTS + at);
        }
    }
    EXPECT_EQ(mri_strand_find(&pool, &found, &found), MRI_STRAND_NOWHERE);
    EXPECT_EQ(mri_strand_find(&pool, NULL, &found), MRI_STRAND_NOWHERE);
    close_pool();
}

static void expect_guarded(char *page)
{
    EXPECT(test_dies(touch, page, SIGSEGV, NULL));
    EXPECT(test_dies(touch, page + mri_page_size() - 1, SIGSEGV, NULL));
}

TEST(strand_pool, overflow_meets_a_guard)
{
    if (mri_guard_probe() == MRI_GUARD_NONE)
        SKIP("no guards here");
    open_pool(small);
    uint32_t i = get();
    expect_guarded(mri_strand_stack(&pool, i) - mri_page_size());
    if (pool.guard == MRI_GUARD_MADVISE)
        expect_guarded(mri_strand_stack(&pool, i) + pool.stack_size);
    put(i);
    mri_strand_flush(&pool, &cache);
    expect_guarded(mri_strand_stack(&pool, i) - mri_page_size());
    EXPECT(mri_strand_canary_ok(&pool, i));
    close_pool();
}

TEST(strand_pool, overflow_without_a_guard_is_seen_by_the_canary)
{
    mri_strand_config config = small;
    config.force_guard = true;
    config.keep = 1;
    config.guard = MRI_GUARD_NONE;
    open_pool(config);
    uint32_t i = get(), j = get();
    memset(mri_strand_stack(&pool, i), 0xff, pool.stack_size);
    EXPECT(mri_strand_canary_ok(&pool, i));
    put(i);
    mri_strand_flush(&pool, &cache);
    EXPECT(mri_strand_canary_ok(&pool, i)); /* also after a drop */
    for (int at = 1; at <= 64; at++) {
        char *below = mri_strand_stack(&pool, j) - at;
        touch(below);
        EXPECT(!mri_strand_canary_ok(&pool, j));
        EXPECT(mri_strand_canary_ok(&pool, i));
        *below = 0;
    }
    EXPECT(mri_strand_canary_ok(&pool, j));
    EXPECT_EQ(stats_of().by_canary, stats_of().fresh);
    close_pool();
}

TEST(strand_pool, mprotect_guards_end_with_their_budget)
{
    if (mri_guard_probe() == MRI_GUARD_NONE)
        SKIP("no guards here");
    mri_strand_config config = small;
    config.force_guard = true;
    config.guard = MRI_GUARD_MPROTECT;
    config.mappings = 21; /* ten */
    open_pool(config);
    EXPECT_EQ(stats_of().guard, MRI_GUARD_MPROTECT);
    uint32_t got[40];
    get_all(got, 40);
    mri_strand_stats stats = stats_of();
    EXPECT_EQ(stats.guard, MRI_GUARD_NONE);
    EXPECT_EQ(stats.by_mprotect, 10);
    EXPECT_EQ(stats.by_canary, stats.fresh - 10);
    EXPECT_EQ(stats.mappings, 1);
    EXPECT_EQ(stats.guard_refused, 0);
    expect_guarded(mri_strand_stack(&pool, 9) - mri_page_size());
    touch(mri_strand_stack(&pool, 10) - 1);
    EXPECT(!mri_strand_canary_ok(&pool, 10));
    EXPECT(mri_strand_canary_ok(&pool, 9));
    close_pool();
}
