#include "os/clock.h"

#include "test.h"

#include <time.h>

static int64_t posix_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

TEST(clock, is_the_monotonic_clock_in_nanoseconds)
{
    for (int i = 0; i < 1000; i++) {
        int64_t before = posix_now(), now = mri_clock_now();
        EXPECT(before <= now);
        EXPECT(now <= posix_now());
    }
}

TEST(clock, passes_while_one_sleeps)
{
    int64_t start = mri_clock_now();
    const struct timespec pause = {0, 5000000};
    EXPECT_EQ(nanosleep(&pause, NULL), 0);
    EXPECT(mri_clock_now() - start >= 5000000);
}

/* Where the CPU that counts the ticks is taken away for a while, it is older:
 * not each time. */
TEST(clock, coarse_one_is_the_same_a_tick_ago)
{
    const struct timespec pause = {0, 20000000};
    int recent = 0;
    for (int i = 0; recent < 5 && i < 200; i++) {
        int64_t before = mri_clock_now(), coarse = mri_clock_coarse();
        EXPECT(coarse <= mri_clock_now());
        recent += coarse > before - 20000000;
        EXPECT_EQ(nanosleep(&pause, NULL), 0);
    }
    EXPECT_EQ(recent, 5);
}

TEST(clock, never_is_later_than_now)
{
    EXPECT(mri_clock_now() < MRI_NEVER);
    EXPECT(mri_clock_now() > 0);
}
