/* millrace/sync.h: what opens for all that wait, at once: event, latch and
 * barrier.
 *
 * Who gives up at the very moment, and is found no more in the queue, came
 * through: a barrier has counted it.
 */
#include <millrace/sync.h>

#include "async/queue.h"
#include <millrace/error.h>
#include <millrace/time.h>

/* A queue's number: of an event, whether it is set; of a barrier, how many
 * wait. */
typedef struct gate {
    mri_queue queue;
    uint64_t number; /* latch: left to count. Barrier: how many it is for */
} gate;

MRI_STATIC_ASSERT(sizeof(mri_queue) == sizeof(mr_event), "mr_event has room");
MRI_STATIC_ASSERT(sizeof(gate) == sizeof(mr_latch), "mr_latch has room");
MRI_STATIC_ASSERT(sizeof(gate) == sizeof(mr_barrier), "mr_barrier has room");

/* Under the lock; the gate is shut. */
static int wait_for(mri_queue *q, mri_strand *s, int64_t deadline,
                    const char *what)
{
    mri_queued w;
    bool taken;
    int rc = mri_queue_wait(q, &w, s, deadline, what, &taken);
    return taken ? 0 : rc;
}

/* Under the lock, and out of it. */
static void open_for_all(mri_queue *q)
{
    mri_given given = MRI_GIVEN_NONE;
    mri_queue_give_all(q, &given);
    mri_queue_unlock(q);
    mri_given_tell(&given);
}

/* ---- Event -------------------------------------------------------------- */

void mr_event_set(mr_event *event)
{
    mri_queue *q = (mri_queue *)event;
    mri_queue_lock(q);
    q->number = 1;
    open_for_all(q);
}

void mr_event_clear(mr_event *event)
{
    mri_queue *q = (mri_queue *)event;
    mri_queue_lock(q);
    q->number = 0;
    mri_queue_unlock(q);
}

int mr_event_is_set(mr_event *event)
{
    mri_queue *q = (mri_queue *)event;
    mri_queue_lock(q);
    int set = (int)q->number;
    mri_queue_unlock(q);
    return set;
}

int mr_event_wait_until(mr_event *event, int64_t deadline)
{
    mri_queue *q = (mri_queue *)event;
    mri_strand *s;
    int rc = mri_seeker_caller(&s);
    mri_queue_lock(q);
    if (q->number)
        rc = 0;
    else if (rc == 0)
        rc = wait_for(q, s, deadline, "an event");
    mri_queue_unlock(q);
    return rc;
}

int mr_event_wait(mr_event *event)
{
    return mr_event_wait_until(event, MR_NEVER);
}

int mr_event_close(mr_event *event)
{
    return mri_queue_close((mri_queue *)event);
}

/* ---- Latch -------------------------------------------------------------- */

void mr_latch_open(mr_latch *latch, uint32_t n)
{
    *latch = (mr_latch)MR_LATCH_INIT(n);
}

int mr_latch_count_down(mr_latch *latch, uint32_t n)
{
    gate *g = (gate *)latch;
    mri_queue_lock(&g->queue);
    bool fits = n <= g->number;
    if (fits)
        g->number -= n;
    if (g->number == 0)
        open_for_all(&g->queue);
    else
        mri_queue_unlock(&g->queue);
    return fits ? 0 : MR_ERANGE;
}

int mr_latch_wait_until(mr_latch *latch, int64_t deadline)
{
    gate *g = (gate *)latch;
    mri_strand *s;
    int rc = mri_seeker_caller(&s);
    mri_queue_lock(&g->queue);
    if (g->number == 0)
        rc = 0;
    else if (rc == 0)
        rc = wait_for(&g->queue, s, deadline, "a latch");
    mri_queue_unlock(&g->queue);
    return rc;
}

int mr_latch_wait(mr_latch *latch)
{
    return mr_latch_wait_until(latch, MR_NEVER);
}

int mr_latch_close(mr_latch *latch)
{
    return mri_queue_close(&((gate *)latch)->queue);
}

/* ---- Barrier ------------------------------------------------------------ */

int mr_barrier_open(mr_barrier *barrier, uint32_t n)
{
    *barrier = (mr_barrier)MR_BARRIER_INIT(n);
    return n > 0 ? 0 : MR_EINVAL;
}

/* Under the lock: not the last. */
static int wait_for_last(mri_queue *q, int64_t deadline)
{
    mri_strand *s;
    int rc = mri_seeker_caller(&s);
    if (rc < 0)
        return rc;
    q->number++;
    rc = wait_for(q, s, deadline, "a barrier");
    if (rc < 0)
        q->number--;
    return rc;
}

int mr_barrier_wait_until(mr_barrier *barrier, int64_t deadline)
{
    gate *g = (gate *)barrier;
    mri_queue *q = &g->queue;
    if (g->number == 0)
        return MR_EINVAL;
    mri_queue_lock(q);
    if (q->number + UINT64_C(1) >= g->number) {
        q->number = 0;
        open_for_all(q);
        return MR_BARRIER_LAST;
    }
    int rc = wait_for_last(q, deadline);
    mri_queue_unlock(q);
    return rc;
}

int mr_barrier_wait(mr_barrier *barrier)
{
    return mr_barrier_wait_until(barrier, MR_NEVER);
}

int mr_barrier_close(mr_barrier *barrier)
{
    return mri_queue_close(&((gate *)barrier)->queue);
}
