/* Whether one direction of a descriptor, reading or writing, may be ready, and
 * who waits until it is: one word.
 *
 *   63 .......... 29 28 ........... 3    2       1     0
 *  +----------------+----------------+--------+-----+-------+
 *  | count of park  | strand + 1, 0: | CLOSED | HUP | READY |
 *  | (low 35 bits)  | nobody waits   |        |     |       |
 *  +----------------+----------------+--------+-----+-------+
 *   READY   a call may get somewhere: try one before waiting
 *   HUP     the other side has ended its part, an error stands, or urgent data
 *           has come: for good. No short count says any more that all has been
 *           read
 *   CLOSED  nobody waits any more: for good
 *   READY or CLOSED => nobody waits
 *
 *   init                                     -> READY
 *   take    READY -> 0                          before a call
 *   set     any -> READY, HUP maybe; the waiter is handed out
 *                                               an event; a call that left more
 *   wait    no READY, no CLOSED, nobody -> waiter
 *   unwait  the same waiter -> nobody           who gave up
 *   close   any -> CLOSED | READY; the waiter is handed out
 *
 * No event is lost. READY is cleared before the call, never after. What makes
 * the descriptor ready after the call has failed is an edge that the kernel has
 * yet to tell, and its `set` comes after the `take`: so `wait` finds READY, or
 * `set` finds the waiter. What made it ready before the call is seen by it. The
 * kernel orders the two: what an edge tells of has happened before it is told,
 * and `take` that reads what `set` has written acquires that.
 *
 * One waits at a time; a second is told BUSY. Who is handed out is told by
 * whoever took him out, once, by the count of his park. Who gives up
 * (cancelled, out of time) takes himself out; where he is not there any more,
 * he is just being told, too late, for that park has ended, and READY stays set
 * for the next. So a late one ends nothing unless the strand has begun 2^35
 * more parks between two instructions of the teller: an hour, at ten million a
 * second.
 *
 *              take    set    wait, unwait   close
 *   take       yes     yes    yes            yes
 *   set                yes    yes            yes
 *   wait                      yes            yes
 *   close                                    no
 *
 * Must not know: what a strand is, where events come from.
 */
#ifndef MRI_PARTS_READY_WORD_H
#define MRI_PARTS_READY_WORD_H

#include "base/atomic.h"

#include <stdbool.h>

typedef struct mri_ready_word {
    mri_atomic_u64 word;
} mri_ready_word;

#define MRI_READY UINT64_C(1)
#define MRI_READY_HUP UINT64_C(2)
#define MRI_READY_CLOSED UINT64_C(4)

enum {
    MRI_READY_FLAG_BITS = 3,
    MRI_READY_STRAND_BITS = 26,
    MRI_READY_COUNT_BITS = 35,
};
#define MRI_READY_FLAGS UINT64_C(7)

/* Strands have indices below this. */
#define MRI_READY_STRANDS ((UINT64_C(1) << MRI_READY_STRAND_BITS) - 1)
#define MRI_READY_COUNTS (UINT64_C(1) << MRI_READY_COUNT_BITS)

/* Who waits: 0: nobody. */
typedef uint64_t mri_ready_waiter;

MRI_INLINE mri_ready_waiter mri_ready_waiter_of(uint32_t strand, uint64_t count)
{
    uint64_t low = count % MRI_READY_COUNTS;
    return (low << MRI_READY_STRAND_BITS | (strand + UINT64_C(1)))
           << MRI_READY_FLAG_BITS;
}

MRI_INLINE uint32_t mri_ready_strand(mri_ready_waiter waiter)
{
    return (uint32_t)((waiter >> MRI_READY_FLAG_BITS & MRI_READY_STRANDS) - 1);
}

/* The whole count of a park, given one that the strand has reached since. */
MRI_INLINE uint64_t mri_ready_count(mri_ready_waiter waiter, uint64_t reached)
{
    uint64_t low = waiter >> (MRI_READY_FLAG_BITS + MRI_READY_STRAND_BITS);
    return reached - (reached - low) % MRI_READY_COUNTS;
}

/* Whoever opens a descriptor. Relaxed, and no plain store: a late event of the
 * one that had the word before may set it at the same time. */
MRI_INLINE void mri_ready_init(mri_ready_word *r)
{
    mri_store_relaxed(&r->word, MRI_READY);
}

/* Whoever is about to call: may it get somewhere? */
MRI_INLINE bool mri_ready_take(mri_ready_word *r)
{
    /* Relaxed: who is told no goes on to wait, and looks there again. */
    if (!(mri_load_relaxed(&r->word) & MRI_READY))
        return false;
    /* Acquire: pairs with the release in set. */
    return mri_and_acquire(&r->word, ~MRI_READY) & MRI_READY;
}

/* Anybody: may a call get somewhere? Nothing is cleared: a call that fails then
 * says nothing of what is still to come. Relaxed: a flag; who finds nothing
 * takes. */
MRI_INLINE bool mri_ready_looks(const mri_ready_word *r)
{
    return mri_load_relaxed(&r->word) & MRI_READY;
}

/* Anybody: does a short count say nothing? Relaxed: a flag, set for good;
 * who reads 0 a moment too early is told by READY. */
MRI_INLINE bool mri_ready_hup(const mri_ready_word *r)
{
    return mri_load_relaxed(&r->word) & MRI_READY_HUP;
}

/* Who waited: relaxed: who told it released that. */
MRI_INLINE bool mri_ready_is_closed(const mri_ready_word *r)
{
    return mri_load_relaxed(&r->word) & MRI_READY_CLOSED;
}

enum mri_ready_wait {
    MRI_READY_WAITS, /* registered */
    MRI_READY_NOW,   /* READY */
    MRI_READY_BUSY,  /* another waits */
    MRI_READY_IS_CLOSED,
};

/* The strand, whose park began. */
MRI_CHECKED enum mri_ready_wait mri_ready_wait(mri_ready_word *r,
                                               mri_ready_waiter me);

/* The strand, whose park has ended. True: without it, which knew of it until
 * now. */
bool mri_ready_unwait(mri_ready_word *r, mri_ready_waiter me);

/* Anybody: it may be ready; `hup`: MRI_READY_HUP or 0. Who is to be told. */
MRI_CHECKED mri_ready_waiter mri_ready_set(mri_ready_word *r, uint64_t hup);

/* Whoever closes, once: nobody waits any more. Who is to be told. */
MRI_CHECKED mri_ready_waiter mri_ready_close(mri_ready_word *r);

#endif
