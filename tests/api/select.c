/* millrace/select.h over channels: which case is done, that it is one, and what
 * ends a wait. Handles: select_handle.c. */
#include <millrace.h>

#include "run.h"
#include "slow.h"
#include "test.h"
#include "waits.h"

#include <pthread.h>

enum { OLD = 100, NEW = 200, UNTOUCHED = 300 };

static const char waits[] = "one of several things";

struct box {
    mr_channel c;
    int64_t room[4];
};

static mr_channel *box_open(struct box *b, size_t capacity, int items)
{
    EXPECT_EQ(mr_channel_open(&b->c, sizeof(int64_t), capacity, b->room), 0);
    for (int i = 0; i < items; i++)
        EXPECT_EQ(mr_trysend(&b->c, &(int64_t){OLD}), 0);
    return &b->c;
}

/* In a task, on 1, 2 and 4 workers, and in a thread. */
static void everywhere(mr_fn fn, void *arg)
{
    EXPECT_EQ(fn(arg), 0);
    run_on_some(fn, arg);
}

/* ---- What can be done at once ------------------------------------------- */

static int64_t one_is_ready(void *arg)
{
    struct box full, empty, none, ready;
    int64_t got[3] = {UNTOUCHED, UNTOUCHED, UNTOUCHED}, item = NEW;
    (void)arg;
    box_open(&full, 2, 2);
    box_open(&empty, 2, 0);
    box_open(&none, 0, 0);
    box_open(&ready, 2, 1);
    mr_case cases[] = {
        mr_case_send(&full.c, &item),       mr_case_receive(&empty.c, &got[0]),
        mr_case_send(&none.c, &item),       mr_case_receive(&none.c, &got[1]),
        mr_case_receive(&ready.c, &got[2]), mr_case_send(NULL, &item),
        mr_case_receive(NULL, &got[0]),
    };
    EXPECT_EQ(mr_select(cases, 7, MR_NEVER), 4);
    EXPECT_EQ(cases[4].result, 0);
    EXPECT_EQ(got[2], OLD);
    cases[4] = mr_case_send(&empty.c, &item);
    EXPECT_EQ(mr_select(cases, 7, MR_NEVER), 4);
    EXPECT_EQ(mr_channel_count(&empty.c), 1);
    EXPECT_EQ(mr_channel_count(&full.c), 2);
    EXPECT_EQ(mr_channel_count(&ready.c), 0);
    EXPECT(got[0] == UNTOUCHED && got[1] == UNTOUCHED);
    return 0;
}

TEST(select, what_can_be_done_is_done_and_nothing_else)
{
    everywhere(one_is_ready, NULL);
}

static int64_t some_are_closed(void *arg)
{
    struct box c;
    int64_t item = NEW;
    (void)arg;
    box_open(&c, 2, 1);
    EXPECT_EQ(mr_channel_close(&c.c), 0);
    mr_case receive = mr_case_receive(&c.c, &item);
    mr_case send = mr_case_send(&c.c, &item);
    EXPECT_EQ(mr_select(&send, 1, MR_NEVER), 0);
    EXPECT_EQ(send.result, MR_EPIPE);
    EXPECT_EQ(mr_select(&receive, 1, MR_NEVER), 0);
    EXPECT_EQ(receive.result, 0);
    EXPECT_EQ(item, OLD);
    EXPECT_EQ(mr_select(&receive, 1, MR_NEVER), 0);
    EXPECT_EQ(receive.result, MR_EOF);
    return 0;
}

TEST(select, a_closed_channel_is_always_ready)
{
    everywhere(some_are_closed, NULL);
}

static int64_t none_is_ready(void *arg)
{
    struct box c;
    int64_t item = NEW;
    (void)arg;
    box_open(&c, 0, 0);
    /* What it would send itself it does not receive. */
    mr_case cases[] = {
        mr_case_send(&c.c, &item),
        mr_case_receive(&c.c, &item),
        mr_case_send(&c.c, &item),
    };
    EXPECT_EQ(mr_select(cases, 3, 0), MR_ETIMEDOUT);
    EXPECT_EQ(mr_select(cases, 3, INT64_MIN), MR_ETIMEDOUT);
    int64_t deadline = mr_after(5 * MR_MS);
    EXPECT_EQ(mr_select(cases, 3, deadline), MR_ETIMEDOUT);
    EXPECT(mr_now() >= deadline);
    deadline = mr_after(5 * MR_MS);
    EXPECT_EQ(mr_select(NULL, 0, deadline), MR_ETIMEDOUT);
    EXPECT(mr_now() >= deadline);
    EXPECT_EQ(mr_trysend(&c.c, &item), MR_EAGAIN);
    EXPECT_EQ(mr_tryreceive(&c.c, &item), MR_EAGAIN);
    return 0;
}

