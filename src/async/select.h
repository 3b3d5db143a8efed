/* Select: a seeker with an offer, or a place, in several queues at once.
 *
 *     locks of all its channels, in the order of their addresses
 *       a case can be done now: it is, unlock, the end
 *       begin; an offer into each queue
 *     unlock
 *     to each future and each handle: already? then stay (or it was given
 *     meanwhile); else a place there
 *     wait
 *     out of each queue again, under its lock
 *
 * Exactly one is done. Before it begins nobody knows of it, and what it does it
 * does itself, under all locks. From then on its wait ends once (seeker.h), so
 * of all that would give, or hand it a future's end or a readiness, one is
 * first. Which, it finds out afterwards: an offer is marked by who has served
 * it, under the lock, after the giving and before the unlock; it has been
 * through all locks by then. With no offer marked, and no time-out, it was one
 * of the rest, all of which tell now by themselves whether they are ready.
 *   Nothing is touched by who comes too late, as the giving comes first.
 *
 * No wake-up is lost. Channels: that nothing can be done, and the offers, are
 * under all the locks at once, so whoever makes it possible comes before and is
 * seen, or finds an offer. Two selects that could serve each other meet at a
 * channel's lock, and the second finds the first's offers all there or none:
 * none is ever half registered, except with futures and handles, which take
 * nothing from others. Futures, handles: each look is after the begin, and
 * registers or says that it is so already (mri_future_bid, mri_ready_wait).
 *
 * Nobody holds two locks but in the order of addresses, so there is no circle;
 * who holds one calls nothing that takes another but a future's or a runtime's
 * inside, never a channel's.
 *
 * It serves others, never itself: when it looks it has no offer anywhere.
 *
 * Must not know: how channels, futures and handles do it.
 */
#ifndef MRI_ASYNC_SELECT_H
#define MRI_ASYNC_SELECT_H

#include "async/channel.h"
#include "async/future.h"
#include "io/readiness.h"
#include <millrace/select.h>

/* What a case needs while it is waited for: mr_case.opaque. */
typedef struct mri_case {
    mri_offer offer;  /* channels; the bid: futures too */
    mri_desc *desc;   /* handles: NULL for what need not be waited for */
    uint32_t channel; /* the i-th has the i-th channel's case, by address */
    int16_t ready;    /* handles: as mri_readiness_look */
    bool waits;       /* handles, futures: and has a place there */
} mri_case;

#endif
