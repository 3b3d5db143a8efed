/* A queue of bids, a lock over it, and how one waits there.
 *
 * Who was given has passed through the lock when `wait` returns, so who gave
 * has left it: what the queue belongs to may be freed then.
 *
 * Must not know: what is waited for.
 */
#ifndef MRI_ASYNC_QUEUE_H
#define MRI_ASYNC_QUEUE_H

#include "async/seeker.h"

/* Zero is empty. */
typedef struct mri_queue {
    mri_lock lock;
    uint32_t number; /* of whom it belongs to; under the lock */
    mri_bids bids;
} mri_queue;

/* A wait in the caller's frame. */
typedef struct mri_queued {
    mri_bid bid;
    mri_seeker seeker;
} mri_queued;

MRI_INLINE void mri_queue_lock(mri_queue *q)
{
    mri_lock_acquire(&q->lock);
}

MRI_INLINE void mri_queue_unlock(mri_queue *q)
{
    mri_lock_release(&q->lock);
}

/* Under the lock, which is free meanwhile: wait behind all others. As
 * mri_seeker_wait; the bid is in the queue no more. *taken, where the wait was
 * given up: somebody has taken it out, in vain. */
MRI_CHECKED int mri_queue_wait(mri_queue *q, mri_queued *place, mri_strand *s,
                               int64_t deadline, const char *what, bool *taken);

/* Under the lock: the first that is still there goes on. False: there was none.
 */
bool mri_queue_give(mri_queue *q, mri_given *given);

/* Under the lock: all that are there. */
void mri_queue_give_all(mri_queue *q, mri_given *given);

/* For a close: MR_EBUSY where somebody waits. */
MRI_CHECKED int mri_queue_close(mri_queue *q);

#endif
