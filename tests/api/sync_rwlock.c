/* millrace/sync.h: the lock of many readers or one writer. */
#include <millrace.h>

#include "slow.h"
#include "sync.h"

/* ---- Rules -------------------------------------------------------------- */

static int64_t breaks_rules(void *arg)
{
    mr_rwlock lock;
    (void)arg;
    memset(&lock, 0, sizeof lock);
    EXPECT_EQ(mr_rwlock_unlock(&lock), MR_EPERM);
    EXPECT_EQ(mr_rwlock_write(&lock), 0);
    EXPECT_EQ(mr_rwlock_write(&lock), MR_EDEADLK);
    EXPECT_EQ(mr_rwlock_read(&lock), MR_EDEADLK);
    EXPECT_EQ(mr_rwlock_trywrite(&lock), MR_EBUSY);
    EXPECT_EQ(mr_rwlock_tryread(&lock), MR_EBUSY);
    EXPECT_EQ(mr_rwlock_close(&lock), MR_EBUSY);
    EXPECT_EQ(mr_rwlock_unlock(&lock), 0);
    EXPECT_EQ(mr_rwlock_unlock(&lock), MR_EPERM);
    EXPECT_EQ(mr_rwlock_read(&lock), 0);
    EXPECT_EQ(mr_rwlock_tryread(&lock), 0);
    EXPECT_EQ(mr_rwlock_trywrite(&lock), MR_EBUSY);
    EXPECT_EQ(mr_rwlock_write_until(&lock, mr_after(MR_MS)), MR_ETIMEDOUT);
    EXPECT_EQ(mr_rwlock_close(&lock), MR_EBUSY);
    EXPECT_EQ(mr_rwlock_unlock(&lock), 0);
    EXPECT_EQ(mr_rwlock_read_until(&lock, 0), 0);
    EXPECT_EQ(mr_rwlock_unlock(&lock), 0);
    EXPECT_EQ(mr_rwlock_unlock(&lock), 0);
    EXPECT_EQ(mr_rwlock_unlock(&lock), MR_EPERM);
    EXPECT_EQ(mr_rwlock_write_until(&lock, 0), 0);
    EXPECT_EQ(mr_rwlock_unlock(&lock), 0);
    EXPECT_EQ(mr_rwlock_trywrite(&lock), 0);
    EXPECT_EQ(mr_rwlock_unlock(&lock), 0);
    EXPECT_EQ(mr_rwlock_close(&lock), 0);
    return 0;
}

TEST(sync_rwlock, readers_share_a_writer_does_not)
{
    run_on_some(breaks_rules, NULL);
    EXPECT_EQ(breaks_rules(NULL), 0);
}

static int64_t is_another(void *arg)
{
    mr_rwlock *lock = *(mr_rwlock **)arg;
    EXPECT_EQ(mr_rwlock_unlock(lock), MR_EPERM);
    EXPECT_EQ(mr_rwlock_write_until(lock, mr_after(MR_MS)), MR_ETIMEDOUT);
    EXPECT_EQ(mr_rwlock_read_until(lock, mr_after(MR_MS)), MR_ETIMEDOUT);
    return 0;
}

static int64_t writes_beside_others(void *arg)
{
    mr_rwlock lock = MR_RWLOCK_INIT, *at = &lock;
    mr_scope scope;
    (void)arg;
    EXPECT_EQ(mr_rwlock_write(&lock), 0);
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(mr_scope_go(&scope, is_another, &at, sizeof at), 0);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(mr_rwlock_unlock(&lock), 0);
    EXPECT_EQ(mr_rwlock_close(&lock), 0);
    return 0;
}

TEST(sync_rwlock, others_wait_until_a_deadline_and_unlock_nothing)
{
    run_on_some(writes_beside_others, NULL);
}

/* ---- Many of them ------------------------------------------------------- */

struct book {
    mr_rwlock lock;
    int64_t pages[4]; /* plain; all the same, when nobody writes */
    int64_t reading, writing, written;
};

static void read_it(struct book *b)
{
    EXPECT_EQ(mr_rwlock_read(&b->lock), 0);
    add(&b->reading, 1);
    EXPECT_EQ(look(&b->writing), 0);
    for (int i = 1; i < 4; i++)
        EXPECT_EQ(b->pages[i], b->pages[0]);
    add(&b->reading, -1);
    EXPECT_EQ(mr_rwlock_unlock(&b->lock), 0);
}

