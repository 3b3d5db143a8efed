/* See heap.h. */
#include "async/heap.h"

#define MANY (INT64_C(1) << 62)

static void release(mri_heap *heap)
{
    heap->config.release(heap->config.context, heap, heap->size);
}

/* Relaxed add, or acquire and release where it may be the last. */
static void count_outside(mri_heap *heap, int64_t n)
{
    /* Acquire: all that was done with it, for who releases it. */
    if (mri_add_acq_rel(&heap->outside, n) + n == 0)
        release(heap);
}

/* Stop: the workers have been joined. */
static void end(mr_runtime *rt)
{
    mri_heap *heap = mri_load_relaxed(&rt->heap); /* by ended jobs */
    int64_t out = -MANY;
    for (uint32_t i = 0; i < heap->seats; i++)
        out += heap->worker[i].out;
    /* Relaxed: who may read it meanwhile sees either. */
    mri_store_relaxed(&heap->runtime, NULL);
    count_outside(heap, out);
}

static mri_heap *make(mr_runtime *rt)
{
    uint32_t seats = rt->workers + MRI_SPARE_SEATS;
    size_t size = sizeof(mri_heap) + seats * sizeof(mri_heap_count);
    mri_heap *heap = mri_runtime_allocate(rt, size, _Alignof(mri_heap));
    if (!heap)
        return NULL;
    heap->last.end = end;
    heap->config = rt->config;
    heap->size = size;
    heap->seats = seats;
    heap->generation = rt->generation;
    mri_init(&heap->runtime, rt);
    mri_init(&heap->outside, MANY);
    for (uint32_t i = 0; i < seats; i++)
        heap->worker[i].out = 0;
    return heap;
}

static MRI_COLD mri_heap *make_first(mr_runtime *rt)
{
    void *other = NULL;
    mri_heap *heap = make(rt);
    /* Release: what was made. Acquire: what another has. */
    if (!heap || mri_cas_acq_rel(&rt->heap, &other, heap))
        return heap;
    release(heap);
    return other;
}

mri_heap *mri_heap_of(mr_runtime *rt)
{
    /* Acquire: what was made, in make_first. */
    mri_heap *heap = mri_load_acquire(&rt->heap);
    return mri_likely(heap) ? heap : make_first(rt);
}

void *mri_heap_get(mri_heap *heap, mri_strand *here, size_t size)
{
    void *memory = heap->config.allocate(heap->config.context, size, 16);
    if (mri_unlikely(!memory))
        return NULL;
    if (mri_likely(here))
        heap->worker[here->worker->index].out++;
    else
        mri_add_relaxed(&heap->outside, 1); /* the piece keeps the heap */
    return memory;
}

void mri_heap_put(mri_heap *heap, mri_strand *s, void *memory, size_t size)
{
    heap->config.release(heap->config.context, memory, size);
    if (mri_likely(mri_heap_here(heap, s)))
        heap->worker[s->worker->index].out--;
    else
        count_outside(heap, -1);
}
