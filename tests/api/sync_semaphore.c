/* millrace/sync.h: the semaphore. */
#include <millrace.h>

#include "slow.h"
#include "sync.h"

/* ---- Rules -------------------------------------------------------------- */

static int64_t counts(void *arg)
{
    mr_semaphore sem = MR_SEMAPHORE_INIT(2), none;
    (void)arg;
    EXPECT_EQ(mr_semaphore_acquire(&sem, 0), MR_EINVAL);
    EXPECT_EQ(mr_semaphore_tryacquire(&sem, 0), MR_EINVAL);
    EXPECT_EQ(mr_semaphore_tryacquire(&sem, 3), MR_EBUSY);
    EXPECT_EQ(mr_semaphore_acquire(&sem, 2), 0);
    EXPECT_EQ(mr_semaphore_tryacquire(&sem, 1), MR_EBUSY);
    EXPECT_EQ(mr_semaphore_acquire_until(&sem, 1, mr_after(MR_MS)),
              MR_ETIMEDOUT);
    EXPECT_EQ(mr_semaphore_release(&sem, UINT32_MAX), 0);
    EXPECT_EQ(mr_semaphore_release(&sem, 1), MR_EOVERFLOW);
    EXPECT_EQ(mr_semaphore_acquire(&sem, UINT32_MAX), 0);
    EXPECT_EQ(mr_semaphore_tryacquire(&sem, 1), MR_EBUSY);
    EXPECT_EQ(mr_semaphore_release(&sem, 0), 0);
    EXPECT_EQ(mr_semaphore_close(&sem), 0);
    mr_semaphore_open(&sem, 1);
    EXPECT_EQ(mr_semaphore_tryacquire(&sem, 1), 0);
    memset(&none, 0, sizeof none);
    EXPECT_EQ(mr_semaphore_tryacquire(&none, 1), MR_EBUSY);
    EXPECT_EQ(mr_semaphore_release(&none, 1), 0);
    EXPECT_EQ(mr_semaphore_acquire_until(&none, 1, 0), 0);
    return 0;
}

TEST(sync_semaphore, units_are_counted)
{
    run_on_some(counts, NULL);
    EXPECT_EQ(counts(NULL), 0);
}

/* ---- As many as there are units ----------------------------------------- */

struct pool {
    mr_semaphore sem;
    uint32_t units;
    int64_t used, most;
};

static int64_t uses(void *arg)
{
    struct pool *p = *(struct pool **)arg;
    for (int i = 0; i < slow_scale(200); i++) {
        uint32_t units = 1 + (uint32_t)i % p->units;
        EXPECT_EQ(mr_semaphore_acquire(&p->sem, units), 0);
        EXPECT(add(&p->used, units) <= p->units);
        if (i % 4 == 0)
            mr_yield();
        add(&p->used, -(int64_t)units);
        EXPECT_EQ(mr_semaphore_release(&p->sem, units), 0);
    }
    return 0;
}

static int64_t outside_uses(void *arg)
{
    return uses(&arg);
}

static int64_t all_use(void *arg)
{
    struct pool *p = arg;
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < 10; i++)
        EXPECT_EQ(mr_scope_go(&scope, uses, &p, sizeof p), 0);
    return mr_scope_close(&scope);
}

static int64_t runs_all_use(void *arg)
{
    return run_with(2, all_use, arg);
}

TEST(sync_semaphore, no_more_units_are_used_than_there_are)
{
    for (uint32_t units = 1; units <= 4; units++) {
        struct pool p = {MR_SEMAPHORE_INIT(units), units, 0, 0};
        struct outside other[4];
        outside_start(&other[0], runs_all_use, &p);
        outside_start(&other[1], runs_all_use, &p);
        outside_start(&other[2], outside_uses, &p);
        outside_start(&other[3], outside_uses, &p);
        for (int i = 0; i < 4; i++)
            EXPECT_EQ(outside_join(&other[i]), 0);
        EXPECT_EQ(mr_semaphore_tryacquire(&p.sem, units), 0);
        EXPECT_EQ(mr_semaphore_close(&p.sem), 0);
    }
}

/* ---- First come, first served ------------------------------------------- */

struct line {
    mr_semaphore sem;
    int64_t served;
};

struct customer {
    struct line *line;
    int number;
    uint32_t units;
    int64_t deadline;
    int rc;
};

static int64_t stands_in_line(void *arg)
{
    struct customer *c = *(struct customer **)arg;
    c->rc = mr_semaphore_acquire_until(&c->line->sem, c->units, c->deadline);
    if (c->rc == 0)
        EXPECT_EQ(add(&c->line->served, 1), c->number);
    return 0;
}

