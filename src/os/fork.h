/* Whether this process is a child that fork() made of one that ran threads of
 * ours: they are not here, and waiting for them would be for ever.
 *
 * Must not know: what ran.
 */
#ifndef MRI_OS_FORK_H
#define MRI_OS_FORK_H

#include "base/atomic.h"

/* To be called once before mri_fork_generation means anything; harmless to
 * repeat, any thread. 0, or MR_ENOMEM: call again. */
MRI_CHECKED int mri_fork_watch(void);

/* A number that is another one in each child. In line: it is asked in every
 * call that reads or writes. */
extern mri_atomic_u32 mri_fork_count;
MRI_INLINE uint32_t mri_fork_generation(void)
{
    /* Relaxed: it changes while there is one thread. */
    return mri_load_relaxed(&mri_fork_count);
}

#endif
