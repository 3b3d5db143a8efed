/* See slab.h. */
#include "parts/slab.h"

#include "base/assert.h"
#include "os/pages.h"

#include <millrace/error.h>
#include <stdbool.h>

enum { DEFAULT_SPAN = 64 << 10, ALIGNMENT = 16 };

static size_t round_up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

int mri_slab_open(mri_slab *slab, size_t size, size_t span_size)
{
    const size_t most = (size_t)1 << 40;
    if (size == 0 || size > most || span_size > most)
        return MR_EINVAL;
    *slab = (mri_slab){0};
    slab->size = round_up(size, ALIGNMENT);
    slab->span_size =
        round_up(span_size ? span_size : DEFAULT_SPAN, mri_page_size());
    /* A block of n * 64 bytes begins on a line of its own. */
    size_t alignment = slab->size & -slab->size;
    slab->first =
        alignment < MRI_CACHE_LINE ? (size_t)alignment : MRI_CACHE_LINE;
    if (slab->size > slab->span_size - slab->first)
        return MR_EINVAL;
    mri_init(&slab->remote, NULL);
    return 0;
}

/* The owner's free blocks. What a put that came twice has bent into a ring is
 * found here before it is walked for ever. */
static uint64_t count_local(mri_slab *slab, mri_slab_block ***end)
{
    uint64_t count = 0;
    *end = &slab->local;
    while (**end) {
        mri_require(++count <= slab->carved, "no block is free twice");
        *end = &(**end)->next;
    }
    return count;
}

/* Fetch what others put: behind what the owner has, which is nothing when a
 * get comes here, so that no list is walked. */
static bool drain(mri_slab *slab)
{
    /* Relaxed: only a hint whether the swap is worth its price; what is put
     * just now is found next time. */
    if (!mri_load_relaxed(&slab->remote))
        return false;
    /* Acquire: pairs with the CAS of put_remote. */
    mri_slab_block *newest = mri_swap_acquire(&slab->remote, NULL);
    mri_slab_block **tail;
    count_local(slab, &tail);
    *tail = newest;
    slab->drains++;
    return true;
}

static int grow(mri_slab *slab)
{
    void *pages = NULL;
    int rc = mri_pages_map(&pages, slab->span_size);
    if (rc < 0)
        return rc;
    mri_slab_span *span = pages;
    span->older = slab->spans;
    slab->spans = span;
    slab->span_count++;
    slab->next = (char *)pages + slab->first;
    slab->end = (char *)pages + slab->span_size;
    return 0;
}

MRI_NOINLINE int mri_slab_get_slow(mri_slab *slab, void **out)
{
    if (drain(slab))
        return mri_slab_get(slab, out);
    if ((size_t)(slab->end - slab->next) < slab->size) {
        int rc = grow(slab);
        if (rc < 0)
            return rc;
    }
    *out = slab->next;
    slab->next += slab->size;
    slab->carved++;
    return 0;
}

void mri_slab_put_remote(mri_slab *slab, void *block)
{
    mri_slab_block *mine = block;
    /* Relaxed: the older block is only linked to, never looked at. */
    mri_slab_block *seen = mri_load_relaxed(&slab->remote);
    do
        mine->next = seen;
    /* Release: pairs with the swap of drain. The last touch: block and slab
     * may be gone once it has succeeded. */
    while (!mri_cas_weak_release(&slab->remote, &seen, mine));
}

static uint64_t count_free(mri_slab *slab)
{
    mri_slab_block **end;
    drain(slab);
    return count_local(slab, &end);
}

int mri_slab_close(mri_slab *slab, uint64_t *live)
{
    /* After an unmap that failed the free blocks are gone, and no matter. */
    if (slab->carved > 0)
        *live = slab->carved - count_free(slab);
    else
        *live = 0;
    if (*live > 0)
        return MR_EBUSY;
    slab->carved = 0;
    slab->local = NULL;
    slab->next = slab->end = NULL;
    while (slab->spans) {
        mri_slab_span *span = slab->spans, *older = span->older;
        int rc = mri_pages_unmap(span, slab->span_size);
        if (rc < 0)
            return rc;
        slab->spans = older;
        slab->span_count--;
    }
    return 0;
}

void mri_slab_stats_get(mri_slab *slab, mri_slab_stats *stats)
{
    uint64_t free = count_free(slab);
    *stats = (mri_slab_stats){
        .live = slab->carved - free,
        .free = free,
        .drains = slab->drains,
        .spans = slab->span_count,
        .bytes = slab->span_count * slab->span_size,
    };
}

static bool is_block(const mri_slab *slab, const void *block)
{
    for (const mri_slab_span *s = slab->spans; s; s = s->older) {
        const char *end =
            s == slab->spans ? slab->next : (const char *)s + slab->span_size;
        uintptr_t offset = (uintptr_t)block - (uintptr_t)s;
        if (offset >= slab->first && offset < (uintptr_t)(end - (char *)s))
            return (offset - slab->first) % slab->size == 0;
    }
    return false;
}

void mri_slab_check(mri_slab *slab)
{
    uint64_t count = 0;
    drain(slab);
    for (const mri_slab_block *b = slab->local; b; b = b->next) {
        mri_require(is_block(slab, b), "a free block is one of the slab's");
        mri_require(++count <= slab->carved, "no block is free twice");
    }
}
