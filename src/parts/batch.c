/* See batch.h. */
#include "parts/batch.h"

#include "base/assert.h"

#define CUT_MASK ((uintptr_t)MRI_BATCH_ALIGN - 1)

static char *block_at(mri_batch *batch, uintptr_t i)
{
    return (char *)batch + MRI_BATCH_BLOCK * (i + 1);
}

static mri_batch *open_batch(void *memory)
{
    mri_batch *batch = memory;
    mri_assert(mri_batch_of(memory) == batch, "a batch is aligned");
    mri_init(&batch->left, MRI_BATCH_BLOCKS);
    return batch;
}

void mri_batch_load(mri_batch_cutter *c, void *memory)
{
    mri_batch *batch = open_batch(memory);
    c->next = block_at(batch, 0);
    c->end = block_at(batch, MRI_BATCH_BLOCKS);
}

/* Those from `cut` on never were anybody's. */
static void *give_up(mri_batch *batch, uint32_t cut)
{
    bool last = cut < MRI_BATCH_BLOCKS &&
                mri_batch_give_back(batch, MRI_BATCH_BLOCKS - cut);
    return last ? batch : NULL;
}

void *mri_batch_unload(mri_batch_cutter *c)
{
    /* A batch that is used up is not the cutter's any more. */
    void *memory = NULL;
    if (c->next != c->end) {
        mri_batch *batch = mri_batch_of(c->next);
        memory = give_up(batch, (uint32_t)((c->next - block_at(batch, 0)) /
                                           MRI_BATCH_BLOCK));
    }
    *c = (mri_batch_cutter){NULL, NULL};
    return memory;
}

static bool used_up(uintptr_t word)
{
    return word == 0 || (word & CUT_MASK) == MRI_BATCH_BLOCKS;
}

void *mri_batch_cut_shared(mri_atomic_uptr *word)
{
    /* Relaxed: only compared. */
    uintptr_t seen = mri_load_relaxed(word);
    do
        if (used_up(seen))
            return NULL;
    /* Acquire: pairs with the offer, so that who is given the block, and
     * whoever gets it from there, sees `left` as it was begun. */
    while (!mri_cas_weak_acquire(word, &seen, seen + 1));
    return block_at((mri_batch *)(seen & ~CUT_MASK), seen & CUT_MASK);
}

void *mri_batch_offer(mri_atomic_uptr *word, void *memory)
{
    uintptr_t seen = mri_load_relaxed(word);
    if (!used_up(seen))
        return NULL;
    mri_batch *batch = open_batch(memory);
    /* Release: the batch's beginning; pairs with the cut. */
    if (!mri_cas_release(word, &seen, (uintptr_t)batch + 1))
        return NULL;
    return block_at(batch, 0);
}

void *mri_batch_withdraw(mri_atomic_uptr *word)
{
    /* Relaxed: nobody else is there. */
    uintptr_t seen = mri_load_relaxed(word);
    mri_store_relaxed(word, 0);
    if (used_up(seen))
        return NULL;
    return give_up((mri_batch *)(seen & ~CUT_MASK),
                   (uint32_t)(seen & CUT_MASK));
}

bool mri_batch_give_back(mri_batch *batch, uint32_t count)
{
    /* LAST TOUCH of the batch, unless it is the last. Release: the blocks were
     * used before. Acquire: by others too. */
    uint32_t before = mri_sub_acq_rel(&batch->left, count);
    mri_require(before >= count, "a block is given back once");
    return before == count;
}

void *mri_batch_flush(mri_batch_returner *r)
{
    mri_batch *batch = r->batch;
    uint32_t count = r->count;
    *r = (mri_batch_returner){NULL, 0};
    return count > 0 && mri_batch_give_back(batch, count) ? batch : NULL;
}
