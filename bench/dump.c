/* What it costs to look: mr_dump and mr_stats of a runtime with many tasks
 * that wait. Each figure is of one task.
 *
 *  dump      mr_dump, to /dev/null
 *  stats     mr_stats of all workers, the depth of 4096 stacks included
 *  worker    mr_stats of one worker; a call, however many tasks wait
 */
#include "sched/runtime.h"
#include <millrace.h>

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

enum { TASKS = 100000 };

static struct {
    mri_strand *strand;
    uint64_t count;
} waiting[TASKS];

static mr_runtime *rt;
static mri_atomic_u64 parked;

static int64_t parks(void *arg)
{
    mri_strand *s = mri_strand_self();
    int64_t i = *(int64_t *)arg;
    waiting[i].strand = s;
    waiting[i].count = mri_park_begin(&s->park);
    mri_add_release(&parked, 1);
    mri_strand_waits_for(s, "the end");
    mri_strand_park(s, waiting[i].count);
    return 0;
}

static void must(int rc)
{
    if (rc < 0)
        abort();
}

static void begin(void)
{
    must(mr_start(&rt, NULL));
    for (int64_t i = 0; i < TASKS; i++)
        must(mr_submit(rt, parks, &i, sizeof i));
    while (mri_load_acquire(&parked) < TASKS)
        mri_pause();
}

static void end(void)
{
    for (int i = 0; i < TASKS; i++)
        if (mri_park_complete(&waiting[i].strand->park, waiting[i].count) ==
            MRI_PARK_RESUME)
            mri_strand_ready(waiting[i].strand);
    must(mr_stop(rt, MR_NEVER));
}

static double dump(uint64_t n)
{
    FILE *null = fopen("/dev/null", "w");
    if (!null)
        return -1;
    int64_t from = bench_now();
    must(mr_dump(rt, null));
    int64_t took = bench_now() - from;
    fclose(null);
    return (double)took / (double)n;
}

static double stats(uint64_t n)
{
    mr_counters c = {.size = sizeof c};
    int64_t from = bench_now();
    must(mr_stats(rt, MR_ALL_WORKERS, &c));
    return (double)(bench_now() - from) / (double)n;
}

static double worker(uint64_t n)
{
    mr_counters c = {.size = sizeof c};
    int64_t from = bench_now();
    for (uint64_t i = 0; i < n; i++)
        must(mr_stats(rt, 0, &c));
    return (double)(bench_now() - from) / (double)n;
}

int main(int argc, char **argv)
{
    const struct bench_case cases[] = {
        {"dump", TASKS, dump},
        {"stats", TASKS, stats},
        {"worker", 10000, worker},
    };
    begin();
    int rc = bench_main(argc, argv, "looking at 100000 tasks that wait", cases,
                        sizeof cases / sizeof *cases);
    end();
    return rc;
}
