/* Workers that are all held up, by tasks that compute or that block without a
 * word: what waits behind them goes on nevertheless, by spare workers, which
 * leave when they are not needed any more. */
#include <millrace.h>

#include "sched/runtime.h"
#include "slow.h"
#include "stress.h"
#include "test.h"

#include <pthread.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { LIGHT = 1000, WORKERS = 2 };

static int64_t held_ns(void)
{
    return (slow_is_sanitized() ? 3000 : 600) * MR_MS;
}

/* What a light task may wait: looks a millisecond apart, a thread to begin
 * with, and a share of a machine that others use as well; a third of what it
 * would wait without spares. */
static int64_t bound_ns(void)
{
    return held_ns() / 3;
}

/* A machine that others share may stand still for longer than any bound, and
 * for so long that nobody is held up any more when it goes on. What is out of
 * time because of that is in time when it is done again; what nobody relieves
 * is late each time. */
static int64_t least_of_five(int64_t (*late)(unsigned, int), unsigned workers,
                             int blocks)
{
    int64_t least = late(workers, blocks);
    for (int i = 0; least >= bound_ns() && i < 4; i++) {
        int64_t again = late(workers, blocks);
        least = again < least ? again : least;
    }
    return least;
}

static mr_runtime *start(unsigned workers)
{
    mr_config config = {.size = sizeof config, .workers = workers};
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, &config), 0);
    return rt;
}

static uint32_t joined(mr_runtime *rt)
{
    return mri_load_relaxed(&rt->monitor.joined);
}

static uint64_t joins(mr_runtime *rt)
{
    return mri_load_relaxed(&rt->monitor.joins);
}

/* All spares have left; or not, within ten seconds. */
static void expect_calm(mr_runtime *rt)
{
    int64_t until = mr_after(10 * MR_S);
    while (joined(rt) > 0 && mr_now() < until)
        usleep(1000);
    EXPECT_EQ(joined(rt), 0);
}

/* What it took, if spares did it. */
static int64_t end_of(mr_runtime *rt, int64_t took)
{
    bool relieved = joins(rt) > 0;
    expect_calm(rt);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    return relieved ? took : MR_NEVER;
}

/* ---- Holding workers up ---------------------------------------------------
 */

struct hold {
    int64_t until;
    int begun, blocks;
};

static int64_t holds(void *arg)
{
    struct hold *h = *(struct hold **)arg;
    __atomic_fetch_add(&h->begun, 1, __ATOMIC_RELEASE);
    while (mr_now() < h->until)
        if (h->blocks)
            usleep((useconds_t)((h->until - mr_now()) / 1000 + 1));
    return 0;
}

static void hold_up(mr_runtime *rt, struct hold *h, int n)
{
    h->begun = 0;
    h->until = mr_after(held_ns());
    for (int i = 0; i < n; i++)
        EXPECT_EQ(mr_submit(rt, holds, &h, sizeof h), 0);
    while (__atomic_load_n(&h->begun, __ATOMIC_ACQUIRE) < n)
        usleep(100);
}

/* ---- Light tasks ----------------------------------------------------------
 */

struct light {
    int64_t put, waited;
};

struct lights {
    struct light light[LIGHT];
    int ran;
};

struct one {
    struct lights *all;
    int which;
};

static int64_t is_light(void *arg)
{
    struct one *o = arg;
    struct light *l = &o->all->light[o->which];
    l->waited = mr_now() - l->put;
    __atomic_fetch_add(&o->all->ran, 1, __ATOMIC_RELEASE);
    return 0;
}

/* From outside, over a tenth of a second. */
static void put_lights(mr_runtime *rt, struct lights *all)
{
    all->ran = 0;
    for (int i = 0; i < LIGHT; i++) {
        struct one o = {all, i};
        all->light[i].put = mr_now();
        EXPECT_EQ(mr_submit(rt, is_light, &o, sizeof o), 0);
        if (i % 10 == 0)
            usleep(1000);
    }
}

static int64_t longest_wait(const struct lights *all)
{
    int64_t longest = 0;
    for (int i = 0; i < LIGHT; i++)
        if (all->light[i].waited > longest)
            longest = all->light[i].waited;
    return longest;
}

