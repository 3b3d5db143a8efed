/* Turns: who never finds that it has to wait lets others run nevertheless.
 *
 * A task whose calls all succeed at once would keep its worker for ever, and
 * those whose descriptors have become ready, and the timers, from it. So before
 * a call it takes what that may cost off its turn, and when that is used up it
 * looks what the kernel has to tell, and yields. A wait begins another turn.
 *
 * A call into the kernel takes a microsecond or more, so 128 of them are a
 * tenth of a millisecond for the others to wait; one that copies an item, tens
 * of nanoseconds. The yield is less than a hundredth of either.
 *
 * Must not know: which call.
 */
#ifndef MRI_SCHED_TURN_H
#define MRI_SCHED_TURN_H

#include "sched/strand.h"

enum { MRI_TURN = 2048, MRI_TURN_SYSTEM = 16, MRI_TURN_COPY = 1 };

/* On strand s: its turn is over. */
void mri_turn_end(mri_strand *s);

/* On strand s, before a call that may cost so much of it. */
MRI_INLINE void mri_turn_take(mri_strand *s, unsigned cost)
{
    s->turn = (uint16_t)(s->turn + cost);
    if (mri_unlikely(s->turn >= MRI_TURN))
        mri_turn_end(s);
}

/* On strand s, which has waited. */
MRI_INLINE void mri_turn_begin(mri_strand *s)
{
    s->turn = 0;
}

#endif
