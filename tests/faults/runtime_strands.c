/* A runtime that has fewer stacks than tasks which want to wait: those park
 * when there is one, and whatever has a stack goes on meanwhile. */
#include <millrace.h>

#include "faults.h"
#include "slow.h"
#include "test.h"

#include <errno.h>
#include <unistd.h>

enum { STRANDS = 64, TASKS = 600 };

/* More than there are stacks, those in caches included. Time goes with the
 * square. */
static int tasks(void)
{
    return slow_is_sanitized() || slow_is_emulated() ? 250 : TASKS;
}

/* Tasks end in the order in which they began: whoever has begun waits for
 * those before it. So there is always one that can run, the oldest; and it is
 * not the youngest, which has the worker that found no other stack. */
static int64_t begun, ended;

static int64_t in_turn(void *arg)
{
    int64_t ticket = __atomic_fetch_add(&begun, 1, __ATOMIC_RELAXED);
    do
        mr_yield();
    while (__atomic_load_n(&ended, __ATOMIC_ACQUIRE) != ticket);
    __atomic_store_n(&ended, ticket + 1, __ATOMIC_RELEASE);
    return *(int64_t *)arg;
}

static int64_t spawns_all(mr_fn fn)
{
    mr_task t[TASKS];
    int64_t n[TASKS], sum = 0;
    begun = ended = 0;
    for (int64_t i = 0; i < tasks(); i++) {
        n[i] = i;
        mr_spawn(&t[i], fn, &n[i]);
    }
    for (int i = 0; i < tasks(); i++)
        sum += mr_await(&t[i]);
    return sum;
}

static int64_t root(void *arg)
{
    (void)arg;
    return spawns_all(in_turn);
}

/* The same, waiting in an await: each has a child that takes the ticket. */
static int64_t parent(void *arg)
{
    mr_task t;
    mr_spawn(&t, in_turn, arg);
    mr_yield();
    return mr_await(&t);
}

static int64_t root_of_parents(void *arg)
{
    (void)arg;
    return spawns_all(parent);
}

static mr_runtime *start(unsigned workers, unsigned strands)
{
    mr_config config = {
        .size = sizeof config, .workers = workers, .strands = strands};
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, &config), 0);
    return rt;
}

static void run_both(mr_runtime *rt)
{
    alarm((unsigned)(120 * slow_sanitizer()));
    EXPECT_EQ(mr_run(rt, root, NULL), tasks() * (tasks() - 1) / 2);
    EXPECT_EQ(mr_run(rt, root_of_parents, NULL), tasks() * (tasks() - 1) / 2);
    alarm(0);
}

TEST(faults_runtime_strands, more_tasks_that_wait_than_stacks)
{
    for (unsigned workers = 1; workers <= 4; workers++) {
        mr_runtime *rt = start(workers, STRANDS);
        run_both(rt);
        EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    }
}

static int64_t echo(void *arg)
{
    return *(int64_t *)arg;
}

TEST(faults_runtime_strands, a_stack_for_each_worker_is_enough_to_start)
{
    int64_t seven = 7;
    for (unsigned workers = 1; workers <= STRANDS; workers += 7) {
        mr_runtime *rt = start(workers, workers);
        EXPECT_EQ(mr_run(rt, echo, &seven), 7);
        EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    }
}

/* As many as were promised wait at the same time, whatever the workers keep
 * at hand. */
static int64_t waiting, most;

static int64_t until_all_wait(void *arg)
{
    (void)arg;
    __atomic_fetch_add(&waiting, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&waiting, __ATOMIC_RELAXED) < most)
        mr_yield();
    return 0;
}

TEST(faults_runtime_strands, as_many_tasks_wait_as_were_asked_for)
{
    alarm((unsigned)(60 * slow_sanitizer()));
    for (unsigned workers = 1; workers <= 4; workers++) {
        mr_runtime *rt = start(workers, 2 * STRANDS);
        waiting = 0;
        most = 2 * STRANDS - workers;
        for (int64_t i = 0; i < most; i++)
            EXPECT_EQ(mr_submit(rt, until_all_wait, NULL, 0), 0);
        EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
        EXPECT_EQ(waiting, most);
    }
    alarm(0);
}

/* Refused from some point on, then granted again. */
static void refuse(const char *call)
{
    for (unsigned workers = 1; workers <= 2; workers++) {
        mr_runtime *rt = start(workers, 0);
        for (int nth = 1; nth < 6; nth += 2) {
            faults_arm_call(call, nth, ENOMEM, true);
            run_both(rt);
            faults_disarm();
        }
        run_both(rt);
        EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    }
}

/* Their address space may be refused, but not their number. */
TEST(faults_runtime_strands, so_many_can_be_asked_for_and_no_more)
{
    mr_runtime *rt;
    mr_config config = {.size = sizeof config, .strands = 16000000};
    int rc = mr_start(&rt, &config);
    EXPECT(rc == 0 || rc == MR_ENOMEM);
    if (rc == 0)
        EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    config.strands++;
    EXPECT_EQ(mr_start(&rt, &config), MR_EINVAL);
    config.strands = UINT32_MAX;
    EXPECT_EQ(mr_start(&rt, &config), MR_EINVAL);
    EXPECT(rt == NULL);
}

TEST(faults_runtime_strands, no_address_space_for_more_stacks)
{
    refuse("mmap");
}

TEST(faults_runtime_strands, no_memory_for_more_guards)
{
    refuse("madvise");
}
