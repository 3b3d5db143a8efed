/* A list of free indices, for any number of threads: a stack (Treiber), so
 * that what was used last, and lies in caches, is taken first.
 *
 * Must not know: what an index stands for; where its links lie (the caller's
 * array, one word per index, which outlives every access).
 *
 * Several lists may share one array of links: an index is in one list at most,
 * and a link is written only by whoever holds its index.
 *
 * head        63            24 23          0
 *            [ tag, 40 bits   | top + 1     ]   0: empty
 * link        63            32 31          0
 *            [ depth          | next + 1    ]   depth: entries from here down
 *
 * ABA. A get reads the links of the first few entries and then swings head
 * past them, which is right only if none of them has left meanwhile. An entry
 * that left comes back only by a put, and every put adds 1 to the tag: if the
 * CAS finds the head it expects, nothing has come back since the head was
 * read, so all entries are where they were. The tag returns to an old value
 * after 2^40 puts within one get: three hours of nothing else, at 10 ns each.
 *
 * Ordering. All stores to head after open are read-modify-writes, so an
 * acquire load of head, whichever value it sees, acquires from every put
 * before it: the links, and whatever the putting thread did to what the index
 * stands for. Therefore the get's CAS itself needs no order.
 *
 * Linearized at: get, its CAS, or for an empty list its load; put, its CAS.
 * Lock-free: a CAS fails only because another thread's succeeded.
 *
 *              get   put   depth  check
 *     get      yes   yes   yes    no
 *     put      yes   yes   yes    no
 *     depth    yes   yes   yes    yes
 */
#ifndef MRI_PARTS_FREE_LIST_H
#define MRI_PARTS_FREE_LIST_H

#include "base/atomic.h"

/* Indices are below this. */
#define MRI_FREE_LIST_MOST ((UINT32_C(1) << 24) - 1)
/* The part of a head that is 0 where it is empty. */
#define MRI_FREE_LIST_TOP ((UINT64_C(1) << 24) - 1)

typedef struct mri_free_list {
    mri_atomic_u64 head; /* anybody, as above */
} mri_free_list;

void mri_free_list_open(mri_free_list *list);

/* Take up to `most` indices out, the last put first. How many there were. */
uint32_t mri_free_list_get(mri_free_list *list, const mri_atomic_u64 *links,
                           uint32_t *out, uint32_t most);

/* Put `count` indices in, as one; index[0] will be the first to come out. */
void mri_free_list_put(mri_free_list *list, mri_atomic_u64 *links,
                       const uint32_t *index, uint32_t count);

/* As of a moment ago. */
MRI_INLINE bool mri_free_list_looks_empty(const mri_free_list *list)
{
    /* Relaxed: a hint. */
    return (mri_load_relaxed(&list->head) & MRI_FREE_LIST_TOP) == 0;
}

/* How many there were a moment ago. */
uint32_t mri_free_list_depth(const mri_free_list *list,
                             const mri_atomic_u64 *links);

/* Nobody else at work: the links lead through as many entries as they say,
 * all below `limit`. Returns how many. */
uint32_t mri_free_list_check(const mri_free_list *list,
                             const mri_atomic_u64 *links, uint32_t limit);

#endif
