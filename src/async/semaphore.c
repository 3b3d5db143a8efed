/* millrace/sync.h: the semaphore.
 *
 * While somebody waits, there are fewer units than the first in the queue
 * wants: whoever adds some, or leaves the queue, serves those in front. Who is
 * served has its units by then; they are taken back if it has given up.
 */
#include <millrace/sync.h>

#include "async/queue.h"
#include <millrace/error.h>
#include <millrace/time.h>

typedef struct semaphore {
    mri_queue queue;
    uint64_t units; /* under the lock; UINT32_MAX at most */
} semaphore;

MRI_STATIC_ASSERT(sizeof(semaphore) == sizeof(mr_semaphore),
                  "mr_semaphore has room");

struct waiter {
    mri_queued place;
    uint32_t units;
};

static uint32_t wanted(const mri_bid *bid)
{
    return mri_container_of(bid, struct waiter, place.bid)->units;
}

/* Under the lock. */
static void serve(semaphore *sem, mri_given *given)
{
    mri_bids *bids = &sem->queue.bids;
    while (bids->first && wanted(bids->first) <= sem->units) {
        mri_bid *bid = mri_bids_take(bids);
        uint32_t units = wanted(bid); /* it may be gone once it was given */
        if (mri_seeker_give(bid->seeker, given))
            sem->units -= units;
    }
}

/* Under the lock. */
static bool take(semaphore *sem, uint32_t units)
{
    if (sem->queue.bids.first || units > sem->units)
        return false;
    sem->units -= units;
    return true;
}

static int wait_for(semaphore *sem, mri_strand *s, uint32_t units,
                    int64_t deadline)
{
    struct waiter w = {.units = units};
    mri_given given = MRI_GIVEN_NONE;
    bool taken;
    int rc = 0;
    mri_queue_lock(&sem->queue);
    if (!take(sem, units))
        rc = mri_queue_wait(&sem->queue, &w.place, s, deadline, "a semaphore",
                            &taken);
    if (rc < 0)
        serve(sem, &given); /* those behind, who may want less */
    mri_queue_unlock(&sem->queue);
    mri_given_tell(&given);
    return rc;
}

void mr_semaphore_open(mr_semaphore *sem, uint32_t units)
{
    *sem = (mr_semaphore)MR_SEMAPHORE_INIT(units);
}

int mr_semaphore_acquire_until(mr_semaphore *sem, uint32_t units,
                               int64_t deadline)
{
    mri_strand *s;
    int rc = mr_semaphore_tryacquire(sem, units);
    if (rc != MR_EBUSY)
        return rc;
    rc = mri_seeker_caller(&s);
    return rc < 0 ? rc : wait_for((semaphore *)sem, s, units, deadline);
}

int mr_semaphore_acquire(mr_semaphore *sem, uint32_t units)
{
    return mr_semaphore_acquire_until(sem, units, MR_NEVER);
}

int mr_semaphore_tryacquire(mr_semaphore *semaphore_, uint32_t units)
{
    semaphore *sem = (semaphore *)semaphore_;
    if (units == 0)
        return MR_EINVAL;
    mri_queue_lock(&sem->queue);
    bool mine = take(sem, units);
    mri_queue_unlock(&sem->queue);
    return mine ? 0 : MR_EBUSY;
}

int mr_semaphore_release(mr_semaphore *semaphore_, uint32_t units)
{
    semaphore *sem = (semaphore *)semaphore_;
    mri_given given = MRI_GIVEN_NONE;
    mri_queue_lock(&sem->queue);
    bool fits = units <= UINT32_MAX - sem->units;
    if (fits) {
        sem->units += units;
        serve(sem, &given);
    }
    mri_queue_unlock(&sem->queue);
    mri_given_tell(&given);
    return fits ? 0 : MR_EOVERFLOW;
}

int mr_semaphore_close(mr_semaphore *sem)
{
    return mri_queue_close(&((semaphore *)sem)->queue);
}
