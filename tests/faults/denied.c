/* What os/ does where a container's filter denies a system call, as against
 * the faults that the testing twin makes up. */
#include "child.h"
#include "filter.h"
#include "os/barrier.h"
#include "os/pages.h"
#include "test.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <millrace/error.h>
#include <sys/syscall.h>

static enum child_end lose_membarrier(void *arg)
{
    int error = *(int *)arg;
    if (!filter_deny(SYS_membarrier, -1, error))
        return CHILD_SKIP;
    mri_barrier barrier;
    mri_barrier_open(&barrier);
    CHILD_EXPECT(!barrier.membarrier);
    CHILD_EXPECT(barrier.denied == -error);
    mri_barrier_light(&barrier);
    mri_barrier_heavy(&barrier);
    return CHILD_OK;
}

TEST(denied, membarrier_denied_falls_back_to_fences_and_says_why)
{
    int eperm = EPERM, enosys = ENOSYS;
    CHILD_RUN_OR_SKIP(lose_membarrier, &eperm, "no filters here");
    CHILD_RUN_OR_SKIP(lose_membarrier, &enosys, "no filters here");
}

static enum child_end lose_lightweight_guards(void *arg)
{
    (void)arg;
    if (mri_guard_probe() == MRI_GUARD_NONE ||
        !filter_deny(SYS_madvise, FILTER_GUARD_INSTALL, EINVAL))
        return CHILD_SKIP;
    CHILD_EXPECT(mri_guard_probe() == MRI_GUARD_MPROTECT);
    void *page = NULL;
    CHILD_EXPECT(mri_pages_map(&page, mri_page_size()) == 0);
    CHILD_EXPECT(mri_pages_guard(page, mri_page_size(), MRI_GUARD_MADVISE) ==
                 MR_EINVAL);
    *(volatile char *)page = 1;
    CHILD_EXPECT(mri_pages_guard(page, mri_page_size(), MRI_GUARD_MPROTECT) ==
                 0);
    CHILD_EXPECT(mri_pages_unmap(page, mri_page_size()) == 0);
    return CHILD_OK;
}

TEST(denied, lightweight_guards_denied_fall_back_to_mprotect)
{
    CHILD_RUN_OR_SKIP(lose_lightweight_guards, NULL,
                      "no guards or filters here");
}

static enum child_end lose_all_guards(void *arg)
{
    (void)arg;
    if (!filter_deny(SYS_madvise, FILTER_GUARD_INSTALL, EPERM) ||
        !filter_deny(SYS_mprotect, -1, EPERM))
        return CHILD_SKIP;
    CHILD_EXPECT(mri_guard_probe() == MRI_GUARD_NONE);
    return CHILD_OK;
}

TEST(denied, without_any_guard_the_probe_says_none)
{
    CHILD_RUN_OR_SKIP(lose_all_guards, NULL, "no filters here");
}

/* The pair of a guard that can be set and one that cannot be taken back. */
static enum child_end lose_unguard(void *arg)
{
    (void)arg;
    if (mri_guard_probe() != MRI_GUARD_MADVISE ||
        !filter_deny(SYS_madvise, FILTER_GUARD_REMOVE, EPERM))
        return CHILD_SKIP;
    CHILD_EXPECT(mri_guard_probe() == MRI_GUARD_MPROTECT);
    return CHILD_OK;
}

TEST(denied, guard_that_cannot_be_undone_is_not_chosen)
{
    CHILD_RUN_OR_SKIP(lose_unguard, NULL,
                      "no lightweight guards or filters here");
}
