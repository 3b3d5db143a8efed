/* millrace/time.h: sleeping, and intervals. */
#include <millrace.h>

#include "run.h"
#include "slow.h"
#include "test.h"

#include <stdlib.h>

/* ---- Sleep -------------------------------------------------------------- */

/* How long it took; never less than asked for. */
static int64_t sleeps(void *arg)
{
    int64_t ns = *(int64_t *)arg, begun = mr_now();
    EXPECT_EQ(mr_sleep(ns), 0);
    return mr_now() - begun;
}

/* How long it takes at best: a machine may stand still, though not each time.
 */
static int64_t shortest_sleep(unsigned workers, int64_t ns)
{
    int64_t shortest = MR_NEVER;
    for (int i = 0; i < 5 && shortest >= MR_S; i++) {
        int64_t took = workers ? run_with(workers, sleeps, &ns) : sleeps(&ns);
        EXPECT(took >= ns);
        shortest = took < shortest ? took : shortest;
    }
    return shortest;
}

static void sleep_with(unsigned workers)
{
    EXPECT(shortest_sleep(workers, 20 * MR_MS) < MR_S);
}

TEST(time, a_sleep_lasts_as_long_as_it_was_asked_to)
{
    sleep_with(1);
    sleep_with(2);
    sleep_with(8);
}

TEST(time, a_sleep_of_no_length_ends)
{
    EXPECT(shortest_sleep(1, 0) < MR_S);
    EXPECT(shortest_sleep(1, -5) < MR_S);
    EXPECT(shortest_sleep(1, INT64_MIN) < MR_S);
}

TEST(time, outside_a_task_the_thread_sleeps)
{
    EXPECT(shortest_sleep(0, 20 * MR_MS) < MR_S);
    EXPECT(shortest_sleep(0, -1) < MR_S);
}

static int64_t until(void *arg)
{
    int64_t deadline = mr_after(10 * MR_MS);
    (void)arg;
    EXPECT_EQ(mr_sleep_until(deadline), 0);
    EXPECT(mr_now() >= deadline);
    EXPECT_EQ(mr_sleep_until(deadline), 0);
    return 0;
}

TEST(time, one_may_sleep_until_a_point_in_time)
{
    run_with(2, until, NULL);
}

/* ---- Many --------------------------------------------------------------- */

enum { MANY = 1000 };

struct many {
    int64_t ns[MANY];
    mr_task task[MANY];
    int64_t longest;
};

/* All of them together take as long as the longest, on one worker too: nobody
 * holds it. */
static int64_t many_sleep(void *arg)
{
    struct many *m = arg;
    int64_t begun = mr_now();
    for (int i = 0; i < MANY; i++) {
        m->ns[i] = (i * 7919 % MANY) * 100 * MR_US;
        mr_spawn(&m->task[i], sleeps, &m->ns[i]);
    }
    for (int i = 0; i < MANY; i++)
        EXPECT(mr_await(&m->task[i]) >= m->ns[i]);
    return mr_now() - begun;
}

TEST(time, sleepers_hold_no_worker)
{
    struct many *m = malloc(sizeof *m);
    for (unsigned workers = 1; workers <= 4; workers *= 4) {
        int64_t took = run_with(workers, many_sleep, m);
        EXPECT(took >= 99 * MR_MS);
        EXPECT(took < (slow_is_sanitized() ? 20 : 5) * MR_S);
    }
    free(m);
}

/* ---- Beside those who run ----------------------------------------------- */

struct busy {
    int64_t woke;
    int64_t ends;
};

static int64_t wakes(void *arg)
{
    struct busy *b = arg;
    mr_sleep(5 * MR_MS);
    __atomic_store_n(&b->woke, mr_now(), __ATOMIC_RELEASE);
    return 0;
}

/* One worker is in a leaf when the sleep is over, the other asleep. */
static int64_t leaf(void *arg)
{
    struct busy *b = arg;
    mr_task sleeper;
    mr_spawn(&sleeper, wakes, b);
    mr_yield();
    mr_sleep(MR_MS);
    b->ends = mr_after(10 * MR_S);
    while (!__atomic_load_n(&b->woke, __ATOMIC_ACQUIRE) && mr_now() < b->ends)
        continue;
    return mr_await(&sleeper);
}

TEST(time, a_leaf_does_not_keep_a_sleeper_asleep)
{
    struct busy b = {0};
    EXPECT_EQ(run_with(2, leaf, &b), 0);
    EXPECT(b.woke < b.ends);
}

/* Nobody is ever idle: a worker looks at its timers all the same. */
static int64_t spins_until(void *arg)
{
    struct busy *b = arg;
    while (!__atomic_load_n(&b->woke, __ATOMIC_ACQUIRE))
        mr_yield();
    return 0;
}

static int64_t spinners(void *arg)
{
    mr_task sleeper, other;
    mr_spawn(&sleeper, wakes, arg);
    mr_spawn(&other, spins_until, arg);
    spins_until(arg);
    mr_await(&other);
    return mr_await(&sleeper);
}

TEST(time, a_sleep_ends_though_all_workers_have_something_to_do)
{
    for (unsigned workers = 1; workers <= 4; workers *= 2) {
        struct busy b = {0};
        EXPECT_EQ(run_with(workers, spinners, &b), 0);
        EXPECT(b.woke > 0);
    }
}

/* ---- Intervals ---------------------------------------------------------- */

TEST(time, an_interval_has_a_period)
{
    mr_interval i;
    EXPECT_EQ(mr_interval_open(&i, 0), MR_EINVAL);
    EXPECT_EQ(mr_interval_open(&i, -1), MR_EINVAL);
    EXPECT_EQ(mr_interval_open(&i, 1), 0);
}

static int64_t ticks(void *arg)
{
    mr_interval i;
    int64_t periods = 0;
    (void)arg;
    EXPECT_EQ(mr_interval_open(&i, 2 * MR_MS), 0);
    int64_t first = i.next;
    while (periods < 20) {
        int64_t n = mr_interval_wait(&i);
        EXPECT(n >= 1);
        periods += n;
        /* No drift: each point is where it was to be. */
        EXPECT_EQ(i.next, first + periods * 2 * MR_MS);
        EXPECT(mr_now() >= i.next - 2 * MR_MS);
    }
    return 0;
}

TEST(time, an_interval_does_not_drift)
{
    EXPECT_EQ(run_with(1, ticks, NULL), 0);
    EXPECT_EQ(ticks(NULL), 0);
}

static int64_t misses(void *arg)
{
    mr_interval i;
    (void)arg;
    EXPECT_EQ(mr_interval_open(&i, MR_MS), 0);
    mr_sleep_until(i.next + 10 * MR_MS);
    EXPECT(mr_interval_wait(&i) >= 11);
    EXPECT(i.next <= mr_now() + MR_MS);
    return 0;
}

TEST(time, periods_that_were_missed_are_counted)
{
    run_with(1, misses, NULL);
}

TEST(time, the_end_of_time_is_not_passed)
{
    mr_interval i;
    EXPECT_EQ(mr_interval_open(&i, MR_NEVER - 1), 0);
    EXPECT_EQ(i.next, MR_NEVER);
    i = (mr_interval){.next = 1, .period = MR_NEVER - 1};
    EXPECT_EQ(mr_interval_wait(&i), 1);
    EXPECT_EQ(i.next, MR_NEVER);
}
