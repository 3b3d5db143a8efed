/* millrace/channel.h: waits that end before they are served, and that nothing
 * is sent or lost by them. */
#include <millrace.h>

#include "run.h"
#include "test.h"
#include "waits.h"

#include <pthread.h>

/* ---- Who waits, for what, and how that ends ----------------------------- */

enum side { SENDER, RECEIVER, SIDES };
enum cause { OWN, CANCEL, SCOPE, SERVED, CLOSED, CAUSES };
enum { OLD = 100, NEW = 200 };

struct life {
    enum side side;
    enum cause cause;
    size_t capacity;
    mr_channel c;
    int64_t room[3];
    int64_t item;
};

static const char *const waits[] = {"room in a channel",
                                    "an item of a channel"};

static int64_t waits_in(void *arg)
{
    struct life *l = *(struct life **)arg;
    int64_t deadline = l->cause == OWN ? mr_after(2 * MR_MS) : MR_NEVER;
    l->item = NEW;
    return l->side == SENDER ? mr_send_until(&l->c, &l->item, deadline)
                             : mr_receive_until(&l->c, &l->item, deadline);
}

static int64_t expected(const struct life *l)
{
    switch (l->cause) {
    case OWN:
        return MR_ETIMEDOUT;
    case CANCEL:
        return MR_ECANCELED;
    case SCOPE:
        return MR_ETIMEDOUT; /* of the scope; the wait says MR_ECANCELED */
    case CLOSED:
        return l->side == SENDER ? MR_EPIPE : MR_EOF;
    default:
        return 0;
    }
}

static void strike(struct life *l, mr_scope *scope)
{
    int64_t item = OLD;
    if (l->cause == CANCEL)
        mr_scope_cancel(scope);
    if (l->cause == CLOSED)
        EXPECT_EQ(mr_channel_close(&l->c), 0);
    if (l->cause != SERVED)
        return;
    if (l->side == RECEIVER)
        EXPECT_EQ(mr_trysend(&l->c, &item), 0);
    else
        EXPECT_EQ(mr_tryreceive(&l->c, &item), 0);
}

/* What is in there is what was sent and not received, and it works. */
static void look_after(struct life *l)
{
    int64_t item = 0;
    bool served = l->cause == SERVED;
    size_t old = l->side == SENDER ? l->capacity : 0;
    if (l->side == RECEIVER && served)
        EXPECT_EQ(l->item, OLD);
    if (l->side == SENDER && served && l->capacity == 0)
        old = 0;
    if (l->cause != CLOSED) {
        for (size_t i = mr_channel_count(&l->c); i < l->capacity; i++)
            EXPECT_EQ(mr_trysend(&l->c, &(int64_t){OLD}), 0);
        EXPECT_EQ(mr_trysend(&l->c, &item), MR_EAGAIN);
    }
    size_t left = l->cause == CLOSED ? old : l->capacity;
    for (size_t i = 0; i < left; i++) {
        bool new = l->side == SENDER &&served &&i == left - 1;
        EXPECT_EQ(mr_tryreceive(&l->c, &item), 0);
        EXPECT_EQ(item, new ? NEW : OLD);
    }
    EXPECT_EQ(mr_tryreceive(&l->c, &item),
              l->cause == CLOSED ? MR_EOF : MR_EAGAIN);
}

static int64_t lives(void *arg)
{
    struct life *l = arg;
    mr_scope scope;
    EXPECT_EQ(mr_channel_open(&l->c, sizeof(int64_t), l->capacity, l->room), 0);
    for (size_t i = 0; l->side == SENDER && i < l->capacity; i++)
        EXPECT_EQ(mr_trysend(&l->c, &(int64_t){OLD}), 0);
    mr_scope_open(&scope, l->cause == SCOPE ? mr_after(5 * MR_MS) : MR_NEVER);
    EXPECT_EQ(mr_scope_go(&scope, waits_in, &l, sizeof(void *)), 0);
    mr_scope outside;
    mr_scope_shield(&outside, MR_NEVER);
    if (l->cause != OWN && l->cause != SCOPE)
        come_to_wait(1, waits[l->side]);
    EXPECT_EQ(mr_scope_close(&outside), 0);
    strike(l, &scope);
    EXPECT_EQ(mr_scope_close(&scope), expected(l));
    look_after(l);
    return 0;
}

TEST(channel_wait, whatever_ends_a_wait_says_what_was_done)
{
    for (int side = 0; side < SIDES; side++)
        for (int cause = 0; cause < CAUSES; cause++)
            for (size_t capacity = 0; capacity <= 3; capacity += 1) {
                struct life l = {
                    .side = side, .cause = cause, .capacity = capacity};
                run_on_some(lives, &l);
            }
}

/* ---- One of several gives up -------------------------------------------- */

enum { OTHERS = 3 };

struct several {
    mr_channel c;
    int64_t got[OTHERS];
    enum side side;
};

struct one {
    struct several *s;
    int64_t i;
};

static int64_t takes_part(void *arg)
{
    struct one *o = arg;
    struct several *s = o->s;
    return s->side == SENDER ? mr_send(&s->c, &o->i)
                             : mr_receive(&s->c, &s->got[o->i]);
}

