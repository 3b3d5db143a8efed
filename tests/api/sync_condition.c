/* millrace/sync.h: the condition. */
#include <millrace.h>

#include "slow.h"
#include "sync.h"

/* ---- A queue of numbers, as everybody builds it ------------------------- */

enum { ROOM = 4 };

struct fifo {
    mr_mutex mutex;
    mr_condition filled, drained;
    int64_t item[ROOM];
    int first, count;
    int each, producers;
    int64_t sum;
};

static void put_item(struct fifo *f, int64_t item)
{
    EXPECT_EQ(mr_mutex_lock(&f->mutex), 0);
    while (f->count == ROOM)
        EXPECT_EQ(mr_condition_wait(&f->drained, &f->mutex), 0);
    f->item[(f->first + f->count++) % ROOM] = item;
    mr_condition_signal(&f->filled);
    EXPECT_EQ(mr_mutex_unlock(&f->mutex), 0);
}

static int64_t take_item(struct fifo *f)
{
    EXPECT_EQ(mr_mutex_lock(&f->mutex), 0);
    while (f->count == 0)
        EXPECT_EQ(mr_condition_wait(&f->filled, &f->mutex), 0);
    int64_t item = f->item[f->first];
    f->first = (f->first + 1) % ROOM;
    f->count--;
    EXPECT_EQ(mr_mutex_unlock(&f->mutex), 0);
    mr_condition_signal(&f->drained); /* without the mutex */
    return item;
}

static int64_t produces(void *arg)
{
    struct fifo *f = *(struct fifo **)arg;
    for (int i = 1; i <= f->each; i++)
        put_item(f, i);
    return 0;
}

static int64_t consumes(void *arg)
{
    struct fifo *f = *(struct fifo **)arg;
    for (int i = 0; i < f->each; i++)
        add(&f->sum, take_item(f));
    return 0;
}

static int64_t outside_consumes(void *arg)
{
    return consumes(&arg);
}

static int64_t produce_and_consume(void *arg)
{
    struct fifo *f = arg;
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < f->producers; i++) {
        EXPECT_EQ(mr_scope_go(&scope, produces, &f, sizeof f), 0);
        if (i > 0)
            EXPECT_EQ(mr_scope_go(&scope, consumes, &f, sizeof f), 0);
    }
    return mr_scope_close(&scope);
}

TEST(sync_condition, no_signal_is_lost_between_tasks_and_threads)
{
    for (unsigned workers = 1; workers <= 4; workers *= 2) {
        struct fifo f = {.each = slow_scale(1000), .producers = 5};
        struct outside outside;
        outside_start(&outside, outside_consumes, &f);
        EXPECT_EQ(run_with(workers, produce_and_consume, &f), 0);
        EXPECT_EQ(outside_join(&outside), 0);
        EXPECT_EQ(f.sum, (int64_t)f.producers * f.each * (f.each + 1) / 2);
        EXPECT_EQ(mr_condition_close(&f.filled), 0);
        EXPECT_EQ(mr_condition_close(&f.drained), 0);
        EXPECT_EQ(mr_mutex_close(&f.mutex), 0);
    }
}

/* ---- Rules -------------------------------------------------------------- */

static int64_t breaks_rules(void *arg)
{
    mr_mutex mutex = MR_MUTEX_INIT;
    mr_condition condition = MR_CONDITION_INIT;
    (void)arg;
    EXPECT_EQ(mr_condition_wait(&condition, &mutex), MR_EPERM);
    mr_condition_signal(&condition); /* nobody: not kept for later */
    mr_condition_broadcast(&condition);
    EXPECT_EQ(mr_mutex_lock(&mutex), 0);
    EXPECT_EQ(mr_condition_wait_until(&condition, &mutex, mr_after(MR_MS)),
              MR_ETIMEDOUT);
    EXPECT_EQ(mr_condition_wait_until(&condition, &mutex, 0), MR_ETIMEDOUT);
    EXPECT_EQ(mr_mutex_unlock(&mutex), 0);
    EXPECT_EQ(mr_condition_close(&condition), 0);
    return 0;
}

TEST(sync_condition, who_waits_has_the_mutex_before_and_after)
{
    run_on_some(breaks_rules, NULL);
    EXPECT_EQ(breaks_rules(NULL), 0);
}

/* ---- Who goes on -------------------------------------------------------- */

struct room {
    mr_mutex mutex;
    mr_condition condition;
    int64_t in, out, cancelled;
};

static int64_t waits(void *arg)
{
    struct room *r = *(struct room **)arg;
    EXPECT_EQ(mr_mutex_lock(&r->mutex), 0);
    add(&r->in, 1);
    int rc = mr_condition_wait(&r->condition, &r->mutex);
    EXPECT(rc == 0 || rc == MR_ECANCELED);
    add(rc == 0 ? &r->out : &r->cancelled, 1);
    return mr_mutex_unlock(&r->mutex);
}

static int64_t outside_waits(void *arg)
{
    return waits(&arg);
}

/* Who waits has put itself there before it unlocked. */
static void all_in(struct room *r, int n)
{
    until(&r->in, n);
    EXPECT_EQ(mr_mutex_lock(&r->mutex), 0);
    EXPECT_EQ(mr_mutex_unlock(&r->mutex), 0);
}

