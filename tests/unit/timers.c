#include "parts/timers.h"

#include "slow.h"
#include "test.h"

#include <signal.h>

enum { MANY = 100000, MILLION = 1000000, SLOT = 1 << 16 };

/* Large: not on a stack. */
static mri_timers timers;

static void open(int64_t now)
{
    mri_timers_open(&timers, now);
    mri_timers_check(&timers);
}

static bool start(mri_timer *x, uint64_t count, int64_t at)
{
    mri_timer_init(x, x, count);
    return mri_timer_start(&timers, x, at);
}

/* All that is due, however many calls it takes. (The end of time is taken for
 * nothing.) */
static uint32_t expire(int64_t now, mri_expired out[], uint32_t most)
{
    uint32_t n = 0;
    do
        n += mri_timers_expire(&timers, now, out + n, most - n);
    while (n < most && mri_timers_earliest(&timers) <= now &&
           mri_timers_earliest(&timers) < INT64_MAX);
    return n;
}

static int64_t earliest(void)
{
    mri_timers_check(&timers);
    return mri_timers_earliest(&timers);
}

/* Exactly the timer with this count is due at `now`. */
static void expect_one(int64_t now, uint64_t count)
{
    mri_expired out[2];
    EXPECT_EQ(expire(now, out, 2), 1);
    EXPECT_EQ(out[0].count, count);
}

TEST(timers, nothing_is_earliest_and_due_at_first)
{
    mri_expired out[1];
    open(1000);
    EXPECT_EQ(earliest(), INT64_MAX);
    EXPECT_EQ(mri_timers_expire(&timers, 2000, out, 1), 0);
    EXPECT_EQ(earliest(), INT64_MAX);
}

TEST(timers, what_it_was_for_comes_back_when_it_is_due)
{
    mri_timer x;
    mri_expired out[1];
    open(1000);
    EXPECT(start(&x, 7, 5000));
    EXPECT_EQ(earliest(), 5000);
    EXPECT_EQ(mri_timers_expire(&timers, 4999, out, 1), 0);
    EXPECT_EQ(mri_timers_expire(&timers, 5000, out, 1), 1);
    EXPECT(out[0].owner == &x);
    EXPECT_EQ(out[0].count, 7);
    EXPECT_EQ(earliest(), INT64_MAX);
    EXPECT(!mri_timer_stop(&timers, &x));
}

TEST(timers, memory_may_die_once_it_was_taken)
{
    mri_timer *x = malloc(2 * sizeof *x);
    mri_timer other;
    mri_expired out[1];
    open(0);
    EXPECT(start(&x[0], 1, 100));
    EXPECT(!start(&x[1], 2, 100));
    EXPECT(!start(&other, 3, 100));
    EXPECT_EQ(mri_timers_expire(&timers, 100, out, 1), 1);
    EXPECT(mri_timer_stop(&timers, &x[1]));
    free(x);
    EXPECT_EQ(earliest(), 100);
    expect_one(100, 3);
}

TEST(timers, stopped_one_does_not_fire_and_may_be_started_again)
{
    mri_timer x;
    mri_expired out[1];
    open(0);
    EXPECT(start(&x, 1, 100));
    EXPECT(mri_timer_stop(&timers, &x));
    EXPECT_EQ(earliest(), INT64_MAX);
    EXPECT(!mri_timer_stop(&timers, &x));
    EXPECT_EQ(mri_timers_expire(&timers, 1000, out, 1), 0);
    EXPECT(mri_timer_start(&timers, &x, 2000));
    expect_one(2000, 1);
}

/* Distances from the same list to the wheel's highest level. */
static const int64_t distance[] = {
    1,           SLOT,          SLOT * 64LL,      SLOT * 64LL * 64,
    30000000000, 3600000000000, 31536000000000000};

/* Start five and stop the `which`th of them. */
static void stop_one_of_5(int64_t apart, int which)
{
    mri_timer x[5];
    open(1000);
    for (int i = 0; i < 5; i++)
        EXPECT_EQ(start(&x[i], (uint64_t)i, 1000 + i * apart), i == 0);
    EXPECT(mri_timer_stop(&timers, &x[which]));
    for (int i = 0; i < 5; i++) {
        if (i == which)
            continue;
        EXPECT_EQ(earliest(), 1000 + i * apart);
        expect_one(1000 + i * apart, (uint64_t)i);
    }
    EXPECT_EQ(earliest(), INT64_MAX);
}

