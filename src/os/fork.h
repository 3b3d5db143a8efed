/* Whether this process is a child that fork() made of one that ran threads of
 * ours: they are not here, and waiting for them would be for ever.
 *
 * Must not know: what ran.
 */
#ifndef MRI_OS_FORK_H
#define MRI_OS_FORK_H

#include "base/compiler.h"

#include <stdint.h>

/* To be called once before mri_fork_generation means anything; harmless to
 * repeat, any thread. 0, or MR_ENOMEM: call again. */
MRI_CHECKED int mri_fork_watch(void);

/* A number that is another one in each child. */
uint32_t mri_fork_generation(void);

#endif
