/* The strand deque as a typed fork-join layer uses it: strand and first unused
 * slot are arguments, the await of a child that nobody took is a direct call.
 * fib, one spawn and one await for each addition, beside the plain calls and
 * beside a deque that nobody may steal from (the stores and the two branches
 * without which there is no work stealing at all: what the rest costs is the
 * difference); and how fast children are stolen by one and by two thieves (a
 * second has 1e9 / ns steals). */
#include "parts/strand_deque.h"
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { SLOTS = 256, WORKERS = 3, FIB = 27 };

static mri_barrier barrier;
static struct worker {
    mri_deque deque;
    uint64_t rng;
    mri_slot slots[SLOTS];
} workers[WORKERS];
static unsigned working;
static mri_atomic_u32 stop;

/* ---- Plain -------------------------------------------------------------- */

static int64_t plain(int64_t n)
{
    if (n < 2)
        return n;
    int64_t b = plain(n - 2);
    return plain(n - 1) + b;
}

/* ---- The least there could be ------------------------------------------- */

static MRI_SLOT_FN void bare_run(mri_deque *d, mri_slot *head, mri_slot *slot);

static MRI_NOINLINE void bare_publish(mri_deque *d)
{
    mri_store_relaxed(&d->want, 0);
}

static MRI_NOINLINE void bare_wait(mri_deque *d)
{
    mri_store_relaxed(&d->floor, d->slots);
}

static int64_t bare(mri_deque *d, mri_slot *head, int64_t n)
{
    if (n < 2)
        return n;
    head->value[0] = n - 1;
    head->context = d->context;
    mri_store_relaxed(&d->head, head + 1);
    mri_store_release(&head->fn, (uintptr_t)bare_run);
    if (mri_unlikely(mri_load_relaxed(&d->want)))
        bare_publish(d);
    int64_t b = bare(d, head + 1, n - 2);
    mri_store_relaxed(&head->fn, (uintptr_t)bare_run + 1);
    mri_light_fence();
    if (mri_likely(head >= mri_load_relaxed(&d->floor)))
        return bare(d, head, head->value[0]) + b;
    bare_wait(d);
    return head->value[0] + b;
}

static void bare_run(mri_deque *d, mri_slot *head, mri_slot *slot)
{
    slot->value[0] = bare(d, head, slot->value[0]);
}

/* ---- Typed -------------------------------------------------------------- */

static MRI_SLOT_FN void fib_run(mri_deque *d, mri_slot *head, mri_slot *slot);

/* Without a slot the caller makes do. */
static MRI_COLD int64_t without_slot(int64_t n)
{
    return plain(n);
}

static bool steal_from(struct worker *me, mri_slot *head, struct worker *victim)
{
    mri_slot *slot = mri_deque_steal(&victim->deque);
    if (!slot) {
        mri_deque_hunger(&victim->deque);
        return false;
    }
    mri_slot_function(slot)(&me->deque, head, slot);
    mri_store_release(&slot->done, 1);
    return true;
}

static void help(mri_deque *d, mri_slot *head)
{
    struct worker *me = mri_container_of(d, struct worker, deque);
    me->rng ^= me->rng << 13;
    me->rng ^= me->rng >> 7;
    me->rng ^= me->rng << 17;
    struct worker *victim = &workers[me->rng % working];
    if (victim == me || !steal_from(me, head, victim))
        mri_pause();
}

/* A worker would leave this strand and run others; here it helps on top. */
static MRI_COLD void wait_taken(mri_deque *d, mri_slot *slot, mri_slot *head)
{
    while (!mri_load_acquire(&slot->done))
        help(d, head);
    mri_deque_settle(d, slot, head);
}

static int64_t fib(mri_deque *d, mri_slot *head, int64_t n)
{
    if (n < 2)
        return n;
    if (mri_unlikely(!mri_deque_has_room(d, head)))
        return without_slot(n);
    head->value[0] = n - 1;
    mri_deque_spawn(d, head, fib_run);
    int64_t b = fib(d, head + 1, n - 2);
    mri_verdict verdict = mri_deque_await(d, head, head + 1, fib_run);
    if (mri_likely(verdict == MRI_MINE))
        return fib(d, head, head->value[0]) + b;
    if (verdict == MRI_TAKEN)
        wait_taken(d, head, head + 1);
    return head->value[0] + b;
}

static void fib_run(mri_deque *d, mri_slot *head, mri_slot *slot)
{
    slot->value[0] = fib(d, head, slot->value[0]);
}

/* ---- Running them ------------------------------------------------------- */

/* fib(FIB) makes as many additions as spawns: fib(FIB + 1) - 1. */
static double spawns(void)
{
    return (double)(plain(FIB + 1) - 1);
}

static void open(unsigned count, bool membarrier)
{
    mri_barrier none = {.membarrier = false};
    mri_barrier_open(&barrier);
    working = count;
    mri_init(&stop, 0);
    for (unsigned i = 0; i < count; i++) {
        struct worker *w = &workers[i];
        for (unsigned j = 0; j < SLOTS; j++)
            mri_init(&w->slots[j].fn, 0);
        mri_deque_map(&w->deque, w->slots, SLOTS,
                      membarrier ? &barrier : &none);
        w->rng = 88172645463325252u + 7919u * i;
    }
}

static void check(int64_t result)
{
    if (result != plain(FIB) || !mri_deque_is_idle(&workers[0].deque))
        abort();
}