static void write_it(struct book *b, bool pauses)
{
    EXPECT_EQ(mr_rwlock_write(&b->lock), 0);
    EXPECT_EQ(add(&b->writing, 1), 1);
    EXPECT_EQ(look(&b->reading), 0);
    for (int i = 0; i < 4; i++) {
        b->pages[i]++;
        if (pauses)
            mr_yield();
    }
    b->written++;
    add(&b->writing, -1);
    EXPECT_EQ(mr_rwlock_unlock(&b->lock), 0);
}

static int64_t uses(void *arg)
{
    struct book *b = *(struct book **)arg;
    for (int i = 0; i < slow_scale(300); i++) {
        if (i % 5 == 0)
            write_it(b, i % 2);
        else
            read_it(b);
        /* And some who give up. */
        if (i % 7 == 0 && mr_rwlock_write_until(&b->lock, mr_now()) == 0)
            EXPECT_EQ(mr_rwlock_unlock(&b->lock), 0);
        if (i % 7 == 3 && mr_rwlock_read_until(&b->lock, mr_now()) == 0)
            EXPECT_EQ(mr_rwlock_unlock(&b->lock), 0);
    }
    return 0;
}

static int64_t outside_uses(void *arg)
{
    return uses(&arg);
}

static int64_t all_use(void *arg)
{
    struct book *b = arg;
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < 10; i++)
        EXPECT_EQ(mr_scope_go(&scope, uses, &b, sizeof b), 0);
    return mr_scope_close(&scope);
}

static int64_t runs_all_use(void *arg)
{
    return run_with(2, all_use, arg);
}

TEST(sync_rwlock, who_writes_is_alone)
{
    struct book b = {.lock = MR_RWLOCK_INIT};
    struct outside other[4];
    outside_start(&other[0], runs_all_use, &b);
    outside_start(&other[1], runs_all_use, &b);
    outside_start(&other[2], outside_uses, &b);
    outside_start(&other[3], outside_uses, &b);
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(outside_join(&other[i]), 0);
    EXPECT_EQ(b.pages[0], b.written);
    EXPECT_EQ(mr_rwlock_close(&b.lock), 0);
}

/* ---- In order of arrival ------------------------------------------------ */

struct order {
    mr_rwlock lock;
    int64_t step, inside;
};

struct comer {
    struct order *o;
    bool writes;
    int64_t in;  /* the step in which it comes in */
    int64_t out; /* and the one at which it leaves */
};

static int64_t comes(void *arg)
{
    struct comer *c = *(struct comer **)arg;
    int rc =
        c->writes ? mr_rwlock_write(&c->o->lock) : mr_rwlock_read(&c->o->lock);
    EXPECT_EQ(rc, 0);
    EXPECT_EQ(look(&c->o->step), c->in);
    add(&c->o->inside, 1);
    until(&c->o->step, c->out);
    EXPECT_EQ(mr_rwlock_unlock(&c->o->lock), 0);
    return 0;
}

static const char *waits_for(bool writes)
{
    return writes ? "a lock to write" : "a lock to read";
}

/* One holds it to read; then come a writer, two readers, a writer, a reader,
 * one after the other. */
static int64_t come_in_order(void *arg)
{
    struct order o = {.lock = MR_RWLOCK_INIT};
    struct comer c[5] = {{&o, true, 1, 2},
                         {&o, false, 2, 3},
                         {&o, false, 2, 3},
                         {&o, true, 3, 4},
                         {&o, false, 4, 5}};
    static const int64_t inside[] = {1, 3, 4, 5};
    int waiting[2] = {0, 0};
    mr_scope scope;
    (void)arg;
    EXPECT_EQ(mr_rwlock_read(&o.lock), 0);
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < 5; i++) {
        struct comer *at = &c[i];
        EXPECT_EQ(mr_scope_go(&scope, comes, &at, sizeof at), 0);
        come_to_wait(++waiting[c[i].writes], waits_for(c[i].writes));
    }
    EXPECT_EQ(mr_rwlock_tryread(&o.lock), MR_EBUSY);
    put(&o.step, 1);
    EXPECT_EQ(mr_rwlock_unlock(&o.lock), 0);
    for (int64_t step = 1; step <= 4; step++) {
        until(&o.inside, inside[step - 1]);
        put(&o.step, step + 1);
    }
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(mr_rwlock_close(&o.lock), 0);
    return 0;
}

TEST(sync_rwlock, who_came_first_is_let_in_first_and_readers_together)
{
    run_on_some(come_in_order, NULL);
}

/* ---- Giving up ---------------------------------------------------------- */

struct quitter {
    mr_rwlock lock;
    bool writes, cancels;
    int64_t inside;
};