static int64_t signals(void *arg)
{
    struct room room = {.mutex = MR_MUTEX_INIT}, *r = &room;
    struct outside outside[2];
    mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(mr_scope_go(&scope, waits, &r, sizeof r), 0);
    for (int i = 0; i < 2; i++)
        outside_start(&outside[i], outside_waits, r);
    all_in(r, 6);
    EXPECT_EQ(mr_condition_close(&r->condition), MR_EBUSY);
    for (int i = 1; i <= 3; i++) {
        mr_condition_signal(&r->condition);
        until(&r->out, i);
        EXPECT_EQ(look(&r->out), i);
    }
    mr_condition_broadcast(&r->condition);
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(outside_join(&outside[i]), 0);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(r->out, 6);
    EXPECT_EQ(mr_condition_close(&r->condition), 0);
    return 0;
}

TEST(sync_condition, a_signal_is_for_one_and_a_broadcast_for_all)
{
    run_on_some(signals, NULL);
}

/* Two wait; one is cancelled while one signal is on its way. The signal is
 * taken by it, or by the other. */
static int64_t signal_meets_cancel(void *arg)
{
    (void)arg;
    for (int round = 0; round < slow_scale(300); round++) {
        struct room room = {.mutex = MR_MUTEX_INIT}, *r = &room;
        mr_scope first, second;
        mr_scope_open(&second, MR_NEVER);
        mr_scope_open(&first, MR_NEVER);
        EXPECT_EQ(mr_scope_go(&first, waits, &r, sizeof r), 0);
        all_in(r, 1);
        EXPECT_EQ(mr_scope_go(&second, waits, &r, sizeof r), 0);
        all_in(r, 2);
        if (round % 2) {
            mr_scope_cancel(&first);
            mr_condition_signal(&r->condition);
        } else {
            mr_condition_signal(&r->condition);
            mr_scope_cancel(&first);
        }
        /* The scope that is cut short was so for itself alone. */
        EXPECT_EQ(mr_scope_close(&first), MR_ECANCELED);
        until(&r->out, 1);
        EXPECT_EQ(look(&r->out), 1);
        EXPECT_EQ(r->cancelled + look(&r->out) < 2, r->cancelled == 0);
        if (r->cancelled == 0)
            mr_condition_signal(&r->condition);
        EXPECT_EQ(mr_scope_close(&second), 0);
        EXPECT_EQ(r->out + r->cancelled, 2);
    }
    return 0;
}

TEST(sync_condition, a_signal_is_not_lost_on_who_is_cancelled)
{
    run_on_some(signal_meets_cancel, NULL);
}

static int64_t is_cut_short(void *arg)
{
    struct room *r = *(struct room **)arg;
    EXPECT_EQ(mr_mutex_lock(&r->mutex), 0);
    add(&r->in, 1);
    EXPECT_EQ(mr_condition_wait(&r->condition, &r->mutex), MR_ECANCELED);
    EXPECT_EQ(mr_mutex_unlock(&r->mutex), 0); /* which it has */
    add(&r->cancelled, 1);
    return 0;
}

static int64_t keeps_mutex(void *arg)
{
    struct room room = {.mutex = MR_MUTEX_INIT}, *r = &room;
    mr_scope scope, shield;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_go(&scope, is_cut_short, &r, sizeof r), 0);
    all_in(r, 1);
    mr_scope_shield(&shield, MR_NEVER);
    EXPECT_EQ(mr_mutex_lock(&r->mutex), 0);
    mr_scope_cancel(&scope);
    come_to_wait(1, "a mutex");
    EXPECT_EQ(look(&r->cancelled), 0);
    EXPECT_EQ(mr_mutex_unlock(&r->mutex), 0);
    until(&r->cancelled, 1);
    EXPECT_EQ(mr_scope_close(&shield), 0);
    return mr_scope_close(&scope) == MR_ECANCELED ? 0 : -1;
}

TEST(sync_condition, the_mutex_is_waited_for_though_the_scope_was_cut_short)
{
    run_on_some(keeps_mutex, NULL);
}

/* ---- A circle at the end of the wait ------------------------------------ */

struct knot {
    mr_mutex kept, mutex;
    mr_condition condition;
    int64_t waiting;
};

static int64_t keeps_another(void *arg)
{
    struct knot *k = *(struct knot **)arg;
    EXPECT_EQ(mr_mutex_lock(&k->kept), 0);
    EXPECT_EQ(mr_mutex_lock(&k->mutex), 0);
    put(&k->waiting, 1);
    EXPECT_EQ(mr_condition_wait(&k->condition, &k->mutex), MR_EDEADLK);
    EXPECT_EQ(mr_mutex_unlock(&k->mutex), MR_EPERM);
    return mr_mutex_unlock(&k->kept);
}

/* Waits for what the other one keeps, and has what that one wants then. */
static int64_t ties(void *arg)
{
    struct knot *k = *(struct knot **)arg;
    EXPECT_EQ(mr_mutex_lock(&k->mutex), 0);
    EXPECT_EQ(mr_mutex_lock(&k->kept), 0);
    EXPECT_EQ(mr_mutex_unlock(&k->kept), 0);
    return mr_mutex_unlock(&k->mutex);
}

static int64_t makes_knot(void *arg)
{
    struct knot knot = {.mutex = MR_MUTEX_INIT}, *k = &knot;
    mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_go(&scope, keeps_another, &k, sizeof k), 0);
    until(&k->waiting, 1);
    EXPECT_EQ(mr_scope_go(&scope, ties, &k, sizeof k), 0);
    come_to_wait(1, "a mutex");
    mr_condition_signal(&k->condition);
    return mr_scope_close(&scope);
}

TEST(sync_condition, who_cannot_lock_the_mutex_again_is_told)
{
    run_on_some(makes_knot, NULL);
}