TEST(select, where_nothing_can_be_done_it_ends_at_the_deadline)
{
    everywhere(none_is_ready, NULL);
}

/* ---- Bad use ------------------------------------------------------------ */

static int64_t is_wrong(void *arg)
{
    struct box c;
    int64_t item = NEW;
    (void)arg;
    box_open(&c, 2, 0);
    mr_case cases[] = {mr_case_send(&c.c, &item), mr_case_send(&c.c, &item)};
    cases[1].kind = (mr_case_kind)0;
    EXPECT_EQ(mr_select(cases, 2, MR_NEVER), MR_EINVAL);
    cases[1].kind = (mr_case_kind)(MR_CASE_WRITABLE + 1);
    EXPECT_EQ(mr_select(cases, 2, MR_NEVER), MR_EINVAL);
    EXPECT_EQ(mr_channel_count(&c.c), 0);
    return 0;
}

TEST(select, a_case_of_no_kind_is_refused)
{
    everywhere(is_wrong, NULL);
}

TEST(select, a_thread_does_not_wait_for_handles)
{
    struct box c;
    int64_t item = NEW;
    box_open(&c, 2, 0);
    mr_case cases[] = {mr_case_send(&c.c, &item), mr_case_readable(1)};
    EXPECT_EQ(mr_select(cases, 2, MR_NEVER), MR_EPERM);
    EXPECT_EQ(mr_channel_count(&c.c), 0);
}

/* ---- Who has given up --------------------------------------------------- */

static int64_t sends_old(void *arg)
{
    struct box *b = *(struct box **)arg;
    EXPECT_EQ(mr_send(&b->c, &(int64_t){OLD}), MR_ECANCELED);
    return 0;
}

/* A sender was cancelled, and has not had a worker since. */
static int64_t nothing_is_sent(void *arg)
{
    struct box b, *at = &b;
    int64_t got = UNTOUCHED;
    mr_scope scope;
    (void)arg;
    box_open(&b, 0, 0);
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_go(&scope, sends_old, &at, sizeof at), 0);
    come_to_wait(1, "room in a channel");
    mr_case receive = mr_case_receive(&b.c, &got);
    mr_scope within;
    mr_scope_shield(&within, MR_NEVER); /* for this one is in it, too */
    mr_scope_cancel(&scope);
    EXPECT_EQ(mr_select(&receive, 1, 0), MR_ETIMEDOUT);
    EXPECT_EQ(mr_scope_close(&within), 0);
    EXPECT_EQ(got, UNTOUCHED);
    EXPECT_EQ(mr_scope_close(&scope), MR_ECANCELED);
    return 0;
}

TEST(select, nothing_is_written_of_what_a_sender_that_gave_up_had)
{
    for (int i = 0; i < slow_scale(20); i++)
        run_on_some(nothing_is_sent, NULL);
}

/* ---- A wait, and what ends it ------------------------------------------- */

enum cause { SENT, RECEIVED, CLOSED, OWN, CANCEL, SCOPE, CAUSES };

/* Waits to receive from 0 and 1, to send to 2 (no room) and 3 (full). */
struct life {
    enum cause cause;
    int at; /* of four */
    struct box c[4];
    int64_t got[2], item[2];
    mr_case cases[4];
};

static int64_t selects(void *arg)
{
    struct life *l = *(struct life **)arg;
    return mr_select(l->cases, 4,
                     l->cause == OWN ? mr_after(2 * MR_MS) : MR_NEVER);
}

static void life_open(struct life *l)
{
    for (int i = 0; i < 2; i++) {
        l->got[i] = UNTOUCHED;
        l->item[i] = NEW + i;
        box_open(&l->c[i], (size_t)i, 0);
        box_open(&l->c[2 + i], (size_t)i, i);
        l->cases[i] = mr_case_receive(&l->c[i].c, &l->got[i]);
        l->cases[2 + i] = mr_case_send(&l->c[2 + i].c, &l->item[i]);
    }
}

static void strike(struct life *l, mr_scope *scope)
{
    int64_t item = OLD;
    mr_channel *c = &l->c[l->at].c;
    if (l->cause == SENT)
        EXPECT_EQ(mr_trysend(c, &item), 0);
    if (l->cause == RECEIVED)
        EXPECT_EQ(mr_tryreceive(c, &item), 0);
    if (l->cause == CLOSED)
        EXPECT_EQ(mr_channel_close(c), 0);
    if (l->cause == CANCEL)
        mr_scope_cancel(scope);
}