static int64_t quits(void *arg)
{
    struct quitter *q = *(struct quitter **)arg;
    int64_t end = q->cancels ? MR_NEVER : mr_after(20 * MR_MS);
    int rc = q->writes ? mr_rwlock_write_until(&q->lock, end)
                       : mr_rwlock_read_until(&q->lock, end);
    EXPECT_EQ(rc, q->cancels ? MR_ECANCELED : MR_ETIMEDOUT);
    return 0;
}

static int64_t reads(void *arg)
{
    struct quitter *q = *(struct quitter **)arg;
    EXPECT_EQ(mr_rwlock_read(&q->lock), 0);
    add(&q->inside, 1);
    EXPECT_EQ(mr_rwlock_unlock(&q->lock), 0);
    return 0;
}

/* A writer that gives up in front of two readers, where others read. */
static int64_t quits_in_front(void *arg)
{
    struct quitter *q = arg;
    mr_scope scope, within;
    EXPECT_EQ(mr_rwlock_read(&q->lock), 0);
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_open(&within, MR_NEVER);
    EXPECT_EQ(mr_scope_go(&within, quits, &q, sizeof q), 0);
    if (q->cancels)
        come_to_wait(1, "a lock to write");
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(mr_scope_go(&scope, reads, &q, sizeof q), 0);
    if (q->cancels) {
        come_to_wait(2, "a lock to read");
        EXPECT_EQ(look(&q->inside), 0);
        mr_scope_cancel(&within);
    }
    EXPECT_EQ(mr_scope_close(&within), q->cancels ? MR_ECANCELED : 0);
    EXPECT_EQ(mr_scope_close(&scope), 0); /* they read beside this one */
    EXPECT_EQ(q->inside, 2);
    EXPECT_EQ(mr_rwlock_unlock(&q->lock), 0);
    EXPECT_EQ(mr_rwlock_close(&q->lock), 0);
    return 0;
}

TEST(sync_rwlock, a_writer_that_gives_up_lets_the_readers_behind_it_in)
{
    for (unsigned workers = 1; workers <= 4; workers *= 2)
        for (int cancels = 0; cancels < 2; cancels++) {
            struct quitter q = {MR_RWLOCK_INIT, true, cancels, 0};
            EXPECT_EQ(run_with(workers, quits_in_front, &q), 0);
        }
}

/* All that wait give up: the writer unlocks as if nobody had been there. */
static int64_t all_quit(void *arg)
{
    struct quitter *q = arg;
    mr_scope scope;
    EXPECT_EQ(mr_rwlock_write(&q->lock), 0);
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(mr_scope_go(&scope, quits, &q, sizeof q), 0);
    if (q->cancels) {
        come_to_wait(3, q->writes ? "a lock to write" : "a lock to read");
        mr_scope_cancel(&scope);
    }
    EXPECT_EQ(mr_scope_close(&scope), q->cancels ? MR_ECANCELED : 0);
    EXPECT_EQ(mr_rwlock_unlock(&q->lock), 0);
    EXPECT_EQ(mr_rwlock_close(&q->lock), 0);
    EXPECT_EQ(mr_rwlock_tryread(&q->lock), 0);
    EXPECT_EQ(mr_rwlock_tryread(&q->lock), 0);
    return 0;
}

TEST(sync_rwlock, each_end_of_a_wait_in_each_manner)
{
    for (unsigned workers = 1; workers <= 4; workers *= 2)
        for (int writes = 0; writes < 2; writes++)
            for (int cancels = 0; cancels < 2; cancels++) {
                struct quitter q = {MR_RWLOCK_INIT, writes, cancels, 0};
                EXPECT_EQ(run_with(workers, all_quit, &q), 0);
            }
}

static int64_t has_a_free_one(void *arg)
{
    mr_rwlock lock = MR_RWLOCK_INIT;
    mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_cancel(&scope);
    EXPECT_EQ(mr_rwlock_read(&lock), 0);
    EXPECT_EQ(mr_rwlock_read(&lock), 0);
    EXPECT_EQ(mr_rwlock_write(&lock), MR_ECANCELED);
    EXPECT_EQ(mr_rwlock_unlock(&lock), 0);
    EXPECT_EQ(mr_rwlock_unlock(&lock), 0);
    EXPECT_EQ(mr_rwlock_write(&lock), 0);
    EXPECT_EQ(mr_rwlock_unlock(&lock), 0);
    return mr_scope_close(&scope) == MR_ECANCELED ? 0 : -1;
}

TEST(sync_rwlock, a_free_one_is_had_in_a_scope_that_was_cut_short)
{
    run_on_some(has_a_free_one, NULL);
}
