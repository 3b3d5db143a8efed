/* futex(2), private, with absolute deadlines.
 *
 * FUTEX_WAIT_BITSET rather than FUTEX_WAIT: its timeout is a point on
 * CLOCK_MONOTONIC, so that a wait that is repeated does not drift. */
#include "os/futex.h"

#include "os/clock.h"
#include "os/sys.h"

#include <linux/futex.h>
#include <time.h>

MRI_STATIC_ASSERT(sizeof(time_t) == 8, "SYS_futex reads a 64-bit time here");

/* The kernel refuses a negative time; any past is as good as another. A far
 * future it saturates itself. */
static struct timespec time_of(int64_t deadline)
{
    if (deadline < 0)
        deadline = 0;
    return (struct timespec){deadline / 1000000000, deadline % 1000000000};
}

int mri_futex_wait(mri_atomic_u32 *word, uint32_t expected, int64_t deadline)
{
    struct timespec until = time_of(deadline);
    return (int)mri_sys_futex(
        &word->cell, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
        deadline == MRI_NEVER ? NULL : &until, FUTEX_BITSET_MATCH_ANY);
}

int mri_futex_wake(mri_atomic_u32 *word, int count)
{
    /* The kernel would wake one for 0, and for a negative count. */
    if (count <= 0)
        return 0;
    return (int)mri_sys_futex(&word->cell, FUTEX_WAKE | FUTEX_PRIVATE_FLAG,
                              (uint32_t)count, NULL, 0);
}

void mri_futex_nap(int64_t ns)
{
    mri_atomic_u32 never;
    mri_init(&never, 0);
    (void)!mri_futex_wait(&never, 0, mri_clock_now() + ns);
}
