/* See strand_pool.h. */
#include "parts/strand_pool.h"

#include "base/assert.h"

#include <millrace/error.h>

enum {
    BATCH = MRI_STRAND_CACHE / 2,        /* between a cache and the lists */
    FRESH_BATCH = BATCH < 8 ? BATCH : 8, /* each costs two system calls */
    MPROTECT_COST = 2                    /* mappings: one splits into three */
};

/* ---- Open and close ------------------------------------------------------ */

static size_t round_up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

static void with_defaults(mri_strand_config *c)
{
    if (!c->most)
        c->most = UINT32_C(1) << 20;
    if (!c->chunk)
        c->chunk = 64;
    if (!c->keep)
        c->keep = 64;
    if (!c->most_dirty)
        c->most_dirty = UINT32_C(1) << 17;
    if (!c->slots_size)
        c->slots_size = (size_t)16 << 10;
    if (!c->stack_size)
        c->stack_size = (size_t)256 << 10;
    if (!c->control_size)
        c->control_size = MRI_CACHE_LINE;
}

/* Bounds that keep every product below within 64 bits. */
static bool is_sound(const mri_strand_config *c)
{
    const size_t most = (size_t)1 << 36;
    return (c->chunk & (c->chunk - 1)) == 0 && c->chunk <= 1 << 16 &&
           c->most <= MRI_FREE_LIST_MOST - c->chunk && c->slots_size <= most &&
           c->stack_size <= most && c->control_size <= 1 << 20 &&
           c->control_size % 8 == 0 && c->mappings >= 0;
}

static uint32_t log2_of(uint32_t power)
{
    return (uint32_t)__builtin_ctz(power);
}

static size_t table_size(const mri_strand_pool *pool)
{
    return round_up(mri_strand_chunks(pool) * sizeof *pool->table,
                    MRI_CACHE_LINE);
}

static size_t links_size(const mri_strand_pool *pool)
{
    return round_up(pool->most * sizeof *pool->links, MRI_CACHE_LINE);
}

/* Table, links and control words are one mapping, committed as touched. */
static size_t arrays_size(const mri_strand_pool *pool)
{
    return round_up(table_size(pool) + links_size(pool) +
                        pool->most * pool->control_size,
                    pool->page);
}

static void set_sizes(mri_strand_pool *pool, const mri_strand_config *c)
{
    pool->page = mri_page_size();
    pool->slots_size = round_up(c->slots_size, pool->page);
    pool->stack_size = round_up(c->stack_size, pool->page);
    pool->stride = pool->slots_size + pool->stack_size + 2 * pool->page;
    pool->control_size = c->control_size;
    pool->chunk_shift = log2_of(c->chunk);
    pool->most = (uint32_t)round_up(c->most, c->chunk);
    pool->keep = c->keep;
    pool->most_dirty = c->most_dirty;
    pool->drop_slots = c->drop_slots;
}

/* Where /proc does not tell, 16384 guards: what Linux grants by default, the
 * other half left alone as ever. */
static int64_t mappings_for_guards(const mri_strand_config *c)
{
    if (c->mappings > 0)
        return c->mappings;
    int64_t budget = mri_map_budget();
    return budget < 0 ? 32768 : budget / 2;
}

static void set_guard(mri_strand_pool *pool, const mri_strand_config *c)
{
    pool->guard = c->force_guard ? c->guard : mri_guard_probe();
    pool->guard_refused = 0;
    pool->mappings = 0;
    if (pool->guard != MRI_GUARD_NONE)
        pool->mappings = mappings_for_guards(c);
    pool->mprotect_from = pool->guard == MRI_GUARD_MADVISE ? UINT32_MAX : 0;
    mri_init(&pool->canary_from,
             pool->guard == MRI_GUARD_NONE ? 0 : UINT32_MAX);
}

int mri_strand_pool_open(mri_strand_pool *pool, const mri_strand_config *config)
{
    mri_strand_config c = *config;
    with_defaults(&c);
    if (!is_sound(&c))
        return MR_EINVAL;
    set_sizes(pool, &c);
    void *arrays = NULL;
    int rc = mri_pages_map(&arrays, arrays_size(pool));
    if (rc < 0)
        return rc;
    pool->table = arrays;
    pool->links = (void *)((char *)arrays + table_size(pool));
    pool->control = (char *)pool->links + links_size(pool);
    set_guard(pool, &c);
    mri_init(&pool->drops, 0);
    mri_init(&pool->drops_refused, 0);
    mri_init(&pool->least, 0);
    mri_free_list_open(&pool->warm);
    mri_free_list_open(&pool->dirty);
    mri_free_list_open(&pool->cold);
    mri_lock_init(&pool->lock);
    pool->fresh = pool->mapped = 0;
    return 0;
}

int mri_strand_pool_close(mri_strand_pool *pool)
{
    int first = 0;
    for (uint32_t c = 0; c < pool->mapped >> pool->chunk_shift; c++) {
        /* Relaxed, both: nobody else is here. */
        void *chunk = mri_load_relaxed(&pool->table[c]);
        int rc =
            chunk ? mri_pages_unmap(chunk, mri_strand_chunk_size(pool)) : 0;
        if (rc == 0)
            mri_store_relaxed(&pool->table[c], NULL);
        else if (first == 0)
            first = rc;
    }
    return first < 0 ? first : mri_pages_unmap(pool->table, arrays_size(pool));
}

/* ---- Fresh strands, under the lock --------------------------------------- */

