/* Threads where the system refuses them. */
#define _GNU_SOURCE
#include "os/thread.h"

#include "base/atomic.h"
#include "child.h"
#include "faults.h"
#include "slow.h"
#include "test.h"

#include <errno.h>
#include <millrace/error.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

enum { THREADS = 5 };

static void count(void *arg)
{
    mri_add_relaxed((mri_atomic_u32 *)arg, 1);
}

/* THREADS started, those that fail once more. */
static int start_all(mri_atomic_u32 *ran, int error)
{
    mri_thread t[THREADS];
    int failed = 0;
    for (int i = 0; i < THREADS;) {
        int rc = mri_thread_start(&t[i], "fault", count, ran, 0);
        i += rc == 0;
        failed += rc < 0;
        EXPECT(rc == 0 || rc == -error);
    }
    for (int i = 0; i < THREADS; i++)
        mri_thread_join(&t[i]);
    return failed;
}

static int fail_each(int error)
{
    int failures = 0;
    for (int n = 1;; n++) {
        mri_atomic_u32 ran = {0};
        sigset_t before, after;
        EXPECT_EQ(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
        faults_arm(n, error);
        int failed = start_all(&ran, error);
        bool hit = faults_disarm();
        EXPECT_EQ(failed, hit);
        EXPECT_EQ(mri_load_relaxed(&ran), THREADS);
        EXPECT_EQ(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
        for (int i = 1; i < SIGRTMAX; i++)
            EXPECT_EQ(sigismember(&before, i), sigismember(&after, i));
        if (!hit)
            return failures;
        failures++;
    }
}

TEST(faults_thread, each_creation_that_fails_is_an_error_and_changes_nothing)
{
    EXPECT_EQ(MR_EAGAIN, -EAGAIN);
    EXPECT_EQ(MR_ENOMEM, -ENOMEM);
    EXPECT_EQ(fail_each(EAGAIN), THREADS);
    EXPECT_EQ(fail_each(ENOMEM), THREADS);
}

TEST(faults_thread, a_refused_affinity_is_an_error)
{
    faults_arm_call("sched_setaffinity", 1, EPERM, false);
    EXPECT_EQ(mri_thread_pin(0), MR_EPERM);
    EXPECT(faults_disarm());
    mri_thread_cpus cpus;
    faults_arm_call("sched_getaffinity", 1, EPERM, false);
    EXPECT_EQ(mri_thread_cpus_get(&cpus), MR_EPERM);
    EXPECT(faults_disarm());
}

static enum child_end start_without_room(void *arg)
{
    struct rlimit none = {1 << 20, 1 << 20};
    mri_atomic_u32 ran = {0};
    mri_thread t;
    (void)arg;
    if (slow_is_sanitized() || slow_is_emulated() ||
        setrlimit(RLIMIT_AS, &none) != 0)
        return CHILD_SKIP;
    int rc = mri_thread_start(&t, "no-room", count, &ran, 64 << 20);
    CHILD_EXPECT(rc == MR_EAGAIN || rc == MR_ENOMEM);
    CHILD_EXPECT(mri_load_relaxed(&ran) == 0);
    return CHILD_OK;
}

TEST(faults_thread, no_address_space_for_a_stack_is_an_error)
{
    enum child_end end = child_run(start_without_room, NULL);
    if (end == CHILD_SKIP)
        SKIP("address space cannot be limited here");
    EXPECT_EQ(end, CHILD_OK);
}
