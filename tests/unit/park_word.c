#include "parts/park_word.h"

#include "test.h"

#include <signal.h>

typedef enum mri_park_end (*end_fn)(mri_park_word *, uint64_t);

static const struct {
    end_fn end;
    enum mri_park_state outcome;
} ends[] = {{mri_park_complete, MRI_PARK_COMPLETED},
            {mri_park_cancel, MRI_PARK_CANCELLED},
            {mri_park_expire, MRI_PARK_EXPIRED}};

enum { ENDS = sizeof ends / sizeof *ends };

static mri_park_word fresh(void)
{
    mri_park_word p;
    mri_park_word_init(&p);
    mri_park_word_check(&p);
    return p;
}

/* Every way for a first end, each way for a second, before and after the
 * switch. */
TEST(park_word, the_first_end_wins_and_the_second_loses)
{
    for (int first = 0; first < ENDS; first++)
        for (int second = 0; second < ENDS; second++)
            for (int at_rest = 0; at_rest < 2; at_rest++) {
                mri_park_word p = fresh();
                uint64_t count = mri_park_begin(&p);
                mri_park_word_check(&p);
                if (at_rest)
                    EXPECT(mri_park_parked(&p, count));
                EXPECT_EQ(ends[first].end(&p, count),
                          at_rest ? MRI_PARK_RESUME : MRI_PARK_WON);
                EXPECT_EQ(ends[second].end(&p, count), MRI_PARK_LOST);
                if (!at_rest)
                    EXPECT(!mri_park_parked(&p, count));
                EXPECT_EQ(mri_park_outcome(&p), ends[first].outcome);
                mri_park_word_check(&p);
            }
}

TEST(park_word, a_late_end_does_nothing_to_the_next_park)
{
    mri_park_word p = fresh();
    uint64_t old = mri_park_begin(&p);
    EXPECT(mri_park_parked(&p, old));
    EXPECT_EQ(mri_park_complete(&p, old), MRI_PARK_RESUME);
    uint64_t count = mri_park_begin(&p);
    EXPECT(count != old);
    for (int i = 0; i < ENDS; i++)
        EXPECT_EQ(ends[i].end(&p, old), MRI_PARK_LOST);
    EXPECT(mri_park_parked(&p, count));
    for (int i = 0; i < ENDS; i++)
        EXPECT_EQ(ends[i].end(&p, old), MRI_PARK_LOST);
    EXPECT_EQ(mri_park_cancel(&p, count), MRI_PARK_RESUME);
    EXPECT_EQ(mri_park_outcome(&p), MRI_PARK_CANCELLED);
}

TEST(park_word, a_count_that_was_never_begun_ends_nothing)
{
    mri_park_word p = fresh();
    EXPECT_EQ(mri_park_complete(&p, 0), MRI_PARK_LOST);
    EXPECT_EQ(mri_park_complete(&p, 1), MRI_PARK_LOST);
    uint64_t count = mri_park_begin(&p);
    EXPECT_EQ(mri_park_complete(&p, count + 1), MRI_PARK_LOST);
    EXPECT(mri_park_parked(&p, count));
}

TEST(park_word, a_strand_that_need_not_wait_ends_its_own_park)
{
    mri_park_word p = fresh();
    uint64_t count = mri_park_begin(&p);
    EXPECT_EQ(mri_park_complete(&p, count), MRI_PARK_WON);
    uint64_t next = mri_park_begin(&p);
    EXPECT_EQ(mri_park_cancel(&p, next), MRI_PARK_WON);
    EXPECT_EQ(mri_park_complete(&p, next), MRI_PARK_LOST);
}

TEST(park_word, the_largest_count_does_not_touch_the_state)
{
    mri_park_word p;
    mri_init(&p.word,
             mri_park_word_of((UINT64_C(1) << 61) - 2, MRI_PARK_EXPIRED));
    uint64_t count = mri_park_begin(&p);
    EXPECT(count == (UINT64_C(1) << 61) - 1);
    EXPECT(mri_park_parked(&p, count));
    mri_park_word_check(&p);
    EXPECT_EQ(mri_park_complete(&p, count), MRI_PARK_RESUME);
    EXPECT_EQ(mri_park_outcome(&p), MRI_PARK_COMPLETED);
}

static void begin_twice(void *arg)
{
    mri_park_word p = fresh();
    (void)arg;
    if (mri_park_begin(&p) == mri_park_begin(&p))
        return;
}

static void check_nonsense(void *arg)
{
    mri_park_word p = {{*(uint64_t *)arg}};
    mri_park_word_check(&p);
}

TEST(park_word, parking_twice_at_a_time_is_told)
{
#if MRI_ASSERT_LEVEL >= 1
    EXPECT(test_dies(begin_twice, NULL, SIGABRT, "parks once at a time"));
#else
    (void)begin_twice;
    SKIP("assertions are not compiled in");
#endif
}

TEST(park_word, check_finds_words_that_cannot_be)
{
    uint64_t no_state = 8 | 6, never_parked = MRI_PARK_PARKED;
    EXPECT(test_dies(check_nonsense, &no_state, SIGABRT, "has a state"));
    EXPECT(test_dies(check_nonsense, &never_parked, SIGABRT, "never parked"));
}
