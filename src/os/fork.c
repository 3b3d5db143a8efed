/* See fork.h. The one variable of the library that belongs to the process, as
 * does what it counts. */
#include "os/fork.h"

#include "base/atomic.h"
#include "os/sys.h"

#include <pthread.h>

static mri_atomic_u32 generation;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int refused;

static void in_child(void)
{
    /* Relaxed: a child has one thread. */
    mri_store_relaxed(&generation, mri_load_relaxed(&generation) + 1);
}

static void watch(void)
{
    int error = mri_fault("pthread_atfork");
    refused = -(error ? error : pthread_atfork(NULL, NULL, in_child));
}

int mri_fork_watch(void)
{
    pthread_once(&once, watch);
    return refused;
}

uint32_t mri_fork_generation(void)
{
    return mri_load_relaxed(&generation);
}
