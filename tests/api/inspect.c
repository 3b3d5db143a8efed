/* millrace/inspect.h: the counters. */
#include <millrace.h>

#include "slow.h"
#include "test.h"
#include "waits.h"

#include <sys/wait.h>
#include <unistd.h>

static mr_runtime *start(unsigned workers)
{
    mr_config config = {.size = sizeof config, .workers = workers};
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, &config), 0);
    return rt;
}

static mr_counters stats(mr_runtime *rt, unsigned worker)
{
    mr_counters c = {.size = sizeof c};
    EXPECT_EQ(mr_stats(rt, worker, &c), 0);
    EXPECT_EQ(c.size, sizeof c);
    return c;
}

static int64_t nothing(void *arg)
{
    (void)arg;
    return 0;
}

/* ---- What is counted ---------------------------------------------------- */

/* Where the machine stands still, a spare may have run some of it. */
static void expect_of_first(mr_runtime *rt, uint64_t of_first, uint64_t n)
{
    if (stats(rt, MR_ALL_WORKERS).spares > 0)
        EXPECT(of_first <= n);
    else
        EXPECT_EQ(of_first, n);
}

TEST(inspect, each_task_from_a_queue_is_a_job)
{
    mr_runtime *rt = start(1);
    for (int i = 0; i < 100; i++)
        EXPECT_EQ(mr_run(rt, nothing, NULL), 0);
    expect_of_first(rt, stats(rt, 0).jobs, 100);
    EXPECT_EQ(stats(rt, MR_ALL_WORKERS).jobs, 100);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

MR_FORKABLE(int64_t, fib, int64_t, n)
{
    if (n < 2)
        return n;
    MR_CHILD(fib, other);
    MR_SPAWN(fib, other, n - 1);
    int64_t less = MR_CALL(fib, n - 2);
    return less + MR_AWAIT(fib, other);
}

static int64_t fib_25(void *arg)
{
    (void)arg;
    return fib(25);
}

/* What it counted; false: a spare had a part in it. */
static bool fork_alone(mr_counters *after)
{
    mr_runtime *rt = start(1);
    EXPECT_EQ(mr_run(rt, fib_25, NULL), 75025);
    *after = stats(rt, MR_ALL_WORKERS);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    return after->spares == 0;
}

TEST(inspect, fork_and_join_alone_count_nothing)
{
    mr_counters after;
    bool alone = false;
    for (int i = 0; i < 50 && !alone; i++)
        alone = fork_alone(&after);
    EXPECT(alone);
    EXPECT_EQ(after.jobs, 1);
    EXPECT_EQ(after.steals + after.parks + after.resumes + after.publishes, 0);
}

static int64_t yields_ten_times(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++)
        mr_yield();
    return 0;
}

