/* millrace/sync.h in a child of fork(): who would have to wait is told. */
#include <millrace.h>

#include "child.h"
#include "slow.h"
#include "sync.h"

/* All of it is the parent's task's, or another's. */
struct things {
    mr_mutex mine, another;
    mr_rwlock written;
    mr_semaphore none;
    mr_condition condition;
    mr_barrier barrier;
    mr_latch latch;
    mr_event event;
    mr_once once;
};

static int64_t does(void *arg)
{
    (void)arg;
    return 3;
}

static enum child_end waits_for_nobody(void *arg)
{
    struct things *t = arg;
    CHILD_EXPECT(mr_mutex_lock(&t->another) == MR_EPERM);
    CHILD_EXPECT(mr_mutex_lock_until(&t->another, mr_after(1)) == MR_EPERM);
    CHILD_EXPECT(mr_rwlock_read(&t->written) == MR_EPERM);
    CHILD_EXPECT(mr_rwlock_write(&t->written) == MR_EPERM);
    CHILD_EXPECT(mr_semaphore_acquire(&t->none, 1) == MR_EPERM);
    CHILD_EXPECT(mr_condition_wait(&t->condition, &t->mine) == MR_EPERM);
    CHILD_EXPECT(mr_barrier_wait(&t->barrier) == MR_EPERM);
    CHILD_EXPECT(mr_latch_wait(&t->latch) == MR_EPERM);
    CHILD_EXPECT(mr_event_wait(&t->event) == MR_EPERM);
    CHILD_EXPECT(mr_once_call(&t->once, does, NULL) == MR_EPERM);
    CHILD_EXPECT(mr_mutex_unlock(&t->another) == MR_EPERM);
    return CHILD_OK;
}

static enum child_end has_what_is_free(void *arg)
{
    struct things *t = arg;
    CHILD_EXPECT(mr_mutex_unlock(&t->mine) == 0);
    CHILD_EXPECT(mr_mutex_lock(&t->mine) == 0);
    CHILD_EXPECT(mr_semaphore_release(&t->none, 1) == 0);
    CHILD_EXPECT(mr_semaphore_acquire(&t->none, 1) == 0);
    mr_event_set(&t->event);
    CHILD_EXPECT(mr_event_wait(&t->event) == 0);
    CHILD_EXPECT(mr_latch_count_down(&t->latch, 1) == 0);
    CHILD_EXPECT(mr_latch_wait(&t->latch) == 0);
    mr_barrier alone = MR_BARRIER_INIT(1);
    CHILD_EXPECT(mr_barrier_wait(&alone) == MR_BARRIER_LAST);
    mr_once fresh = MR_ONCE_INIT;
    CHILD_EXPECT(mr_once_call(&fresh, does, NULL) == 3);
    CHILD_EXPECT(mr_once_call(&fresh, NULL, NULL) == 3);
    return CHILD_OK;
}

static int64_t locks_another(void *arg)
{
    struct things *t = arg;
    EXPECT_EQ(mr_mutex_lock(&t->another), 0);
    return mr_rwlock_write(&t->written);
}

static int64_t unlocks_another(void *arg)
{
    struct things *t = arg;
    EXPECT_EQ(mr_mutex_unlock(&t->another), 0);
    return mr_rwlock_unlock(&t->written);
}

static int64_t forks(void *arg)
{
    struct things *t = arg;
    EXPECT_EQ(mr_mutex_lock(&t->mine), 0);
    EXPECT_EQ(child_run(waits_for_nobody, t), CHILD_OK);
    EXPECT_EQ(child_run(has_what_is_free, t), CHILD_OK);
    return mr_mutex_unlock(&t->mine);
}

/* This thread: the call is under way meanwhile. */
static int64_t runs(void *arg)
{
    return run_with(2, forks, arg);
}

TEST(sync_forked, who_would_have_to_wait_in_the_child_is_told)
{
    struct things t;
    if (slow_is_emulated())
        SKIP("an emulator's child of fork() is not one");
    memset(&t, 0, sizeof t);
    EXPECT_EQ(mr_barrier_open(&t.barrier, 2), 0);
    mr_latch_open(&t.latch, 1);
    EXPECT_EQ(locks_another(&t), 0); /* this thread */
    EXPECT_EQ(mr_once_call(&t.once, runs, &t), 0);
    EXPECT_EQ(unlocks_another(&t), 0);
}
