/* One owner gets blocks, hands most of them to other threads, more than there
 * are CPUs, and these put them back while the owner goes on. */
#include "parts/slab.h"

#include "os/clock.h"
#include "slow.h"
#include "test.h"

#include <pthread.h>

enum { OTHERS = 7, MAILBOXES = 8 };

struct item {
    mri_slab_block link;
    uint64_t serial, again; /* plain: the holder's */
};

static mri_slab slab;
static MRI_ALIGNED(64) mri_atomic_ptr mailbox[OTHERS][MAILBOXES];
static mri_atomic_u32 stop;

static int64_t duration(void)
{
    const char *env = getenv("STRESS_SECONDS");
    return env ? atoi(env) * INT64_C(1000000000) : 500000000;
}

static void *put_back(void *arg)
{
    mri_atomic_ptr *mine = arg;
    for (bool last = false; !last;) {
        last = mri_load_acquire(&stop) != 0;
        for (int i = 0; i < MAILBOXES; i++) {
            struct item *item = mri_swap_acquire(&mine[i], NULL);
            if (!item)
                continue;
            EXPECT(item->serial == item->again);
            item->serial = 0;
            mri_slab_put_remote(&slab, item);
        }
    }
    return NULL;
}

static struct item *get(uint64_t serial)
{
    void *out = NULL;
    EXPECT_EQ(mri_slab_get(&slab, &out), 0);
    struct item *item = out;
    item->serial = item->again = serial;
    return item;
}

/* Every `keep`th is put by the owner, the others by whoever has room. */
static uint64_t run(uint64_t keep)
{
    pthread_t other[OTHERS];
    uint64_t serial = 0, live;
    memset(mailbox, 0, sizeof mailbox);
    mri_init(&stop, 0);
    EXPECT_EQ(mri_slab_open(&slab, sizeof(struct item), 4096), 0);
    for (int i = 0; i < OTHERS; i++)
        EXPECT_EQ(pthread_create(&other[i], NULL, put_back, mailbox[i]), 0);
    for (int64_t until = mri_clock_now() + duration();
         serial % 64 || mri_clock_now() < until;) {
        struct item *item = get(++serial);
        mri_atomic_ptr *to =
            &mailbox[serial % OTHERS][serial / OTHERS % MAILBOXES];
        if (serial % keep == 0 || mri_load_relaxed(to))
            mri_slab_put(&slab, item);
        else
            mri_store_release(to, (void *)item);
    }
    mri_store_release(&stop, 1);
    for (int i = 0; i < OTHERS; i++)
        EXPECT_EQ(pthread_join(other[i], NULL), 0);
    mri_slab_check(&slab);
    mri_slab_stats stats;
    mri_slab_stats_get(&slab, &stats);
    EXPECT_EQ(stats.live, 0);
    EXPECT(stats.drains > 0);
    EXPECT_EQ(mri_slab_close(&slab, &live), 0);
    return serial;
}

TEST(stress_slab, most_blocks_come_back_from_others)
{
    EXPECT(run(1000) >= 64); /* TSan is slow */
}

TEST(stress_slab, every_other_block_comes_back_from_others)
{
    EXPECT(run(2) >= 64);
}
