/* What can be seen of a strand pool; nothing here changes it. See
 * strand_pool.h. */
#include "base/assert.h"
#include "parts/strand_pool.h"

#define CANARY_WORDS 8

/* Below: memory that fibers ran on, of which AddressSanitizer may still think
 * what it thought then. */
MRI_NO_ASAN static bool is_zero(const uint64_t *words, size_t count)
{
    uint64_t any = 0;
    for (size_t i = 0; i < count; i++)
        any |= words[i];
    return any == 0;
}

bool mri_strand_canary_intact(const mri_strand_pool *pool, uint32_t i)
{
    const uint64_t *end = (const void *)mri_strand_stack(pool, i);
    return is_zero(end - CANARY_WORDS, CANARY_WORDS);
}

size_t mri_strand_stack_used(const mri_strand_pool *pool, uint32_t i)
{
    const uint64_t *low = (const void *)mri_strand_stack(pool, i);
    size_t words = pool->stack_size / sizeof *low, unused = 0;
    while (unused < words && is_zero(low + unused, 1))
        unused++;
    return (words - unused) * sizeof *low;
}

static mri_strand_place place_at(const mri_strand_pool *pool, size_t offset)
{
    const size_t end[] = {
        pool->slots_size,
        pool->slots_size + pool->page,
        pool->slots_size + pool->page + pool->stack_size,
    };
    mri_strand_place place = MRI_STRAND_SLOTS;
    for (size_t i = 0; i < MRI_ARRAY_LEN(end) && offset >= end[i]; i++)
        place++;
    return place;
}

mri_strand_place mri_strand_find(const mri_strand_pool *pool, const void *addr,
                                 uint32_t *i)
{
    for (uint32_t c = 0; c < mri_strand_chunks(pool); c++) {
        /* Relaxed: the address of a strand is known where the strand is. */
        void *chunk = mri_load_relaxed(&pool->table[c]);
        if (!chunk)
            break;
        uintptr_t offset = (uintptr_t)addr - (uintptr_t)chunk;
        if (offset >= mri_strand_chunk_size(pool))
            continue;
        *i = (c << pool->chunk_shift) + (uint32_t)(offset / pool->stride);
        return place_at(pool, offset % pool->stride);
    }
    return MRI_STRAND_NOWHERE;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

void mri_strand_pool_stats(mri_strand_pool *pool, mri_strand_stats *stats)
{
    mri_lock_acquire(&pool->lock);
    uint32_t madvised = least(pool->mprotect_from, pool->fresh);
    /* Relaxed: written under the lock. */
    uint32_t guarded = least(mri_load_relaxed(&pool->canary_from), pool->fresh);
    *stats = (mri_strand_stats){
        .guard = pool->guard,
        .mapped = pool->mapped,
        .fresh = pool->fresh,
        .by_madvise = madvised,
        .by_mprotect = guarded - madvised,
        .by_canary = pool->fresh - guarded,
        .guard_refused = pool->guard_refused,
        .mappings = pool->mappings,
    };
    mri_lock_release(&pool->lock);
    stats->warm = mri_free_list_depth(&pool->warm, pool->links);
    stats->dirty = mri_free_list_depth(&pool->dirty, pool->links);
    stats->cold = mri_free_list_depth(&pool->cold, pool->links);
    /* Relaxed, both: each for itself. */
    stats->drops = mri_load_relaxed(&pool->drops);
    stats->drops_refused = mri_load_relaxed(&pool->drops_refused);
}

void mri_strand_pool_check(mri_strand_pool *pool)
{
    mri_require(pool->fresh <= pool->mapped && pool->mapped <= pool->most,
                "strands are taken from what is mapped");
    uint32_t warm = mri_free_list_check(&pool->warm, pool->links, pool->fresh);
    uint32_t cold = mri_free_list_check(&pool->cold, pool->links, pool->fresh);
    uint32_t dirty =
        mri_free_list_check(&pool->dirty, pool->links, pool->fresh);
    mri_require(warm + dirty + cold <= pool->fresh, "no strand is free twice");
    for (uint32_t c = 0; c < mri_strand_chunks(pool); c++)
        /* Relaxed: nobody else is here. */
        mri_require(!mri_load_relaxed(&pool->table[c]) ==
                        (c >= pool->mapped >> pool->chunk_shift),
                    "the chunks mapped are the first in the table");
}
