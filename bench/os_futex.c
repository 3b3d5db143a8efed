/* What going to sleep and being woken costs: a ball between two threads that
 * sleep on a word, through mri_futex and through the system call itself; and
 * the calls that find nothing to do. */
#include "bench.h"
#include "os/clock.h"
#include "os/futex.h"
#include "rally.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

struct table {
    MRI_ALIGNED(64) mri_atomic_u32 turn;
    int (*wait)(mri_atomic_u32 *word, uint32_t expected);
    int (*wake)(mri_atomic_u32 *word);
};

static int wait_ours(mri_atomic_u32 *word, uint32_t expected)
{
    return mri_futex_wait(word, expected, MRI_NEVER);
}

static int wake_ours(mri_atomic_u32 *word)
{
    return mri_futex_wake(word, 1);
}

static int wait_raw(mri_atomic_u32 *word, uint32_t expected)
{
    return (int)syscall(SYS_futex, &word->cell, FUTEX_WAIT_PRIVATE, expected,
                        NULL, NULL, 0);
}

static int wake_raw(mri_atomic_u32 *word)
{
    return (int)syscall(SYS_futex, &word->cell, FUTEX_WAKE_PRIVATE, 1, NULL,
                        NULL, 0);
}

static void await(void *table, uint32_t turn)
{
    struct table *t = table;
    uint32_t now;
    while ((now = mri_load_acquire(&t->turn)) != turn)
        t->wait(&t->turn, now);
}

static void serve(void *table, uint32_t turn)
{
    struct table *t = table;
    mri_store_release(&t->turn, turn);
    t->wake(&t->turn);
}

static const struct bench_players players = {await, serve};

static double round_trip_ours(uint64_t n)
{
    struct table t = {.wait = wait_ours, .wake = wake_ours};
    return bench_rally(&players, &t, n);
}

static double round_trip_raw(uint64_t n)
{
    struct table t = {.wait = wait_raw, .wake = wake_raw};
    return bench_rally(&players, &t, n);
}

static double wake_nobody(uint64_t n)
{
    mri_atomic_u32 word = {0};
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i++)
        bench_keep(mri_futex_wake(&word, 1));
    return (double)(bench_ran() - start) / (double)n;
}

static double wait_in_vain(uint64_t n)
{
    mri_atomic_u32 word = {0};
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i++)
        bench_keep(mri_futex_wait(&word, 1, MRI_NEVER));
    return (double)(bench_ran() - start) / (double)n;
}

static double read_clock(uint64_t n)
{
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i++)
        bench_keep(mri_clock_now());
    return (double)(bench_ran() - start) / (double)n;
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"round trip, mri_futex", 3000, round_trip_ours},
        {"round trip, system call", 3000, round_trip_raw},
        {"wake with nobody asleep", 20000, wake_nobody},
        {"wait on a changed word", 20000, wait_in_vain},
        {"mri_clock_now", 200000, read_clock},
    };
    return bench_main(argc, argv, "os_futex", cases, MRI_ARRAY_LEN(cases));
}