TEST(inspect, yields_and_what_they_resume_are_counted)
{
    mr_runtime *rt = start(1);
    EXPECT_EQ(mr_run(rt, yields_ten_times, NULL), 0);
    mr_counters c = stats(rt, MR_ALL_WORKERS);
    EXPECT_EQ(c.yields, 10);
    EXPECT_EQ(c.resumes, 10);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

/* A child that its parent meets only when another worker has it, and that ends
 * only when its parent waits. */
static int64_t taken;

static int64_t take(void *arg)
{
    (void)arg;
    __atomic_store_n(&taken, 1, __ATOMIC_RELEASE);
    while (count_waiting("a task") == 0)
        usleep(1000);
    return 0;
}

static int64_t spawns_and_waits_for_a_thief(void *arg)
{
    mr_task t;
    (void)arg;
    taken = 0;
    mr_spawn(&t, take, NULL);
    while (!__atomic_load_n(&taken, __ATOMIC_ACQUIRE))
        usleep(100);
    return mr_await(&t);
}

TEST(inspect, a_stolen_child_is_a_steal_a_park_and_a_resume)
{
    mr_runtime *rt = start(2);
    EXPECT_EQ(mr_run(rt, spawns_and_waits_for_a_thief, NULL), 0);
    mr_counters c = stats(rt, MR_ALL_WORKERS);
    EXPECT_EQ(c.steals, 1);
    EXPECT_EQ(c.parks, 1);
    EXPECT_EQ(c.resumes, 1);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

TEST(inspect, a_worker_that_sleeps_and_is_woken_is_counted)
{
    mr_runtime *rt = start(1);
    alarm((unsigned)(30 * slow_sanitizer()));
    while (stats(rt, 0).sleeps == 0)
        usleep(1000);
    EXPECT_EQ(stats(rt, 0).wakes, 0);
    EXPECT_EQ(mr_run(rt, nothing, NULL), 0);
    /* A spare that was quicker may have run it. */
    while (stats(rt, 0).wakes == 0)
        usleep(1000);
    EXPECT_EQ(stats(rt, 0).wakes, 1);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    alarm(0);
}

TEST(inspect, workers_add_up_to_the_whole)
{
    mr_runtime *rt = start(3);
    uint64_t jobs = 0;
    for (int i = 0; i < 3000; i++)
        EXPECT_EQ(mr_submit(rt, nothing, NULL, 0), 0);
    while (stats(rt, MR_ALL_WORKERS).jobs < 3000)
        usleep(1000);
    for (unsigned i = 0; i < 3; i++)
        jobs += stats(rt, i).jobs;
    mr_counters all = stats(rt, MR_ALL_WORKERS);
    EXPECT_EQ(all.jobs, 3000);
    /* Where the machine is busy, spares may have taken some. */
    EXPECT(all.spares > 0 ? jobs <= 3000 : jobs == 3000);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

/* ---- Stacks ------------------------------------------------------------- */

enum { WAITING = 50, SPARES = 9 };

static int64_t waiting, go_on;

static int64_t waits(void *arg)
{
    (void)arg;
    __atomic_fetch_add(&waiting, 1, __ATOMIC_RELAXED);
    while (!__atomic_load_n(&go_on, __ATOMIC_RELAXED))
        mr_yield();
    return 0;
}

TEST(inspect, strands_in_use_are_the_tasks_that_wait_and_the_workers_own)
{
    mr_runtime *rt = start(1);
    waiting = go_on = 0;
    EXPECT_EQ(stats(rt, MR_ALL_WORKERS).strands, 1);
    for (int i = 0; i < WAITING; i++)
        EXPECT_EQ(mr_submit(rt, waits, NULL, 0), 0);
    while (__atomic_load_n(&waiting, __ATOMIC_RELAXED) < WAITING)
        usleep(1000);
    mr_counters c = stats(rt, MR_ALL_WORKERS);
    /* Each has one but for the moment between two; the loop may be on one, and
     * those of spares. */
    EXPECT(c.strands >= WAITING && c.strands <= WAITING + 1 + SPARES);
    EXPECT(c.strands_most >= WAITING &&
           c.strands_most <= WAITING + (1 + SPARES) * (1 + 32));
    __atomic_store_n(&go_on, 1, __ATOMIC_RELAXED);
    while (stats(rt, MR_ALL_WORKERS).strands > 1)
        usleep(1000);
    EXPECT(stats(rt, MR_ALL_WORKERS).strands_most >= WAITING);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

static int64_t uses_stack(void *arg)
{
    volatile char used[100000];
    (void)arg;
    for (size_t i = sizeof used; i > 0; i -= 1000)
        used[i - 1] = 1;
    return used[0] * 0;
}

TEST(inspect, the_deepest_use_of_a_stack_is_seen_and_remembered)
{
    mr_runtime *rt = start(1);
    mr_counters c = stats(rt, MR_ALL_WORKERS);
    if (c.stack_most == 0)
        SKIP("the system does not say what is in memory");
    EXPECT_EQ(c.stack_size, 256 << 10);
    EXPECT(c.stack_most >= 4096);
    if (!slow_is_sanitized())
        EXPECT(c.stack_most < 50000);
    EXPECT_EQ(mr_run(rt, uses_stack, NULL), 0);
    c = stats(rt, MR_ALL_WORKERS);
    EXPECT(c.stack_most >= 100000 && c.stack_most <= c.stack_size);
    if (!slow_is_sanitized())
        EXPECT(c.stack_most < 130000);
    EXPECT_EQ(mr_run(rt, nothing, NULL), 0);
    EXPECT_EQ(stats(rt, MR_ALL_WORKERS).stack_most, c.stack_most);
    EXPECT_EQ(stats(rt, 0).stack_most, 0);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

/* ---- The call ----------------------------------------------------------- */

TEST(inspect, counters_of_nobody_are_refused)
{
    mr_runtime *rt = start(2);
    mr_counters c = {.size = sizeof c};
    EXPECT_EQ(mr_stats(rt, 2, &c), MR_EINVAL);
    c.size = 0;
    EXPECT_EQ(mr_stats(rt, 0, &c), MR_EINVAL);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

TEST(inspect, older_and_newer_counters_get_what_both_sides_know)
{
    struct {
        mr_counters known;
        uint64_t more;
    } newer = {.known = {.size = sizeof newer}, .more = 77};
    mr_counters older = {.size = offsetof(mr_counters, resumes), .resumes = 88};
    mr_runtime *rt = start(1);
    EXPECT_EQ(mr_run(rt, yields_ten_times, NULL), 0);
    EXPECT_EQ(mr_stats(rt, MR_ALL_WORKERS, &newer.known), 0);
    EXPECT_EQ(newer.known.size, sizeof newer.known);
    EXPECT_EQ(newer.known.resumes, 10);
    EXPECT_EQ(newer.more, 77);
    EXPECT_EQ(mr_stats(rt, MR_ALL_WORKERS, &older), 0);
    EXPECT_EQ(older.size, offsetof(mr_counters, resumes));
    EXPECT_EQ(older.jobs, 1);
    EXPECT_EQ(older.resumes, 88);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

static int64_t asks(void *arg)
{
    mr_counters c = {.size = sizeof c};
    return mr_stats(arg, MR_ALL_WORKERS, &c) < 0 ? -1 : (int64_t)c.jobs;
}

TEST(inspect, a_task_may_ask)
{
    mr_runtime *rt = start(1);
    EXPECT_EQ(mr_run(rt, asks, rt), 1);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

TEST(inspect, child_of_fork_gets_errors)
{
    if (slow_is_emulated())
        SKIP("no threads in a child of fork in the emulator");
    mr_runtime *rt = start(2);
    pid_t pid = fork();
    EXPECT(pid >= 0);
    if (pid == 0) {
        mr_counters c = {.size = sizeof c};
        _exit(mr_stats(rt, 0, &c) == MR_EPERM ? 0 : 1);
    }
    int status;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}
