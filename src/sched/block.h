/* Memory for small jobs that are submitted: from the configured hooks, in
 * batches (parts/batch.h), a few of which are kept.
 *
 * Must not know: what is in a block.
 */
#ifndef MRI_SCHED_BLOCK_H
#define MRI_SCHED_BLOCK_H

#include "parts/batch.h"

enum {
    MRI_BLOCK = MRI_BATCH_BLOCK,
    MRI_BATCHES_KEPT = 16 /* at most, by a runtime */
};

typedef struct mr_runtime mr_runtime;
typedef struct mri_worker mri_worker;

/* A worker's own end of it; it alone. Zero to begin with. */
typedef struct mri_blocks {
    mri_batch_cutter cutter;
    mri_batch_returner returner;
} mri_blocks;

/* What all share. Zero to begin with. */
typedef struct mri_block_pool {
    MRI_ALIGNED(MRI_CACHE_LINE) mri_atomic_uptr word; /* who is no worker */
    MRI_ALIGNED(MRI_CACHE_LINE) mri_atomic_ptr kept[MRI_BATCHES_KEPT];
} mri_block_pool;

/* MRI_BLOCK bytes at a multiple of that, or NULL: no memory. For a worker, and
 * for any other thread. */
void *mri_block_get(mri_worker *w);
void *mri_block_get_outside(mr_runtime *rt);

/* Whoever got it. */
void mri_block_put(mri_worker *w, void *block);
void mri_block_put_outside(mr_runtime *rt, void *block);

/* Stop, with nobody else at work and all blocks put: give all memory back. */
void mri_block_close(mr_runtime *rt);

#endif
