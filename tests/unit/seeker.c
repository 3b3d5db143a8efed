#include "async/seeker.h"

#include "os/clock.h"
#include "sync.h"

#include <signal.h>

/* ---- Queues ------------------------------------------------------------- */

static int length(const mri_bids *q)
{
    int n = 0;
    for (const mri_bid *bid = q->first; bid; bid = bid->next)
        n++;
    mri_bids_check(q);
    return n;
}

TEST(seeker, bids_are_taken_in_the_order_in_which_they_came)
{
    mri_bids q = {NULL, NULL};
    mri_seeker k;
    mri_bid bid[4];
    EXPECT(!mri_bids_take(&q));
    for (int i = 0; i < 3; i++)
        mri_bids_add(&q, &bid[i], &k);
    mri_bids_add_first(&q, &bid[3], &k);
    EXPECT_EQ(length(&q), 4);
    EXPECT(mri_bids_take(&q) == &bid[3]);
    for (int i = 0; i < 3; i++)
        EXPECT(mri_bids_take(&q) == &bid[i]);
    EXPECT(!mri_bids_take(&q));
    EXPECT_EQ(length(&q), 0);
    mri_bids_add_first(&q, &bid[0], &k);
    mri_bids_add(&q, &bid[1], &k);
    EXPECT(mri_bids_take(&q) == &bid[0]);
    EXPECT_EQ(length(&q), 1);
}

/* Each of three, first, in the middle and last, after each number of takes. */
TEST(seeker, a_bid_is_withdrawn_from_wherever_it_stands_and_once)
{
    for (int gone = 0; gone < 3; gone++)
        for (int taken = 0; taken < 3; taken++) {
            mri_bids q = {NULL, NULL};
            mri_seeker k;
            mri_bid bid[3];
            for (int i = 0; i < 3; i++)
                mri_bids_add(&q, &bid[i], &k);
            for (int i = 0; i < taken; i++)
                EXPECT(mri_bids_take(&q) == &bid[i]);
            EXPECT_EQ(mri_bids_withdraw(&q, &bid[gone]), gone >= taken);
            EXPECT(!mri_bids_withdraw(&q, &bid[gone]));
            EXPECT_EQ(length(&q), 3 - taken - (gone >= taken));
            for (int i = taken; i < 3; i++)
                if (i != gone)
                    EXPECT(mri_bids_take(&q) == &bid[i]);
            EXPECT_EQ(length(&q), 0);
        }
}

static void check_unlinked(void *arg)
{
    mri_bids q = {NULL, NULL};
    mri_seeker k;
    mri_bid bid[2];
    (void)arg;
    for (int i = 0; i < 2; i++)
        mri_bids_add(&q, &bid[i], &k);
    bid[1].prev = NULL;
    mri_bids_check(&q);
}

static void check_last(void *arg)
{
    mri_bids q = {NULL, NULL};
    mri_seeker k;
    mri_bid bid;
    (void)arg;
    mri_bids_add(&q, &bid, &k);
    q.last = NULL;
    mri_bids_check(&q);
}

TEST(seeker, check_finds_queues_that_cannot_be)
{
    EXPECT(test_dies(check_unlinked, NULL, SIGABRT, "linked both ways"));
    EXPECT(test_dies(check_last, NULL, SIGABRT, "the last bid is the last"));
}

/* ---- A wait of a thread, and of a task ---------------------------------- */

static mri_strand *caller(void)
{
    mri_strand *s;
    EXPECT_EQ(mri_seeker_caller(&s), 0);
    return s;
}

static bool gives(mri_seeker *k)
{
    mri_given given = MRI_GIVEN_NONE;
    bool done = mri_seeker_give(k, &given);
    mri_given_tell(&given);
    return done;
}

static int64_t is_given_before(void *arg)
{
    mri_seeker k;
    (void)arg;
    mri_seeker_begin(&k, caller());
    EXPECT(gives(&k));
    EXPECT(!gives(&k));
    EXPECT_EQ(mri_seeker_wait(&k, MRI_NEVER, "a test"), 0);
    mri_seeker_begin(&k, caller());
    EXPECT(gives(&k));
    mri_seeker_await(&k, "a test");
    mri_seeker_begin(&k, caller());
    EXPECT(gives(&k));
    EXPECT_EQ(mri_seeker_wait(&k, 0, "a test"), 0);
    return 0;
}

TEST(seeker, what_was_given_before_the_wait_ends_it)
{
    run_on_some(is_given_before, NULL);
    EXPECT_EQ(is_given_before(NULL), 0);
}

