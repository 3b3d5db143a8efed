/* millrace/select.h over futures. */
#include <millrace.h>

#include "run.h"
#include "slow.h"
#include "test.h"
#include "waits.h"

#include <pthread.h>

enum { VALUE = 17 };

static const char waits[] = "one of several things";

struct things {
    mr_promise *promise[2];
    mr_future *f[2];
    mr_channel c;
    int64_t item;
    mr_case cases[3];
};

static void things_open(struct things *t)
{
    EXPECT_EQ(mr_channel_open(&t->c, sizeof(int64_t), 0, NULL), 0);
    for (int i = 0; i < 2; i++) {
        t->f[i] = mr_promise_open(&t->promise[i]);
        t->cases[i] = mr_case_future(t->f[i]);
    }
    t->cases[2] = mr_case_receive(&t->c, &t->item);
}

static void things_close(struct things *t)
{
    for (int i = 0; i < 2; i++) {
        mr_promise_close(t->promise[i]);
        mr_drop(t->f[i]);
    }
}

static int64_t selects(void *arg)
{
    struct things *t = arg;
    return mr_select(t->cases, 3, MR_NEVER);
}

/* ---- At once ------------------------------------------------------------ */

static int64_t at_once(void *arg)
{
    struct things t;
    (void)arg;
    things_open(&t);
    EXPECT_EQ(mr_select(t.cases, 3, 0), MR_ETIMEDOUT);
    EXPECT_EQ(mr_select(t.cases, 3, mr_after(MR_MS)), MR_ETIMEDOUT);
    EXPECT_EQ(mr_promise_complete(t.promise[1], VALUE), 0);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(mr_select(t.cases, 3, MR_NEVER), 1);
    EXPECT_EQ(t.cases[1].result, 0);
    EXPECT_EQ(mr_get(mr_retain(t.f[1])), VALUE);
    t.cases[0] = mr_case_future(NULL);
    t.cases[1] = mr_case_receive(NULL, &t.item);
    EXPECT_EQ(mr_select(t.cases, 3, MR_NEVER), 0); /* failed with MR_ENOMEM */
    things_close(&t);
    return 0;
}

TEST(select_future, one_that_is_done_is_told_at_once_and_kept)
{
    run_on_some(at_once, NULL);
}

/* ---- After a while ------------------------------------------------------ */

enum cause { COMPLETED, LEFT, SENT, CAUSES };

static void strike(struct things *t, enum cause cause)
{
    if (cause == COMPLETED)
        EXPECT_EQ(mr_promise_complete(t->promise[1], VALUE), 0);
    if (cause == LEFT) {
        mr_promise_close(t->promise[1]);
        t->promise[1] = NULL;
    }
    if (cause == SENT)
        EXPECT_EQ(mr_trysend(&t->c, &(int64_t){VALUE}), 0);
}

static int64_t after_a_while(void *arg)
{
    enum cause cause = *(enum cause *)arg;
    struct things t;
    mr_task waiter;
    things_open(&t);
    mr_spawn(&waiter, selects, &t);
    come_to_wait(1, waits);
    strike(&t, cause);
    EXPECT_EQ(mr_await(&waiter), cause == SENT ? 2 : 1);
    if (cause != SENT)
        EXPECT_EQ(mr_get(mr_retain(t.f[1])),
                  cause == LEFT ? MR_ECANCELED : VALUE);
    EXPECT_EQ(mr_trysend(&t.c, &(int64_t){VALUE}), MR_EAGAIN);
    /* Nothing of it is left at the other. */
    EXPECT_EQ(mr_promise_complete(t.promise[0], VALUE), 0);
    things_close(&t);
    return 0;
}

TEST(select_future, one_that_comes_to_be_done_ends_the_wait)
{
    for (int cause = 0; cause < CAUSES; cause++)
        for (unsigned workers = 2; workers <= 4; workers *= 2)
            EXPECT_EQ(run_with(workers, after_a_while, &cause), 0);
}

/* ---- All at the same time ----------------------------------------------- */

static int64_t completes(void *arg)
{
    return mr_promise_complete(arg, VALUE);
}

static int64_t sends(void *arg)
{
    return mr_send_until(arg, &(int64_t){VALUE}, mr_after(MR_MS));
}

/* One select, three who would end it. */
static int64_t all_at_once(void *arg)
{
    (void)arg;
    for (int i = 0; i < slow_scale(1000); i++) {
        struct things t;
        mr_task task[3];
        things_open(&t);
        mr_spawn(&task[0], completes, t.promise[0]);
        mr_spawn(&task[1], completes, t.promise[1]);
        mr_spawn(&task[2], sends, &t.c);
        int64_t at = mr_select(t.cases, 3, MR_NEVER);
        EXPECT(at >= 0 && at < 3);
        EXPECT_EQ(mr_await(&task[2]), at == 2 ? 0 : MR_ETIMEDOUT);
        EXPECT_EQ(mr_await(&task[1]), 0);
        EXPECT_EQ(mr_await(&task[0]), 0);
        things_close(&t);
    }
    return 0;
}

TEST(select_future, of_several_that_end_it_one_has)
{
    EXPECT_EQ(run_with(2, all_at_once, NULL), 0);
    EXPECT_EQ(run_with(4, all_at_once, NULL), 0);
}

/* ---- Threads ------------------------------------------------------------ */

static void *selects_main(void *arg)
{
    int64_t *at = malloc(sizeof *at);
    *at = selects(arg);
    return at;
}

static int64_t thread_selects(void *arg)
{
    struct things t;
    pthread_t thread;
    void *at;
    (void)arg;
    things_open(&t);
    EXPECT_EQ(pthread_create(&thread, NULL, selects_main, &t), 0);
    EXPECT_EQ(mr_promise_complete(t.promise[0], VALUE), 0);
    EXPECT_EQ(pthread_join(thread, &at), 0);
    EXPECT_EQ(*(int64_t *)at, 0);
    free(at);
    things_close(&t);
    return 0;
}

TEST(select_future, a_thread_waits_for_them_too)
{
    run_on_some(thread_selects, NULL);
}
