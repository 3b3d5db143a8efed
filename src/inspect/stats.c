/* mr_stats: what workers count on their slow paths, and how much of the stacks
 * was used, which nobody counts: the system is asked which pages it had to
 * give. */
#include <millrace/inspect.h>

#include "os/pages.h"
#include "sched/runtime.h"
#include <millrace/error.h>

#include <string.h>

/* Each counter is its worker's; relaxed: no two are of one moment. */
#define ADD(to, from, what) ((to)->what += mri_load_relaxed(&(from)->what))

static void add_worker(mr_counters *out, const mri_worker_stats *s)
{
    ADD(out, s, jobs);
    ADD(out, s, resumes);
    ADD(out, s, steals);
    ADD(out, s, tokens);
    ADD(out, s, robberies);
    ADD(out, s, publishes);
    ADD(out, s, forces);
    ADD(out, s, parks);
    ADD(out, s, yields);
    ADD(out, s, searches);
    ADD(out, s, sleeps);
    ADD(out, s, wakes);
}

/* How many stacks one call looks at: a few milliseconds. */
enum { LOOKS = 4096 };

/* The deepest use that was seen so far, or now. Where there are too many for
 * one call, the next goes on where this one ended. */
static uint64_t deepest_stack(mr_runtime *rt, uint32_t strands)
{
    uint64_t before = mri_load_relaxed(&rt->stack_most), most = before;
    uint32_t from = mri_load_relaxed(&rt->stack_next), i = 0;
    size_t size = rt->pool.stack_size;
    for (; i < strands && i < LOOKS && most < size; i++) {
        char *stack = mri_strand_stack(&rt->pool, (from + i) % strands);
        int64_t more = mri_pages_used(stack, size - most);
        if (more > 0)
            most += (uint64_t)more;
    }
    mri_store_relaxed(&rt->stack_next, strands ? (from + i) % strands : 0);
    /* Relaxed, both: the number is all there is. */
    while (before < most &&
           !mri_cas_weak_relaxed(&rt->stack_most, &before, most))
        continue;
    return most > before ? most : before;
}

static void add_runtime(mr_counters *out, mr_runtime *rt)
{
    mri_strand_stats pool;
    /* A strand is taken by one worker and given back by another: each alone
     * counts modulo 2^64, and a sum of several moments may be below 0. */
    int64_t strands = 0;
    uint32_t seats = mri_seats(rt);
    for (uint32_t i = 0; i < seats; i++)
        strands += (int64_t)mri_load_relaxed(&rt->worker[i].stats.strands);
    mri_strand_pool_stats(&rt->pool, &pool);
    out->strands = strands > 0 ? (uint64_t)strands : 0;
    out->spares = mri_load_relaxed(&rt->monitor.joins);
    out->strands_most = pool.fresh;
    out->stack_size = rt->pool.stack_size;
    out->stack_most = deepest_stack(rt, pool.fresh);
}

int mr_stats(mr_runtime *rt, unsigned worker, mr_counters *out)
{
    mr_counters all = {.size = sizeof all};
    if (out->size < sizeof out->size ||
        (worker >= rt->workers && worker != MR_ALL_WORKERS))
        return MR_EINVAL;
    if (!mri_runtime_is_here(rt))
        return MR_EPERM;
    uint32_t seats = mri_seats(rt);
    for (uint32_t i = 0; i < seats; i++)
        if (worker == i || worker == MR_ALL_WORKERS)
            add_worker(&all, &rt->worker[i].stats);
    if (worker == MR_ALL_WORKERS)
        add_runtime(&all, rt);
    if (out->size < all.size)
        all.size = out->size;
    memcpy(out, &all, all.size);
    return 0;
}