static int64_t expected(const struct life *l)
{
    return l->cause == CANCEL                     ? MR_ECANCELED
           : l->cause == OWN || l->cause == SCOPE ? MR_ETIMEDOUT
                                                  : 0;
}

/* The one that was done is; of the others nothing has happened, and nobody
 * waits there. */
static void look_after(const struct life *l, int i)
{
    mr_channel *c = (mr_channel *)&l->c[i].c;
    bool done = i == l->at && l->cause <= CLOSED;
    int64_t item;
    if (done && l->cause == CLOSED)
        EXPECT_EQ(l->cases[i].result, i < 2 ? MR_EOF : MR_EPIPE);
    if (done && l->cause != CLOSED)
        EXPECT_EQ(l->cases[i].result, 0);
    if (i < 2)
        EXPECT_EQ(l->got[i], done && l->cause == SENT ? OLD : UNTOUCHED);
    if (done && l->cause == CLOSED)
        return;
    if (i == 0)
        EXPECT_EQ(mr_trysend(c, &item), MR_EAGAIN);
    if (i == 2)
        EXPECT_EQ(mr_tryreceive(c, &item), MR_EAGAIN);
    if (i == 3) {
        EXPECT_EQ(mr_tryreceive(c, &item), 0);
        EXPECT_EQ(item, done ? NEW + 1 : OLD);
    }
    if (i % 2)
        EXPECT_EQ(mr_channel_count(c), 0);
}

static int64_t lives(void *arg)
{
    struct life *l = arg;
    mr_scope scope, outside;
    mr_task waiter;
    int64_t rc;
    life_open(l);
    mr_scope_open(&scope, l->cause == SCOPE ? mr_after(5 * MR_MS) : MR_NEVER);
    mr_spawn(&waiter, selects, &l);
    mr_scope_shield(&outside, MR_NEVER);
    if (l->cause != OWN && l->cause != SCOPE)
        come_to_wait(1, waits);
    EXPECT_EQ(mr_scope_close(&outside), 0);
    strike(l, &scope);
    rc = mr_await(&waiter);
    if (l->cause <= CLOSED)
        EXPECT_EQ(rc, l->at);
    else
        EXPECT_EQ(rc, l->cause == OWN ? MR_ETIMEDOUT : MR_ECANCELED);
    rc = mr_scope_close(&scope);
    EXPECT_EQ(rc, l->cause == OWN ? 0 : expected(l));
    for (int i = 0; i < 4; i++)
        look_after(l, i);
    return 0;
}

static bool can_be(const struct life *l)
{
    return l->cause == SENT       ? l->at < 2
           : l->cause == RECEIVED ? l->at >= 2
                                  : l->cause == CLOSED || l->at == 0;
}

TEST(select, whatever_ends_a_wait_one_thing_is_done_or_none)
{
    for (int cause = 0; cause < CAUSES; cause++)
        for (int at = 0; at < 4; at++) {
            static struct life l;
            l.cause = (enum cause)cause;
            l.at = at;
            if (can_be(&l))
                for (unsigned workers = 2; workers <= 4; workers *= 2)
                    EXPECT_EQ(run_with(workers, lives, &l), 0);
        }
}

/* ---- Selects with each other -------------------------------------------- */

struct both {
    mr_channel *c;
    int64_t sent, received, i;
};

/* Sends to it or receives from it. */
static int64_t does_either(void *arg)
{
    struct both *b = arg;
    int64_t got = -1;
    mr_case cases[] = {
        mr_case_send(b->c, &b->i),
        mr_case_receive(b->c, &got),
        mr_case_send(b->c, &b->i),
    };
    int64_t at = mr_select(cases, 3, MR_NEVER);
    EXPECT(at >= 0);
    EXPECT_EQ(cases[at].result, 0);
    b->sent = at != 1;
    b->received = got;
    return 0;
}

static int64_t two_meet(void *arg)
{
    struct box c;
    (void)arg;
    box_open(&c, 0, 0);
    for (int i = 0; i < slow_scale(2000); i++) {
        struct both b[2] = {{.c = &c.c, .i = 10}, {.c = &c.c, .i = 11}};
        mr_task task[2];
        mr_spawn(&task[0], does_either, &b[0]);
        mr_spawn(&task[1], does_either, &b[1]);
        EXPECT_EQ(mr_await(&task[1]), 0);
        EXPECT_EQ(mr_await(&task[0]), 0);
        EXPECT_EQ(b[0].sent + b[1].sent, 1);
        EXPECT_EQ(b[b[0].sent].received, b[0].sent ? 10 : 11);
        EXPECT_EQ(b[b[1].sent].received, -1);
    }
    return 0;
}

