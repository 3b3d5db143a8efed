/* Memory that may outlive its runtime: that of futures, which are given up when
 * their holders like.
 *
 * It comes from the configured hooks, of which the heap has a copy, and is
 * given back by them. The heap is made when the first piece is asked for, and
 * released with the last: by whoever gives that back, or by the stop where none
 * is left then.
 *
 * How many pieces are out. Each worker counts those that it took less those
 * that it gave back, in a word of its own; all other threads, one word that
 * they share, `outside`, which begins with MANY. The stop, when no worker is
 * left, adds what the workers have counted and takes MANY off. So before that
 * `outside` is above 0, and after it, it is the number of pieces that are out:
 * whoever brings it to 0, the stop included, is the last.
 *
 * `runtime` is NULL once it has stopped. Who reads it elsewhere than in a task
 * or for something that the runtime waits for must know that it has not, or
 * be told so by that NULL.
 *
 * Must not know: what lies in a piece.
 */
#ifndef MRI_ASYNC_HEAP_H
#define MRI_ASYNC_HEAP_H

#include "sched/runtime.h"

typedef struct mri_heap_count {
    MRI_ALIGNED(MRI_CACHE_LINE) int64_t out;
} mri_heap_count;

typedef struct mri_heap {
    mri_last last;               /* first: what mr_runtime.heap says */
    mr_config config;            /* constant */
    size_t size;                 /* constant: of this */
    uint32_t seats, generation;  /* constant; as the runtime's */
    mri_atomic_ptr runtime;      /* the stop writes NULL */
    mri_atomic(int64_t) outside; /* anybody */
    mri_heap_count worker[];     /* each its own, then the stop */
} mri_heap;

/* The runtime's; NULL: no memory. Whoever the runtime is there for. */
mri_heap *mri_heap_of(mr_runtime *rt);

/* A piece, aligned to 16, or NULL. `here` is the caller's strand where that is
 * one of this runtime, else NULL. */
void *mri_heap_get(mri_heap *heap, mri_strand *here, size_t size);

/* Anybody: a piece is not used any more. `s` is the caller's strand, of
 * whichever runtime, or NULL. */
void mri_heap_put(mri_heap *heap, mri_strand *s, void *memory, size_t size);

MRI_INLINE mr_runtime *mri_heap_runtime(mri_heap *heap)
{
    /* Relaxed: who uses it knows that it is there. */
    return mri_load_relaxed(&heap->runtime);
}

/* As mri_runtime_is_here, also when it has stopped. */
MRI_INLINE bool mri_heap_is_here(const mri_heap *heap)
{
    return heap->generation == mri_fork_generation();
}

/* s is a strand of this runtime: it, or NULL. */
MRI_INLINE mri_strand *mri_heap_here(mri_heap *heap, mri_strand *s)
{
    return s && s->worker->runtime == mri_heap_runtime(heap) ? s : NULL;
}

#endif
