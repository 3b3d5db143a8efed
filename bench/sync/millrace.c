/* A mutex that nobody else wants, beside the pair of compare-and-swaps that it
 * cannot do without, and pthread's; and one for which eight tasks contend on
 * two workers, beside Tokio's and Go's: each in turn.
 *
 * Contended, each of the eight takes it n/8 times, and computes for a while
 * with it, and for a while without: a number of steps of a generator, some
 * nanosecond each. What is told is the time that goes by for each time that it
 * was taken. */
#define _GNU_SOURCE
#include <millrace.h>

#include "base/atomic.h"
#include "bench.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { TASKS = 8, WORKERS = 2 };

static void must(int64_t rc)
{
    if (rc < 0)
        abort();
}

/* ---- Alone -------------------------------------------------------------- */

static double pair(uint64_t n)
{
    mri_atomic_u64 word;
    mri_init(&word, 0);
    int64_t begun = bench_ran();
    for (uint64_t i = 0; i < n; i++) {
        uint64_t none = 0, one = 1;
        (void)!mri_cas_acquire(&word, &none, 1);
        (void)!mri_cas_release(&word, &one, 0);
    }
    return (double)(bench_ran() - begun) / (double)n;
}

static double pthreads(uint64_t n)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    int64_t begun = bench_ran();
    for (uint64_t i = 0; i < n; i++) {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    }
    return (double)(bench_ran() - begun) / (double)n;
}

static double alone(uint64_t n)
{
    mr_mutex mutex = MR_MUTEX_INIT;
    int64_t begun = bench_ran();
    for (uint64_t i = 0; i < n; i++) {
        must(mr_mutex_lock(&mutex));
        must(mr_mutex_unlock(&mutex));
    }
    return (double)(bench_ran() - begun) / (double)n;
}

static double readers(uint64_t n)
{
    mr_rwlock lock = MR_RWLOCK_INIT;
    int64_t begun = bench_ran();
    for (uint64_t i = 0; i < n; i++) {
        must(mr_rwlock_read(&lock));
        must(mr_rwlock_unlock(&lock));
    }
    return (double)(bench_ran() - begun) / (double)n;
}

static double units(uint64_t n)
{
    mr_semaphore semaphore = MR_SEMAPHORE_INIT(1);
    int64_t begun = bench_ran();
    for (uint64_t i = 0; i < n; i++) {
        must(mr_semaphore_acquire(&semaphore, 1));
        must(mr_semaphore_release(&semaphore, 1));
    }
    return (double)(bench_ran() - begun) / (double)n;
}

/* ---- The same in a task ------------------------------------------------- */

struct call {
    double (*run)(uint64_t n);
    uint64_t n;
    double took;
};

static int64_t call(void *arg)
{
    struct call *c = arg;
    c->took = c->run(c->n);
    return 0;
}

static double in_task(double (*run)(uint64_t), uint64_t n)
{
    mr_config config = {.size = sizeof config, .workers = 1};
    struct call c = {run, n, -1};
    must(mr_main(&config, call, &c));
    return c.took;
}

static double alone_in_task(uint64_t n)
{
    return in_task(alone, n);
}

static double readers_in_task(uint64_t n)
{
    return in_task(readers, n);
}

static double units_in_task(uint64_t n)
{
    return in_task(units, n);
}

/* ---- Contended ---------------------------------------------------------- */

struct crowd {
    mr_mutex mutex;
    uint64_t each;
    int with, without;
    uint64_t shared; /* under the mutex */
};

static uint64_t compute(uint64_t seed, int steps)
{
    for (int i = 0; i < steps; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
    }
    return seed;
}

static int64_t contends(void *arg)
{
    struct crowd *c = arg;
    uint64_t own = 88172645463325252;
    for (uint64_t i = 0; i < c->each; i++) {
        must(mr_mutex_lock(&c->mutex));
        c->shared = compute(c->shared, c->with);
        must(mr_mutex_unlock(&c->mutex));
        own = compute(own, c->without);
    }
    bench_keep(own);
    return 0;
}

static int64_t all_contend(void *arg)
{
    mr_scope scope;
    mr_task task[TASKS];
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < TASKS; i++)
        mr_scope_spawn(&scope, &task[i], contends, arg);
    return mr_scope_close(&scope);
}

static double crowd(uint64_t n, int with, int without)
{
    mr_config config = {.size = sizeof config, .workers = WORKERS};
    struct crowd c = {MR_MUTEX_INIT, n / TASKS, with, without, 1};
    int64_t begun = bench_now();
    must(mr_main(&config, all_contend, &c));
    return (double)(bench_now() - begun) / (double)n;
}

static double peer(const char *program, uint64_t n, int with, int without)
{
    char command[4096];
    double took = -1;
    snprintf(command, sizeof command, "%s %d %d %llu %d %d 2>&1", program,
             WORKERS, TASKS, (unsigned long long)n, with, without);
    FILE *out = popen(command, "r");
    if (!out)
        return -1;
    if (fscanf(out, "%lf", &took) != 1)
        took = -1;
    return pclose(out) == 0 ? took : -1;
}

#define CASES(with, without)                                                   \
    static double crowd_##with##_##without(uint64_t n)                         \
    {                                                                          \
        return crowd(n, with, without);                                        \
    }                                                                          \
    static double tokio_##with##_##without(uint64_t n)                         \
    {                                                                          \
        return peer(BENCH_TOKIO, n, with, without);                            \
    }                                                                          \
    static double go_##with##_##without(uint64_t n)                            \
    {                                                                          \
        return peer(BENCH_GO, n, with, without);                               \
    }

CASES(1, 0)
CASES(50, 50)
CASES(50, 350)

#define ROWS(with, without)                                                    \
    {#with " with, " #without " without, Millrace", 400000,                    \
     crowd_##with##_##without},                                                \
        {#with " with, " #without " without, Tokio", 400000,                   \
         tokio_##with##_##without},                                            \
        {#with " with, " #without " without, Go", 400000,                      \
         go_##with##_##without},

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"a pair of compare-and-swaps", 10000000, pair},
        {"mutex, a thread", 10000000, alone},
        {"mutex, a task", 10000000, alone_in_task},
        {"pthread's mutex", 10000000, pthreads},
        {"rwlock, to read, a task", 10000000, readers_in_task},
        {"semaphore, a task", 10000000, units_in_task},
        ROWS(1, 0) ROWS(50, 50) ROWS(50, 350)};
    return bench_main(argc, argv, "to lock and unlock", cases,
                      sizeof cases / sizeof cases[0]);
}