static int grow(mri_strand_pool *pool)
{
    if (pool->mapped == pool->most)
        return MR_EAGAIN;
    void *chunk = NULL;
    int rc = mri_pages_map(&chunk, mri_strand_chunk_size(pool));
    if (rc < 0)
        return rc;
    /* Relaxed: see table in the header. */
    mri_store_relaxed(&pool->table[pool->mapped >> pool->chunk_shift], chunk);
    pool->mapped += UINT32_C(1) << pool->chunk_shift;
    return 0;
}

static int guard_by_madvise(mri_strand_pool *pool, uint32_t i)
{
    char *stack = mri_strand_stack(pool, i);
    int rc = mri_pages_guard(stack - pool->page, pool->page, MRI_GUARD_MADVISE);
    if (rc == 0)
        rc = mri_pages_guard(stack + pool->stack_size, pool->page,
                             MRI_GUARD_MADVISE);
    return rc;
}

static int guard_by_mprotect(mri_strand_pool *pool, uint32_t i)
{
    char *inner = mri_strand_stack(pool, i) - pool->page;
    int rc = mri_pages_guard(inner, pool->page, MRI_GUARD_MPROTECT);
    if (rc == 0)
        pool->mappings -= MPROTECT_COST;
    return rc;
}

static void leave_madvise(mri_strand_pool *pool, uint32_t from)
{
    pool->guard = MRI_GUARD_MPROTECT;
    pool->mprotect_from = from;
}

static void leave_mprotect(mri_strand_pool *pool, uint32_t from)
{
    pool->guard = MRI_GUARD_NONE;
    /* Relaxed: see canary_from in the header. */
    mri_store_relaxed(&pool->canary_from, from);
}

/* Strand i, as well as may be. An error only when there is no memory; setting
 * a guard twice does no harm. */
static int guard(mri_strand_pool *pool, uint32_t i)
{
    if (pool->guard == MRI_GUARD_MADVISE) {
        int rc = guard_by_madvise(pool, i);
        if (rc == 0 || rc == MR_ENOMEM || rc == MR_EAGAIN)
            return rc;
        pool->guard_refused++;
        leave_madvise(pool, i);
    }
    if (pool->guard == MRI_GUARD_MPROTECT) {
        bool enough = pool->mappings >= MPROTECT_COST;
        if (enough && guard_by_mprotect(pool, i) == 0)
            return 0;
        pool->guard_refused += enough;
        leave_mprotect(pool, i);
    }
    return 0;
}

/* How many, at least one; or why there is none. */
static int take_fresh(mri_strand_pool *pool, uint32_t *out, uint32_t most)
{
    uint32_t count = 0;
    int rc = 0;
    mri_lock_acquire(&pool->lock);
    while (count < most && rc == 0) {
        if (pool->fresh == pool->mapped)
            rc = count ? MR_EAGAIN : grow(pool);
        if (rc == 0)
            rc = guard(pool, pool->fresh);
        if (rc == 0)
            out[count++] = pool->fresh++;
    }
    mri_lock_release(&pool->lock);
    return count ? (int)count : rc;
}

/* ---- Caches -------------------------------------------------------------- */

static uint32_t take_dirty(mri_strand_pool *pool, uint32_t *out, uint32_t most)
{
    uint32_t count = mri_free_list_get(&pool->dirty, pool->links, out, most);
    if (count == 0)
        return 0;
    uint32_t left = mri_free_list_depth(&pool->dirty, pool->links);
    /* Relaxed: a hint; see `least` in the header. */
    if (left < mri_load_relaxed(&pool->least))
        mri_store_relaxed(&pool->least, left);
    return count;
}

int mri_strand_refill(mri_strand_pool *pool, mri_strand_cache *cache)
{
    uint32_t *out = cache->index;
    uint32_t count = mri_free_list_get(&pool->warm, pool->links, out, BATCH);
    if (count == 0)
        count = take_dirty(pool, out, BATCH);
    if (count == 0)
        count = mri_free_list_get(&pool->cold, pool->links, out, BATCH);
    if (count == 0) {
        int rc = take_fresh(pool, out, FRESH_BATCH);
        if (rc < 0)
            return rc;
        count = (uint32_t)rc;
    }
    cache->count = count;
    return 0;
}

/* The last, which are those used last, as far as there is room. How many are
 * left over: the first. */
static uint32_t put_warm(mri_strand_pool *pool, const uint32_t *index,
                         uint32_t count)
{
    uint32_t depth = mri_free_list_depth(&pool->warm, pool->links);
    uint32_t room = depth < pool->keep ? pool->keep - depth : 0;
    if (room > count)
        room = count;
    mri_free_list_put(&pool->warm, pool->links, index + count - room, room);
    return count - room;
}

void mri_strand_spill(mri_strand_pool *pool, mri_strand_cache *cache)
{
    uint32_t count = put_warm(pool, cache->index, BATCH);
    if (mri_free_list_depth(&pool->dirty, pool->links) < pool->most_dirty)
        mri_free_list_put(&pool->dirty, pool->links, cache->index, count);
    else
        mri_strand_put_cold(pool, cache->index, count);
    cache->count -= BATCH;
    for (uint32_t i = 0; i < cache->count; i++)
        cache->index[i] = cache->index[i + BATCH];
}

void mri_strand_flush(mri_strand_pool *pool, mri_strand_cache *cache)
{
    uint32_t count = put_warm(pool, cache->index, cache->count);
    mri_strand_put_cold(pool, cache->index, count);
    cache->count = 0;
}