static void line_up(mr_scope *scope, struct customer *c, int n)
{
    for (int i = 0; i < n; i++) {
        struct customer *at = &c[i];
        EXPECT_EQ(mr_scope_go(scope, stands_in_line, &at, sizeof at), 0);
        come_to_wait(i + 1, "a semaphore");
    }
}

/* One unit at a time: the order is seen. */
static int64_t serves_in_order(void *arg)
{
    struct line l = {.sem = MR_SEMAPHORE_INIT(0)};
    struct customer c[6];
    mr_scope scope;
    (void)arg;
    for (int i = 0; i < 6; i++)
        c[i] = (struct customer){&l, i + 1, 1 + (uint32_t)i % 3, MR_NEVER, -1};
    mr_scope_open(&scope, MR_NEVER);
    line_up(&scope, c, 6);
    EXPECT_EQ(mr_semaphore_close(&l.sem), MR_EBUSY);
    for (int i = 0; i < 6; i++) {
        for (uint32_t units = 1; units < c[i].units; units++) {
            EXPECT_EQ(mr_semaphore_release(&l.sem, 1), 0);
            /* Others wait: there is none for who comes by. */
            EXPECT_EQ(mr_semaphore_tryacquire(&l.sem, 1), MR_EBUSY);
        }
        EXPECT_EQ(look(&l.served), i);
        EXPECT_EQ(mr_semaphore_release(&l.sem, 1), 0);
        until(&l.served, i + 1);
    }
    return mr_scope_close(&scope);
}

TEST(sync_semaphore, who_came_first_is_served_first_however_much_it_wants)
{
    run_on_some(serves_in_order, NULL);
}

/* Who stands in front and gives up no longer keeps back those behind. */
static int64_t gives_up_in_front(void *arg)
{
    bool cancels = *(bool *)arg;
    struct line l = {.sem = MR_SEMAPHORE_INIT(2)};
    struct customer big = {&l, 0, 3, MR_NEVER, 1}, *b = &big;
    struct customer small[2] = {{&l, 1, 1, MR_NEVER, 1},
                                {&l, 2, 1, MR_NEVER, 1}};
    mr_scope scope, within;
    if (!cancels)
        big.deadline = mr_after(300 * MR_MS);
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_open(&within, MR_NEVER);
    EXPECT_EQ(mr_scope_go(&within, stands_in_line, &b, sizeof b), 0);
    /* Where the machine stands still it has given up before anybody saw it. */
    while (count_waiting("a semaphore") == 0 && mr_now() < big.deadline)
        mr_sleep(MR_MS);
    for (int i = 0; i < 2; i++) {
        struct customer *at = &small[i];
        EXPECT_EQ(mr_scope_go(&scope, stands_in_line, &at, sizeof at), 0);
        if (cancels)
            come_to_wait(i + 2, "a semaphore");
    }
    if (cancels)
        mr_scope_cancel(&within);
    EXPECT_EQ(mr_scope_close(&within), cancels ? MR_ECANCELED : 0);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(big.rc, cancels ? MR_ECANCELED : MR_ETIMEDOUT);
    EXPECT_EQ(small[0].rc, 0);
    EXPECT_EQ(small[1].rc, 0);
    return 0;
}

TEST(sync_semaphore, who_gives_up_in_front_lets_those_behind_go_on)
{
    for (int cancels = 0; cancels < 2; cancels++) {
        bool arg = cancels;
        /* One worker: those that are served at once go on in order. */
        EXPECT_EQ(run_with(1, gives_up_in_front, &arg), 0);
    }
}

/* ---- It may go with who was served -------------------------------------- */

static int64_t posts(void *arg)
{
    return mr_semaphore_release(arg, 1);
}

static int64_t asks_outside(void *arg)
{
    (void)arg;
    for (int i = 0; i < slow_scale(300); i++) {
        mr_semaphore *done = malloc(sizeof *done);
        struct outside outside;
        mr_semaphore_open(done, 0);
        outside_start(&outside, posts, done);
        EXPECT_EQ(mr_semaphore_acquire(done, 1), 0);
        memset(done, 0xff, sizeof *done);
        free(done);
        EXPECT_EQ(outside_join(&outside), 0);
    }
    return 0;
}

TEST(sync_semaphore, who_got_what_it_waited_for_may_free_it)
{
    run_on_some(asks_outside, NULL);
}
