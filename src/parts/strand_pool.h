/* Address space for strands: who runs on it is the scheduler's business.
 *
 * A strand is an index below `most`. Where its parts lie is a pure function of
 * the pool and the index, so that a late thief can compute it at any time:
 *
 *     control (dense array)   [ control 0 | control 1 | ... ]
 *     chunk of strands        [ slots | guard | stack | guard ][ slots | ...
 *                                             <- grows
 *
 * Control words are reserved at open, committed when touched and never given
 * back; strand memory, once mapped, is not unmapped before the pool closes.
 * All of it is zero when it is touched first. So a thief that comes too late
 * reads words that are old, not words that are something else.
 *
 * Must not know: what the control words, slots and stacks hold.
 *
 * Life of an index
 *     unmapped -> fresh -> in use <-> { in a cache, warm, dirty, cold }
 *                                                        dirty -> cold
 *   fresh   its chunk is mapped, nothing in it was ever touched
 *   warm    free, keeps its pages for good; at most `keep` of them, plus one
 *           batch for every thread that puts at the same moment
 *   dirty   free, keeps its pages until somebody has the time to give them
 *           back; at most `most_dirty`, plus batches likewise
 *   cold    free, its pages were given back
 *   cache   free, in one worker's array of MRI_STRAND_CACHE, pages kept
 * A full cache gives its older half back: to warm while there is room, else to
 * dirty, else to cold. An empty cache takes warm ones, else dirty ones, else
 * cold ones, else fresh ones, which are guarded now; where none is left the
 * pool grows by a chunk. So no strand touches new pages while another lies
 * there with its own.
 *
 * Giving back is the kernel's work, and takes it longer than all else that is
 * done for a strand: a microsecond or two, and a fault when it is used again.
 * So who puts has none of it, but beyond `most_dirty`. Whoever has nothing else
 * to do asks from time to time how many dirty ones nobody has needed since
 * (mri_strand_unneeded), and gives those back in batches
 * (mri_strand_give_back), of neighbours as many as there are in one call. A
 * strand that is being given back is in no list: it is got by nobody until its
 * pages are gone, then it is cold. Where that goes on, idle strands hold in the
 * end the pages of `keep` + workers * MRI_STRAND_CACHE.
 *
 * Guards. The inner one, below the stack, catches overflow; the outer one
 * keeps a stack from its upper neighbour. Of which kind they are depends on
 * what the kernel grants when the strand is taken first:
 *   madvise    both, at no cost in mappings (Linux 6.13)
 *   mprotect   the inner one, two mappings each, within a budget of half of
 *              what the process may still map at open; the other half is the
 *              program's
 *   none       beyond that: a canary. The 64 bytes below the stack must stay
 *              zero, which costs no memory until they do not; the scheduler
 *              calls mri_strand_canary_ok() at every switch. Whatever is
 *              called writes a return address there, unless a single frame
 *              steps over all of them.
 * A kind that is refused (vm.max_map_count, a filter, locked memory) is given
 * up for good, so kinds follow one another in the order of indices and two
 * boundaries say it all. Only MADV_GUARD_INSTALL without memory is an error.
 *
 * Shared words and their protocol
 *   warm, dirty, cold   free lists over `links` (free_list.h)
 *   least        the fewest that dirty had since it was last asked for, about:
 *                who gets lowers it, who asks sets it anew. A hint: where it
 *                is wrong, pages go back too soon, or a little later.
 *   table[c]     NULL, then for good the base of chunk c: stored under `lock`
 *                before any index of the chunk leaves it. Relaxed: an index
 *                reaches another thread through something that acquires.
 *   canary_from  strands from here on have canaries: likewise.
 * Everything below `lock` in the structure belongs to its holder.
 *
 * Which may run together
 *                 get, put   flush   addresses, find   stats   check   close
 *   get, put *      yes       yes         yes           yes      no     no
 *   flush *         yes       yes         yes           yes      no     no
 *   give back **    yes       yes         yes           yes      no     no
 *   addresses       yes       yes         yes           yes      yes    no
 *   stats           yes       yes         yes           yes      yes    no
 *   * a cache by one thread at a time
 *   ** and `unneeded`, by any number of threads; but what they have in hand, up
 *      to MRI_STRAND_GIVE each, is missing from the lists meanwhile
 */
