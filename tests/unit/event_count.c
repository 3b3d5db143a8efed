#include "parts/event_count.h"

#include "os/clock.h"
#include "test.h"

#include <millrace/error.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#define MS INT64_C(1000000)

static mri_event_count fresh(void)
{
    mri_event_count e;
    mri_event_count_init(&e);
    return e;
}

TEST(event_count, nobody_waits_at_first)
{
    mri_event_count e = fresh();
    EXPECT(!mri_event_count_awaited(&e));
    mri_event_count_notify_one(&e);
    mri_event_count_notify_all(&e);
    EXPECT(!mri_event_count_awaited(&e));
    EXPECT(mri_load_relaxed(&e.state) == 0);
    mri_event_count_check(&e);
}

TEST(event_count, who_prepared_waits_until_it_cancels)
{
    mri_event_count e = fresh();
    (void)!mri_event_count_prepare(&e);
    EXPECT(mri_event_count_awaited(&e));
    mri_event_count_cancel(&e);
    EXPECT(!mri_event_count_awaited(&e));
}

TEST(event_count, commit_after_a_notification_returns_at_once)
{
    mri_event_count e = fresh();
    mri_event_key key = mri_event_count_prepare(&e);
    mri_event_count_notify_one(&e);
    mri_event_count_check(&e);
    EXPECT_EQ(mri_event_count_commit(&e, key, MRI_NEVER), 0);
    key = mri_event_count_prepare(&e);
    mri_event_count_notify_all(&e);
    EXPECT_EQ(mri_event_count_commit(&e, key, MRI_NEVER), 0);
    EXPECT(!mri_event_count_awaited(&e));
}

TEST(event_count, a_notification_before_prepare_does_not_count)
{
    mri_event_count e = fresh();
    mri_event_count_notify_one(&e);
    mri_event_count_notify_all(&e);
    mri_event_key key = mri_event_count_prepare(&e);
    EXPECT_EQ(mri_event_count_commit(&e, key, 0), MR_ETIMEDOUT);
    EXPECT(!mri_event_count_awaited(&e));
}

TEST(event_count, one_notification_lets_one_of_two_go)
{
    mri_event_count e = fresh();
    mri_event_key a = mri_event_count_prepare(&e);
    mri_event_key b = mri_event_count_prepare(&e);
    mri_event_count_notify_one(&e);
    EXPECT_EQ(mri_event_count_commit(&e, a, 0), 0);
    EXPECT_EQ(mri_event_count_commit(&e, b, 0), MR_ETIMEDOUT);
    mri_event_count_check(&e);
}

TEST(event_count, notify_all_lets_go_who_waits_and_not_who_comes_later)
{
    mri_event_count e = fresh();
    mri_event_key a = mri_event_count_prepare(&e);
    mri_event_key b = mri_event_count_prepare(&e);
    mri_event_count_notify_all(&e);
    mri_event_key late = mri_event_count_prepare(&e);
    EXPECT_EQ(mri_event_count_commit(&e, late, 0), MR_ETIMEDOUT);
    EXPECT_EQ(mri_event_count_commit(&e, a, MRI_NEVER), 0);
    EXPECT_EQ(mri_event_count_commit(&e, b, MRI_NEVER), 0);
    EXPECT(!mri_event_count_awaited(&e));
}

TEST(event_count, a_signal_outlives_the_cancelling_of_another)
{
    mri_event_count e = fresh();
    mri_event_key a = mri_event_count_prepare(&e);
    (void)!mri_event_count_prepare(&e);
    mri_event_count_notify_one(&e);
    mri_event_count_cancel(&e);
    EXPECT_EQ(mri_event_count_commit(&e, a, MRI_NEVER), 0);
}

TEST(event_count, signals_never_exceed_waiters)
{
    mri_event_count e = fresh();
    (void)!mri_event_count_prepare(&e);
    for (int i = 0; i < 3; i++) {
        mri_event_count_notify_one(&e);
        mri_event_count_check(&e);
    }
    mri_event_count_cancel(&e);
    mri_event_count_check(&e);
    mri_event_key key = mri_event_count_prepare(&e);
    EXPECT_EQ(mri_event_count_commit(&e, key, 0), MR_ETIMEDOUT);
}

TEST(event_count, commit_does_not_time_out_early)
{
    mri_event_count e = fresh();
    int64_t deadline = mri_clock_now() + 3 * MS;
    mri_event_key key = mri_event_count_prepare(&e);
    EXPECT_EQ(mri_event_count_commit(&e, key, deadline), MR_ETIMEDOUT);
    EXPECT(mri_clock_now() >= deadline);
}

struct sleeper {
    mri_event_count *events;
    int rc;
};

static void *sleep_on(void *arg)
{
    struct sleeper *s = arg;
    mri_event_key key = mri_event_count_prepare(s->events);
    s->rc = mri_event_count_commit(s->events, key, MRI_NEVER);
    return NULL;
}

TEST(event_count, sleepers_are_woken)
{
    mri_event_count e = fresh();
    pthread_t thread[3];
    struct sleeper s[3];
    for (int i = 0; i < 3; i++) {
        s[i] = (struct sleeper){&e, 1};
        EXPECT_EQ(pthread_create(&thread[i], NULL, sleep_on, &s[i]), 0);
    }
    while ((mri_load_relaxed(&e.state) & MRI_EVENT_MOST) < 3)
        usleep(100);
    usleep(10000); /* asleep by now, or nearly: true either way */
    mri_event_count_notify_one(&e);
    mri_event_count_notify_all(&e);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(pthread_join(thread[i], NULL), 0);
        EXPECT_EQ(s[i].rc, 0);
    }
    EXPECT(!mri_event_count_awaited(&e));
}

static void one_too_many(void *arg)
{
    mri_event_count e = {.state = {MRI_EVENT_MOST}};
    (void)arg;
    (void)!mri_event_count_prepare(&e);
}

static void check_nonsense(void *arg)
{
    mri_event_count e = {.state = {MRI_EVENT_SIGNAL}};
    (void)arg;
    mri_event_count_check(&e);
}

TEST(event_count, more_waiters_than_fit_are_told)
{
    EXPECT(test_dies(one_too_many, NULL, SIGABRT, "at most 65535"));
}

TEST(event_count, check_finds_words_that_cannot_be)
{
    EXPECT(test_dies(check_nonsense, NULL, SIGABRT, "no more signals"));
}
