/* Light tasks among heavy ones, by Millrace: as they come, with spare workers
 * (sched/monitor.h); or the heavy ones by mr_blocking. Beside it Tokio, which
 * is told of the heavy ones too, by spawn_blocking, or is not; and so each in
 * turn, whatever else the machine has to do. */
#define _GNU_SOURCE
#include <millrace.h>

#include "bench.h"
#include "hogs.h"

#include <stdio.h>
#include <stdlib.h>

static mr_runtime *runtime;

static int64_t light(void *arg)
{
    hogs_light(*(uint64_t *)arg);
    return 0;
}

static int64_t heavy(void *arg)
{
    (void)arg;
    hogs_heavy();
    return 0;
}

static int64_t heavy_elsewhere(void *arg)
{
    return mr_blocking(heavy, arg);
}

static void hand_in_with(uint64_t i, mr_fn fn)
{
    if (mr_submit(runtime, fn, &i, sizeof i) < 0)
        abort();
}

static void as_they_come(uint64_t i, int is_heavy)
{
    hand_in_with(i, is_heavy ? heavy : light);
}

static void told_apart(uint64_t i, int is_heavy)
{
    hand_in_with(i, is_heavy ? heavy_elsewhere : light);
}

/* The second number of a run is what the next case reports. */
static double p99;

static double last_p99(uint64_t n)
{
    (void)n;
    return p99;
}

static double run(double rate, uint64_t n, hogs_hand_in *hand_in)
{
    if (mr_start(&runtime, NULL) < 0)
        abort();
    hogs_run(rate, n, hand_in);
    if (mr_stop(runtime, MR_NEVER) < 0)
        abort();
    p99 = hogs_waited(0.99);
    return hogs_waited(0.5);
}

static double run_tokio(double rate, uint64_t n, const char *how)
{
    char command[4096];
    double p50 = -1;
    p99 = -1;
    snprintf(command, sizeof command, "%s %d %.0f %llu %s 2>&1", BENCH_TOKIO,
             mr_usable_cpus(), rate, (unsigned long long)n, how);
    FILE *out = popen(command, "r");
    if (!out)
        return -1;
    if (fscanf(out, "%lf %lf", &p50, &p99) != 2)
        p50 = p99 = -1;
    if (pclose(out) != 0)
        p50 = p99 = -1;
    return p50;
}

#define CASES(rate)                                                            \
    static double spares_##rate(uint64_t n)                                    \
    {                                                                          \
        return run(rate, n, as_they_come);                                     \
    }                                                                          \
    static double told_##rate(uint64_t n)                                      \
    {                                                                          \
        return run(rate, n, told_apart);                                       \
    }                                                                          \
    static double tokio_told_##rate(uint64_t n)                                \
    {                                                                          \
        return run_tokio(rate, n, "spawn_blocking");                           \
    }                                                                          \
    static double tokio_##rate(uint64_t n)                                     \
    {                                                                          \
        return run_tokio(rate, n, "spawn");                                    \
    }

CASES(1000)
CASES(2500)

#define ROWS(rate)                                                             \
    {#rate "/s, Millrace, p50", 3 * rate, spares_##rate},                      \
        {#rate "/s, Millrace, p99", 1, last_p99},                              \
        {#rate "/s, Millrace, mr_blocking, p50", 3 * rate, told_##rate},       \
        {#rate "/s, Millrace, mr_blocking, p99", 1, last_p99},                 \
        {#rate "/s, Tokio, spawn_blocking, p50", 3 * rate, tokio_told_##rate}, \
        {#rate "/s, Tokio, spawn_blocking, p99", 1, last_p99},                 \
        {#rate "/s, Tokio, p50", 3 * rate, tokio_##rate},                      \
        {#rate "/s, Tokio, p99", 1, last_p99},

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {ROWS(1000) ROWS(2500)};
    return bench_main(argc, argv, "how long light tasks wait among heavy ones",
                      cases, sizeof cases / sizeof cases[0]);
}
