/* A worker's run queue: first in, first out; its owner pushes, the owner and
 * thieves pop. A push cannot fail and allocates nothing: what the fixed ring
 * has no room for goes to an overflow list through the nodes themselves.
 *
 * The ring's words, 64 bits so that a thief may be stopped for as long as it
 * likes: an index does not come back (32 bits would in under a minute).
 *
 *     head   next to pop; +1 (or +k, a batch) by the CAS of whoever pops
 *     tail   next free; only the owner stores it
 *     slot[i & mask] for i in [head, tail): the entries, older first
 *                63                  1 0
 *               | address of the node | 1: it is in hand (run_node.h) |
 *
 *     spilled      entries in the overflow list; written under the lock, and
 *                  made non-zero by the owner alone
 *     spilled_others   those among them that are not in hand; likewise, but a
 *                  hint to who looks without the lock
 *     first, last  the overflow list, older first; under the lock
 *
 *     transition                          by                    order
 *     tail -> tail+1, slot before it      push                  release
 *     head -> head+1                      pop                   relaxed
 *     head -> head+1, or +k               steal, steal_half     release
 *     spilled -> +n, nodes at last        push, locked
 *     first -> slot at tail, tail +n,
 *       then spilled -n                   refill, locked        release
 *     first -> taken, spilled -1 or -k    steal, steal_half,
 *                                         locked, ring empty
 *
 * Invariants: head <= tail <= head + capacity, and: what is in the ring is
 * older than what is in the overflow list. The latter since, while spilled is
 * not 0, tail is stored under the lock only, and a thief takes from the list
 * only when it finds head == tail under the lock. It cannot be wrong there:
 * the list is not empty, so that the last store of tail was made before or
 * under the lock and is seen; and head, if it reads an old one, looks smaller
 * than it is.
 *
 * So the queue is exactly first in, first out: the order in which entries
 * leave (linearized at the CAS of head, or at the unlinking) is the order in
 * which they were pushed, overflow included. Only a batch reorders: all but
 * its first go to the thief's queue, and the entries behind them may be run
 * before those are, at most half a ring of them.
 *
 * Each entry leaves once: the CAS on head succeeds for one popper per index,
 * and values of head do not come back. The slots that it read before were not
 * overwritten, since the owner does that only after it has seen a head beyond
 * them; a popper that reads a slot too late fails its CAS. Nor are they from
 * a lap before: tail was acquired, and it lies behind them.
 *
 * Nothing found means nothing there: a thief that finds the ring empty, then
 * spilled 0, looks at tail again. An entry that was moved from the list into
 * the ring in between has moved tail first (release in refill, acquire of
 * spilled), and so it looks again. So whatever was pushed before a steal
 * began, as far as happens-before or a pair of seq_cst fences tells, is found
 * or was taken by somebody.
 *
 * Which may run together:
 *
 *                 push, pop, check,        steal, steal_half   size
 *                 steal_half into it       from it
 *     push ...    no: the owner's          yes                 yes
 *     steal ...                            yes                 yes
 *     size                                                     yes
 *
 * The owner may change, if one stops before the next begins.
 *
 * Must not know: what an entry is, who sleeps and is to be woken.
 */
#ifndef MRI_PARTS_RUN_QUEUE_H
#define MRI_PARTS_RUN_QUEUE_H

#include "base/atomic.h"
#include "parts/lock.h"
#include "parts/run_node.h"

typedef mri_atomic_uptr mri_run_slot;

/* In a slot, so that it is known of an entry whose node may be gone. */
#define MRI_RUN_ENTRY_IN_HAND ((uintptr_t)1)
MRI_STATIC_ASSERT(_Alignof(mri_run_node) > MRI_RUN_ENTRY_IN_HAND,
                  "a node's address leaves a bit free");

MRI_INLINE mri_run_node *mri_run_entry_node(uintptr_t entry)
{
    return (mri_run_node *)(entry & ~MRI_RUN_ENTRY_IN_HAND);
}

typedef struct mri_run_queue {
    /* Whoever pops writes it, all read it. */
    MRI_ALIGNED(MRI_CACHE_LINE) mri_atomic_u64 head;

    /* The owner writes, thieves read. */
    MRI_ALIGNED(MRI_CACHE_LINE) mri_atomic_u64 tail;
    mri_run_slot *slot;     /* the caller's, mask + 1 of them; set once */
    uint64_t mask;          /* set once */
    mri_atomic_u64 spilled; /* under the lock; all read it */
    mri_atomic_u64 spilled_others;
    uint64_t head_seen; /* <= head; the owner alone reads and writes it */

    /* Whoever holds the lock. */
    MRI_ALIGNED(MRI_CACHE_LINE) mri_lock lock;
    mri_run_node *first, *last;
} mri_run_queue;

/* capacity: a power of two. The slots are the queue's from now on. */
void mri_run_queue_open(mri_run_queue *q, mri_run_slot slot[],
                        uint32_t capacity);

/* The owner. Its node is in no container. */
void mri_run_queue_push(mri_run_queue *q, mri_run_node *node);

/* The owner. `count` nodes, one at least, linked by `next` from first to last;
 * as if each were pushed. */
void mri_run_queue_push_list(mri_run_queue *q, mri_run_node *first,
                             mri_run_node *last, uint64_t count);

/* The owner. The oldest entry; NULL: there is none. */
mri_run_node *mri_run_queue_pop(mri_run_queue *q);

/* Anybody. The oldest entry; NULL: there is none. */
mri_run_node *mri_run_queue_steal(mri_run_queue *q);

/* The owner of `mine`, which is another queue. The oldest entry; what stands
 * next, up to half of all and as far as there is room, goes into `mine`. */
mri_run_node *mri_run_queue_steal_half(mri_run_queue *q, mri_run_queue *mine);

/* Anybody: how many entries there were a moment ago, roughly. */
uint64_t mri_run_queue_size(const mri_run_queue *q);

/* Anybody: how many entries have left the ring so far, roughly: as long as it
 * is the same, the oldest in the ring is. */
MRI_INLINE uint64_t mri_run_queue_head(const mri_run_queue *q)
{
    /* Relaxed: the number alone is used. */
    return mri_load_relaxed(&q->head);
}

/* Anybody: whether all entries of a moment ago were in hand (run_node.h). */
bool mri_run_queue_in_hand(mri_run_queue *q);

/* The owner: the invariants; stops the program if one is broken. */
void mri_run_queue_check(mri_run_queue *q);

#endif
