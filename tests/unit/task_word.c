#include "parts/task_word.h"

#include "os/clock.h"
#include "test.h"

#include <millrace/error.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#define MS INT64_C(1000000)

static mri_task_word pending(void)
{
    mri_task_word t;
    mri_task_word_init(&t);
    return t;
}

TEST(task_word, a_new_task_is_not_done)
{
    mri_task_word t = pending();
    EXPECT(!mri_task_word_is_done(&t));
    mri_task_word_check(&t);
}

TEST(task_word, completing_with_nobody_waiting_returns_nobody)
{
    mri_task_word t = pending();
    EXPECT_EQ(mri_task_word_complete(&t), MRI_WAITER_NONE);
    EXPECT(mri_task_word_is_done(&t));
    mri_task_word_check(&t);
}

TEST(task_word, completing_returns_the_waiter_with_its_kind_and_payload)
{
    static const enum mri_waiter_kind kinds[] = {
        MRI_WAITER_STRAND, MRI_WAITER_THREAD, MRI_WAITER_CONTINUATION};
    static const uint64_t payloads[] = {0, 8, UINT64_MAX - 7};
    for (int k = 0; k < 3; k++)
        for (int p = 0; p < 3; p++) {
            mri_task_word t = pending();
            EXPECT(mri_task_word_await_begin(
                &t, mri_waiter_of(kinds[k], payloads[p])));
            EXPECT(!mri_task_word_is_done(&t));
            mri_task_word_check(&t);
            mri_waiter w = mri_task_word_complete(&t);
            EXPECT_EQ(mri_waiter_kind(w), kinds[k]);
            EXPECT(mri_waiter_payload(w) == payloads[p]);
        }
}

TEST(task_word, waiting_for_a_done_task_does_not_register)
{
    mri_task_word t = pending();
    EXPECT_EQ(mri_task_word_complete(&t), MRI_WAITER_NONE);
    EXPECT(!mri_task_word_await_begin(&t, mri_waiter_of(MRI_WAITER_STRAND, 8)));
    EXPECT_EQ(mri_task_word_block(&t, MRI_NEVER), 0);
}

TEST(task_word, a_withdrawn_waiter_is_not_returned)
{
    mri_task_word t = pending();
    mri_waiter me = mri_waiter_of(MRI_WAITER_STRAND, 16);
    EXPECT(mri_task_word_await_begin(&t, me));
    EXPECT(mri_task_word_withdraw(&t, me));
    EXPECT_EQ(mri_task_word_complete(&t), MRI_WAITER_NONE);
}

TEST(task_word, withdrawing_from_a_done_task_fails)
{
    mri_task_word t = pending();
    mri_waiter me = mri_waiter_of(MRI_WAITER_STRAND, 16);
    EXPECT(mri_task_word_await_begin(&t, me));
    EXPECT(mri_task_word_complete(&t) == me);
    EXPECT(!mri_task_word_withdraw(&t, me));
    EXPECT(mri_task_word_is_done(&t));
}

TEST(task_word, the_second_of_drop_and_complete_frees)
{
    mri_task_word t = pending();
    EXPECT(!mri_task_word_drop(&t));
    mri_task_word_check(&t);
    EXPECT_EQ(mri_waiter_kind(mri_task_word_complete(&t)), MRI_WAITER_DROPPED);

    mri_task_word u = pending();
    EXPECT_EQ(mri_task_word_complete(&u), MRI_WAITER_NONE);
    EXPECT(mri_task_word_drop(&u));
}

TEST(task_word, block_until_the_past_times_out_and_withdraws)
{
    mri_task_word t = pending();
    EXPECT_EQ(mri_task_word_block(&t, 0), MR_ETIMEDOUT);
    int64_t deadline = mri_clock_now() + 2 * MS;
    EXPECT_EQ(mri_task_word_block(&t, deadline), MR_ETIMEDOUT);
    EXPECT(mri_clock_now() >= deadline);
    EXPECT_EQ(mri_task_word_complete(&t), MRI_WAITER_NONE);
}

static void *complete_soon(void *arg)
{
    usleep(5000);
    mri_waiter w = mri_task_word_complete(arg);
    if (mri_waiter_kind(w) == MRI_WAITER_THREAD)
        mri_task_wake_thread(w);
    return NULL;
}

TEST(task_word, block_sleeps_until_the_task_is_done)
{
    static const int64_t deadlines[] = {MRI_NEVER, MRI_NEVER / 2};
    for (int i = 0; i < 2; i++) {
        mri_task_word t = pending();
        pthread_t completer;
        EXPECT_EQ(pthread_create(&completer, NULL, complete_soon, &t), 0);
        EXPECT_EQ(mri_task_word_block(&t, deadlines[i]), 0);
        EXPECT(mri_task_word_is_done(&t));
        EXPECT_EQ(pthread_join(completer, NULL), 0);
    }
}

static void complete_twice(void *arg)
{
    mri_task_word t = pending();
    (void)arg;
    if (mri_task_word_complete(&t) == mri_task_word_complete(&t))
        return;
}

static void check_nonsense(void *arg)
{
    mri_task_word t = {{*(uint64_t *)arg}};
    mri_task_word_check(&t);
}

TEST(task_word, completing_twice_is_told)
{
#if MRI_ASSERT_LEVEL >= 1
    EXPECT(test_dies(complete_twice, NULL, SIGABRT, "a task completes once"));
#else
    (void)complete_twice;
    SKIP("assertions are not compiled in");
#endif
}

TEST(task_word, check_finds_words_that_cannot_be)
{
    uint64_t unknown = 7, done_with_payload = 64 | MRI_WAITER_DONE;
    EXPECT(test_dies(check_nonsense, &unknown, SIGABRT, "known kind"));
    EXPECT(test_dies(check_nonsense, &done_with_payload, SIGABRT, "payload"));
}
