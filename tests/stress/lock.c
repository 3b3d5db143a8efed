#include "parts/lock.h"

#include "stress.h"
#include "test.h"

#include <pthread.h>
#include <sched.h>

enum { MOST = 64 };

struct crowd {
    mri_lock lock;
    uint64_t inside; /* plain: the holder's */
    mri_atomic_u64 done;
    int64_t end;
    bool yields;
};

static void *go_in_and_out(void *arg)
{
    struct crowd *c = arg;
    uint64_t done = 0;
    while (mri_clock_now() < c->end)
        for (int i = 0; i < 100; i++) {
            if (i % 4 != 0)
                mri_lock_acquire(&c->lock);
            else if (!mri_lock_try(&c->lock))
                continue;
            uint64_t inside = c->inside;
            if (c->yields && i % 16 == 1)
                sched_yield(); /* others find a holder that does not run */
            c->inside = inside + 1;
            mri_lock_release(&c->lock);
            done++;
        }
    mri_add_relaxed(&c->done, done);
    return NULL;
}

static void run_crowd(int threads, bool yields)
{
    struct crowd c = {.end = stress_end(), .yields = yields};
    pthread_t thread[MOST];
    mri_lock_init(&c.lock);
    for (int i = 0; i < threads; i++)
        EXPECT_EQ(pthread_create(&thread[i], NULL, go_in_and_out, &c), 0);
    for (int i = 0; i < threads; i++)
        EXPECT_EQ(pthread_join(thread[i], NULL), 0);
    EXPECT(c.inside == mri_load_relaxed(&c.done));
    EXPECT(!mri_lock_is_held(&c.lock));
}

TEST(stress_lock, two_threads)
{
    run_crowd(2, false);
}

TEST(stress_lock, four_times_more_threads_than_cpus)
{
    run_crowd(stress_crowd(MOST), false);
}

TEST(stress_lock, holders_that_do_not_run)
{
    run_crowd(stress_crowd(MOST), true);
}
