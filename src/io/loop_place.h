/* Where a runtime keeps its loop (io/loop.h), without libuv's header.
 */
#ifndef MRI_IO_LOOP_PLACE_H
#define MRI_IO_LOOP_PLACE_H

#include "base/atomic.h"
#include "parts/lock.h"

/* Zero: there is none yet. */
typedef struct mri_loop_place {
    mri_atomic_ptr loop; /* an mri_loop; release: as a whole */
    mri_lock lock;       /* who starts it */
} mri_loop_place;

#endif
