/* A mutex: an owner's word, and a queue for those who found it held.
 *
 *   63                                             3    2      1      0
 *  +-------------------------------------------------+------+------+------+
 *  | identity of the owner (owner.h); 0: it is free  | KEPT | WOKEN| AWAIT|
 *  +-------------------------------------------------+------+------+------+
 *   AWAIT  somebody is in the queue
 *   WOKEN  one was taken out of it, and is about to look again
 *   KEPT   with WOKEN, and where nobody owns it: it is that one's alone
 *
 *   0 --try--> owner --release--> 0            all of it where nobody waits
 *   held --wait--> held|AWAIT                  under the lock
 *   held|AWAIT --wake--> held|WOKEN (|AWAIT)   the owner, under the lock; then
 *   held|WOKEN --leave--> WOKEN or WOKEN|KEPT
 *   WOKEN --barge--> held|WOKEN                anybody who comes by
 *   WOKEN --take--> held, held|WOKEN --wait--> held|AWAIT    who was woken
 *
 * Who comes by may be faster than who was woken, on purpose. To hand the mutex
 * over means that it stands still until another task gets a CPU, each time; a
 * lock that is contended for makes progress at the pace of wake-ups then, some
 * ten times more slowly than the one who is running anyway takes it again. But
 * nobody is passed for ever: of those who own it one after the other while some
 * wait, no more than MRI_MUTEX_PASSES go past the first in the queue before it
 * is KEPT for that one. The queue is in order of arrival, and who was woken in
 * vain is in front again.
 *
 * No wake-up is lost. AWAIT is set and cleared under the lock, and says while
 * that is free whether the queue is empty. Who leaves without waking somebody
 * sees either no AWAIT, so nobody waits, or WOKEN: and that one will look,
 * before it can be cancelled or time out, and then owns it or clears WOKEN and
 * sets AWAIT while another owns it, who will see that.
 *
 * To leave is the last touch of the mutex: who owns it next may free it, though
 * not while others wait.
 *
 *   passes   how many have left it with others waiting, since one who waited
 *            had it; the owner's
 *
 * Must not know: how the caller is found out.
 */
#ifndef MRI_ASYNC_MUTEX_H
#define MRI_ASYNC_MUTEX_H

#include "async/owner.h"
#include "async/seeker.h"

/* Of them at most go past who waits longest. */
#ifndef MRI_MUTEX_PASSES
#define MRI_MUTEX_PASSES 64
#endif

#define MRI_MUTEX_AWAIT ((uintptr_t)1)
#define MRI_MUTEX_WOKEN ((uintptr_t)2)
#define MRI_MUTEX_KEPT MRI_OWNER_MANY

/* Zero is a free one. */
typedef struct mri_mutex {
    mri_owner_word word;
    mri_lock lock;
    uint32_t passes;
    mri_bids bids; /* under the lock */
} mri_mutex;

/* Where nobody holds it, nor waits. */
MRI_INLINE MRI_CHECKED bool mri_mutex_try(mri_mutex *m, mri_owner me)
{
    uintptr_t free = 0;
    /* Acquire: what the last owner did; with release and leave. */
    if (!mri_cas_acquire(&m->word, &free, me.id))
        return false;
    mri_owner_has(me);
    return true;
}

/* Where nobody waits. */
MRI_INLINE MRI_CHECKED bool mri_mutex_release(mri_mutex *m, mri_owner me)
{
    uintptr_t mine = me.id;
    /* LAST TOUCH of the mutex. Release: for the next owner. */
    if (!mri_cas_release(&m->word, &mine, 0))
        return false;
    mri_owner_has_not(me);
    return true;
}

/* The same where somebody may wait. */
MRI_CHECKED bool mri_mutex_try_slow(mri_mutex *m, mri_owner me);

/* 0; MR_EDEADLK: the caller would wait for itself; MR_ETIMEDOUT; MR_ECANCELED;
 * MR_EPERM in a child of fork(), where it would have to wait. */
MRI_CHECKED int mri_mutex_lock_slow(mri_mutex *m, mri_owner me,
                                    int64_t deadline);

/* 0, or MR_EPERM: it is not the caller's. */
MRI_CHECKED int mri_mutex_unlock_slow(mri_mutex *m, mri_owner me);

/* For who had it a moment ago: 0 or MR_EDEADLK, however its scope fares. */
MRI_CHECKED int mri_mutex_lock_again(mri_mutex *m, mri_owner me);

MRI_INLINE bool mri_mutex_is_mine(mri_mutex *m, mri_owner me)
{
    /* Relaxed: who owns it sees its own store, others one of others. */
    return mri_owner_in(mri_load_relaxed(&m->word)) == me.id;
}

/* Whether it can be one; at rest. */
void mri_mutex_check(mri_mutex *m);

#endif