TEST(select, of_two_that_would_do_either_one_sends_and_one_receives)
{
    /* With one worker the first would run in the other's await. */
    EXPECT_EQ(run_with(2, two_meet, NULL), 0);
    EXPECT_EQ(run_with(4, two_meet, NULL), 0);
}

static void *does_either_main(void *arg)
{
    EXPECT_EQ(does_either(arg), 0);
    return NULL;
}

TEST(select, threads_meet_like_tasks)
{
    struct box c;
    box_open(&c, 0, 0);
    for (int i = 0; i < slow_scale(500); i++) {
        struct both b[2] = {{.c = &c.c, .i = 10}, {.c = &c.c, .i = 11}};
        pthread_t thread;
        EXPECT_EQ(pthread_create(&thread, NULL, does_either_main, &b[0]), 0);
        EXPECT_EQ(does_either(&b[1]), 0);
        EXPECT_EQ(pthread_join(thread, NULL), 0);
        EXPECT_EQ(b[0].sent + b[1].sent, 1);
        EXPECT_EQ(b[b[0].sent].received, b[0].sent ? 10 : 11);
    }
}

/* ---- Many cases --------------------------------------------------------- */

enum { MANY = 300 };

struct many {
    struct box c[MANY];
    int64_t got[MANY];
    mr_case cases[MANY];
    int64_t at;
};

static int64_t selects_many(void *arg)
{
    struct many *m = arg;
    return mr_select(m->cases, MANY, MR_NEVER);
}

static int64_t each_of_many(void *arg)
{
    struct many *m = arg;
    for (int i = 0; i < MANY; i++) {
        /* In no order of addresses, each twice. */
        int which = i * 7 % MANY / 2;
        if (which == i * 7 % MANY - which)
            box_open(&m->c[which], 0, 0);
        m->cases[i] = mr_case_receive(&m->c[which].c, &m->got[i]);
    }
    for (int which = 0; which < MANY / 2; which += 7) {
        mr_task waiter;
        mr_spawn(&waiter, selects_many, m);
        come_to_wait(1, waits);
        EXPECT_EQ(mr_trysend(&m->c[which].c, &(int64_t){which}), 0);
        int64_t at = mr_await(&waiter);
        EXPECT_EQ(at * 7 % MANY / 2, which);
        EXPECT_EQ(m->got[at], which);
        EXPECT_EQ(mr_trysend(&m->c[which].c, &(int64_t){which}), MR_EAGAIN);
    }
    return 0;
}

TEST(select, any_of_many_channels_ends_the_wait)
{
    static struct many m;
    EXPECT_EQ(run_with(2, each_of_many, &m), 0);
}

/* ---- Fairness ----------------------------------------------------------- */

enum { READY = 4, LEAST = 500, SELECTS = 4000 };

static int64_t all_are_ready(void *arg)
{
    struct box c[READY];
    mr_case cases[READY];
    int64_t item, chosen[READY] = {0};
    (void)arg;
    for (int i = 0; i < READY; i++)
        cases[i] = mr_case_receive(box_open(&c[i], 1, 1), &item);
    for (int i = 0; i < SELECTS; i++) {
        int64_t at = mr_select(cases, READY, MR_NEVER);
        chosen[at]++;
        EXPECT_EQ(mr_trysend(&c[at].c, &item), 0);
    }
    /* A thousand each; half of that is eighteen deviations away. */
    for (int i = 0; i < READY; i++)
        EXPECT(chosen[i] >= LEAST);
    return 0;
}

TEST(select, of_all_that_are_ready_each_is_chosen_as_often)
{
    everywhere(all_are_ready, NULL);
}

/* Ready behind one that is not: chosen more often, its neighbour never less
 * than with its own chance. */
static int64_t some_are_ready(void *arg)
{
    struct box c[READY];
    mr_case cases[READY];
    int64_t item, chosen[READY] = {0};
    (void)arg;
    for (int i = 0; i < READY; i++)
        cases[i] = mr_case_receive(box_open(&c[i], 1, i >= 2), &item);
    for (int i = 0; i < SELECTS; i++) {
        int64_t at = mr_select(cases, READY, MR_NEVER);
        chosen[at]++;
        EXPECT_EQ(mr_trysend(&c[at].c, &item), 0);
    }
    EXPECT_EQ(chosen[0] + chosen[1], 0);
    EXPECT(chosen[2] >= LEAST && chosen[3] >= LEAST);
    return 0;
}

TEST(select, what_stays_ready_is_chosen_sooner_or_later)
{
    everywhere(some_are_ready, NULL);
}
