/* Channels: a ring of items and two queues of those who wait, under one lock.
 *
 *     first, count   the items in the ring, oldest at `first`
 *     receivers      who waits for an item:  none is in the ring, and whoever
 *                    sends would be in no need to wait
 *     senders        who waits for room:     the ring is full
 *
 * Whoever comes serves those who wait already: a sender the first receiver, by
 * copying straight into its memory; a receiver takes the oldest item, and the
 * first sender's goes into the place. So the order is that in which sends got
 * the lock, which is linearized there, and nobody overtakes.
 *
 * Offers. Who waits has an offer in a queue (seeker.h): what it brings or where
 * it is to be put, and, once served, the result.
 *   a plain receiver's frame may be gone as soon as it is given, so everything
 *     is in place before. Where the giving comes too late, because it gave up,
 *     what was copied is nobody's: the item goes to the next.
 *   a plain sender's stays until it has `taking`, which who serves it holds: so
 *     it is given first, and copied from then. Who receives may be a select,
 *     whose memory is written to by what it has received alone.
 *   a select's offers are several, given at most once, and must not be touched
 *     by who comes too late (they may share memory). So they are given first,
 *     copied to, and marked, under the lock: a select goes through the locks of
 *     all its channels before it looks, so its frame stays until then.
 *
 * Memory. All of a channel is touched under its lock alone, whose release is
 * the last touch. So who closes it gets the lock after all those who have
 * served or told somebody before.
 *
 * Must not know: selects, but that an offer may be one's.
 */
#ifndef MRI_ASYNC_CHANNEL_H
#define MRI_ASYNC_CHANNEL_H

#include "async/seeker.h"
#include "os/clock.h"
#include <millrace/channel.h>

/* Under the lock, but what is constant. */
typedef struct mri_channel {
    mri_lock lock;
    bool closed;
    size_t item, capacity; /* constant */
    char *room;            /* constant */
    size_t first, count;   /* first < capacity, or 0; count <= capacity */
    mri_bids senders, receivers;
} mri_channel;

/* In the frame of who waits. */
typedef struct mri_offer {
    mri_bid bid;
    void *item;   /* constant: a sender's is not written to */
    int result;   /* plain: before it is given. Select: once it is served */
    bool selects; /* constant */
    bool served;  /* a select's: this one was, by whoever had the lock */
} mri_offer;

/* A plain one. */
typedef struct mri_plain_offer {
    mri_offer offer;
    mri_lock taking; /* a sender's: while its item is copied; and it has it last
                      */
} mri_plain_offer;

/* Before a wait: it need not begin. One that has passed long ago needs no
 * clock. */
MRI_INLINE bool mri_is_over(int64_t deadline)
{
    return deadline != MRI_NEVER &&
           (deadline <= 0 || deadline <= mri_clock_now());
}

/* With the lock, all below. */

/* Send, or receive, if need not wait: true, and *result is what it came to, and
 * `given` to be told. */
MRI_CHECKED bool mri_channel_send_now(mri_channel *c, const void *item,
                                      int *result, mri_given *given);
MRI_CHECKED bool mri_channel_receive_now(mri_channel *c, void *item,
                                         int *result, mri_given *given);

/* Whether it can be one. */
void mri_channel_check(const mri_channel *c);

#endif
