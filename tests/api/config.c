/* mr_config: what it promises beyond what a start refuses (runtime.c). */
#define _GNU_SOURCE
#include <millrace.h>

#include "slow.h"
#include "test.h"

#include <sched.h>

/* ---- Pinned ------------------------------------------------------------- */

/* Workers that are all in a task at the same time: how many CPUs each may run
 * on, and a bit for each of those. */
struct meeting {
    int workers, here, wide;
    uint64_t cpus[CPU_SETSIZE / 64];
};

static int64_t meets(void *arg)
{
    struct meeting *m = *(struct meeting **)arg;
    cpu_set_t set;
    EXPECT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &set))
            __atomic_fetch_or(&m->cpus[cpu / 64], UINT64_C(1) << cpu % 64,
                              __ATOMIC_RELAXED);
    if (CPU_COUNT(&set) > 1)
        __atomic_fetch_add(&m->wide, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&m->here, 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&m->here, __ATOMIC_ACQUIRE) < m->workers)
        continue;
    return 0;
}

static int all_cpus(const struct meeting *m)
{
    int n = 0;
    for (size_t i = 0; i < sizeof m->cpus / sizeof *m->cpus; i++)
        n += __builtin_popcountll(m->cpus[i]);
    return n;
}

/* False: a spare, which is not pinned, was quicker than a worker. */
static bool meet(struct meeting *m, unsigned pin)
{
    mr_config config = {.size = sizeof config, .pin = pin};
    mr_counters c = {.size = sizeof c};
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, &config), 0);
    *m = (struct meeting){.workers = (int)mr_workers(rt)};
    for (int i = 0; i < m->workers; i++)
        EXPECT_EQ(mr_submit(rt, meets, &m, sizeof m), 0);
    while (__atomic_load_n(&m->here, __ATOMIC_ACQUIRE) < m->workers)
        sched_yield();
    EXPECT_EQ(mr_stats(rt, MR_ALL_WORKERS, &c), 0);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    return c.spares == 0;
}

TEST(config, pinned_workers_have_a_cpu_each)
{
    struct meeting m;
    bool met = false;
    for (int i = 0; i < 100 && !met; i++)
        met = meet(&m, 1);
    if (!met)
        SKIP("the workers never run at the same time here");
    EXPECT_EQ(m.wide, 0);
    EXPECT_EQ(all_cpus(&m), m.workers);
}

/* ---- Memory ------------------------------------------------------------- */

static int64_t allocations;

static void *counted(void *context, size_t size, size_t align)
{
    (void)context;
    __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
    return aligned_alloc(align, (size + align - 1) & ~(align - 1));
}

static void released(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    free(memory);
}

MR_FORKABLE(int64_t, typed_fib, int64_t, n)
{
    if (n < 2)
        return n;
    MR_CHILD(typed_fib, other);
    MR_SPAWN(typed_fib, other, n - 1);
    int64_t sum = MR_CALL(typed_fib, n - 2);
    return sum + MR_AWAIT(typed_fib, other);
}

static int64_t fib(void *arg)
{
    int64_t n = *(int64_t *)arg, one = n - 1, two = n - 2;
    mr_task other;
    if (n < 2)
        return n;
    mr_spawn(&other, fib, &one);
    int64_t sum = fib(&two);
    return sum + mr_await(&other);
}

static int64_t waits(void *arg)
{
    mr_yield();
    return mr_sleep(*(int64_t *)arg);
}

/* More than a strand has slots. */
enum { MANY = 5000, SOME = 100 };

static void spawn_many(void)
{
    static mr_task task[MANY];
    int64_t ns = 1000;
    for (int i = 0; i < MANY; i++)
        mr_spawn(&task[i], waits, &ns);
    for (int i = 0; i < MANY; i++)
        EXPECT_EQ(mr_await(&task[i]), 0);
}

static void spawn_in_a_scope(void)
{
    mr_task task[SOME];
    mr_scope scope;
    int64_t never = MR_NEVER;
    mr_scope_open(&scope, mr_after(MR_MS));
    for (int i = 0; i < SOME; i++)
        mr_scope_spawn(&scope, &task[i], waits, &never);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
}

static int64_t does_all(void *arg)
{
    int64_t n = 15, before = __atomic_load_n(&allocations, __ATOMIC_RELAXED);
    (void)arg;
    EXPECT_EQ(fib(&n), 610);
    EXPECT_EQ(typed_fib(15), 610);
    spawn_many();
    spawn_in_a_scope();
    return __atomic_load_n(&allocations, __ATOMIC_RELAXED) - before;
}

TEST(config, to_spawn_to_await_and_to_wait_allocates_nothing)
{
    mr_config config = {.size = sizeof config,
                        .workers = 2,
                        .allocate = counted,
                        .release = released};
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, &config), 0);
    EXPECT(allocations > 0);
    EXPECT_EQ(mr_run(rt, does_all, NULL), 0);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}
