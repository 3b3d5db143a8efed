/* A million tasks that wait at the same time: what parking them costs, what
 * resuming them, and how much memory each has meanwhile. They sleep until one
 * point in time, which lies far enough away that all have parked before; the
 * resident memory is read when all have. In the last case the unit is not
 * nanoseconds but bytes. */
#include <millrace.h>

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TASKS = 1000000, SECONDS = 15 };

static struct {
    int64_t deadline;
    int64_t begun, ended; /* counts */
    int64_t parked_at, resumed_at;
    double bytes;
} run;

static int64_t sleeper(void *arg)
{
    (void)arg;
    if (__atomic_add_fetch(&run.begun, 1, __ATOMIC_RELAXED) == TASKS)
        __atomic_store_n(&run.parked_at, mr_now(), __ATOMIC_RELEASE);
    int64_t rc = mr_sleep_until(run.deadline);
    if (__atomic_add_fetch(&run.ended, 1, __ATOMIC_RELAXED) == TASKS)
        run.resumed_at = mr_now();
    return rc;
}

static int64_t resident(void)
{
    long total, pages;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &total, &pages) != 2)
        abort();
    fclose(f);
    return pages * sysconf(_SC_PAGESIZE);
}

/* Nanoseconds in all until they have parked; below 0: not in time. */
static int64_t measure(void)
{
    mr_runtime *rt;
    if (mr_start(&rt, NULL) < 0)
        abort();
    int64_t before = resident(), begin = mr_now();
    run.deadline = mr_after(SECONDS * MR_S);
    run.begun = run.ended = run.parked_at = 0;
    for (int i = 0; i < TASKS; i++)
        if (mr_submit(rt, sleeper, NULL, 0) < 0)
            abort();
    while (!__atomic_load_n(&run.parked_at, __ATOMIC_ACQUIRE))
        mr_sleep(MR_MS);
    /* The last one is on its way. */
    mr_sleep(10 * MR_MS);
    run.bytes = (double)(resident() - before) / TASKS;
    if (mr_stop(rt, MR_NEVER) < 0 || run.ended != TASKS)
        abort();
    return run.parked_at > run.deadline ? -1 : run.parked_at - begin;
}

static double parks(uint64_t n)
{
    return (double)measure() / (double)n;
}

static double resumes(uint64_t n)
{
    if (measure() < 0)
        return -1;
    return (double)(run.resumed_at - run.deadline) / (double)n;
}

static double memory(uint64_t n)
{
    (void)n;
    return measure() < 0 ? -1 : run.bytes;
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"submitted, started, parked", TASKS, parks},
        {"all woken at one time, ended", TASKS, resumes},
        {"resident bytes, not ns, while parked", TASKS, memory},
    };
    return bench_main(argc, argv, "parked: a million tasks that sleep", cases,
                      sizeof cases / sizeof *cases);
}