static double plain_calls(uint64_t n)
{
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i++)
        bench_keep(plain(FIB));
    return (double)(bench_ran() - start) / (double)n / spawns();
}

static double bare_1(uint64_t n)
{
    open(1, true);
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i++)
        if (bare(&workers[0].deque, workers[0].slots, FIB) != 196418)
            abort();
    return (double)(bench_ran() - start) / (double)n / spawns();
}

static double typed_alone(uint64_t n, bool membarrier)
{
    open(1, membarrier);
    mri_deque *d = &workers[0].deque;
    int64_t result = 0, start = bench_ran();
    for (uint64_t i = 0; i < n; i++)
        result = fib(d, d->slots, FIB);
    double ns = (double)(bench_ran() - start) / (double)n / spawns();
    check(result);
    return ns;
}

static double typed_1(uint64_t n)
{
    return typed_alone(n, true);
}

static double typed_1_locked(uint64_t n)
{
    return typed_alone(n, false);
}

static void *work(void *arg)
{
    struct worker *me = arg;
    while (!mri_load_relaxed(&stop))
        help(&me->deque, me->slots);
    return NULL;
}

static double typed_2(uint64_t n)
{
    pthread_t thread;
    open(2, true);
    mri_deque *d = &workers[0].deque;
    if (pthread_create(&thread, NULL, work, &workers[1]) != 0)
        return -1;
    int64_t result = 0, start = bench_now();
    for (uint64_t i = 0; i < n; i++)
        result = fib(d, d->slots, FIB);
    double ns = (double)(bench_now() - start) / (double)n / spawns();
    mri_store_relaxed(&stop, 1);
    pthread_join(thread, NULL);
    check(result);
    return ns;
}

/* ---- Stealing ----------------------------------------------------------- */

static MRI_SLOT_FN void nothing(mri_deque *d, mri_slot *head, mri_slot *slot)
{
    (void)d;
    (void)head;
    slot->value[0]++;
}

/* Takes from the first worker and asks for more. */
static void *rob(void *arg)
{
    struct worker *me = arg;
    while (!mri_load_relaxed(&stop))
        if (!steal_from(me, me->slots, &workers[0]))
            sched_yield();
    return NULL;
}

/* The owner hands out its slots and waits until all are taken and done: a
 * strand that has parked. */
static double robbed(uint64_t n, unsigned thieves)
{
    pthread_t thread[WORKERS];
    open(thieves + 1, true);
    for (unsigned i = 0; i < thieves; i++)
        if (pthread_create(&thread[i], NULL, rob, &workers[i + 1]) != 0)
            abort();
    mri_deque *d = &workers[0].deque;
    int64_t start = bench_now();
    for (uint64_t i = 0; i < n; i += SLOTS) {
        for (unsigned j = 0; j < SLOTS; j++)
            mri_deque_spawn(d, &d->slots[j], nothing);
        mri_deque_park(d);
        for (unsigned j = SLOTS; j-- > 0;)
            while (!mri_load_acquire(&d->slots[j].done))
                sched_yield();
        mri_deque_resume(d);
        for (unsigned j = SLOTS; j-- > 0;) {
            mri_slot *slot = &d->slots[j];
            if (mri_deque_await(d, slot, slot + 1, nothing) != MRI_TAKEN)
                abort();
            mri_deque_settle(d, slot, slot + 1);
        }
    }
    double ns = (double)(bench_now() - start) / (double)n;
    mri_store_relaxed(&stop, 1);
    for (unsigned i = 0; i < thieves; i++)
        pthread_join(thread[i], NULL);
    return ns;
}

static double robbed_by_1(uint64_t n)
{
    return robbed(n, 1);
}

static double robbed_by_2(uint64_t n)
{
    return robbed(n, 2);
}

/* One thread hands out and steals: the calls' own cost. */
static double steal_own(uint64_t n)
{
    open(1, true);
    mri_deque *d = &workers[0].deque;
    int64_t ran = 0;
    for (uint64_t i = 0; i < n; i += SLOTS) {
        for (unsigned j = 0; j < SLOTS; j++)
            mri_deque_spawn(d, &d->slots[j], nothing);
        mri_deque_park(d);
        int64_t start = bench_ran();
        while (steal_from(&workers[0], NULL, &workers[0]))
            continue;
        ran += bench_ran() - start;
        mri_deque_resume(d);
        for (unsigned j = SLOTS; j-- > 0;) {
            mri_slot *slot = &d->slots[j];
            if (mri_deque_await(d, slot, slot + 1, nothing) != MRI_TAKEN)
                abort();
            mri_deque_settle(d, slot, slot + 1);
        }
    }
    return (double)ran / (double)n;
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"two plain calls", 8, plain_calls},
        {"spawn + await, the least there could be", 8, bare_1},
        {"spawn + await, 1 worker", 8, typed_1},
        {"spawn + await, 2 workers", 8, typed_2},
        {"spawn + await, 1 worker, without membarrier", 1, typed_1_locked},
        {"steal, one thread", 256 * SLOTS, steal_own},
        {"handed out, stolen, awaited, 1 thief", 256 * SLOTS, robbed_by_1},
        {"handed out, stolen, awaited, 2 thieves", 256 * SLOTS, robbed_by_2},
    };
    return bench_main(argc, argv, "strand_deque", cases, MRI_ARRAY_LEN(cases));
}
