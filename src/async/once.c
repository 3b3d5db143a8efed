/* millrace/sync.h: once.
 *
 * Who runs the function has no lock meanwhile. When it is done all that wait go
 * on; when it has failed, the one that waits longest looks again. Who comes by
 * may be faster: then that one is at it.
 */
#include <millrace/sync.h>

#include "async/owner.h"
#include "async/queue.h"
#include <millrace/error.h>
#include <millrace/time.h>

enum { FRESH, RUNNING, DONE };

typedef struct once {
    mri_queue queue;
    mri_atomic_u32 state; /* under the lock, but for a look */
    uint32_t unused;
    int64_t value;    /* when it is done; constant then */
    uintptr_t runner; /* identity (owner.h); while it runs. Under the lock */
} once;

MRI_STATIC_ASSERT(sizeof(once) == sizeof(mr_once), "mr_once has room");

/* Under the lock: while another runs, wait. 0: it is done, or the caller's. */
static int wait_for(once *o, mri_owner me)
{
    mri_queued w;
    mri_strand *s;
    bool taken;
    int rc = 0;
    while (rc == 0 && mri_load_relaxed(&o->state) == RUNNING) {
        rc = o->runner == me.id ? MR_EDEADLK : mri_seeker_caller(&s);
        if (rc == 0)
            rc = mri_queue_wait(&o->queue, &w, s, MR_NEVER, "a call once",
                                &taken);
    }
    return rc;
}

/* 1: it is the caller's to run. 0: done. */
static int begin(once *o, mri_owner me)
{
    mri_queue_lock(&o->queue);
    int rc = wait_for(o, me);
    /* Relaxed, all: under the lock. */
    if (rc == 0 && mri_load_relaxed(&o->state) == FRESH) {
        mri_store_relaxed(&o->state, RUNNING);
        o->runner = me.id;
        rc = 1;
    }
    mri_queue_unlock(&o->queue);
    return rc;
}

static void end(once *o, int64_t value)
{
    mri_given given = MRI_GIVEN_NONE;
    mri_queue_lock(&o->queue);
    o->runner = 0;
    o->value = value;
    /* Release: the value and what was done, for who has no lock. */
    mri_store_release(&o->state, value < 0 ? FRESH : DONE);
    if (value < 0)
        (void)mri_queue_give(&o->queue, &given);
    else
        mri_queue_give_all(&o->queue, &given);
    mri_queue_unlock(&o->queue);
    mri_given_tell(&given);
}

static MRI_NOINLINE int64_t call_slow(once *o, mri_owner me, mr_fn fn,
                                      void *arg)
{
    int rc = begin(o, me);
    if (rc <= 0)
        return rc < 0 ? rc : o->value;
    int64_t value = fn(arg);
    end(o, value);
    return value;
}

MRI_ENTRY int64_t mr_once_call(mr_once *once_, mr_fn fn, void *arg)
{
    once *o = (once *)once_;
    mri_owner me = mri_owner_at_entry();
    /* Acquire: with the release in end. */
    if (mri_likely(mri_load_acquire(&o->state) == DONE))
        return o->value;
    return call_slow(o, me, fn, arg);
}
