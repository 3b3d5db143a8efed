/* How parks end; the protocol is in park_word.h. */
#include "parts/park_word.h"

/* The one place where a park ends. */
static enum mri_park_end end_park(mri_park_word *p, uint64_t count,
                                  enum mri_park_state outcome)
{
    /* Relaxed: a guess for the compare-and-swap. It is no older than this
     * park's begin, since the count came with release and acquire; what says
     * that the park is over is never taken back. */
    uint64_t seen = mri_load_relaxed(&p->word);
    while (seen >> 3 == count && (seen & 7) <= MRI_PARK_PARKED) {
        /* At most twice: ARMING becomes PARKED once. Release: what the caller
         * did, for the parker that finds the outcome and goes on. */
        bool at_rest = (seen & 7) == MRI_PARK_PARKED;
        if (!mri_cas_release(&p->word, &seen, mri_park_word_of(count, outcome)))
            continue;
        if (!at_rest)
            return MRI_PARK_WON;
        /* The context that parked released, which the caller resumes. */
        mri_fence_acquire();
        return MRI_PARK_RESUME;
    }
    return MRI_PARK_LOST;
}

enum mri_park_end mri_park_complete(mri_park_word *p, uint64_t count)
{
    return end_park(p, count, MRI_PARK_COMPLETED);
}

enum mri_park_end mri_park_cancel(mri_park_word *p, uint64_t count)
{
    return end_park(p, count, MRI_PARK_CANCELLED);
}

enum mri_park_end mri_park_expire(mri_park_word *p, uint64_t count)
{
    return end_park(p, count, MRI_PARK_EXPIRED);
}

void mri_park_word_check(mri_park_word *p)
{
    /* Relaxed: the value alone is looked at. */
    uint64_t word = mri_load_relaxed(&p->word);
    mri_require((word & 7) <= MRI_PARK_EXPIRED, "a park word has a state");
    mri_require(word >> 3 > 0 || (word & 7) == MRI_PARK_COMPLETED,
                "a strand that never parked does not wait");
}