static int64_t is_late(void *arg)
{
    mri_seeker k;
    int64_t deadline = mr_after(5 * MR_MS);
    (void)arg;
    mri_seeker_begin(&k, caller());
    EXPECT_EQ(mri_seeker_wait(&k, deadline, "a test"), MR_ETIMEDOUT);
    EXPECT(mr_now() >= deadline);
    EXPECT(!gives(&k));
    mri_seeker_begin(&k, caller());
    EXPECT_EQ(mri_seeker_wait(&k, 0, "a test"), MR_ETIMEDOUT);
    EXPECT(!gives(&k));
    return 0;
}

TEST(seeker, after_its_deadline_nobody_gives)
{
    run_on_some(is_late, NULL);
    EXPECT_EQ(is_late(NULL), 0);
}

static int64_t stays(void *arg)
{
    mri_seeker k;
    (void)arg;
    mri_seeker_begin(&k, caller());
    EXPECT(mri_seeker_stay(&k));
    EXPECT(!gives(&k));
    mri_seeker_begin(&k, caller());
    EXPECT(gives(&k));
    EXPECT(!mri_seeker_stay(&k));
    mri_seeker_begin(&k, caller());
    EXPECT(mri_seeker_stay(&k));
    return 0;
}

TEST(seeker, who_stays_is_given_before_or_not_at_all)
{
    run_on_some(stays, NULL);
    EXPECT_EQ(stays(NULL), 0);
}

static int64_t is_cancelled(void *arg)
{
    mri_seeker k;
    mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_cancel(&scope);
    mri_seeker_begin(&k, caller());
    EXPECT_EQ(mri_seeker_wait(&k, MRI_NEVER, "a test"), MR_ECANCELED);
    EXPECT(!gives(&k));
    mri_seeker_begin(&k, caller());
    EXPECT(gives(&k));
    mri_seeker_await(&k, "a test"); /* whatever became of the scope */
    return mr_scope_close(&scope) == MR_ECANCELED ? 0 : -1;
}

TEST(seeker, a_scope_that_is_cut_short_ends_a_wait_but_not_an_await)
{
    run_on_some(is_cancelled, NULL);
}

/* ---- Telling ------------------------------------------------------------ */

enum { RUNTIMES = 3, TASKS = 4, ALL = RUNTIMES * TASKS };

struct crowd {
    mri_lock lock;
    mri_bids bids;
    int64_t waiting, went_on;
};

static int64_t waits_in_crowd(void *arg)
{
    struct crowd *c = *(struct crowd **)arg;
    mri_seeker k;
    mri_bid bid;
    mri_seeker_begin(&k, caller());
    mri_lock_acquire(&c->lock);
    mri_bids_add(&c->bids, &bid, &k);
    mri_lock_release(&c->lock);
    add(&c->waiting, 1);
    EXPECT_EQ(mri_seeker_wait(&k, MRI_NEVER, "a test"), 0);
    add(&c->went_on, 1);
    return 0;
}

static int64_t many_wait(void *arg)
{
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < TASKS; i++)
        EXPECT_EQ(mr_scope_go(&scope, waits_in_crowd, &arg, sizeof arg), 0);
    return mr_scope_close(&scope);
}

static int64_t runs_many(void *arg)
{
    return run_with(2, many_wait, arg);
}

static void give_all(struct crowd *c)
{
    mri_given given = MRI_GIVEN_NONE;
    mri_bid *bid;
    mri_lock_acquire(&c->lock);
    while ((bid = mri_bids_take(&c->bids)))
        EXPECT(mri_seeker_give(bid->seeker, &given));
    mri_lock_release(&c->lock);
    mri_given_tell(&given);
}

static int64_t gives_all(void *arg)
{
    give_all(arg);
    return 0;
}

/* By a thread, and by a task of yet another runtime. */
TEST(seeker, all_that_were_given_go_on_in_whichever_runtime)
{
    for (int round = 0; round < 20; round++) {
        struct crowd c = {.waiting = 0};
        struct outside runtime[RUNTIMES], thread;
        void *at = &c;
        mri_lock_init(&c.lock);
        for (int i = 0; i < RUNTIMES; i++)
            outside_start(&runtime[i], runs_many, &c);
        outside_start(&thread, waits_in_crowd, &at);
        until(&c.waiting, ALL + 1);
        if (round % 2)
            EXPECT_EQ(run_with(1, gives_all, &c), 0);
        else
            give_all(&c);
        for (int i = 0; i < RUNTIMES; i++)
            EXPECT_EQ(outside_join(&runtime[i]), 0);
        EXPECT_EQ(outside_join(&thread), 0);
        EXPECT_EQ(c.went_on, ALL + 1);
    }
}

TEST(seeker, nobody_is_told_where_nobody_was_given)
{
    mri_given given = MRI_GIVEN_NONE;
    mri_given_tell(&given);
    EXPECT_EQ(given.count, 0);
}
