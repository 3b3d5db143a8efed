/* Whether a strand is parked, and who ends that: one word per strand.
 *
 *   63                                                       3 2     0
 *  +----------------------------------------------------------+-------+
 *  | count: how many times this strand has begun to park      | state |
 *  +----------------------------------------------------------+-------+
 *   state 0 ARMING     the park has begun, the strand still runs on its stack
 *         1 PARKED     its stack is at rest: whoever ends the park resumes it
 *         2 COMPLETED  what it waited for happened (also: before the first)
 *         3 CANCELLED  somebody gave up on its behalf
 *         4 EXPIRED    its deadline passed
 *
 *   outcome --begin: count + 1--> ARMING --parked--> PARKED
 *   ARMING --complete, cancel, expire--> outcome: the parker goes on by itself
 *   PARKED --complete, cancel, expire--> outcome: the winner resumes
 *
 * How a park goes. The strand calls begin, hands the count that it gets to
 * whoever may end the park, saves its context and switches away; on the far
 * side of the switch, from a stack that is not the strand's, parked is called.
 * Until then the stack is in use, so who ends the park earlier must not resume:
 * it leaves the outcome in the word, parked finds it there, and the caller of
 * parked switches straight back. A strand that finds, after begin, that it
 * need not wait ends its park with complete and stays: whatever comes back,
 * it is not RESUME, as nobody has called parked.
 *
 * Exactly one ends a park, and exactly one resumes the strand. Only the strand
 * leaves an outcome, by begin, and it does so with a count that nobody has
 * seen. All other changes are compare-and-swaps on the whole word from ARMING
 * or PARKED with the caller's own count, so of all that try with one count the
 * first wins, and the others find an outcome or another count: they have done
 * nothing, to the word or anything else, and touch nothing afterwards. Between
 * ARMING and the outcome, parked comes before the end of the park, then the
 * winner's compare-and-swap saw PARKED and the winner resumes; or after, then
 * parked's fails and its caller does. No wake-up is lost: the word is never
 * left at ARMING or PARKED by somebody who ends the park.
 *
 * Late ones. A count is used for one park only, so who comes when the strand
 * parks again, or runs, does nothing. 61 bits: a strand that parked a thousand
 * million times a second would repeat a count after 73 years. Who keeps fewer
 * bits of it must show why that is enough. Words live as long as the runtime,
 * so a late one may always look.
 *
 * Which may run together (each row with each column):
 *                            begin, parked  complete, cancel, expire
 *  begin                     no: strand's   yes, with counts of the past
 *  parked                    no: its worker yes
 *  complete, cancel, expire  as above       yes
 * begin and parked follow each other: begin on the strand, parked once per
 * begin by who runs after the switch, outcome on the strand when it is back.
 *
 * Must not know: strands, stacks, how a switch is done, what is waited for.
 */
#ifndef MRI_PARTS_PARK_WORD_H
#define MRI_PARTS_PARK_WORD_H

#include "base/assert.h"
#include "base/atomic.h"

enum mri_park_state {
    MRI_PARK_ARMING,
    MRI_PARK_PARKED,
    MRI_PARK_COMPLETED,
    MRI_PARK_CANCELLED,
    MRI_PARK_EXPIRED,
};

/* What an attempt to end a park came to. */
enum mri_park_end {
    MRI_PARK_LOST,   /* somebody else did, or long ago: do nothing */
    MRI_PARK_WON,    /* the parker goes on by itself */
    MRI_PARK_RESUME, /* and the caller has to resume the strand */
};

/* Written by the strand (begin), by who runs after its switch (parked), and by
 * whoever ends the park; read by anybody. */
typedef struct mri_park_word {
    mri_atomic_u64 word;
} mri_park_word;

MRI_INLINE uint64_t mri_park_word_of(uint64_t count, enum mri_park_state state)
{
    return count << 3 | state;
}

/* Once, when the strand is mapped. */
MRI_INLINE void mri_park_word_init(mri_park_word *p)
{
    mri_init(&p->word, mri_park_word_of(0, MRI_PARK_COMPLETED));
}

/* Strand: begin to park. The count, to be handed with release (an operation on
 * whatever word the other side finds it by) to those who may end this park. */
MRI_INLINE MRI_CHECKED uint64_t mri_park_begin(mri_park_word *p)
{
    /* Relaxed: the strand's last park ended before it was resumed. */
    uint64_t before = mri_load_relaxed(&p->word);
    mri_assert((before & 7) >= MRI_PARK_COMPLETED,
               "a strand parks once at a time");
    uint64_t count = (before >> 3) + 1;
    /* A plain store suffices, since with an outcome in the word no compare-
     * and-swap of others succeeds. Relaxed: the count is handed on with
     * release, and who knows it by that reads nothing older here. */
    mri_store_relaxed(&p->word, mri_park_word_of(count, MRI_PARK_ARMING));
    return count;
}

/* Who runs after the switch: the strand's context is saved, its stack at rest.
 * True: parked, and the caller must not touch the strand any more. False: the
 * park has ended meanwhile, and the caller resumes the strand at once. */
MRI_INLINE MRI_CHECKED bool mri_park_parked(mri_park_word *p, uint64_t count)
{
    uint64_t arming = mri_park_word_of(count, MRI_PARK_ARMING);
    /* Release: the saved context and the stack, for who resumes it. */
    if (mri_cas_release(&p->word, &arming,
                        mri_park_word_of(count, MRI_PARK_PARKED)))
        return true;
    mri_assert(arming >> 3 == count && (arming & 7) >= MRI_PARK_COMPLETED,
               "a park is armed until it ends");
    /* What the winner did before it ended the park; pairs with its release. */
    mri_fence_acquire();
    return false;
}

/* Anybody who was handed the count. */
MRI_CHECKED enum mri_park_end mri_park_complete(mri_park_word *p,
                                                uint64_t count);
MRI_CHECKED enum mri_park_end mri_park_cancel(mri_park_word *p, uint64_t count);
MRI_CHECKED enum mri_park_end mri_park_expire(mri_park_word *p, uint64_t count);

/* Strand, when it is back: how its last park ended. Relaxed: it came back by
 * way of whoever wrote the outcome. */
MRI_INLINE enum mri_park_state mri_park_outcome(mri_park_word *p)
{
    return (enum mri_park_state)(mri_load_relaxed(&p->word) & 7);
}

/* Strand, in place of parked: has the park ended by now? Acquire: what the
 * winner did before. */
MRI_INLINE bool mri_park_ended(mri_park_word *p)
{
    return (mri_load_acquire(&p->word) & 7) >= MRI_PARK_COMPLETED;
}

/* Whether the word can be one. */
void mri_park_word_check(mri_park_word *p);

#endif
