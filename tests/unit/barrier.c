#include "os/barrier.h"

#include "faults.h"
#include "test.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <millrace/error.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool kernel_has_it(void)
{
    long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    return commands > 0 && (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

TEST(barrier, uses_membarrier_where_the_kernel_has_it)
{
    mri_barrier barrier;
    mri_barrier_open(&barrier);
    EXPECT_EQ(barrier.membarrier, kernel_has_it());
    EXPECT_EQ(barrier.membarrier, barrier.denied == 0);
    mri_barrier_heavy(&barrier);
    mri_barrier_light(&barrier);
}

TEST(barrier, opens_twice)
{
    mri_barrier first, second;
    mri_barrier_open(&first);
    mri_barrier_open(&second);
    EXPECT_EQ(first.membarrier, second.membarrier);
    EXPECT_EQ(first.denied, second.denied);
    mri_barrier_heavy(&first);
    mri_barrier_heavy(&second);
}

TEST(barrier, any_refusal_while_opening_falls_back_and_says_why)
{
    if (!kernel_has_it())
        SKIP("no membarrier here");
    int n = 1;
    for (;; n++) {
        mri_barrier barrier;
        faults_arm(n, EPERM);
        mri_barrier_open(&barrier);
        mri_barrier_light(&barrier);
        if (!faults_disarm())
            break;
        EXPECT(!barrier.membarrier);
        EXPECT_EQ(barrier.denied, MR_EPERM);
        mri_barrier_heavy(&barrier); /* must not ask the kernel again */
    }
    EXPECT_EQ(n - 1, 3); /* query, register, try */
}

static void refuse_late(void *arg)
{
    mri_barrier barrier;
    (void)arg;
    mri_barrier_open(&barrier);
    faults_arm_call("membarrier", 1, EPERM, true);
    mri_barrier_heavy(&barrier);
}

TEST(barrier, refusal_after_it_was_granted_stops_the_program)
{
    if (!kernel_has_it())
        SKIP("no membarrier here");
    EXPECT(test_dies(refuse_late, NULL, SIGABRT,
                     "membarrier is not denied after it was granted"));
}
