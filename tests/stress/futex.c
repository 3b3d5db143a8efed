#include "os/futex.h"

#include "os/clock.h"
#include "slow.h"
#include "test.h"

#include <millrace/error.h>
#include <pthread.h>

/* Sleep until the word is no longer `value`. */
static void await_change(mri_atomic_u32 *word, uint32_t value)
{
    while (mri_load_acquire(word) == value) {
        int rc = mri_futex_wait(word, value, MRI_NEVER);
        EXPECT(rc == 0 || rc == MR_EAGAIN || rc == MR_EINTR);
    }
}

struct game {
    mri_atomic_u32 ball;
    uint32_t rounds;
    int64_t plain; /* guarded by whose turn it is */
};

static void play(struct game *g, uint32_t mine)
{
    for (uint32_t turn = mine; turn < 2 * g->rounds; turn += 2) {
        for (uint32_t ball; (ball = mri_load_acquire(&g->ball)) != turn;)
            await_change(&g->ball, ball);
        g->plain++;
        mri_store_release(&g->ball, turn + 1);
        EXPECT(mri_futex_wake(&g->ball, 1) >= 0);
    }
}

static void *play_second(void *arg)
{
    play(arg, 1);
    return NULL;
}

TEST(stress_futex, ping_pong_loses_no_wake)
{
    struct game g = {.rounds = (uint32_t)slow_scale(100000)};
    pthread_t second;
    EXPECT_EQ(pthread_create(&second, NULL, play_second, &g), 0);
    play(&g, 0);
    EXPECT_EQ(pthread_join(second, NULL), 0);
    EXPECT_EQ(g.plain, 2 * (int64_t)g.rounds);
}

/* Many wait for each round; the leader opens it once all have come. */
struct gate {
    mri_atomic_u32 round, arrived;
    uint32_t rounds, crowd;
};

static void *pass_gates(void *arg)
{
    struct gate *g = arg;
    for (uint32_t r = 0; r < g->rounds; r++) {
        mri_add_acq_rel(&g->arrived, 1);
        EXPECT(mri_futex_wake(&g->arrived, 1) >= 0);
        await_change(&g->round, r);
    }
    return NULL;
}

TEST(stress_futex, wake_of_all_leaves_none_asleep)
{
    enum { CROWD = 8 };
    struct gate g = {.rounds = (uint32_t)slow_scale(5000), .crowd = CROWD};
    pthread_t crowd[CROWD];
    for (int i = 0; i < CROWD; i++)
        EXPECT_EQ(pthread_create(&crowd[i], NULL, pass_gates, &g), 0);
    for (uint32_t r = 0; r < g.rounds; r++) {
        for (uint32_t n; (n = mri_load_acquire(&g.arrived)) < CROWD * (r + 1);)
            await_change(&g.arrived, n);
        mri_store_release(&g.round, r + 1);
        int woken = mri_futex_wake(&g.round, INT32_MAX);
        EXPECT(woken >= 0 && woken <= CROWD);
    }
    for (int i = 0; i < CROWD; i++)
        EXPECT_EQ(pthread_join(crowd[i], NULL), 0);
}

/* Wakes race with deadlines: each wait ends one way or the other, never
 * early, and no permit is lost. */
struct permits {
    mri_atomic_u32 word;
    uint32_t total;
};

static void *give_permits(void *arg)
{
    struct permits *p = arg;
    for (uint32_t i = 0; i < p->total; i++) {
        mri_add_release(&p->word, 1);
        EXPECT(mri_futex_wake(&p->word, 1) >= 0);
        for (uint32_t wait = i * 2654435761U >> 22; wait > 0; wait--)
            mri_pause();
    }
    return NULL;
}

TEST(stress_futex, deadlines_race_with_wakes)
{
    struct permits p = {.total = (uint32_t)slow_scale(50000)};
    pthread_t giver;
    uint32_t taken = 0;
    EXPECT_EQ(pthread_create(&giver, NULL, give_permits, &p), 0);
    while (taken < p.total) {
        uint32_t now = mri_load_acquire(&p.word);
        if (now != taken) {
            EXPECT(now > taken);
            taken = now;
            continue;
        }
        int64_t deadline = mri_clock_now() + taken % 32 * 1000;
        int rc = mri_futex_wait(&p.word, now, deadline);
        EXPECT(rc == 0 || rc == MR_EAGAIN || rc == MR_ETIMEDOUT ||
               rc == MR_EINTR);
        if (rc == MR_ETIMEDOUT)
            EXPECT(mri_clock_now() >= deadline);
    }
    EXPECT_EQ(pthread_join(giver, NULL), 0);
    EXPECT_EQ(taken, p.total);
}
