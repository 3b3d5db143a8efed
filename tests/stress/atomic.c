/* Threads and the orders they rely on. Natively these can only fail on a
 * machine or with a compiler that uses the freedom; under TSan a missing edge
 * is a race on the plain words. Proofs are in tests/model. */
#include "base/atomic.h"

#include "slow.h"
#include "test.h"

#include <pthread.h>
#include <sched.h>

struct mail {
    MRI_ALIGNED(128) mri_atomic_u32 flag;
    MRI_ALIGNED(128) uint64_t text[4]; /* plain: guarded by the flag */
    uint32_t rounds;
    bool by_fences;
};

static void post(struct mail *m, uint32_t flag)
{
    if (m->by_fences) {
        mri_fence_release();
        mri_store_relaxed(&m->flag, flag);
    } else {
        mri_store_release(&m->flag, flag);
    }
}

static void expect_post(struct mail *m, uint32_t flag)
{
    if (m->by_fences) {
        for (int i = 1; mri_load_relaxed(&m->flag) != flag; i++)
            i % 64 ? mri_pause() : (void)sched_yield();
        mri_fence_acquire();
    } else {
        for (int i = 1; mri_load_acquire(&m->flag) != flag; i++)
            i % 64 ? mri_pause() : (void)sched_yield();
    }
}

static void *read_mail(void *arg)
{
    struct mail *m = arg;
    for (uint32_t r = 1; r <= m->rounds; r++) {
        expect_post(m, 2 * r - 1);
        for (int i = 0; i < 4; i++)
            EXPECT(m->text[i] == r * UINT64_C(0x100000001) + (uint64_t)i);
        post(m, 2 * r);
    }
    return NULL;
}

static void pass_messages(bool by_fences)
{
    struct mail m = {.rounds = (uint32_t)slow_scale(200000),
                     .by_fences = by_fences};
    pthread_t reader;
    EXPECT_EQ(pthread_create(&reader, NULL, read_mail, &m), 0);
    for (uint32_t r = 1; r <= m.rounds; r++) {
        for (int i = 0; i < 4; i++)
            m.text[i] = r * UINT64_C(0x100000001) + (uint64_t)i;
        post(&m, 2 * r - 1);
        expect_post(&m, 2 * r);
    }
    EXPECT_EQ(pthread_join(reader, NULL), 0);
}

TEST(stress_atomic, message_passes_by_release_and_acquire)
{
    pass_messages(false);
}

TEST(stress_atomic, message_passes_by_fences)
{
    pass_messages(true);
}

enum { CROWD = 4 };

struct counters {
    mri_atomic_u32 narrow;
    mri_atomic_u64 wide, by_cas, by_weak_cas, bits;
    mri_atomic_ptr lock; /* NULL: free */
    int64_t guarded;     /* plain: guarded by the lock */
    uint64_t rounds;
};

struct member {
    struct counters *all;
    int number;
};

static void take_and_count(struct counters *c, void *me)
{
    void *nobody = NULL;
    for (int i = 1; !mri_cas_acquire(&c->lock, &nobody, me); i++) {
        nobody = NULL;
        i % 64 ? mri_pause() : (void)sched_yield();
    }
    c->guarded++;
    mri_store_release(&c->lock, NULL);
}

static void *count(void *arg)
{
    struct member *me = arg;
    struct counters *c = me->all;
    for (uint64_t r = 0; r < c->rounds; r++) {
        mri_add_relaxed(&c->narrow, 3);
        mri_sub_relaxed(&c->narrow, 1);
        mri_add_acq_rel(&c->wide, UINT64_C(1) << 32 | 1);
        uint64_t seen = mri_load_relaxed(&c->by_cas);
        while (!mri_cas_acq_rel(&c->by_cas, &seen, seen + 5))
            ;
        seen = mri_load_relaxed(&c->by_weak_cas);
        while (!mri_cas_weak_relaxed(&c->by_weak_cas, &seen, seen + 7))
            ;
        uint64_t bit = UINT64_C(1) << (me->number * 16);
        EXPECT_EQ(mri_or_relaxed(&c->bits, bit) & bit, 0);
        EXPECT(mri_and_relaxed(&c->bits, ~bit) & bit);
        take_and_count(c, me);
    }
    return NULL;
}

TEST(stress_atomic, no_update_is_lost)
{
    struct counters c = {.rounds = (uint64_t)slow_scale(50000)};
    struct member member[CROWD];
    pthread_t crowd[CROWD];
    for (int i = 0; i < CROWD; i++) {
        member[i] = (struct member){&c, i};
        EXPECT_EQ(pthread_create(&crowd[i], NULL, count, &member[i]), 0);
    }
    for (int i = 0; i < CROWD; i++)
        EXPECT_EQ(pthread_join(crowd[i], NULL), 0);
    uint64_t n = CROWD * c.rounds;
    EXPECT_EQ(c.narrow.cell, (uint32_t)(2 * n));
    EXPECT(c.wide.cell == (n << 32 | n));
    EXPECT_EQ(c.by_cas.cell, 5 * n);
    EXPECT_EQ(c.by_weak_cas.cell, 7 * n);
    EXPECT_EQ(c.bits.cell, 0);
    EXPECT_EQ(c.guarded, n);
}

/* Store buffering with the full fence: both may not miss the other. */
struct buffering {
    MRI_ALIGNED(128) mri_atomic_u32 word[2];
    MRI_ALIGNED(128) mri_atomic_u32 go[2]; /* round each side has begun */
    uint32_t rounds;
    uint8_t *missed[2];
};

static void meet(struct buffering *b, int me, uint32_t round)
{
    mri_store_release(&b->go[me], round);
    for (int i = 1; mri_load_acquire(&b->go[!me]) < round; i++)
        i % 1024 ? mri_pause() : (void)sched_yield();
}

static void run_side(struct buffering *b, int me)
{
    for (uint32_t r = 1; r <= b->rounds; r++) {
        meet(b, me, 2 * r - 1);
        mri_store_relaxed(&b->word[me], r);
        mri_fence_seq_cst();
        b->missed[me][r] = mri_load_relaxed(&b->word[!me]) != r;
        meet(b, me, 2 * r);
    }
}

static void *run_second_side(void *arg)
{
    run_side(arg, 1);
    return NULL;
}

TEST(stress_atomic, seq_cst_fences_forbid_store_buffering)
{
    struct buffering b = {.rounds = (uint32_t)slow_scale(200000)};
    pthread_t second;
    for (int i = 0; i < 2; i++) {
        b.missed[i] = calloc(b.rounds + 1, 1);
        EXPECT(b.missed[i]);
    }
    EXPECT_EQ(pthread_create(&second, NULL, run_second_side, &b), 0);
    run_side(&b, 0);
    EXPECT_EQ(pthread_join(second, NULL), 0);
    for (uint32_t r = 1; r <= b.rounds; r++)
        EXPECT(!b.missed[0][r] || !b.missed[1][r]);
    free(b.missed[0]);
    free(b.missed[1]);
}
