/* What having nothing to do costs: the processor time of the whole process
 * while a runtime of 8 workers idles, which has just run a burst of tasks from
 * outside, each of which spawned some. From the moment the last of them ended,
 * so that the search and the way to sleep are in it, the monitor's too; and
 * from a little later, when all should sleep. Beside it 8 threads that sleep in
 * futex(2). The thread that measures sleeps as well; going to sleep and waking
 * once is its part, in each case.
 *
 *     bench_idle [--seconds N] [--json] [--rounds N] [--only TEXT]
 *
 * The unit is nanoseconds of processor time in all of N seconds, 1 unless
 * told otherwise. */
#include <millrace.h>

#include "base/atomic.h"
#include "bench.h"
#include "os/futex.h"
#include "os/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WORKERS = 8, TASKS = 2000, CHILDREN = 8, LATER = 100000000 /* ns */ };

/* Of all threads; the clock's own calls are in it. */
static int64_t used(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t used_in(uint64_t seconds)
{
    struct timespec left = {.tv_sec = (time_t)seconds};
    int64_t before = used();
    while (nanosleep(&left, &left) < 0)
        continue;
    return used() - before;
}

/* ---- A runtime ---------------------------------------------------------- */

static mri_atomic_u32 tasks_left;

static int64_t child(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++)
        mri_pause();
    return 0;
}

static int64_t parent(void *arg)
{
    mr_task children[CHILDREN];
    (void)arg;
    for (int i = 0; i < CHILDREN; i++)
        mr_spawn(&children[i], child, NULL);
    for (int i = CHILDREN; i-- > 0;)
        if (mr_await(&children[i]) < 0)
            abort();
    if (mri_sub_acq_rel(&tasks_left, 1) == 1)
        mri_futex_wake(&tasks_left, 1);
    return 0;
}

static void burst(mr_runtime *rt)
{
    mri_store_relaxed(&tasks_left, TASKS);
    for (int i = 0; i < TASKS; i++)
        if (mr_submit(rt, parent, NULL, 0) < 0)
            abort();
    for (uint32_t left; (left = mri_load_acquire(&tasks_left)) > 0;)
        bench_keep(mri_futex_wait(&tasks_left, left, MRI_NEVER));
}

static int64_t idle(uint64_t seconds, int64_t later)
{
    mr_config config = {.size = sizeof config, .workers = WORKERS};
    mr_runtime *rt;
    if (mr_start(&rt, &config) < 0)
        abort();
    burst(rt);
    if (later > 0)
        mr_sleep(later);
    int64_t ns = used_in(seconds);
    if (mr_stop(rt, MR_NEVER) < 0)
        abort();
    return ns;
}

static double idle_at_once(uint64_t seconds)
{
    return (double)idle(seconds, 0);
}

static double idle_later(uint64_t seconds)
{
    return (double)idle(seconds, LATER);
}

/* ---- Bare threads ------------------------------------------------------- */

static mri_atomic_u32 bell;

static void sleep_on_bell(void *arg)
{
    (void)arg;
    while (!mri_load_acquire(&bell))
        bench_keep(mri_futex_wait(&bell, 0, MRI_NEVER));
}

static double asleep(uint64_t seconds)
{
    mri_thread thread[WORKERS];
    mri_store_relaxed(&bell, 0);
    for (int i = 0; i < WORKERS; i++)
        if (mri_thread_start(&thread[i], "bare", sleep_on_bell, NULL, 0) < 0)
            abort();
    mr_sleep(LATER);
    int64_t ns = used_in(seconds);
    mri_store_release(&bell, 1);
    mri_futex_wake(&bell, WORKERS);
    for (int i = 0; i < WORKERS; i++)
        mri_thread_join(&thread[i]);
    return (double)ns;
}

/* The option is taken out of the arguments; 0: there is no such number. */
static uint64_t take_seconds(int *argc, char **argv)
{
    for (int i = 1; i + 1 < *argc; i++) {
        if (strcmp(argv[i], "--seconds") != 0)
            continue;
        int seconds = atoi(argv[i + 1]);
        memmove(&argv[i], &argv[i + 2],
                (size_t)(*argc - i - 1) * sizeof argv[0]);
        *argc -= 2;
        return seconds > 0 ? (uint64_t)seconds : 0;
    }
    return 1;
}

int main(int argc, char **argv)
{
    uint64_t seconds = take_seconds(&argc, argv);
    if (seconds == 0) {
        fprintf(stderr, "%s: --seconds wants a number above 0\n", argv[0]);
        return 2;
    }
    const struct bench_case cases[] = {
        {"8 workers, from the burst's end", seconds, idle_at_once},
        {"8 workers, from 100 ms later", seconds, idle_later},
        {"8 threads asleep on a futex", seconds, asleep},
    };
    return bench_main(argc, argv, "idle: CPU time in all of the seconds", cases,
                      MRI_ARRAY_LEN(cases));
}
