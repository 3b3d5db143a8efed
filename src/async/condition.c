/* millrace/sync.h: the condition.
 *
 * The bid is in the queue before the mutex is unlocked, so who changes
 * something under the mutex finds it. A signal is taken by one whose wait it
 * ends, and by nobody else: who gives up at the same moment is passed over.
 */
#include <millrace/sync.h>

#include "async/mutex.h"
#include "async/queue.h"
#include <millrace/error.h>
#include <millrace/time.h>

MRI_STATIC_ASSERT(sizeof(mri_queue) == sizeof(mr_condition),
                  "mr_condition has room");

/* 0 or why it was not signalled. */
static int wait_for(mri_queue *q, mri_mutex *m, mri_owner me, mri_strand *s,
                    int64_t deadline)
{
    mri_queued w;
    mri_seeker_begin(&w.seeker, s);
    mri_queue_lock(q);
    mri_bids_add(&q->bids, &w.bid, &w.seeker);
    mri_queue_unlock(q);
    if (!mri_mutex_release(m, me))
        (void)!mri_mutex_unlock_slow(m, me); /* it is ours */
    int rc = mri_seeker_wait(&w.seeker, deadline, "a condition");
    mri_queue_lock(q);
    (void)mri_bids_withdraw(&q->bids, &w.bid);
    mri_queue_unlock(q);
    return rc;
}

static int lock_again(mri_mutex *m, mri_owner me)
{
    return mri_mutex_try(m, me) ? 0 : mri_mutex_lock_again(m, me);
}

MRI_ENTRY int mr_condition_wait_until(mr_condition *condition, mr_mutex *mutex,
                                      int64_t deadline)
{
    mri_mutex *m = (mri_mutex *)mutex;
    mri_owner me = mri_owner_at_entry();
    mri_strand *s;
    int rc = mri_mutex_is_mine(m, me) ? mri_seeker_caller(&s) : MR_EPERM;
    if (rc < 0)
        return rc;
    rc = wait_for((mri_queue *)condition, m, me, s, deadline);
    int locked = lock_again(m, me);
    return locked < 0 ? locked : rc;
}

int mr_condition_wait(mr_condition *condition, mr_mutex *mutex)
{
    return mr_condition_wait_until(condition, mutex, MR_NEVER);
}

void mr_condition_signal(mr_condition *condition)
{
    mri_queue *q = (mri_queue *)condition;
    mri_given given = MRI_GIVEN_NONE;
    mri_queue_lock(q);
    (void)mri_queue_give(q, &given);
    mri_queue_unlock(q);
    mri_given_tell(&given);
}

void mr_condition_broadcast(mr_condition *condition)
{
    mri_queue *q = (mri_queue *)condition;
    mri_given given = MRI_GIVEN_NONE;
    mri_queue_lock(q);
    mri_queue_give_all(q, &given);
    mri_queue_unlock(q);
    mri_given_tell(&given);
}

int mr_condition_close(mr_condition *condition)
{
    return mri_queue_close((mri_queue *)condition);
}
