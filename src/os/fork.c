/* See fork.h. The one variable of the library that belongs to the process, as
 * does what it counts. */
#include "os/fork.h"

#include "os/sys.h"

#include <pthread.h>

mri_atomic_u32 mri_fork_count;

static mri_atomic_u32 watched;

static void in_child(void)
{
    /* Relaxed: a child has one thread. */
    mri_store_relaxed(&mri_fork_count, mri_load_relaxed(&mri_fork_count) + 1);
}

/* Not once and for all: what was refused for want of memory is asked again.
 * Two that ask at the same time may both be heard; then each child counts by
 * two, which is another number as well. */
int mri_fork_watch(void)
{
    /* Relaxed, both: nothing but the flag itself. */
    if (mri_load_relaxed(&watched))
        return 0;
    int error = mri_fault("pthread_atfork");
    if (!error)
        error = pthread_atfork(NULL, NULL, in_child);
    if (!error)
        mri_store_relaxed(&watched, 1);
    return -error;
}
