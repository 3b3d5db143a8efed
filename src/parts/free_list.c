/* See free_list.h. */
#include "parts/free_list.h"

#include "base/assert.h"

#define TOP_MASK MRI_FREE_LIST_TOP
#define ONE_TAG (TOP_MASK + 1)

static uint32_t top_of(uint64_t head)
{
    return (uint32_t)(head & TOP_MASK);
}

static uint32_t next_of(uint64_t link)
{
    return (uint32_t)link;
}

static uint32_t depth_of(uint64_t link)
{
    return (uint32_t)(link >> 32);
}

void mri_free_list_open(mri_free_list *list)
{
    mri_init(&list->head, 0);
}

uint32_t mri_free_list_get(mri_free_list *list, const mri_atomic_u64 *links,
                           uint32_t *out, uint32_t most)
{
    for (;;) {
        /* Pairs with the CAS of put: links and contents come before. */
        uint64_t head = mri_load_acquire(&list->head);
        uint32_t at = top_of(head), count = 0;
        while (count < most && at != 0) {
            out[count++] = at - 1;
            /* Relaxed: acquired with head, or stale and then the CAS fails. A
             * stale one is an index too: links hold nothing else. */
            at = next_of(mri_load_relaxed(&links[at - 1]));
        }
        /* Relaxed: what is taken was acquired above; see Ordering. */
        if (count == 0 ||
            mri_cas_weak_relaxed(&list->head, &head, (head & ~TOP_MASK) | at))
            return count;
    }
}

void mri_free_list_put(mri_free_list *list, mri_atomic_u64 *links,
                       const uint32_t *index, uint32_t count)
{
    if (count == 0)
        return;
    for (;;) {
        /* Pairs with the CAS of put: the depth of the top is read here. */
        uint64_t head = mri_load_acquire(&list->head);
        uint32_t below = top_of(head);
        /* Relaxed: as in get. */
        uint64_t depth =
            below ? depth_of(mri_load_relaxed(&links[below - 1])) : 0;
        for (uint32_t i = count; i-- > 0; below = index[i] + 1)
            /* Relaxed: the CAS releases them. */
            mri_store_relaxed(&links[index[i]], ++depth << 32 | below);
        /* Release: pairs with the loads of get and put. */
        if (mri_cas_weak_release(&list->head, &head,
                                 (head & ~TOP_MASK) + ONE_TAG + below))
            return;
    }
}

uint32_t mri_free_list_depth(const mri_free_list *list,
                             const mri_atomic_u64 *links)
{
    /* Pairs with the CAS of put. */
    uint32_t top = top_of(mri_load_acquire(&list->head));
    return top ? depth_of(mri_load_relaxed(&links[top - 1])) : 0;
}

uint32_t mri_free_list_check(const mri_free_list *list,
                             const mri_atomic_u64 *links, uint32_t limit)
{
    uint32_t depth = mri_free_list_depth(list, links), count = 0;
    for (uint32_t at = top_of(mri_load_relaxed(&list->head)); at != 0;) {
        mri_require(at <= limit, "a free index is one that exists");
        uint64_t link = mri_load_relaxed(&links[at - 1]);
        mri_require(depth_of(link) == depth - count,
                    "a free index knows how many lie below");
        count++;
        at = next_of(link);
    }
    mri_require(count == depth, "a free list is as long as it says");
    return count;
}
