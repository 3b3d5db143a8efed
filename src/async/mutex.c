/* See mutex.h. */
#include "async/mutex.h"

#include "os/clock.h"
#include <millrace/error.h>

/* ---- Lock --------------------------------------------------------------- */

/* Past those who wait, if it is free and not kept for one. */
static bool barge(mri_mutex *m, mri_owner me)
{
    uintptr_t word = mri_load_relaxed(&m->word); /* a guess */
    while (word <= (MRI_MUTEX_AWAIT | MRI_MUTEX_WOKEN))
        /* Acquire: with leave. */
        if (mri_cas_weak_acquire(&m->word, &word, word | me.id))
            return true;
    return false;
}

/* Under the lock. True: it is the caller's. False: it is awaited. */
static bool take(mri_mutex *m, mri_owner me, bool woken)
{
    /* Whoever sets or clears these has the lock. */
    uintptr_t mine = woken ? MRI_MUTEX_WOKEN | MRI_MUTEX_KEPT : 0;
    uintptr_t empty = m->bids.first ? 0 : MRI_MUTEX_AWAIT;
    uintptr_t word = mri_load_relaxed(&m->word), then;
    bool takes;
    do {
        bool kept = word & MRI_MUTEX_KEPT && !woken;
        takes = word <= MRI_OWNER_FLAGS && !kept;
        then = word & ~mine;
        then = takes ? (then & ~empty) | me.id : then | MRI_MUTEX_AWAIT;
        /* Acquire: with release and leave. */
    } while (!mri_cas_weak_acquire(&m->word, &word, then));
    return takes;
}

/* Until it is the caller's, or the wait has ended otherwise. */
static int wait_for(mri_mutex *m, mri_owner me, mri_strand *s, int64_t deadline,
                    bool always)
{
    mri_seeker seeker;
    mri_bid bid;
    bool woken = false;
    int rc = 0;
    mri_lock_acquire(&m->lock);
    while (rc == 0 && !take(m, me, woken)) {
        mri_seeker_begin(&seeker, s);
        if (woken)
            mri_bids_add_first(&m->bids, &bid, &seeker);
        else
            mri_bids_add(&m->bids, &bid, &seeker);
        mri_lock_release(&m->lock);
        if (always)
            mri_seeker_await(&seeker, "a mutex");
        else
            rc = mri_seeker_wait(&seeker, deadline, "a mutex");
        mri_lock_acquire(&m->lock);
        woken = true;
    }
    if (rc < 0)
        (void)mri_bids_withdraw(&m->bids, &bid);
    else if (woken)
        m->passes = 0;
    mri_lock_release(&m->lock);
    return rc;
}

static int lock(mri_mutex *m, mri_owner me, int64_t deadline, bool always)
{
    mri_strand *s;
    mri_owner_wait wait;
    if (mri_mutex_is_mine(m, me))
        return MR_EDEADLK;
    if (mri_mutex_try_slow(m, me))
        return 0;
    int rc = mri_seeker_caller(&s);
    if (rc < 0)
        return rc;
    if (!mri_owner_wait_begin(&wait, me, &m->word))
        return MR_EDEADLK;
    rc = wait_for(m, me, s, deadline, always);
    mri_owner_wait_end(&wait);
    if (rc == 0)
        mri_owner_has(me);
    return rc;
}

bool mri_mutex_try_slow(mri_mutex *m, mri_owner me)
{
    bool mine = barge(m, me);
    if (mine)
        mri_owner_has(me);
    return mine;
}

MRI_NOINLINE int mri_mutex_lock_slow(mri_mutex *m, mri_owner me,
                                     int64_t deadline)
{
    return lock(m, me, deadline, false);
}

int mri_mutex_lock_again(mri_mutex *m, mri_owner me)
{
    return lock(m, me, MRI_NEVER, true);
}

/* ---- Unlock ------------------------------------------------------------- */

/* The owner. False: somebody has to be woken before. */
static bool leave(mri_mutex *m, uintptr_t kept)
{
    uintptr_t word = mri_load_relaxed(&m->word), then; /* a guess */
    do {
        if ((word & (MRI_MUTEX_AWAIT | MRI_MUTEX_WOKEN)) == MRI_MUTEX_AWAIT)
            return false;
        then = word & MRI_OWNER_FLAGS;
        then |= then & MRI_MUTEX_WOKEN ? kept : 0;
        /* LAST TOUCH of the mutex. Release: for the next owner. */
    } while (!mri_cas_weak_release(&m->word, &word, then));
    return true;
}

/* The owner: the first who waits will look again. */
static void wake(mri_mutex *m, uintptr_t id, mri_given *given)
{
    uintptr_t word = id;
    mri_bid *bid;
    mri_lock_acquire(&m->lock);
    while ((bid = mri_bids_take(&m->bids)))
        if (mri_seeker_give(bid->seeker, given))
            break;
    word |= bid ? MRI_MUTEX_WOKEN : 0;
    word |= m->bids.first ? MRI_MUTEX_AWAIT : 0;
    /* No compare-and-swap: it is ours, and we have the lock, without which
     * nobody changes it. Relaxed: leave releases. */
    mri_store_relaxed(&m->word, word);
    mri_lock_release(&m->lock);
}

MRI_NOINLINE int mri_mutex_unlock_slow(mri_mutex *m, mri_owner me)
{
    mri_given given = MRI_GIVEN_NONE;
    if (!mri_mutex_is_mine(m, me))
        return MR_EPERM;
    uintptr_t kept = ++m->passes > MRI_MUTEX_PASSES ? MRI_MUTEX_KEPT : 0;
    while (!leave(m, kept))
        wake(m, me.id, &given);
    mri_owner_has_not(me);
    mri_given_tell(&given);
    return 0;
}

void mri_mutex_check(mri_mutex *m)
{
    uintptr_t word = mri_load_relaxed(&m->word); /* at rest */
    mri_bids_check(&m->bids);
    mri_require(!(word & MRI_MUTEX_KEPT) || word & MRI_MUTEX_WOKEN,
                "a mutex is kept for who was woken");
    mri_require(!m->bids.first || word & MRI_MUTEX_AWAIT,
                "who waits for a mutex is seen");
}
