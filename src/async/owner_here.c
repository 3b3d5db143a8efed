/* Who the calling thread is where it is no task, and the registry of those who
 * wait: the two things of async/ that are found without a pointer. Models have
 * some of their own. */
#include "async/owner.h"

/* Its first byte counts. Of the loader's reserve, as in sched/self.c. */
_Thread_local uint64_t mri_owner_of_thread
    __attribute__((tls_model("initial-exec")));

mri_owner_registry *mri_owner_registry_here(void)
{
    static mri_owner_registry registry;
    return &registry;
}
