/* See queue.h. */
#include "async/queue.h"

#include <millrace/error.h>

int mri_queue_wait(mri_queue *q, mri_queued *place, mri_strand *s,
                   int64_t deadline, const char *what, bool *taken)
{
    mri_seeker_begin(&place->seeker, s);
    mri_bids_add(&q->bids, &place->bid, &place->seeker);
    mri_queue_unlock(q);
    int rc = mri_seeker_wait(&place->seeker, deadline, what);
    mri_queue_lock(q);
    *taken = !mri_bids_withdraw(&q->bids, &place->bid);
    return rc;
}

bool mri_queue_give(mri_queue *q, mri_given *given)
{
    for (mri_bid *bid; (bid = mri_bids_take(&q->bids));)
        if (mri_seeker_give(bid->seeker, given))
            return true;
    return false;
}

void mri_queue_give_all(mri_queue *q, mri_given *given)
{
    while (mri_queue_give(q, given))
        continue;
}

int mri_queue_close(mri_queue *q)
{
    mri_queue_lock(q);
    bool busy = q->bids.first;
    mri_queue_unlock(q);
    return busy ? MR_EBUSY : 0;
}
