/* What a strand's address space costs: from a cache, from the lists, fresh,
 * dropped and touched again. */
#include "parts/strand_pool.h"
#include "bench.h"
#include "parts/slab.h"

#include <stdlib.h>

static mri_strand_pool pool;
static mri_strand_cache cache;

static int open_pool(mri_guard guard, uint32_t keep)
{
    mri_strand_config config = {
        .keep = keep, .force_guard = true, .guard = guard};
    cache.count = 0;
    return mri_guard_probe() < guard ? -1
                                     : mri_strand_pool_open(&pool, &config);
}

static double close_pool(int64_t start, uint64_t n)
{
    double ns = (double)(bench_ran() - start) / (double)n;
    return mri_strand_pool_close(&pool) < 0 ? -1 : ns;
}

static uint32_t get(void)
{
    int64_t i = mri_strand_get(&pool, &cache);
    if (i < 0)
        abort();
    return (uint32_t)i;
}

static void touch(uint32_t i)
{
    *(volatile char *)(mri_strand_stack(&pool, i) + pool.stack_size - 64) = 1;
}

static double get_put(uint64_t n)
{
    if (open_pool(MRI_GUARD_NONE, 64) < 0)
        return -1;
    mri_strand_put(&pool, &cache, get());
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i++) {
        uint32_t strand = get();
        bench_keep(strand);
        mri_strand_put(&pool, &cache, strand);
    }
    return close_pool(start, n);
}

static double get_put_touched(uint64_t n)
{
    if (open_pool(MRI_GUARD_NONE, 64) < 0)
        return -1;
    mri_strand_put(&pool, &cache, get());
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i++) {
        uint32_t strand = get();
        touch(strand);
        mri_strand_put(&pool, &cache, strand);
    }
    return close_pool(start, n);
}

/* 64 out, 64 back: half of them go through the shared lists. */
static double bursts(uint64_t n)
{
    enum { BURST = 64 };
    uint32_t held[BURST];
    if (open_pool(MRI_GUARD_NONE, 128) < 0)
        return -1;
    int64_t start = 0;
    for (uint64_t i = 0; i <= n / BURST; i++) {
        if (i == 1)
            start = bench_ran();
        for (int b = 0; b < BURST; b++)
            held[b] = get();
        for (int b = 0; b < BURST; b++)
            mri_strand_put(&pool, &cache, held[b]);
    }
    return close_pool(start, n / BURST * BURST);
}

static double fresh(uint64_t n, mri_guard guard)
{
    if (open_pool(guard, 64) < 0)
        return -1;
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i++)
        touch(get());
    return close_pool(start, n);
}

static double fresh_madvise(uint64_t n)
{
    return fresh(n, MRI_GUARD_MADVISE);
}

static double fresh_mprotect(uint64_t n)
{
    return fresh(n, MRI_GUARD_MPROTECT);
}

static double fresh_canary(uint64_t n)
{
    return fresh(n, MRI_GUARD_NONE);
}

static void give_all_back(void)
{
    while (mri_strand_give_back(&pool, UINT32_MAX) > 0)
        continue;
}

/* n strands with one touched page each are put, none is kept. */
static double drops_with(uint64_t n, bool slots)
{
    if (open_pool(MRI_GUARD_NONE, 1) < 0)
        return -1;
    pool.drop_slots = slots;
    for (uint64_t i = 0; i < n; i++)
        touch(get());
    cache.count = 0;
    int64_t start = bench_ran();
    for (uint32_t i = 0; i < n; i++)
        mri_strand_put(&pool, &cache, i);
    mri_strand_flush(&pool, &cache);
    give_all_back();
    return close_pool(start, n);
}

static double drops(uint64_t n)
{
    return drops_with(n, false);
}

static double drops_of_neighbours(uint64_t n)
{
    return drops_with(n, true);
}

static double touch_after_drop(uint64_t n)
{
    if (open_pool(MRI_GUARD_NONE, 1) < 0)
        return -1;
    for (uint64_t i = 0; i < n; i++)
        touch(get());
    cache.count = 0;
    for (uint32_t i = 0; i < n; i++)
        mri_strand_put(&pool, &cache, i);
    mri_strand_flush(&pool, &cache);
    give_all_back();
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i++)
        touch(get());
    return close_pool(start, n);
}

static double canary(uint64_t n)
{
    if (open_pool(MRI_GUARD_NONE, 64) < 0)
        return -1;
    uint32_t i = get();
    int64_t start = bench_ran();
    for (uint64_t k = 0; k < n; k++)
        bench_keep(mri_strand_canary_ok(&pool, i));
    return close_pool(start, n);
}

static double slab_get_put(uint64_t n)
{
    mri_slab slab;
    uint64_t live;
    void *block = NULL;
    if (mri_slab_open(&slab, 64, 0) < 0)
        return -1;
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i++) {
        if (mri_slab_get(&slab, &block) < 0)
            return -1;
        bench_keep(block);
        mri_slab_put(&slab, block);
    }
    double ns = (double)(bench_ran() - start) / (double)n;
    return mri_slab_close(&slab, &live) < 0 ? -1 : ns;
}

static double slab_get_put_remote(uint64_t n)
{
    mri_slab slab;
    uint64_t live;
    void *block = NULL;
    if (mri_slab_open(&slab, 64, 0) < 0)
        return -1;
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i++) {
        if (mri_slab_get(&slab, &block) < 0)
            return -1;
        mri_slab_put_remote(&slab, block);
    }
    double ns = (double)(bench_ran() - start) / (double)n;
    return mri_slab_close(&slab, &live) < 0 ? -1 : ns;
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"strand get + put, cache", 200000, get_put},
        {"strand get + touch + put, cache", 200000, get_put_touched},
        {"strand get + put, bursts of 64", 64000, bursts},
        {"fresh strand, madvise guards", 1024, fresh_madvise},
        {"fresh strand, mprotect guard", 1024, fresh_mprotect},
        {"fresh strand, canary", 1024, fresh_canary},
        {"put + giving a page back", 1024, drops},
        {"put + giving back, neighbours", 1024, drops_of_neighbours},
        {"get + touch of a cold strand", 1024, touch_after_drop},
        {"canary check", 200000, canary},
        {"slab get + put", 200000, slab_get_put},
        {"slab get + put from afar", 200000, slab_get_put_remote},
    };
    return bench_main(argc, argv, "strand_pool", cases, MRI_ARRAY_LEN(cases));
}
