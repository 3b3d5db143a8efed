/* The lock's slow sides; the protocol is in lock.h. */
#include "parts/lock.h"

#include "os/clock.h"
#include "os/futex.h"

MRI_NOINLINE void mri_lock_acquire_slow(mri_lock *lock)
{
    while (mri_swap_acquire(&lock->word, MRI_LOCK_AWAITED) != MRI_LOCK_FREE)
        if (mri_futex_wait(&lock->word, MRI_LOCK_AWAITED, MRI_NEVER) < 0)
            continue; /* whatever the reason: try again */
}

MRI_NOINLINE void mri_lock_wake(mri_atomic_u32 *word)
{
    mri_futex_wake(word, 1);
}

void mri_lock_check(mri_lock *lock)
{
    /* Relaxed: the value alone is looked at. */
    mri_require(mri_load_relaxed(&lock->word) <= MRI_LOCK_AWAITED,
                "a lock is free, held or awaited");
}
