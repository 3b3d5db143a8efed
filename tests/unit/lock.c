#include "parts/lock.h"

#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static mri_lock fresh(void)
{
    mri_lock lock;
    mri_lock_init(&lock);
    return lock;
}

TEST(lock, a_new_lock_is_free)
{
    mri_lock lock = fresh();
    EXPECT(!mri_lock_is_held(&lock));
    mri_lock_check(&lock);
}

TEST(lock, a_held_lock_refuses_a_try_and_a_released_one_does_not)
{
    mri_lock lock = fresh();
    for (int i = 0; i < 3; i++) {
        mri_lock_acquire(&lock);
        EXPECT(mri_lock_is_held(&lock));
        EXPECT(!mri_lock_try(&lock));
        mri_lock_release(&lock);
        EXPECT(mri_lock_try(&lock));
        mri_lock_check(&lock);
        mri_lock_release(&lock);
    }
}

static void *acquire_and_release(void *arg)
{
    mri_lock_acquire(arg);
    mri_lock_release(arg);
    return NULL;
}

TEST(lock, release_lets_a_sleeper_in)
{
    mri_lock lock = fresh();
    pthread_t sleeper;
    mri_lock_acquire(&lock);
    EXPECT_EQ(pthread_create(&sleeper, NULL, acquire_and_release, &lock), 0);
    while (mri_load_relaxed(&lock.word) != MRI_LOCK_AWAITED)
        usleep(100);
    mri_lock_check(&lock);
    EXPECT(!mri_lock_try(&lock));
    mri_lock_release(&lock);
    EXPECT_EQ(pthread_join(sleeper, NULL), 0);
    EXPECT(!mri_lock_is_held(&lock));
}

static void release_free(void *arg)
{
    mri_lock lock = fresh();
    (void)arg;
    mri_lock_release(&lock);
}

static void check_nonsense(void *arg)
{
    mri_lock lock = {{3}};
    (void)arg;
    mri_lock_check(&lock);
}

TEST(lock, releasing_a_free_lock_is_told)
{
#if MRI_ASSERT_LEVEL >= 1
    EXPECT(test_dies(release_free, NULL, SIGABRT, "by who holds it"));
#else
    (void)release_free;
    SKIP("assertions are not compiled in");
#endif
}

TEST(lock, check_finds_words_that_cannot_be)
{
    EXPECT(test_dies(check_nonsense, NULL, SIGABRT, "free, held or awaited"));
}
