/* Blocks of one small size, for an owner who gets and puts them without any
 * atomic operation, and for others who may put back what the owner got.
 *
 * Must not know: what a block holds; who the owner is, as long as there is
 * one at a time.
 *
 * Blocks never move, and their memory is given back by close alone: spans of
 * pages, each with a header and then blocks, carved from the newest span one
 * by one, so that what was never asked for is never touched. A free block's
 * first word links it; a block in use is the user's altogether.
 *
 * remote   63                              0
 *          [ newest block put by others     ]   NULL: none
 *          others   old -> mine, whose link is old       put_remote
 *          owner    all -> NULL                          drain
 * Only the owner takes out, and always everything: a block that others link
 * to cannot be taken and come back under them, so there is no ABA.
 *
 * Linearized at: put_remote, its CAS; get, its swap of `remote` when it drains
 * (else it touches nothing shared).
 * A CAS of put_remote is the last time it touches block or slab: close may
 * free both as soon as it sees the block come back.
 *
 *                    get, put, stats, check, close *   put_remote
 *     get, ... *                  no                      yes
 *     put_remote                  yes                     yes
 *     * the owner's
 */
#ifndef MRI_PARTS_SLAB_H
#define MRI_PARTS_SLAB_H

#include "base/atomic.h"

#include <stddef.h>

typedef struct mri_slab_block {
    struct mri_slab_block *next; /* who holds the block, or its list */
} mri_slab_block;

typedef struct mri_slab_span {
    struct mri_slab_span *older;
} mri_slab_span;

/* carved == blocks in use + blocks in `local` + blocks in `remote`. */
typedef struct mri_slab {
    mri_slab_block *local; /* owner */
    char *next, *end;      /* owner: where the newest span is uncarved */
    mri_slab_span *spans;  /* owner: newest first */
    uint64_t carved;       /* owner */
    uint64_t drains;       /* owner: how often others' blocks were fetched */
    size_t size;           /* of a block; constant */
    size_t span_size;      /* constant */
    size_t first;          /* where blocks begin in a span; constant */
    uint32_t span_count;   /* owner */
    /* Others' writes stay off the owner's line. */
    MRI_ALIGNED(MRI_CACHE_LINE) mri_atomic(mri_slab_block *) remote; /* any */
} mri_slab;

typedef struct mri_slab_stats {
    uint64_t live;   /* blocks in use */
    uint64_t free;   /* in the owner's list, others' included */
    uint64_t drains; /* how often others' blocks were fetched */
    uint32_t spans;
    size_t bytes; /* mapped */
} mri_slab_stats;

/* For blocks of `size` bytes, up to a multiple of 16, aligned to the largest
 * power of two up to 64 that divides that; from spans of `span_size` bytes,
 * up to whole pages (0: 64 KiB). 0, or MR_EINVAL where not one block fits. */
MRI_CHECKED int mri_slab_open(mri_slab *slab, size_t size, size_t span_size);

/* 0: all memory was given back. MR_EBUSY: *live blocks are still in use, and
 * nothing has changed. Another negative code: not all could be unmapped; it
 * may be called again. */
MRI_CHECKED int mri_slab_close(mri_slab *slab, uint64_t *live);

MRI_CHECKED int mri_slab_get_slow(mri_slab *slab, void **out);

/* Owner: a block, its content whatever it was. 0, or a negative code with
 * *out untouched and the slab as it was. */
MRI_CHECKED MRI_INLINE int mri_slab_get(mri_slab *slab, void **out)
{
    mri_slab_block *block = slab->local;
    if (mri_unlikely(!block))
        return mri_slab_get_slow(slab, out);
    slab->local = block->next;
    *out = block;
    return 0;
}

/* Owner: give a block back. */
MRI_INLINE void mri_slab_put(mri_slab *slab, void *block)
{
    mri_slab_block *b = block;
    b->next = slab->local;
    slab->local = b;
}

/* Anybody: give a block back to its owner. */
void mri_slab_put_remote(mri_slab *slab, void *block);

/* Owner: counts by walking the free blocks. */
void mri_slab_stats_get(mri_slab *slab, mri_slab_stats *stats);

/* Owner: every free block is a block of this slab, and none is there twice. */
void mri_slab_check(mri_slab *slab);

#endif
