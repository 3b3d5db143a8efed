/* membarrier(2): query, register, try, use. */
#include "os/barrier.h"

#include "base/assert.h"
#include "os/sys.h"

#include <linux/membarrier.h>
#include <millrace/error.h>

/* 0, or why the system call cannot be relied upon. */
static int grant(void)
{
    int rc = mri_sys_membarrier(MEMBARRIER_CMD_QUERY);
    if (rc < 0)
        return rc;
    if (!(rc & MEMBARRIER_CMD_PRIVATE_EXPEDITED))
        return MR_ENOSYS;
    rc = mri_sys_membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
    if (rc < 0)
        return rc;
    /* A filter may look at the command: try the one that will be used. */
    return mri_sys_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

void mri_barrier_open(mri_barrier *barrier)
{
    barrier->denied = grant();
    barrier->membarrier = barrier->denied == 0;
}

void mri_barrier_heavy(const mri_barrier *barrier)
{
    if (!barrier->membarrier) {
        mri_fence_seq_cst();
        return;
    }
    /* The light sides rely on it already, and no fence of ours can stand in:
     * going on would corrupt what the barrier protects. */
    mri_require(mri_sys_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0,
                "membarrier is not denied after it was granted");
}