#ifndef MRI_PARTS_STRAND_POOL_H
#define MRI_PARTS_STRAND_POOL_H

#include "base/atomic.h"
#include "os/pages.h"
#include "parts/free_list.h"
#include "parts/lock.h"

/* Models shrink it. */
#ifndef MRI_STRAND_CACHE
#define MRI_STRAND_CACHE 32
#endif

/* Strands given back at once: some ten microseconds. */
#define MRI_STRAND_GIVE (2 * MRI_STRAND_CACHE)

/* All zero: the defaults, in brackets. */
typedef struct mri_strand_config {
    uint32_t most;       /* strands that can be [2^20], up to a whole chunk */
    uint32_t chunk;      /* mapped at once, a power of two [64] */
    uint32_t keep;       /* free strands that keep their pages [64] */
    uint32_t most_dirty; /* and those that keep them for a while [2^17] */
    size_t slots_size;   /* [16 KiB]; both up to whole pages */
    size_t stack_size;   /* [256 KiB] */
    size_t control_size; /* per strand, a multiple of 8 [64] */
    bool drop_slots;     /* a strand that turns cold loses its slots too */
    bool force_guard;    /* use `guard` as the best kind, do not probe */
    mri_guard guard;
    int64_t mappings; /* for mprotect guards [half of the budget] */
} mri_strand_config;

typedef struct mri_strand_pool {
    /* Constant from open to close. */
    mri_atomic_ptr *table;
    mri_atomic_u64 *links;
    char *control;
    size_t stride, slots_size, stack_size, control_size, page;
    uint32_t most, keep, most_dirty, chunk_shift;
    bool drop_slots;

    mri_atomic_u32 canary_from; /* the lock's holder; anybody reads */
    /* Statistics, by anybody, each for itself. */
    mri_atomic_u64 drops, drops_refused;

    MRI_ALIGNED(MRI_CACHE_LINE) mri_free_list warm;  /* anybody */
    MRI_ALIGNED(MRI_CACHE_LINE) mri_free_list dirty; /* anybody */
    mri_atomic_u32 least;                            /* anybody, as above */
    MRI_ALIGNED(MRI_CACHE_LINE) mri_free_list cold;  /* anybody */

    MRI_ALIGNED(MRI_CACHE_LINE) mri_lock lock;
    /* The lock's holder. fresh <= mapped <= most;
     * the madvise guards are those of [0, mprotect_from), the mprotect ones
     * those of [mprotect_from, canary_from), both up to fresh. */
    uint32_t fresh, mapped, mprotect_from;
    mri_guard guard;        /* the kind for the next fresh strand */
    int64_t mappings;       /* left for guards */
    uint32_t guard_refused; /* kinds given up because the kernel said no */
} mri_strand_pool;

/* One worker's own. Zero is empty. */
typedef struct mri_strand_cache {
    uint32_t count;
    uint32_t index[MRI_STRAND_CACHE];
} mri_strand_cache;

typedef struct mri_strand_stats {
    mri_guard guard;            /* for the next fresh strand */
    uint32_t mapped, fresh;     /* strands mapped; of these once taken */
    uint32_t warm, dirty, cold; /* free, as of a moment ago */
    uint32_t by_madvise, by_mprotect, by_canary;
    uint32_t guard_refused;
    int64_t mappings;       /* left for mprotect guards */
    uint64_t drops;         /* strands that turned cold */
    uint64_t drops_refused; /* and those that could not: they stay warm */
} mri_strand_stats;

/* 0, or a negative code with nothing left behind. MR_EINVAL: sizes that do
 * not fit together. */
MRI_CHECKED int mri_strand_pool_open(mri_strand_pool *pool,
                                     const mri_strand_config *config);

/* Nobody uses a strand any more. 0; or the first negative code, with what
 * could be unmapped unmapped: it may be called again. */
MRI_CHECKED int mri_strand_pool_close(mri_strand_pool *pool);

/* Slow halves of get and put. */
MRI_CHECKED int mri_strand_refill(mri_strand_pool *pool,
                                  mri_strand_cache *cache);
void mri_strand_spill(mri_strand_pool *pool, mri_strand_cache *cache);

/* A strand, or a negative code with the pool as it was, but for a chunk that
 * may be mapped already when its first guard fails: the next to ask has it.
 * MR_EAGAIN: `most` are in use, in others' caches or just being given back. */