static int64_t longest_beside(unsigned workers, int blocks)
{
    static struct lights all;
    struct hold h = {.blocks = blocks};
    mr_runtime *rt = start(workers);
    hold_up(rt, &h, (int)workers);
    put_lights(rt, &all);
    while (__atomic_load_n(&all.ran, __ATOMIC_ACQUIRE) < LIGHT)
        usleep(100);
    return end_of(rt, longest_wait(&all));
}

static void lights_beside(unsigned workers, int blocks)
{
    int64_t longest = least_of_five(longest_beside, workers, blocks);
    EXPECT_MSG(longest < bound_ns(), "a light task waited %.1f ms",
               (double)longest / 1e6);
}

TEST(stress_monitor, tasks_that_compute_hold_up_no_light_ones)
{
    lights_beside(WORKERS, 0);
}

TEST(stress_monitor, calls_that_block_hold_up_no_light_ones)
{
    lights_beside(WORKERS, 1);
}

TEST(stress_monitor, one_worker_that_computes_holds_up_no_light_ones)
{
    lights_beside(1, 0);
}

TEST(stress_monitor, sixty_four_workers_that_block_hold_up_no_light_ones)
{
    lights_beside(64, 1);
}

/* ---- Strands that become ready meanwhile ----------------------------------
 */

struct meeting {
    int64_t came, went, slowest;
};

static int64_t child_of_waiter(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++)
        mr_yield();
    return 1;
}

