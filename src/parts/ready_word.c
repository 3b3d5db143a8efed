/* See ready_word.h. */
#include "parts/ready_word.h"

enum mri_ready_wait mri_ready_wait(mri_ready_word *r, mri_ready_waiter me)
{
    /* Relaxed: a guess for the compare-and-swap. */
    uint64_t seen = mri_load_relaxed(&r->word);
    for (;;) {
        if (seen & MRI_READY_CLOSED)
            return MRI_READY_IS_CLOSED;
        if (seen & MRI_READY)
            return MRI_READY_NOW;
        if (seen & ~MRI_READY_FLAGS)
            return MRI_READY_BUSY;
        /* Release: the park that has begun, for who takes the waiter out. */
        if (mri_cas_weak_release(&r->word, &seen, seen | me))
            return MRI_READY_WAITS;
    }
}

bool mri_ready_unwait(mri_ready_word *r, mri_ready_waiter me)
{
    uint64_t seen = mri_load_relaxed(&r->word);
    while ((seen & ~MRI_READY_FLAGS) == me)
        /* Relaxed: nothing is handed over. */
        if (mri_cas_weak_relaxed(&r->word, &seen, seen & MRI_READY_FLAGS))
            return true;
    return false;
}

/* The flags it is to have as well, and nobody waits. */
static mri_ready_waiter hand_out(mri_ready_word *r, uint64_t flags)
{
    uint64_t seen = mri_load_relaxed(&r->word);
    /* Release: what happened, for take. Acquire: the waiter's park. */
    while (!mri_cas_weak_acq_rel(&r->word, &seen,
                                 (seen & MRI_READY_FLAGS) | flags))
        continue;
    return seen & ~MRI_READY_FLAGS;
}

mri_ready_waiter mri_ready_set(mri_ready_word *r, uint64_t hup)
{
    return hand_out(r, MRI_READY | hup);
}

mri_ready_waiter mri_ready_close(mri_ready_word *r)
{
    return hand_out(r, MRI_READY | MRI_READY_CLOSED);
}
