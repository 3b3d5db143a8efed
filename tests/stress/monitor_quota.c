/* Spares under a CPU quota: all threads share as many CPUs as the quota gives,
 * so that the kernel stops nobody. Needs the right to create cgroups. */
#define _GNU_SOURCE
#include <millrace.h>

#include "quota_groups.h"
#include "sched/runtime.h"
#include "slow.h"
#include "test.h"

#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PERIOD = 100000, LIGHT = 500, HOGS = 2 };

static quota_groups groups;

/* What cpu.stat says of the group, or -1. */
static long long stat_of(const char *name)
{
    char path[4096], key[256];
    long long n, found = -1;
    snprintf(path, sizeof path, "%s/cpu.stat", groups.inner);
    FILE *file = fopen(path, "r");
    while (file && fscanf(file, "%255s %lld", key, &n) == 2)
        if (strcmp(key, name) == 0)
            found = n;
    if (file)
        fclose(file);
    return found;
}

/* Periods in which it was stopped, and nanoseconds for which its CPUs were. */
struct stopped {
    long long periods, ns;
};

static struct stopped stopped_until_now(void)
{
    return (struct stopped){stat_of("nr_throttled"), stat_of("throttled_time")};
}

static int64_t hog(void *arg)
{
    int64_t until = *(int64_t *)arg;
    while (mr_now() < until)
        continue;
    return 0;
}

static int64_t light(void *arg)
{
    __atomic_fetch_add(*(int **)arg, 1, __ATOMIC_RELEASE);
    return 0;
}

static int cpus_of(int tid)
{
    cpu_set_t set;
    return sched_getaffinity(tid, sizeof set, &set) == 0 ? CPU_COUNT(&set) : -1;
}

struct seen {
    int while_held, after; /* CPUs of the worker */
    uint64_t joins;
    int ran_while_held, ran;
};

static void wait_until(mr_runtime *rt, bool shared)
{
    int64_t until = mr_after(5 * MR_S);
    int tid = (int)mri_load_relaxed(&rt->worker[0].tid);
    int all = cpus_of(0);
    while ((cpus_of(tid) < all) != shared && mr_now() < until)
        usleep(1000);
}

/* One worker, which is held up for two seconds, as is the first spare; and
 * light tasks beside them. */
static void run(struct seen *seen)
{
    mr_config config = {.size = sizeof config, .workers = 1};
    mr_runtime *rt;
    int ran = 0, *to = &ran;
    if (mr_start(&rt, &config) < 0)
        _exit(1);
    int64_t until = mr_after(2 * MR_S);
    for (int i = 0; i < HOGS; i++)
        if (mr_submit(rt, hog, &until, sizeof until) < 0)
            _exit(1);
    for (int i = 0; i < LIGHT; i++) {
        if (mr_submit(rt, light, &to, sizeof to) < 0)
            _exit(1);
        usleep(1000);
        if (i == LIGHT / 2) {
            int tid = (int)mri_load_relaxed(&rt->worker[0].tid);
            seen->while_held = cpus_of(tid);
            seen->ran_while_held = __atomic_load_n(&ran, __ATOMIC_ACQUIRE);
        }
    }
    while (__atomic_load_n(&ran, __ATOMIC_ACQUIRE) < LIGHT)
        usleep(100);
    wait_until(rt, false);
    seen->after = cpus_of((int)mri_load_relaxed(&rt->worker[0].tid));
    seen->joins = mri_load_relaxed(&rt->monitor.joins);
    seen->ran = ran;
    if (mr_stop(rt, MR_NEVER) < 0)
        _exit(1);
}

/* In a child within the group, which has `cpus` of them for its quota. */
static bool run_in_group(struct seen *seen, struct stopped *stopped)
{
    int pipe_of[2];
    if (pipe(pipe_of) != 0)
        return false;
    struct stopped before = stopped_until_now();
    pid_t child = fork();
    if (child == 0) {
        struct seen mine = {0};
        if (!quota_groups_enter(&groups))
            _exit(1);
        run(&mine);
        _exit(write(pipe_of[1], &mine, sizeof mine) != sizeof mine);
    }
    close(pipe_of[1]);
    bool got = read(pipe_of[0], seen, sizeof *seen) == sizeof *seen;
    close(pipe_of[0]);
    int status = 1;
    waitpid(child, &status, 0);
    struct stopped after = stopped_until_now();
    stopped->periods = after.periods - before.periods;
    stopped->ns = after.ns - before.ns;
    return got && status == 0;
}

/* Spares came, all shared a CPU meanwhile, and the light tasks went on.
 *
 * In how many periods it was stopped says little: the quota is what the hogs
 * need, to the last microsecond, and whoever watches them takes some of it. Two
 * that do not share use it up in half of each period, and both CPUs are stopped
 * for the other: for two seconds in all. */
static bool shared(const struct seen *seen, const struct stopped *stopped)
{
    fprintf(stderr,
            "stopped in %lld of about 20 periods, for %lld ms; %d CPUs, %d of "
            "%d light tasks ran by then\n",
            stopped->periods, stopped->ns / 1000000, seen->while_held,
            seen->ran_while_held, LIGHT / 2);
    return seen->joins > 1 && seen->while_held == 1 &&
           seen->ran_while_held > LIGHT / 4 && stopped->ns < 600000000;
}

TEST(stress_monitor_quota, spares_share_what_the_quota_gives)
{
    struct seen seen;
    struct stopped stopped = {0, 0};
    int all = cpus_of(0);
    bool ran = true, well = false;
    if (all < 2)
        SKIP("one CPU is no more than a quota of one");
    if (slow_is_emulated())
        SKIP("the emulator has no threads in a child of fork()");
    const char *reason = quota_groups_open(&groups);
    if (reason)
        SKIP(reason);
    ran = quota_groups_set(&groups, PERIOD, PERIOD);
    /* Where the machine stands still, so do the hogs: not each time. */
    for (int i = 0; i < 5 && ran && !well; i++) {
        ran = run_in_group(&seen, &stopped);
        well = ran && shared(&seen, &stopped);
    }
    bool removed = quota_groups_close(&groups);
    EXPECT(ran && removed);
    EXPECT_EQ(seen.ran, LIGHT);
    EXPECT_EQ(seen.after, all);
    EXPECT(well);
}