/* Waits, a hundred times, and keeps the longest of its turns. */
static int64_t waits_often(void *arg)
{
    struct meeting *m = *(struct meeting **)arg;
    __atomic_fetch_add(&m->came, 1, __ATOMIC_RELAXED);
    int64_t slowest = 0;
    for (int i = slow_scale(100); i > 0; i--) {
        int64_t begun = mr_now();
        mr_task child;
        mr_spawn(&child, child_of_waiter, NULL);
        mr_yield();
        EXPECT_EQ(mr_await(&child), 1);
        int64_t took = mr_now() - begun;
        slowest = took > slowest ? took : slowest;
    }
    int64_t seen = __atomic_load_n(&m->slowest, __ATOMIC_RELAXED);
    while (seen < slowest &&
           !__atomic_compare_exchange_n(&m->slowest, &seen, slowest, 0,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
    __atomic_fetch_add(&m->went, 1, __ATOMIC_RELEASE);
    return 0;
}

/* From when the workers are held up until the last has had all its turns. */
static int64_t meeting_beside(unsigned workers, int blocks)
{
    int waiters = slow_is_sanitized() ? 10 : 50;
    struct meeting m = {0, 0, 0}, *self = &m;
    struct hold h = {.blocks = blocks};
    mr_runtime *rt = start(workers);
    for (int i = 0; i < waiters / 2; i++)
        EXPECT_EQ(mr_submit(rt, waits_often, &self, sizeof self), 0);
    hold_up(rt, &h, (int)workers);
    int64_t begun = mr_now();
    for (int i = 0; i < waiters / 2; i++)
        EXPECT_EQ(mr_submit(rt, waits_often, &self, sizeof self), 0);
    while (__atomic_load_n(&m.went, __ATOMIC_ACQUIRE) < waiters)
        usleep(100);
    return end_of(rt, mr_now() - begun);
}

TEST(stress_monitor, strands_that_become_ready_beside_hogs_go_on)
{
    EXPECT(least_of_five(meeting_beside, WORKERS, 0) < bound_ns());
}

/* ---- Timers ----------------------------------------------------------------
 */

struct sleeper {
    int64_t late; /* the most, of ten */
    int done;
};

static int64_t sleeps_often(void *arg)
{
    struct sleeper *s = *(struct sleeper **)arg;
    for (int i = 0; i < 10; i++) {
        int64_t until = mr_after(5 * MR_MS);
        EXPECT_EQ(mr_sleep(5 * MR_MS), 0);
        int64_t late = mr_now() - until;
        s->late = late > s->late ? late : s->late;
    }
    __atomic_store_n(&s->done, 1, __ATOMIC_RELEASE);
    return 0;
}

static int64_t sleeper_beside(unsigned workers, int blocks)
{
    struct sleeper s = {0, 0}, *self = &s;
    struct hold h = {.blocks = blocks};
    mr_runtime *rt = start(workers);
    EXPECT_EQ(mr_submit(rt, sleeps_often, &self, sizeof self), 0);
    usleep(1000);
    hold_up(rt, &h, (int)workers);
    while (!__atomic_load_n(&s.done, __ATOMIC_ACQUIRE))
        usleep(100);
    return end_of(rt, s.late);
}

TEST(stress_monitor, timers_of_held_up_workers_are_fired)
{
    EXPECT(least_of_five(sleeper_beside, WORKERS, 1) < bound_ns());
}

/* ---- When none is called --------------------------------------------------
 */

/* The only worker shares its CPU with a thread that the kernel likes better. */
struct rival {
    pthread_t thread;
    int cpu, end;
};

static int64_t steps_back(void *arg)
{
    struct rival *r = *(struct rival **)arg;
    EXPECT(r->cpu >= 0 && mri_thread_pin(r->cpu) == 0);
    EXPECT_EQ(setpriority(PRIO_PROCESS, (id_t)mri_thread_id(), 10), 0);
    return 0;
}

static void *computes(void *arg)
{
    struct rival *r = arg;
    EXPECT_EQ(mri_thread_pin(r->cpu), 0);
    while (!__atomic_load_n(&r->end, __ATOMIC_RELAXED))
        continue;
    return NULL;
}

static int64_t computes_briefly(void *arg)
{
    int *ran = *(int **)arg, id = mri_thread_id();
    int64_t until = mri_thread_cpu_time_of(id) + 100 * MR_US;
    while (mri_thread_cpu_time_of(id) < until)
        continue;
    __atomic_fetch_add(ran, 1, __ATOMIC_RELEASE);
    return 0;
}

/* How long they take. */
static int64_t put_brief(mr_runtime *rt, int n)
{
    int ran = 0, *self = &ran;
    int64_t begun = mr_now();
    for (int i = 0; i < n; i++)
        EXPECT_EQ(mr_submit(rt, computes_briefly, &self, sizeof self), 0);
    while (__atomic_load_n(&ran, __ATOMIC_ACQUIRE) < n)
        usleep(100);
    return mr_now() - begun;
}

static int64_t beside_rival(int n, uint64_t *called)
{
    struct rival r = {.cpu = mri_thread_cpu()}, *self = &r;
    mr_runtime *rt = start(1);
    EXPECT_EQ(mr_submit(rt, steps_back, &self, sizeof self), 0);
    EXPECT_EQ(pthread_create(&r.thread, NULL, computes, &r), 0);
    int64_t took = put_brief(rt, n);
    *called = joins(rt);
    __atomic_store_n(&r.end, 1, __ATOMIC_RELAXED);
    pthread_join(r.thread, NULL);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    return took;
}

/* 10 ms of CPU, for which it has to wait for a tenth of a second. */
TEST(stress_monitor, worker_that_waits_for_a_cpu_calls_in_none)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; least > 0 && i < 5; i++) {
        uint64_t called;
        int64_t took = beside_rival(100, &called);
        if ((took > 50 * MR_MS || called > 0) && called < least)
            least = called;
    }
    if (least == UINT64_MAX)
        SKIP("the kernel does not put the worker aside");
    EXPECT_EQ(least, 0);
}

/* CPU time of the process. */
static int64_t used(void)
{
    struct timespec t;
    EXPECT_EQ(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
    return (int64_t)t.tv_sec * MR_S + t.tv_nsec;
}

/* The CPU time of a second; and whether the monitor has slept through it. */
static int64_t used_in_a_second(mr_runtime *rt, bool *slept)
{
    uint64_t looked = mri_load_relaxed(&rt->monitor.looked);
    int64_t before = used();
    usleep(1000000);
    *slept = mri_load_relaxed(&rt->monitor.looked) == looked;
    return used() - before;
}

TEST(stress_monitor, idle_runtime_sleeps_for_good)
{
    mr_runtime *rt = start(8);
    int64_t cpu = MR_NEVER;
    bool slept = false;
    usleep(200000);
    /* A sanitizer has threads of its own. */
    int64_t most = slow_is_sanitized() ? MR_NEVER : MR_MS;
    /* A slow machine is not at rest so soon. */
    for (int i = 0; i < 10 && (!slept || cpu >= most); i++)
        cpu = used_in_a_second(rt, &slept);
    EXPECT(slept);
    EXPECT_MSG(cpu < most, "%.3f ms of CPU in an idle second",
               (double)cpu / 1e6);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}
