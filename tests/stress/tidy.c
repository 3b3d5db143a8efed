/* What strands that are not needed any more hold is given back: by workers that
 * have nothing to do, and while none of them has nothing to do. */
#include "sched/runtime.h"

#include "os/clock.h"
#include "slow.h"
#include "test.h"

#include <millrace.h>

/* A pool keeps so many; beside them, some lie in caches or are in somebody's
 * hand. */
enum { KEPT = 1024, ASIDE = 1000 };

static int64_t tasks(void)
{
    return slow_is_sanitized() ? 2500 : 6000;
}

static int64_t parked;

static int64_t parks(void *arg)
{
    (void)arg;
    __atomic_fetch_add(&parked, 1, __ATOMIC_RELAXED);
    return mr_sleep(MR_NEVER);
}

/* Many wait at the same time, and then none. */
static int64_t wave(void *arg)
{
    mr_scope scope;
    (void)arg;
    parked = 0;
    mr_scope_open(&scope, MR_NEVER);
    for (int64_t i = 0; i < tasks(); i++)
        EXPECT_EQ(mr_scope_go(&scope, parks, NULL, 0), 0);
    while (__atomic_load_n(&parked, __ATOMIC_RELAXED) < tasks())
        mr_yield();
    mr_scope_cancel(&scope);
    return mr_scope_close(&scope) == MR_ECANCELED ? 0 : -1;
}

static mr_runtime *start(unsigned workers)
{
    mr_config config = {.size = sizeof config, .workers = workers};
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, &config), 0);
    return rt;
}

static mri_strand_stats stats_of(mr_runtime *rt)
{
    mri_strand_stats stats;
    mri_strand_pool_stats(&rt->pool, &stats);
    return stats;
}

/* For half a minute. */
static bool is_given_back(mr_runtime *rt, void (*pause)(void))
{
    int64_t end = mr_after(30 * MR_S);
    while (mri_strand_some_are_dirty(&rt->pool)) {
        if (mri_clock_now() > end)
            return false;
        pause();
    }
    return true;
}

static void sleep_a_little(void)
{
    (void)mr_sleep(MR_MS);
}

static void expect_given_back(mr_runtime *rt)
{
    mri_strand_stats stats = stats_of(rt);
    EXPECT_EQ(stats.dirty, 0);
    EXPECT_EQ(stats.drops_refused, 0);
    EXPECT(stats.cold >= tasks() - KEPT - ASIDE);
}

static void idle_workers_give_back(unsigned workers)
{
    mr_runtime *rt = start(workers);
    for (int n = 0; n < (slow_is_sanitized() ? 1 : 3); n++) {
        EXPECT_EQ(mr_run(rt, wave, NULL), 0);
        EXPECT(is_given_back(rt, sleep_a_little));
        expect_given_back(rt);
    }
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

TEST(stress_tidy, idle_worker_gives_back_what_nobody_needs)
{
    idle_workers_give_back(1);
}

TEST(stress_tidy, one_of_many_idle_workers_gives_back)
{
    idle_workers_give_back(4);
}

static void spin(void)
{
    mri_pause();
}

static int64_t computes_until_given_back(void *arg)
{
    int64_t rc = wave(NULL);
    if (rc == 0 && is_given_back(arg, spin))
        expect_given_back(arg);
    else
        rc = -1;
    return rc;
}

TEST(stress_tidy, monitor_gives_back_while_every_worker_computes)
{
    mr_runtime *rt = start(1);
    EXPECT_EQ(mr_run(rt, computes_until_given_back, rt), 0);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

static uint64_t sleeps_of(mr_runtime *rt)
{
    mr_counters all = {.size = sizeof all};
    EXPECT_EQ(mr_stats(rt, MR_ALL_WORKERS, &all), 0);
    return all.sleeps;
}

TEST(stress_tidy, who_has_given_all_back_sleeps_for_good)
{
    mr_runtime *rt = start(2);
    EXPECT_EQ(mr_run(rt, wave, NULL), 0);
    EXPECT(is_given_back(rt, sleep_a_little));
    /* The last sleep begins, sooner or later. */
    uint64_t before, after = sleeps_of(rt);
    int64_t end = mr_after(30 * MR_S);
    do {
        before = after;
        mr_sleep(MR_S);
        after = sleeps_of(rt);
    } while (before != after && mri_clock_now() < end);
    EXPECT_EQ(before, after);
    EXPECT_EQ(mri_load_relaxed(&rt->watch), MRI_NEVER);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}