MRI_CHECKED MRI_INLINE int64_t mri_strand_get(mri_strand_pool *pool,
                                              mri_strand_cache *cache)
{
    if (mri_unlikely(cache->count == 0)) {
        int rc = mri_strand_refill(pool, cache);
        if (rc < 0)
            return rc;
    }
    return cache->index[--cache->count];
}

/* Its stack is not in use any more, not even by the caller. */
MRI_INLINE void mri_strand_put(mri_strand_pool *pool, mri_strand_cache *cache,
                               uint32_t i)
{
    if (mri_unlikely(cache->count == MRI_STRAND_CACHE))
        mri_strand_spill(pool, cache);
    cache->index[cache->count++] = i;
}

/* Give all of a cache back, to warm or to cold: its worker has nothing else to
 * do. */
void mri_strand_flush(mri_strand_pool *pool, mri_strand_cache *cache);

/* Anybody: whether there is something to be given back, as of a moment ago. */
MRI_INLINE bool mri_strand_some_are_dirty(const mri_strand_pool *pool)
{
    return !mri_free_list_looks_empty(&pool->dirty);
}

/* Dirty strands that nobody has needed since the call before. */
uint32_t mri_strand_unneeded(mri_strand_pool *pool);

/* Give the pages of up to `most` dirty strands back, and of no more than
 * MRI_STRAND_GIVE; of how many. 0: there is none. */
uint32_t mri_strand_give_back(mri_strand_pool *pool, uint32_t most);

/* For strand_pool.c: these are nobody's any more, no more than MRI_STRAND_GIVE:
 * give their pages back, then to cold. In another order afterwards. */
void mri_strand_put_cold(mri_strand_pool *pool, uint32_t *index,
                         uint32_t count);

MRI_INLINE uint32_t mri_strand_chunks(const mri_strand_pool *pool)
{
    return pool->most >> pool->chunk_shift;
}

MRI_INLINE size_t mri_strand_chunk_size(const mri_strand_pool *pool)
{
    return pool->stride << pool->chunk_shift;
}

/* Where strand i's parts begin. i was got at least once, by anybody. */
MRI_INLINE char *mri_strand_slots(const mri_strand_pool *pool, uint32_t i)
{
    /* Relaxed: see table above. */
    char *chunk = mri_load_relaxed(&pool->table[i >> pool->chunk_shift]);
    uint32_t within = i & ((UINT32_C(1) << pool->chunk_shift) - 1);
    return chunk + within * pool->stride;
}

/* The stack's lowest byte; it has pool->stack_size of them. */
MRI_INLINE char *mri_strand_stack(const mri_strand_pool *pool, uint32_t i)
{
    return mri_strand_slots(pool, i) + pool->slots_size + pool->page;
}

MRI_INLINE void *mri_strand_control(const mri_strand_pool *pool, uint32_t i)
{
    return pool->control + i * pool->control_size;
}

/* Bytes of its stack that strand i has used since it was cold, in whole
 * words: from the lowest that is not zero up. The strand is the caller's. */
size_t mri_strand_stack_used(const mri_strand_pool *pool, uint32_t i);

bool mri_strand_canary_intact(const mri_strand_pool *pool, uint32_t i);

/* False: strand i has run over the end of its stack. The caller runs on it,
 * or has it. */
MRI_INLINE bool mri_strand_canary_ok(const mri_strand_pool *pool, uint32_t i)
{
    /* Relaxed: see canary_from above. */
    return mri_likely(i < mri_load_relaxed(&pool->canary_from)) ||
           mri_strand_canary_intact(pool, i);
}

/* What lies at an address; for a signal handler too. */
typedef enum mri_strand_place {
    MRI_STRAND_NOWHERE,
    MRI_STRAND_SLOTS,
    MRI_STRAND_INNER_GUARD, /* overflow of this strand's stack */
    MRI_STRAND_STACK,
    MRI_STRAND_OUTER_GUARD
} mri_strand_place;

mri_strand_place mri_strand_find(const mri_strand_pool *pool, const void *addr,
                                 uint32_t *i);

/* Also says which path is in use. */
void mri_strand_pool_stats(mri_strand_pool *pool, mri_strand_stats *stats);

/* Nobody else at work. */
void mri_strand_pool_check(mri_strand_pool *pool);

#endif
