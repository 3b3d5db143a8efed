#include "parts/slab.h"

#include "os/pages.h"
#include "slow.h"
#include "test.h"

#include <millrace/error.h>
#include <signal.h>

static mri_slab slab;

static void *get(void)
{
    void *out = NULL;
    EXPECT_EQ(mri_slab_get(&slab, &out), 0);
    EXPECT(out);
    return out;
}

static void close_slab(void)
{
    uint64_t live = 1;
    mri_slab_check(&slab);
    EXPECT_EQ(mri_slab_close(&slab, &live), 0);
    EXPECT_EQ(live, 0);
}

static mri_slab_stats stats_of(void)
{
    mri_slab_stats stats;
    mri_slab_stats_get(&slab, &stats);
    return stats;
}

TEST(slab, sizes_that_do_not_fit_are_refused)
{
    EXPECT_EQ(mri_slab_open(&slab, 0, 0), MR_EINVAL);
    EXPECT_EQ(mri_slab_open(&slab, 1 << 20, 0), MR_EINVAL);
    EXPECT_EQ(mri_slab_open(&slab, SIZE_MAX, SIZE_MAX), MR_EINVAL);
    EXPECT_EQ(mri_slab_open(&slab, mri_page_size(), 1), MR_EINVAL);
}

TEST(slab, unused_one_maps_nothing)
{
    EXPECT_EQ(mri_slab_open(&slab, 64, 0), 0);
    EXPECT_EQ(stats_of().bytes, 0);
    close_slab();
}

TEST(slab, blocks_are_aligned_and_do_not_overlap)
{
    static const size_t sizes[] = {1, 16, 24, 48, 64, 100, 192, 1000};
    enum { COUNT = 300 };
    for (size_t s = 0; s < MRI_ARRAY_LEN(sizes); s++) {
        EXPECT_EQ(mri_slab_open(&slab, sizes[s], 0), 0);
        unsigned char *block[COUNT];
        for (int i = 0; i < COUNT; i++) {
            block[i] = get();
            EXPECT_EQ((uintptr_t)block[i] % 16, 0);
            if (sizes[s] % 64 == 0)
                EXPECT_EQ((uintptr_t)block[i] % 64, 0);
            memset(block[i], i, sizes[s]);
        }
        for (int i = 0; i < COUNT; i++)
            for (size_t at = 0; at < sizes[s]; at++)
                EXPECT_EQ(block[i][at], (unsigned char)i);
        EXPECT_EQ(stats_of().live, COUNT);
        for (int i = 0; i < COUNT; i++)
            mri_slab_put(&slab, block[i]);
        close_slab();
    }
}

TEST(slab, last_block_put_is_first_one_got)
{
    EXPECT_EQ(mri_slab_open(&slab, 32, 0), 0);
    void *a = get(), *b = get();
    mri_slab_put(&slab, a);
    mri_slab_put(&slab, b);
    EXPECT(get() == b);
    EXPECT(get() == a);
    mri_slab_put(&slab, a);
    mri_slab_put(&slab, b);
    close_slab();
}

TEST(slab, blocks_put_by_others_are_used_before_new_ones)
{
    EXPECT_EQ(mri_slab_open(&slab, 32, 0), 0);
    void *a = get(), *b = get();
    mri_slab_put_remote(&slab, a);
    mri_slab_put_remote(&slab, b);
    EXPECT(get() == b);
    EXPECT(get() == a);
    EXPECT_EQ(stats_of().drains, 1);
    EXPECT(get() != a);
    EXPECT_EQ(stats_of().live, 3);
    uint64_t live = 0;
    EXPECT_EQ(mri_slab_close(&slab, &live), MR_EBUSY);
    EXPECT_EQ(live, 3);
}

TEST(slab, close_names_how_many_are_missing_and_changes_nothing)
{
    enum { COUNT = 2000 };
    static void *block[COUNT];
    uint64_t live = 0;
    int count = slow_scale(COUNT);
    EXPECT_EQ(mri_slab_open(&slab, 64, 0), 0);
    for (int i = 0; i < count; i++)
        *(int *)(block[i] = get()) = i;
    for (int i = 0; i < count; i++) {
        EXPECT_EQ(mri_slab_close(&slab, &live), MR_EBUSY);
        EXPECT_EQ(live, count - i);
        EXPECT_EQ(*(int *)block[i], i);
        if (i % 2)
            mri_slab_put(&slab, block[i]);
        else
            mri_slab_put_remote(&slab, block[i]);
    }
    close_slab();
}

TEST(slab, memory_is_used_again_and_not_added)
{
    EXPECT_EQ(mri_slab_open(&slab, 1000, 8192), 0);
    void *block[40];
    uint32_t spans = 0;
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 40; i++)
            block[i] = get();
        for (int i = 0; i < 40; i++)
            mri_slab_put(&slab, block[i]);
        if (round == 0)
            spans = stats_of().spans;
        EXPECT_EQ(stats_of().spans, spans);
    }
    EXPECT(spans >= 5);
    close_slab();
}

static void put_a_stranger(void *arg)
{
    static long stranger[8];
    (void)arg;
    mri_slab_put(&slab, stranger);
    mri_slab_check(&slab);
}

static void put_twice(void *arg)
{
    mri_slab_put(&slab, arg);
    mri_slab_put(&slab, arg);
    mri_slab_check(&slab);
}

TEST(slab, check_finds_strangers_and_doubles)
{
    EXPECT_EQ(mri_slab_open(&slab, 64, 0), 0);
    void *a = get();
    EXPECT(test_dies(put_a_stranger, NULL, SIGABRT, "one of the slab's"));
    EXPECT(test_dies(put_twice, a, SIGABRT, "free twice"));
    mri_slab_put(&slab, a);
    close_slab();
}
