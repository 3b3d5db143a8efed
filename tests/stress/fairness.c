/* Tasks that never leave off do not keep others from running. */
#include <millrace.h>

#include "slow.h"
#include "test.h"

#include <pthread.h>

enum { LOOPS = 5 };

struct play {
    int over;
    int64_t yields, slept;
};

static bool over(struct play *p)
{
    return __atomic_load_n(&p->over, __ATOMIC_ACQUIRE) != 0;
}

static int64_t yields_until_over(void *arg)
{
    struct play *p = *(struct play **)arg;
    int64_t until = mr_after(90 * MR_S);
    while (!over(p) && mr_now() < until) {
        mr_yield();
        __atomic_fetch_add(&p->yields, 1, __ATOMIC_RELAXED);
    }
    return 0;
}

static int64_t ends_it(void *arg)
{
    struct play *p = *(struct play **)arg;
    __atomic_store_n(&p->over, 1, __ATOMIC_RELEASE);
    return 0;
}

static mr_runtime *start_loops(unsigned workers, struct play *p)
{
    mr_config config = {.size = sizeof config, .workers = workers};
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, &config), 0);
    for (unsigned i = 0; i < workers * LOOPS; i++)
        EXPECT_EQ(mr_submit(rt, yields_until_over, &p, sizeof p), 0);
    while (__atomic_load_n(&p->yields, __ATOMIC_RELAXED) < 1000)
        mr_sleep(MR_MS);
    return rt;
}

static void stop_in_time(mr_runtime *rt, struct play *p)
{
    /* Before they give up, however slow the machine. */
    EXPECT_EQ(mr_stop(rt, mr_after(60 * MR_S)), 0);
    EXPECT(over(p));
}

TEST(fairness_of_loops, what_comes_from_outside_runs)
{
    for (unsigned workers = 1; workers <= 4; workers++) {
        struct play play = {0}, *p = &play;
        mr_runtime *rt = start_loops(workers, p);
        EXPECT_EQ(mr_submit(rt, ends_it, &p, sizeof p), 0);
        stop_in_time(rt, p);
    }
}

static int64_t submits_the_end(void *arg)
{
    return mr_submit(mr_self(), ends_it, arg, sizeof(struct play *));
}

TEST(fairness_of_loops, what_a_task_submits_runs)
{
    for (unsigned workers = 1; workers <= 4; workers++) {
        struct play play = {0}, *p = &play;
        mr_runtime *rt = start_loops(workers, p);
        EXPECT_EQ(mr_submit(rt, submits_the_end, &p, sizeof p), 0);
        stop_in_time(rt, p);
    }
}

static int64_t sleeps_and_ends_it(void *arg)
{
    struct play *p = *(struct play **)arg;
    int64_t begin = mr_now();
    EXPECT_EQ(mr_sleep(10 * MR_MS), 0);
    p->slept = mr_now() - begin;
    return ends_it(arg);
}

/* No worker is ever idle, so that nobody waits for the time. */
TEST(fairness_of_loops, timers_fire)
{
    for (unsigned workers = 1; workers <= 4; workers++) {
        struct play play = {0}, *p = &play;
        mr_runtime *rt = start_loops(workers, p);
        EXPECT_EQ(mr_submit(rt, sleeps_and_ends_it, &p, sizeof p), 0);
        stop_in_time(rt, p);
        EXPECT(p->slept >= 10 * MR_MS);
    }
}

/* A child that another runs while its parent yields, and awaits it. */
static int64_t has_children(void *arg)
{
    struct play *p = *(struct play **)arg;
    for (int i = 0; i < slow_scale(1000); i++) {
        mr_task child;
        mr_spawn(&child, ends_it, &p);
        mr_yield();
        EXPECT_EQ(mr_await(&child), 0);
    }
    return 0;
}

TEST(fairness_of_loops, children_of_who_yields_run)
{
    for (unsigned workers = 1; workers <= 4; workers++) {
        struct play play = {0}, *p = &play;
        mr_runtime *rt = start_loops(workers, p);
        EXPECT_EQ(mr_submit(rt, has_children, &p, sizeof p), 0);
        stop_in_time(rt, p);
    }
}