TEST(timers, first_middle_or_last_stopped_the_others_fire_in_turn)
{
    for (size_t d = 0; d < MRI_ARRAY_LEN(distance); d++)
        for (int which = 0; which < 5; which++)
            stop_one_of_5(distance[d], which);
}

TEST(timers, earliest_follows_starts_and_stops)
{
    for (size_t d = 0; d < MRI_ARRAY_LEN(distance); d++) {
        mri_timer x[5];
        int64_t apart = distance[d];
        open(0);
        for (int i = 4; i >= 0; i--) {
            EXPECT(start(&x[i], 0, 10 + i * apart));
            EXPECT_EQ(earliest(), 10 + i * apart);
        }
        for (int i = 0; i < 5; i++) {
            EXPECT_EQ(earliest(), 10 + i * apart);
            EXPECT(mri_timer_stop(&timers, &x[i]));
        }
        EXPECT_EQ(earliest(), INT64_MAX);
    }
}

TEST(timers, only_a_new_earliest_is_told)
{
    mri_timer x[4];
    open(0);
    EXPECT(start(&x[0], 0, 100));
    EXPECT(!start(&x[1], 0, 100));
    EXPECT(!start(&x[2], 0, 101));
    EXPECT(start(&x[3], 0, 99));
}

TEST(timers, equal_times_are_first_in_first_out)
{
    static mri_timer x[MANY];
    static mri_expired out[MANY];
    int n = slow_scale(MANY);
    open(0);
    for (int i = 0; i < n; i++)
        EXPECT_EQ(start(&x[i], (uint64_t)i, 100), i == 0);
    EXPECT_EQ(expire(100, out, MANY), n);
    for (int i = 0; i < n; i++)
        EXPECT_EQ(out[i].count, i);
}

TEST(timers, batch_takes_the_oldest_and_leaves_the_rest)
{
    mri_timer x[10];
    mri_expired out[4];
    open(0);
    for (uint64_t i = 0; i < 10; i++)
        EXPECT_EQ(start(&x[i], i, 100 - (int64_t)i), true);
    for (uint64_t first = 0; first < 8; first += 4) {
        EXPECT_EQ(earliest(), 91 + (int64_t)first);
        EXPECT_EQ(mri_timers_expire(&timers, 100, out, 4), 4);
        for (uint64_t i = 0; i < 4; i++)
            EXPECT_EQ(out[i].count, 9 - first - i);
    }
    EXPECT_EQ(mri_timers_expire(&timers, 100, out, 0), 0);
    EXPECT_EQ(mri_timers_expire(&timers, 100, out, 4), 2);
    EXPECT_EQ(earliest(), INT64_MAX);
}

/* So that nobody holds the lock for long. */
TEST(timers, one_call_moves_a_bounded_number)
{
    enum { COUNT = 4 * MRI_TIMER_MOVES };
    static mri_timer x[COUNT];
    mri_expired out[1];
    uint32_t calls = 1;
    open(0);
    for (uint64_t i = 0; i < COUNT; i++)
        EXPECT_EQ(start(&x[i], i, 100000000), i == 0);
    for (; mri_timers_expire(&timers, 100000000, out, 1) == 0; calls++)
        EXPECT_EQ(earliest(), 100000000);
    EXPECT(calls > 4);
    EXPECT_EQ(out[0].count, 0);
}

/* Until they have settled, too. */
TEST(timers, started_and_stopped_between_two_calls_of_expire)
{
    enum { COUNT = 2 * MRI_TIMER_MOVES };
    static mri_timer x[COUNT];
    static mri_expired out[COUNT];
    mri_timer early;
    open(0);
    for (uint64_t i = 0; i < COUNT; i++)
        EXPECT_EQ(start(&x[i], i, (int64_t)(SLOT * 64 + i)), i == 0);
    EXPECT_EQ(mri_timers_expire(&timers, SLOT * 128, out, COUNT), 0);
    EXPECT_EQ(earliest() <= SLOT * 64, true);
    for (int i = 0; i < COUNT; i++)
        EXPECT_EQ(mri_timer_stop(&timers, &x[i]), true);
    EXPECT_EQ(earliest(), INT64_MAX);
    EXPECT(start(&early, 9, 5));
    expect_one(SLOT * 128, 9);
}

