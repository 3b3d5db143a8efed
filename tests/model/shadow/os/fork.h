/* What os/fork.h says, in models: a child of fork() is in none of them, and the
 * count of the process would outlive their executions. */
#ifndef MRI_OS_FORK_H
#define MRI_OS_FORK_H

#include "base/compiler.h"

MRI_CHECKED int mri_fork_watch(void);

MRI_INLINE uint32_t mri_fork_generation(void)
{
    return 0;
}

#endif
