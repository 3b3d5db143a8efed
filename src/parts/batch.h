/* Blocks of one small size for what lives briefly and ends roughly in the
 * order in which it began: a job that was submitted.
 *
 * A batch is a piece of the caller's memory that is cut into blocks from front
 * to back. Each is given back once, by anybody; when all are, those that were
 * never cut included, the piece is the caller's again. Nothing is linked, so
 * nothing that is free is ever touched. What lives long keeps its batch: 4
 * KiB, as much as a task that waits has at least on its stack.
 *
 *     MRI_BATCH_SIZE bytes, at a multiple of MRI_BATCH_ALIGN: a block's address
 *     leads to its batch. Less than the alignment, so that a heap with headers
 *     of its own can lay one behind the other.
 *
 * left    blocks that were not given back: MRI_BATCH_BLOCKS at first
 *         left -> left - n   mri_batch_give_back     acquire, release
 * Whoever brings it to 0 has acquired from all who gave back.
 *
 * Two ways to cut. mri_batch_cutter: one owner, no atomic operation. Where
 * anybody cuts, a word:
 *
 *     63                              12 11            0
 *     +---------------------------------+---------------+
 *     | the batch's address             | blocks cut    |   0: none
 *     +---------------------------------+---------------+
 *     cut += 1                mri_batch_cut_shared       acquire
 *     0, or all cut -> new|1  mri_batch_offer            release
 *
 * ABA does no harm: a cut that takes the word of a later life of the same
 * memory for that of the earlier has cut a block of the later one. All changes
 * are read-modify-writes, so that a cut acquires from the offer.
 *
 * To give back, mri_batch_return gathers what comes from the same batch: one
 * atomic operation for all of it where the order holds.
 *
 *                        cut, load,   cut_shared,   return,   give_back
 *                        take *       offer         flush **
 *     cut, load, take    no           yes           yes       yes
 *     cut_shared, offer               yes           yes       yes
 *     return, flush                                 no        yes
 *     give_back                                               yes
 *     * on the same cutter   ** on the same returner
 *
 * Must not know: what a block is for, where memory comes from.
 */
#ifndef MRI_PARTS_BATCH_H
#define MRI_PARTS_BATCH_H

#include "base/atomic.h"

#include <stddef.h>

/* Models shrink it. */
#ifndef MRI_BATCH_ALIGN
#define MRI_BATCH_ALIGN 4096
#endif
#define MRI_BATCH_BLOCK 64
#define MRI_BATCH_BLOCKS (MRI_BATCH_ALIGN / MRI_BATCH_BLOCK - 2)
#define MRI_BATCH_SIZE ((MRI_BATCH_BLOCKS + 1) * MRI_BATCH_BLOCK)

typedef struct mri_batch {
    mri_atomic_u32 left;
} mri_batch;

/* Zero: nothing to cut. */
typedef struct mri_batch_cutter {
    char *next, *end;
} mri_batch_cutter;

/* Zero: nothing gathered. */
typedef struct mri_batch_returner {
    mri_batch *batch;
    uint32_t count; /* blocks of it that are to be given back */
} mri_batch_returner;

MRI_INLINE mri_batch *mri_batch_of(void *block)
{
    return (mri_batch *)((uintptr_t)block & ~(uintptr_t)(MRI_BATCH_ALIGN - 1));
}

/* Owner: a block, or NULL: a batch is to be loaded. */
MRI_INLINE void *mri_batch_cut(mri_batch_cutter *c)
{
    char *block = c->next;
    if (mri_unlikely(block == c->end))
        return NULL;
    c->next = block + MRI_BATCH_BLOCK;
    return block;
}

/* Owner of a cutter with nothing to cut: its next batch. */
void mri_batch_load(mri_batch_cutter *c, void *memory);

/* Owner: leave off. The memory that is the caller's by that, or NULL. */
MRI_CHECKED void *mri_batch_unload(mri_batch_cutter *c);

/* Anybody: a block, or NULL: a batch is to be offered. */
void *mri_batch_cut_shared(mri_atomic_uptr *word);

/* Anybody: the batch to cut from; its first block, or NULL: another one was
 * offered meanwhile, and the memory is still the caller's. */
void *mri_batch_offer(mri_atomic_uptr *word, void *memory);

/* As mri_batch_unload, with nobody else at the word. */
MRI_CHECKED void *mri_batch_withdraw(mri_atomic_uptr *word);

/* Anybody: `count` blocks of it are not used any more. True: its memory is the
 * caller's. */
MRI_CHECKED bool mri_batch_give_back(mri_batch *batch, uint32_t count);

/* Owner: give back what was gathered. The memory that is the caller's by that,
 * or NULL. */
MRI_CHECKED void *mri_batch_flush(mri_batch_returner *r);

/* Owner: a block is not used any more. The memory that is the caller's by
 * that, or NULL. */
MRI_CHECKED MRI_INLINE void *mri_batch_return(mri_batch_returner *r,
                                              void *block)
{
    mri_batch *batch = mri_batch_of(block);
    void *memory = NULL;
    if (mri_unlikely(batch != r->batch)) {
        memory = mri_batch_flush(r);
        r->batch = batch;
    }
    r->count++;
    return memory;
}

#endif