/* More than are looked at, the first of them stopped: one look in vain. */
TEST(timers, stale_earliest_is_put_right_by_expire)
{
    mri_timer x[100];
    mri_expired out[1];
    open(0);
    for (int i = 0; i < 100; i++)
        EXPECT_EQ(start(&x[i], 0, 20000000 + i), i == 0);
    EXPECT(mri_timer_stop(&timers, &x[0]));
    int64_t at = earliest();
    EXPECT(at == 20000000 || at == 20000001);
    EXPECT_EQ(mri_timers_expire(&timers, at, out, 1), at == 20000001);
    EXPECT_EQ(earliest(), at == 20000001 ? 20000002 : 20000001);
}

TEST(timers, past_and_extreme_times_are_times_like_any_other)
{
    const int64_t at[] = {INT64_MIN, INT64_MIN + 1, -1,       0,
                          1,         INT64_MAX - 1, INT64_MAX};
    const int64_t opened[] = {INT64_MIN, 0, INT64_MAX};
    for (int o = 0; o < 3; o++) {
        mri_timer x[7];
        mri_expired out[8];
        open(opened[o]);
        for (int i = 6; i >= 0; i--)
            EXPECT_EQ(start(&x[i], (uint64_t)i, at[i]), i < 6);
        for (int i = 0; i < 6; i++) {
            EXPECT_EQ(earliest(), at[i]);
            EXPECT_EQ(mri_timers_expire(&timers, at[i], out, 8), 1);
            EXPECT_EQ(out[0].count, i);
        }
        EXPECT_EQ(earliest(), INT64_MAX);
        EXPECT_EQ(mri_timers_expire(&timers, INT64_MAX, out, 8), 1);
        EXPECT_EQ(out[0].count, 6);
        /* The end of time is behind: all that comes is late. */
        EXPECT_EQ(start(&x[0], 0, 5), true);
        EXPECT_EQ(start(&x[1], 1, INT64_MAX), false);
        EXPECT_EQ(expire(4, out, 8), 0);
        EXPECT_EQ(expire(INT64_MAX, out, 2), 2);
        EXPECT_EQ(out[1].count, 1);
    }
}

/* ---- Against a sorted reference ----------------------------------------- */

static mri_timer *some;
static uint32_t *sorted; /* indices of `some` */
static uint64_t seed;

static uint64_t draw(void)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * UINT64_C(0x2545f4914f6cdd1d);
}

/* Indices are the order of starts here. */
static int compare(const void *a, const void *b)
{
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    if (some[i].at != some[j].at)
        return some[i].at < some[j].at ? -1 : 1;
    return i < j ? -1 : i > j;
}

/* Near ones, far ones, and many equal. */
static int64_t random_at(void)
{
    uint64_t bits = 1 + draw() % 40;
    return (int64_t)(draw() & ((UINT64_C(1) << bits) - 1));
}

/* `sorted` fires in this order from `from` on, in batches, as time goes on;
 * returns where it has come to. */
static uint32_t expect_sorted(uint32_t from, uint32_t end, int64_t now)
{
    mri_expired out[64];
    uint32_t most = 1 + (uint32_t)(draw() % 64), n;
    while ((n = expire(now, out, most)) > 0)
        for (uint32_t i = 0; i < n; i++, from++) {
            EXPECT(from < end);
            EXPECT_EQ(out[i].count, sorted[from]);
        }
    EXPECT(from == end || some[sorted[from]].at > now);
    EXPECT(mri_timers_earliest(&timers) ==
               (from == end ? INT64_MAX : some[sorted[from]].at) ||
           mri_timers_earliest(&timers) > now);
    return from;
}

