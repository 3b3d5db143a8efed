/* See block.h. */
#include "sched/block.h"

#include "sched/runtime.h"

/* Where batches are kept: each place holds one, or none. */

static void *take_batch(mr_runtime *rt)
{
    for (int i = 0; i < MRI_BATCHES_KEPT; i++) {
        /* Relaxed: a hint. Acquire: what others did with it, in keep. */
        mri_atomic_ptr *place = &rt->blocks.kept[i];
        void *memory =
            mri_load_relaxed(place) ? mri_swap_acquire(place, NULL) : NULL;
        if (memory)
            return memory;
    }
    return mri_runtime_allocate(rt, MRI_BATCH_SIZE, MRI_BATCH_ALIGN);
}

static void keep_batch(mr_runtime *rt, void *memory)
{
    for (int i = 0; i < MRI_BATCHES_KEPT; i++) {
        void *none = NULL;
        /* Relaxed: a hint. Release: pairs with the swap in take. */
        if (!mri_load_relaxed(&rt->blocks.kept[i]) &&
            mri_cas_release(&rt->blocks.kept[i], &none, memory))
            return;
    }
    mri_runtime_release(rt, memory, MRI_BATCH_SIZE);
}

static MRI_COLD void *get_slow(mri_worker *w)
{
    void *memory = take_batch(w->runtime);
    if (!memory)
        return NULL;
    mri_batch_load(&w->blocks.cutter, memory);
    return mri_batch_cut(&w->blocks.cutter);
}

void *mri_block_get(mri_worker *w)
{
    void *block = mri_batch_cut(&w->blocks.cutter);
    return mri_likely(block) ? block : get_slow(w);
}

static MRI_COLD void *get_outside_slow(mr_runtime *rt)
{
    void *memory = take_batch(rt);
    if (!memory)
        return NULL;
    for (;;) {
        void *block = mri_batch_offer(&rt->blocks.word, memory);
        if (block)
            return block;
        block = mri_batch_cut_shared(&rt->blocks.word);
        if (block) {
            keep_batch(rt, memory);
            return block;
        }
    }
}

void *mri_block_get_outside(mr_runtime *rt)
{
    void *block = mri_batch_cut_shared(&rt->blocks.word);
    return mri_likely(block) ? block : get_outside_slow(rt);
}

void mri_block_put(mri_worker *w, void *block)
{
    void *memory = mri_batch_return(&w->blocks.returner, block);
    if (mri_unlikely(memory))
        keep_batch(w->runtime, memory);
}

void mri_block_put_outside(mr_runtime *rt, void *block)
{
    mri_batch *batch = mri_batch_of(block);
    if (mri_batch_give_back(batch, 1))
        keep_batch(rt, batch);
}

static void release(mr_runtime *rt, void *memory)
{
    if (memory)
        mri_runtime_release(rt, memory, MRI_BATCH_SIZE);
}

void mri_block_close(mr_runtime *rt)
{
    for (uint32_t i = 0, seats = mri_seats(rt); i < seats; i++) {
        release(rt, mri_batch_unload(&rt->worker[i].blocks.cutter));
        release(rt, mri_batch_flush(&rt->worker[i].blocks.returner));
    }
    release(rt, mri_batch_withdraw(&rt->blocks.word));
    for (int i = 0; i < MRI_BATCHES_KEPT; i++)
        release(rt, mri_swap_acquire(&rt->blocks.kept[i], NULL));
}
