#include "parts/park_word.h"

#include "stress.h"
#include "test.h"

#include <pthread.h>
#include <sched.h>

/* Strands whose whole life is to park again. Every thread tries to end their
 * parks, with counts fresh and stale, and goes on as any strand that it has
 * to resume. */
enum { STRANDS = 4, MOST = 64 };

struct strand {
    MRI_ALIGNED(MRI_CACHE_LINE) mri_park_word park;
    mri_atomic_u64 count; /* of the latest park */
    mri_atomic_u64 wins;
    uint64_t stack; /* plain: whoever runs the strand */
    uint64_t rounds, outcomes[MRI_PARK_EXPIRED + 1];
};

struct crowd {
    struct strand strand[STRANDS];
    int64_t end;
    unsigned strands;
    mri_atomic_u32 threads;
};

static void run(struct strand *s)
{
    for (;;) {
        uint64_t count = mri_park_begin(&s->park);
        s->rounds++;
        mri_store_release(&s->count, count);
        for (unsigned spin = count % 8; spin > 0; spin--)
            mri_pause();
        s->stack = count;
        if (mri_park_parked(&s->park, count))
            return;
        EXPECT(s->stack == count);
        s->outcomes[mri_park_outcome(&s->park)]++;
    }
}

static void act(struct strand *s, uint64_t count, unsigned how)
{
    enum mri_park_end end = how % 3 == 0   ? mri_park_complete(&s->park, count)
                            : how % 3 == 1 ? mri_park_cancel(&s->park, count)
                                           : mri_park_expire(&s->park, count);
    if (end == MRI_PARK_LOST)
        return;
    mri_add_relaxed(&s->wins, 1);
    if (end != MRI_PARK_RESUME)
        return;
    EXPECT(s->stack == count);
    s->outcomes[mri_park_outcome(&s->park)]++;
    run(s);
}

static void *try_all(void *arg)
{
    struct crowd *c = arg;
    uint64_t old[STRANDS] = {0};
    unsigned how = mri_add_relaxed(&c->threads, 1);
    while (mri_clock_now() < c->end)
        for (int i = 0; i < 64; i++) {
            unsigned which = ++how / 3 % c->strands;
            struct strand *s = &c->strand[which];
            act(s, old[which], how);
            old[which] = mri_load_acquire(&s->count);
            act(s, old[which], how + 1);
        }
    return NULL;
}

static void run_crowd(int threads, unsigned strands)
{
    static struct crowd c;
    pthread_t thread[MOST];
    c = (struct crowd){.end = stress_end(), .strands = strands};
    for (unsigned i = 0; i < strands; i++) {
        mri_park_word_init(&c.strand[i].park);
        run(&c.strand[i]);
    }
    for (int i = 0; i < threads; i++)
        EXPECT_EQ(pthread_create(&thread[i], NULL, try_all, &c), 0);
    for (int i = 0; i < threads; i++)
        EXPECT_EQ(pthread_join(thread[i], NULL), 0);
    for (unsigned i = 0; i < strands; i++) {
        struct strand *s = &c.strand[i];
        uint64_t went_on = 0;
        mri_park_word_check(&s->park);
        for (int o = 0; o <= MRI_PARK_EXPIRED; o++)
            went_on += s->outcomes[o];
        EXPECT_EQ(s->outcomes[MRI_PARK_ARMING] + s->outcomes[MRI_PARK_PARKED],
                  0);
        EXPECT_EQ(went_on, mri_load_relaxed(&s->wins));
        EXPECT_EQ(went_on + 1, s->rounds);
    }
}

TEST(stress_park_word, two_threads_end_the_parks_of_one_strand)
{
    run_crowd(2, 1);
}

TEST(stress_park_word, four_times_more_threads_than_cpus)
{
    run_crowd(stress_crowd(MOST), STRANDS);
}