static void random_against_sorted(uint32_t count, int64_t spread)
{
    uint32_t left = 0, from = 0;
    some = malloc(count * sizeof *some);
    sorted = malloc(count * sizeof *sorted);
    open(0);
    int64_t least = INT64_MAX;
    for (uint32_t i = 0; i < count; i++) {
        int64_t at =
            spread ? (int64_t)(draw() % (uint64_t)spread) : random_at();
        EXPECT_EQ(start(&some[i], i, at), at < least);
        least = at < least ? at : least;
    }
    mri_timers_check(&timers);
    for (uint32_t i = 0; i < count; i++)
        if (draw() % 4 == 0)
            EXPECT(mri_timer_stop(&timers, &some[i]));
        else
            sorted[left++] = i;
    mri_timers_check(&timers);
    qsort(sorted, left, sizeof *sorted, compare);
    for (uint32_t step = 1; step <= 50; step++)
        from = expect_sorted(from, left, some[sorted[left / 50 * step]].at);
    mri_timers_check(&timers);
    from = expect_sorted(from, left, INT64_MAX);
    EXPECT_EQ(from, left);
    EXPECT_EQ(earliest(), INT64_MAX);
    free(some);
    free(sorted);
}

TEST(timers, a_million_random_ones_fire_in_order)
{
    seed = 1;
    random_against_sorted((uint32_t)slow_scale(MILLION), 1000000000);
}

TEST(timers, random_ones_of_all_sizes_fire_in_order)
{
    seed = 2;
    for (int i = 0; i < 10; i++)
        random_against_sorted((uint32_t)slow_scale(20000) + 100, 0);
}

/* Starts, stops and expiries mixed, checked after each of them: a small set
 * against a plain list of it. */
TEST(timers, whatever_is_mixed_the_oldest_due_comes_first)
{
    enum { COUNT = 60 };
    mri_timer x[COUNT];
    uint64_t started[COUNT] = {0}, number = 0; /* 0: not pending */
    int64_t now = 0;
    seed = 3;
    open(0);
    for (int round = slow_scale(100000); round > 0; round--) {
        uint32_t i = (uint32_t)(draw() % COUNT);
        if (started[i]) {
            EXPECT(mri_timer_stop(&timers, &x[i]));
            started[i] = 0;
        } else {
            (void)start(&x[i], i, now + random_at() - 1000);
            started[i] = ++number;
        }
        if (draw() % 8 == 0) {
            mri_expired out[1];
            now += random_at() >> (draw() % 32);
            uint32_t n = expire(now, out, 1), best = COUNT;
            for (uint32_t j = 0; j < COUNT; j++)
                if (started[j] && x[j].at <= now &&
                    (best == COUNT || x[j].at < x[best].at ||
                     (x[j].at == x[best].at && started[j] < started[best])))
                    best = j;
            EXPECT_EQ(n, best != COUNT);
            if (n) {
                EXPECT_EQ(out[0].count, best);
                started[best] = 0;
            }
        }
        if (round % 16 == 0)
            mri_timers_check(&timers);
    }
}

/* ---- What check finds --------------------------------------------------- */

static void check_broken_order(void *arg)
{
    mri_timer x[2];
    (void)arg;
    open(1000000);
    for (int i = 0; i < 2; i++)
        (void)start(&x[i], 0, 10 + i);
    x[1].at = 10;
    x[1].number = 0;
    x[0].number = 1;
    mri_timers_check(&timers);
}

static void check_lost_timer(void *arg)
{
    mri_timer x;
    (void)arg;
    open(0);
    (void)start(&x, 0, 10);
    *x.from = NULL;
    mri_timers_check(&timers);
}

static void check_wrong_earliest(void *arg)
{
    mri_timer x;
    (void)arg;
    open(0);
    (void)start(&x, 0, 10);
    mri_store_relaxed(&timers.earliest, 11);
    mri_timers_check(&timers);
}

TEST(timers, check_finds_what_is_broken)
{
    EXPECT(test_dies(check_broken_order, NULL, SIGABRT,
                     "no timer in the heap is before its parent"));
    EXPECT(test_dies(check_lost_timer, NULL, SIGABRT,
                     "each pending timer is somewhere"));
    EXPECT(test_dies(check_wrong_earliest, NULL, SIGABRT,
                     "no timer is before the earliest"));
}
