/* millrace/sync.h: who would wait for itself is told so, and nobody else. */
#include <millrace.h>

#include "slow.h"
#include "sync.h"

enum { MOST = 8 };

/* Member i holds lock i and then wants lock i + 1. The last one to want is told
 * that it closes the circle. */
struct circle {
    mr_mutex mutex[MOST];
    mr_rwlock rwlock[MOST];
    int n;
    unsigned writers; /* bit i: lock i is a rwlock's */
    int64_t holding, told, got;
};

struct member {
    struct circle *c;
    int i;
};

static int take(struct circle *c, int i)
{
    return c->writers >> i & 1 ? mr_rwlock_write(&c->rwlock[i])
                               : mr_mutex_lock(&c->mutex[i]);
}

static void drop(struct circle *c, int i)
{
    int rc = c->writers >> i & 1 ? mr_rwlock_unlock(&c->rwlock[i])
                                 : mr_mutex_unlock(&c->mutex[i]);
    EXPECT_EQ(rc, 0);
}

static int64_t stands_in_circle(void *arg)
{
    struct member *m = arg;
    struct circle *c = m->c;
    int next = (m->i + 1) % c->n;
    EXPECT_EQ(take(c, m->i), 0);
    add(&c->holding, 1);
    until(&c->holding, c->n);
    int rc = take(c, next);
    EXPECT(rc == 0 || rc == MR_EDEADLK);
    add(rc == 0 ? &c->got : &c->told, 1);
    if (rc == 0)
        drop(c, next);
    drop(c, m->i);
    return 0;
}

static void has_closed_once(struct circle *c)
{
    EXPECT_EQ(c->told, 1);
    EXPECT_EQ(c->got, c->n - 1);
    for (int i = 0; i < c->n; i++) {
        EXPECT_EQ(mr_mutex_close(&c->mutex[i]), 0);
        EXPECT_EQ(mr_rwlock_close(&c->rwlock[i]), 0);
    }
}

static int64_t makes_circle(void *arg)
{
    struct circle *c = arg;
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < c->n; i++) {
        struct member m = {c, i};
        EXPECT_EQ(mr_scope_go(&scope, stands_in_circle, &m, sizeof m), 0);
    }
    return mr_scope_close(&scope);
}

TEST(sync_cycle, tasks_in_a_circle_of_any_length_are_told_once)
{
    for (int n = 2; n <= MOST; n++)
        for (unsigned workers = 1; workers <= 4; workers *= 2) {
            struct circle c = {.n = n};
            EXPECT_EQ(run_with(workers, makes_circle, &c), 0);
            has_closed_once(&c);
        }
}

TEST(sync_cycle, write_locks_stand_in_a_circle_too)
{
    for (unsigned writers = 1; writers < 1 << 3; writers++) {
        struct circle c = {.n = 3, .writers = writers};
        EXPECT_EQ(run_with(2, makes_circle, &c), 0);
        has_closed_once(&c);
    }
}

TEST(sync_cycle, threads_in_a_circle_are_told_once)
{
    for (int n = 2; n <= MOST; n++) {
        struct circle c = {.n = n};
        struct outside thread[MOST];
        struct member m[MOST];
        for (int i = 0; i < n; i++) {
            m[i] = (struct member){&c, i};
            outside_start(&thread[i], stands_in_circle, &m[i]);
        }
        for (int i = 0; i < n; i++)
            EXPECT_EQ(outside_join(&thread[i]), 0);
        has_closed_once(&c);
    }
}

static int64_t runs_member(void *arg)
{
    return run_with(2, stands_in_circle, arg);
}

/* Runtimes come and go meanwhile. */
TEST(sync_cycle, a_circle_through_runtimes_and_threads_is_told_once)
{
    for (int round = 0; round < slow_scale(20); round++) {
        struct circle c = {.n = 4};
        struct outside thread[4];
        struct member m[4];
        for (int i = 0; i < 4; i++) {
            m[i] = (struct member){&c, i};
            outside_start(&thread[i], i % 2 ? runs_member : stands_in_circle,
                          &m[i]);
        }
        for (int i = 0; i < 4; i++)
            EXPECT_EQ(outside_join(&thread[i]), 0);
        has_closed_once(&c);
    }
}

/* ---- None where there is none ------------------------------------------- */

/* Always in the same order: a chain of waits as long as there are tasks, and
 * no circle. */
static int64_t climbs(void *arg)
{
    struct circle *c = *(struct circle **)arg;
    for (int round = 0; round < slow_scale(200); round++) {
        int first = round % (c->n - 1);
        for (int i = first; i < c->n; i++)
            EXPECT_EQ(take(c, i), 0);
        for (int i = first; i < c->n; i++)
            drop(c, i);
    }
    return 0;
}

static int64_t outside_climbs(void *arg)
{
    return climbs(&arg);
}

static int64_t all_climb(void *arg)
{
    struct circle *c = arg;
    struct outside outside;
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    outside_start(&outside, outside_climbs, c);
    for (int i = 0; i < 8; i++)
        EXPECT_EQ(mr_scope_go(&scope, climbs, &c, sizeof c), 0);
    EXPECT_EQ(outside_join(&outside), 0);
    return mr_scope_close(&scope);
}

TEST(sync_cycle, who_locks_in_order_is_never_told)
{
    for (unsigned workers = 1; workers <= 4; workers *= 2)
        for (unsigned writers = 0; writers < 4; writers++) {
            struct circle c = {.n = MOST, .writers = writers * 0x25};
            EXPECT_EQ(run_with(workers, all_climb, &c), 0);
        }
}

/* ---- And the wait that it would have been is possible afterwards -------- */

static int64_t holds_second(void *arg)
{
    struct circle *c = *(struct circle **)arg;
    EXPECT_EQ(take(c, 1), 0);
    add(&c->holding, 1);
    EXPECT_EQ(take(c, 0), 0);
    drop(c, 0);
    drop(c, 1);
    return 0;
}

static int64_t gives_way(void *arg)
{
    struct circle circle = {.n = 2}, *c = &circle;
    mr_scope scope;
    (void)arg;
    EXPECT_EQ(take(c, 0), 0);
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_go(&scope, holds_second, &c, sizeof c), 0);
    until(&c->holding, 1);
    come_to_wait(1, "a mutex");
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(take(c, 1), MR_EDEADLK);
        EXPECT_EQ(mr_mutex_trylock(&c->mutex[1]), MR_EBUSY);
    }
    drop(c, 0);
    EXPECT_EQ(take(c, 1), 0);
    drop(c, 1);
    return mr_scope_close(&scope);
}

TEST(sync_cycle, who_was_told_gives_way_and_locks_then)
{
    run_on_some(gives_way, NULL);
}
