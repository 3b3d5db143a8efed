/* See lock.h. */
#include "parts/lock.h"

#include "base/assert.h"
#include "os/clock.h"
#include "os/futex.h"

enum { FREE, HELD, CROWDED };

void mri_lock_init(mri_lock *lock)
{
    mri_init(&lock->word, FREE);
}

static MRI_COLD void acquire_slow(mri_lock *lock)
{
    /* Acquire: pairs with the swap of release. */
    while (mri_swap_acquire(&lock->word, CROWDED) != FREE)
        if (mri_futex_wait(&lock->word, CROWDED, MRI_NEVER) < 0)
            continue; /* whatever the reason: look at the word */
}

void mri_lock_acquire(mri_lock *lock)
{
    uint32_t seen = FREE;
    /* Acquire: pairs with the swap of release. */
    if (mri_unlikely(!mri_cas_acquire(&lock->word, &seen, HELD)))
        acquire_slow(lock);
}

void mri_lock_release(mri_lock *lock)
{
    /* Release: pairs with the acquire of the next holder. */
    uint32_t was = mri_swap_release(&lock->word, FREE);
    mri_assert(was != FREE, "a lock is released by its holder");
    if (mri_unlikely(was == CROWDED))
        mri_futex_wake(&lock->word, 1);
}
