/* A runtime's I/O: what waits for descriptors, and their table. Opened by the
 * first call that needs it; closed by mr_stop, when no worker runs.
 *
 * Must not know: what descriptors are for.
 */
#ifndef MRI_IO_IO_H
#define MRI_IO_IO_H

#include "io/handle.h"
#include "io/loop_place.h"
#include "io/poller.h"
#include "sched/runtime.h"

typedef struct mri_io {
    mri_poller poller;
    mri_handle_table handles;
    mri_loop_place loop;
} mri_io;

/* On a worker of it: *out, opened if need be; or a negative code, and the next
 * call tries again. MR_EPERM: in a child of fork(). */
MRI_CHECKED int mri_io_open(mr_runtime *rt, mri_io **out);

/* NULL: not opened yet. */
MRI_INLINE mri_io *mri_io_of(mr_runtime *rt)
{
    /* Acquire: what open has made; pairs with its release. */
    return mri_load_acquire(&rt->io);
}

#endif
