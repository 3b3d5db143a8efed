/* A mutex on a futex, for slow paths whose holders may be preempted.
 *
 *   word  0 free
 *         1 held, nobody sleeps
 *         2 held, somebody may sleep
 *
 * (Drepper, "Futexes Are Tricky", 2011, the second mutex.) Whoever cannot have
 * the lock at once takes it with an exchange for 2, so that its own release
 * wakes the next: it cannot know whether others sleep.
 *
 * No wake-up is lost: who sleeps has stored 2 by an exchange that found the
 * lock held, and sleeps only while the word is 2. A holder's release takes
 * whatever is there for 0, so it sees that 2 (or a later one), and wakes one;
 * or another releaser saw it and woke one. Whoever is woken stores 2 again
 * before it sleeps again, or holds the lock as 2, and so wakes the next.
 *
 * Release's exchange is its last touch, the futex call behind it uses the
 * address alone: who acquires the lock last may free its memory.
 *
 * Acquire's compare-and-swap or exchange acquires what the last holder's
 * release released. Not fair: who comes by may be faster than who was woken.
 *
 * Which may run together: acquire and try, by anybody; release by the holder.
 *
 * Must not know: what is protected.
 */
#ifndef MRI_PARTS_LOCK_H
#define MRI_PARTS_LOCK_H

#include "base/assert.h"
#include "base/atomic.h"

enum mri_lock_state {
    MRI_LOCK_FREE,
    MRI_LOCK_HELD,
    MRI_LOCK_AWAITED,
};

/* Written and read by anybody. */
typedef struct mri_lock {
    mri_atomic_u32 word;
} mri_lock;

MRI_INLINE void mri_lock_init(mri_lock *lock)
{
    mri_init(&lock->word, MRI_LOCK_FREE);
}

/* True: held by the caller now. */
MRI_INLINE MRI_CHECKED bool mri_lock_try(mri_lock *lock)
{
    uint32_t expected = MRI_LOCK_FREE;
    return mri_cas_acquire(&lock->word, &expected, MRI_LOCK_HELD);
}

void mri_lock_acquire_slow(mri_lock *lock);
void mri_lock_wake(mri_atomic_u32 *word);

MRI_INLINE void mri_lock_acquire(mri_lock *lock)
{
    if (mri_unlikely(!mri_lock_try(lock)))
        mri_lock_acquire_slow(lock);
}

MRI_INLINE void mri_lock_release(mri_lock *lock)
{
    /* LAST TOUCH of the lock; release: all that its holder did. */
    uint32_t was = mri_swap_release(&lock->word, MRI_LOCK_FREE);
    mri_assert(was != MRI_LOCK_FREE, "a lock is released by who holds it");
    if (mri_unlikely(was == MRI_LOCK_AWAITED))
        mri_lock_wake(&lock->word);
}

/* Whether somebody holds it: for assertions, and hints. */
MRI_INLINE bool mri_lock_is_held(mri_lock *lock)
{
    /* Relaxed: who holds it itself sees its own store. */
    return mri_load_relaxed(&lock->word) != MRI_LOCK_FREE;
}

/* Whether the word can be one. */
void mri_lock_check(mri_lock *lock);

#endif
