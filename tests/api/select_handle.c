/* millrace/select.h over handles. */
#include <millrace.h>

#include "run.h"
#include "test.h"
#include "waits.h"

static const char waits[] = "one of several things";

/* A pipe, and a channel beside it. */
struct things {
    mr_handle end[2]; /* to read, to write */
    mr_channel c;
    int64_t item;
    mr_case cases[3];
    size_t n;
    int64_t deadline;
};

static void things_open(struct things *t)
{
    EXPECT_EQ(mr_pipe_open(t->end), 0);
    EXPECT_EQ(mr_channel_open(&t->c, sizeof(int64_t), 0, NULL), 0);
    t->cases[0] = mr_case_readable(t->end[0]);
    t->cases[1] = mr_case_receive(&t->c, &t->item);
    t->n = 2;
    t->deadline = MR_NEVER;
}

static void things_close(struct things *t)
{
    mr_close(t->end[0]);
    mr_close(t->end[1]);
}

static int64_t selects(void *arg)
{
    struct things *t = arg;
    return mr_select(t->cases, t->n, t->deadline);
}

static void expect_readable(struct things *t)
{
    char buf[4];
    EXPECT_EQ(t->cases[0].result, 0);
    EXPECT_EQ(mr_read(t->end[0], buf, sizeof buf), 1);
}

/* ---- At once ------------------------------------------------------------ */

static int64_t at_once(void *arg)
{
    struct things t;
    (void)arg;
    things_open(&t);
    EXPECT_EQ(mr_select(t.cases, 2, 0), MR_ETIMEDOUT);
    EXPECT_EQ(mr_select(t.cases, 2, mr_after(MR_MS)), MR_ETIMEDOUT);
    EXPECT_EQ(mr_write(t.end[1], "x", 1), 1);
    for (int i = 0; i < 3; i++) /* nothing is taken */
        EXPECT_EQ(mr_select(t.cases, 2, MR_NEVER), 0);
    expect_readable(&t);
    EXPECT_EQ(mr_select(t.cases, 2, mr_after(MR_MS)), MR_ETIMEDOUT);
    t.cases[0] = mr_case_writable(t.end[1]);
    EXPECT_EQ(mr_select(t.cases, 2, MR_NEVER), 0);
    things_close(&t);
    return 0;
}

TEST(select_handle, what_is_ready_is_told_at_once)
{
    run_on_some(at_once, NULL);
}

/* ---- After a while ------------------------------------------------------ */

enum cause { WRITTEN, SENT, CLOSED, ENDED, CAUSES };

static int64_t after_a_while(void *arg)
{
    enum cause cause = *(enum cause *)arg;
    struct things t;
    mr_task waiter;
    things_open(&t);
    mr_spawn(&waiter, selects, &t);
    come_to_wait(1, waits);
    if (cause == WRITTEN)
        EXPECT_EQ(mr_write(t.end[1], "x", 1), 1);
    if (cause == SENT)
        EXPECT_EQ(mr_trysend(&t.c, &(int64_t){7}), 0);
    if (cause == CLOSED)
        EXPECT_EQ(mr_close(t.end[0]), 0);
    if (cause == ENDED)
        EXPECT_EQ(mr_close(t.end[1]), 0);
    EXPECT_EQ(mr_await(&waiter), cause == SENT ? 1 : 0);
    if (cause == WRITTEN)
        expect_readable(&t);
    if (cause == CLOSED)
        EXPECT_EQ(t.cases[0].result, MR_EBADF);
    if (cause == ENDED)
        EXPECT_EQ(t.cases[0].result, 0);
    if (cause != SENT)
        EXPECT_EQ(mr_trysend(&t.c, &(int64_t){7}), MR_EAGAIN);
    things_close(&t);
    return 0;
}

TEST(select_handle, what_becomes_ready_ends_the_wait)
{
    for (int cause = 0; cause < CAUSES; cause++)
        for (unsigned workers = 2; workers <= 4; workers *= 2)
            EXPECT_EQ(run_with(workers, after_a_while, &cause), 0);
}

/* What comes while it waits for both is there for the next, whichever of them
 * has ended the wait. */
static int64_t both_at_once(void *arg)
{
    struct things t;
    (void)arg;
    things_open(&t);
    for (int i = 0; i < 200; i++) {
        mr_task waiter;
        char buf[4];
        mr_spawn(&waiter, selects, &t);
        if (i % 2)
            come_to_wait(1, waits);
        EXPECT_EQ(mr_write(t.end[1], "x", 1), 1);
        int sent = mr_trysend(&t.c, &(int64_t){i});
        EXPECT_EQ(mr_await(&waiter), sent == 0 ? 1 : 0);
        if (sent == 0)
            EXPECT_EQ(t.item, i);
        EXPECT_EQ(mr_select(t.cases, 1, MR_NEVER), 0);
        EXPECT_EQ(mr_read(t.end[0], buf, sizeof buf), 1);
    }
    things_close(&t);
    return 0;
}

TEST(select_handle, no_readiness_is_lost_to_a_channel)
{
    run_on_some(both_at_once, NULL);
}

/* ---- What cannot be waited for ------------------------------------------ */

static int64_t reads(void *arg)
{
    char buf[4];
    return mr_read(*(mr_handle *)arg, buf, sizeof buf);
}

static int64_t is_refused(void *arg)
{
    struct things t;
    mr_task reader;
    (void)arg;
    things_open(&t);
    t.cases[1] = mr_case_readable(-1);
    EXPECT_EQ(mr_select(t.cases, 2, MR_NEVER), 1);
    EXPECT_EQ(t.cases[1].result, MR_EBADF);
    t.cases[1] = mr_case_readable(t.end[0]); /* twice */
    EXPECT_EQ(mr_select(t.cases, 2, MR_NEVER), 1);
    EXPECT_EQ(t.cases[1].result, MR_EBUSY);
    mr_spawn(&reader, reads, &t.end[0]);
    come_to_wait(1, "a descriptor to read from");
    EXPECT_EQ(mr_select(t.cases, 1, MR_NEVER), 0);
    EXPECT_EQ(t.cases[0].result, MR_EBUSY);
    EXPECT_EQ(mr_write(t.end[1], "x", 1), 1);
    EXPECT_EQ(mr_await(&reader), 1);
    /* Nothing remains of it. */
    EXPECT_EQ(mr_select(t.cases, 1, mr_after(MR_MS)), MR_ETIMEDOUT);
    things_close(&t);
    EXPECT_EQ(mr_select(t.cases, 1, MR_NEVER), 0);
    EXPECT_EQ(t.cases[0].result, MR_EBADF);
    return 0;
}

TEST(select_handle, what_cannot_be_waited_for_says_so)
{
    EXPECT_EQ(run_with(2, is_refused, NULL), 0);
    EXPECT_EQ(run_with(4, is_refused, NULL), 0);
}

static int64_t in_a_cut(void *arg)
{
    struct things t;
    mr_scope scope;
    (void)arg;
    things_open(&t);
    mr_scope_open(&scope, mr_after(5 * MR_MS));
    EXPECT_EQ(mr_select(t.cases, 2, MR_NEVER), MR_ECANCELED);
    EXPECT_EQ(mr_select(t.cases, 2, MR_NEVER), MR_ECANCELED);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    EXPECT_EQ(mr_write(t.end[1], "x", 1), 1);
    EXPECT_EQ(mr_select(t.cases, 2, MR_NEVER), 0);
    expect_readable(&t);
    things_close(&t);
    return 0;
}

TEST(select_handle, a_scope_that_is_cut_short_ends_the_wait)
{
    run_on_some(in_a_cut, NULL);
}