/* Each in a scope of its own, so that one can be cancelled. */
static int64_t one_gives_up(void *arg)
{
    int gone = *(int *)arg % OTHERS;
    struct several s = {.side = *(int *)arg / OTHERS};
    mr_scope scope[OTHERS], outside;
    int64_t item;
    EXPECT_EQ(mr_channel_open(&s.c, sizeof item, 0, NULL), 0);
    for (int i = 0; i < OTHERS; i++) {
        struct one o = {&s, i};
        mr_scope_shield(&scope[i], MR_NEVER);
        EXPECT_EQ(mr_scope_go(&scope[i], takes_part, &o, sizeof o), 0);
        come_to_wait(i + 1, waits[s.side]);
    }
    mr_scope_shield(&outside, MR_NEVER);
    mr_scope_cancel(&scope[gone]);
    while (count_waiting(waits[s.side]) == OTHERS)
        mr_yield();
    for (int64_t i = 0; i < OTHERS; i++) {
        if (i == gone)
            continue;
        if (s.side == RECEIVER)
            EXPECT_EQ(mr_trysend(&s.c, &i), 0);
        else
            EXPECT_EQ(mr_tryreceive(&s.c, &item), 0);
        if (s.side == SENDER)
            EXPECT_EQ(item, i);
    }
    EXPECT_EQ(s.side == SENDER ? mr_tryreceive(&s.c, &item)
                               : mr_trysend(&s.c, &item),
              MR_EAGAIN);
    EXPECT_EQ(mr_scope_close(&outside), 0);
    for (int i = OTHERS; i-- > 0;)
        EXPECT_EQ(mr_scope_close(&scope[i]), i == gone ? MR_ECANCELED : 0);
    for (int i = 0; s.side == RECEIVER && i < OTHERS; i++)
        if (i != gone)
            EXPECT_EQ(s.got[i], i);
    return 0;
}

TEST(channel_wait, who_gives_up_leaves_the_others_their_places)
{
    for (int which = 0; which < 2 * OTHERS; which++)
        run_on_some(one_gives_up, &which);
}

/* ---- Before it waits ---------------------------------------------------- */

static int64_t after_a_cut(void *arg)
{
    mr_channel c;
    mr_scope scope;
    int64_t room[2], item = 5;
    (void)arg;
    EXPECT_EQ(mr_channel_open(&c, sizeof item, 2, room), 0);
    EXPECT_EQ(mr_send(&c, &item), 0);
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_cancel(&scope);
    EXPECT_EQ(mr_send(&c, &item), MR_ECANCELED);
    EXPECT_EQ(mr_receive(&c, &item), MR_ECANCELED);
    EXPECT_EQ(mr_trysend(&c, &item), MR_ECANCELED);
    EXPECT_EQ(mr_tryreceive(&c, &item), MR_ECANCELED);
    EXPECT_EQ(mr_channel_count(&c), 1);
    EXPECT_EQ(mr_channel_close(&c), 0); /* no point of cancellation */
    EXPECT_EQ(mr_scope_close(&scope), MR_ECANCELED);
    EXPECT_EQ(mr_receive(&c, &item), 0);
    return 0;
}

TEST(channel_wait, calls_in_a_scope_that_was_cut_short_do_nothing)
{
    run_on_some(after_a_cut, NULL);
}

static int64_t is_late(void *arg)
{
    static const int64_t past[] = {INT64_MIN, -1, 0, 1};
    mr_channel c;
    int64_t room[1], item = 5;
    (void)arg;
    EXPECT_EQ(mr_channel_open(&c, sizeof item, 1, room), 0);
    for (int i = 0; i < 4; i++) {
        EXPECT_EQ(mr_receive_until(&c, &item, past[i]), MR_ETIMEDOUT);
        EXPECT_EQ(mr_send_until(&c, &item, past[i]), 0);
        EXPECT_EQ(mr_send_until(&c, &item, past[i]), MR_ETIMEDOUT);
        EXPECT_EQ(mr_receive_until(&c, &item, past[i]), 0);
    }
    return mr_channel_close(&c);
}

TEST(channel_wait, what_need_not_wait_is_done_however_late)
{
    EXPECT_EQ(is_late(NULL), 0); /* outside of tasks */
    run_on_some(is_late, NULL);
}

static int64_t waits_a_while(void *arg)
{
    mr_channel c;
    int64_t room[1], item = 5;
    (void)arg;
    EXPECT_EQ(mr_channel_open(&c, sizeof item, 1, room), 0);
    int64_t deadline = mr_after(10 * MR_MS);
    EXPECT_EQ(mr_receive_until(&c, &item, deadline), MR_ETIMEDOUT);
    EXPECT(mr_now() >= deadline);
    EXPECT_EQ(mr_send(&c, &item), 0);
    deadline = mr_after(10 * MR_MS);
    EXPECT_EQ(mr_send_until(&c, &item, deadline), MR_ETIMEDOUT);
    EXPECT(mr_now() >= deadline);
    EXPECT_EQ(mr_channel_count(&c), 1);
    return mr_channel_close(&c);
}

TEST(channel_wait, a_wait_lasts_until_its_deadline)
{
    EXPECT_EQ(waits_a_while(NULL), 0);
    run_on_some(waits_a_while, NULL);
}
