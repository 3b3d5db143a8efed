/* The slab where the system refuses memory. */
#include "parts/slab.h"

#include "faults.h"
#include "mapped.h"
#include "os/pages.h"
#include "slow.h"
#include "test.h"

#include <errno.h>
#include <millrace/error.h>

enum { COUNT = 100 };

/* COUNT blocks got; a get that fails changes nothing and is made again. */
static int get_all(mri_slab *slab, void **block)
{
    int failed = 0;
    for (int i = 0; i < COUNT;) {
        mri_slab_stats before, after;
        mri_slab_stats_get(slab, &before);
        block[i] = slab;
        int rc = mri_slab_get(slab, &block[i]);
        if (rc == 0) {
            memset(block[i++], 0x5a, slab->size);
            continue;
        }
        EXPECT_EQ(rc, MR_ENOMEM);
        EXPECT(block[i] == slab);
        mri_slab_stats_get(slab, &after);
        EXPECT_EQ(after.live, before.live);
        EXPECT_EQ(after.free, before.free);
        EXPECT_EQ(after.bytes, before.bytes);
        mri_slab_check(slab);
        failed++;
    }
    return failed;
}

TEST(faults_slab, each_failure_is_an_error_and_nothing_is_lost)
{
    mri_slab slab;
    void *block[COUNT];
    uint64_t live;
    int failures = 0, n = 1;
    (void)mapped_kib();
    (void)mapped_kib();
    for (bool hit = true; hit; n++) {
        long before = mapped_kib();
        EXPECT_EQ(mri_slab_open(&slab, 1000, 16384), 0);
        faults_arm(n, ENOMEM);
        int failed = get_all(&slab, block);
        for (int i = 0; i < COUNT; i++)
            mri_slab_put(&slab, block[i]);
        int rc = mri_slab_close(&slab, &live);
        hit = faults_disarm();
        EXPECT_EQ(failed + (rc < 0), hit);
        if (rc < 0) {
            EXPECT_EQ(rc, MR_ENOMEM);
            EXPECT_EQ(mri_slab_close(&slab, &live), 0);
        }
        EXPECT_EQ(live, 0);
        if (!slow_is_sanitized())
            EXPECT_EQ(mapped_kib(), before);
        failures += hit;
    }
    /* 7 spans of 16 blocks (of 4 pages): mmap, madvise, munmap. */
    EXPECT_EQ(failures, 3 * 7);
}
