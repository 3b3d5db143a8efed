/* mr_scope_next: children in the order in which they end. */
#include <millrace.h>

#include "run.h"
#include "test.h"

enum { CHILDREN = 10000 };

static int64_t echo(void *arg)
{
    return *(int64_t *)arg;
}

static int64_t waits(void *arg)
{
    return mr_sleep_until(*(int64_t *)arg);
}

static int64_t echoes_after_a_turn(void *arg)
{
    if (*(int64_t *)arg % 3 == 0)
        mr_yield();
    return *(int64_t *)arg;
}

/* ---- Each once ---------------------------------------------------------- */

static int64_t takes_all(void *arg)
{
    static mr_task task[CHILDREN];
    static int64_t n[CHILDREN];
    static bool seen[CHILDREN];
    mr_scope scope;
    mr_task *t = NULL;
    (void)arg;
    memset(seen, 0, sizeof seen);
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_collect(&scope), 0);
    for (int64_t i = 0; i < CHILDREN; i++) {
        n[i] = i;
        mr_scope_spawn(&scope, &task[i], echoes_after_a_turn, &n[i]);
    }
    for (int64_t i = 0; i < CHILDREN; i++) {
        EXPECT_EQ(mr_scope_next(&scope, &t), 0);
        EXPECT(!seen[t - task]);
        seen[t - task] = true;
        EXPECT_EQ(mr_task_result(t), t - task);
    }
    EXPECT_EQ(mr_scope_next(&scope, &t), MR_EOF);
    EXPECT_EQ(mr_scope_next(&scope, &t), MR_EOF);
    return mr_scope_close(&scope);
}

TEST(scope_next, each_of_10000_children_is_handed_out_once)
{
    run_on_some(takes_all, NULL);
}

static int64_t takes_in_order(void *arg)
{
    mr_task task[3], *t;
    int64_t at[3];
    mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_collect(&scope), 0);
    for (int i = 0; i < 3; i++) {
        at[i] = i == 1 ? mr_now() : MR_NEVER;
        mr_scope_spawn(&scope, &task[i], waits, &at[i]);
    }
    EXPECT_EQ(mr_scope_next(&scope, &t), 0);
    EXPECT(t == &task[1]); /* the others never end by themselves */
    mr_scope_cancel(&scope);
    for (int i = 0; i < 2; i++) {
        int rc;
        while ((rc = mr_scope_next(&scope, &t)) == MR_ECANCELED)
            mr_yield();
        EXPECT_EQ(rc, 0);
        EXPECT(t != &task[1]);
        EXPECT_EQ(mr_task_result(t), MR_ECANCELED);
    }
    EXPECT_EQ(mr_scope_next(&scope, &t), MR_EOF);
    return mr_scope_close(&scope) == MR_ECANCELED ? 0 : 1;
}

TEST(scope_next, who_ends_first_comes_first_and_a_cut_hides_none)
{
    run_on_some(takes_in_order, NULL);
}

struct tree {
    mr_scope *scope;
    mr_task task[3];
    int64_t n;
};

static int64_t spawns_two(void *arg)
{
    struct tree *t = arg;
    mr_scope_spawn(t->scope, &t->task[1], echo, &t->n);
    mr_scope_spawn(t->scope, &t->task[2], echo, &t->n);
    return t->n;
}

static int64_t takes_grandchildren(void *arg)
{
    mr_scope scope;
    struct tree tree = {&scope, {{{0}}}, 7};
    int64_t sum = 0;
    mr_task *t;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_collect(&scope), 0);
    EXPECT_EQ(mr_scope_limit(&scope, 1), 0);
    mr_scope_spawn(&scope, &tree.task[0], spawns_two, &tree);
    while (mr_scope_next(&scope, &t) == 0)
        sum += mr_task_result(t);
    EXPECT_EQ(sum, 21);
    return mr_scope_close(&scope);
}

TEST(scope_next, what_a_child_spawns_is_handed_out_too_with_a_limit)
{
    run_on_some(takes_grandchildren, NULL);
}

/* ---- Cut short ---------------------------------------------------------- */

static int64_t fails(void *arg)
{
    (void)arg;
    return MR_EIO;
}

static int64_t sees_a_failure(void *arg)
{
    mr_task task[2], *t;
    int64_t never = MR_NEVER;
    mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_collect(&scope), 0);
    mr_scope_spawn(&scope, &task[0], waits, &never);
    mr_scope_spawn(&scope, &task[1], fails, NULL);
    /* Told to wait no more, or handed one: both are right at first. */
    while (mr_scope_next(&scope, &t) == MR_ECANCELED)
        mr_yield();
    while (mr_scope_next(&scope, &t) != MR_EOF)
        mr_yield();
    EXPECT_EQ(mr_task_result(&task[0]), MR_ECANCELED);
    EXPECT_EQ(mr_task_result(&task[1]), MR_EIO);
    return mr_scope_close(&scope) == MR_EIO ? 0 : 1;
}

TEST(scope_next, a_child_that_fails_ends_the_wait_for_the_next)
{
    run_on_some(sees_a_failure, NULL);
}

static int64_t times_out(void *arg)
{
    mr_task task, *t;
    int64_t never = MR_NEVER;
    mr_scope scope;
    int rc;
    (void)arg;
    mr_scope_open(&scope, mr_after(5 * MR_MS));
    EXPECT_EQ(mr_scope_collect(&scope), 0);
    mr_scope_spawn(&scope, &task, waits, &never);
    while ((rc = mr_scope_next(&scope, &t)) == MR_ECANCELED)
        mr_yield();
    EXPECT_EQ(rc, 0);
    EXPECT(t == &task);
    return mr_scope_close(&scope) == MR_ETIMEDOUT ? 0 : 1;
}

TEST(scope_next, a_deadline_ends_the_wait_and_the_children)
{
    run_on_some(times_out, NULL);
}

/* ---- Refused ------------------------------------------------------------ */

static int64_t asks_for_another(void *arg)
{
    mr_task *t;
    EXPECT_EQ(mr_scope_collect(arg), MR_EPERM);
    EXPECT_EQ(mr_scope_next(arg, &t), MR_EPERM);
    return 0;
}

static int64_t asks_wrongly(void *arg)
{
    mr_task task, *t;
    mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_next(&scope, &t), MR_EPERM);
    mr_scope_spawn(&scope, &task, asks_for_another, &scope);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(mr_scope_collect(&scope), MR_EPERM);
    EXPECT_EQ(mr_scope_next(&scope, &t), MR_EPERM);
    return 0;
}

static int64_t collects_late(void *arg)
{
    mr_task task, *t;
    int64_t never = MR_NEVER;
    mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_spawn(&scope, &task, waits, &never);
    EXPECT_EQ(mr_scope_collect(&scope), MR_EBUSY);
    EXPECT_EQ(mr_scope_next(&scope, &t), MR_EPERM);
    mr_scope_cancel(&scope);
    return mr_scope_close(&scope) == MR_ECANCELED ? 0 : 1;
}

TEST(scope_next, only_the_opener_asks_and_says_so_before)
{
    run_on_some(asks_wrongly, NULL);
    run_on_some(collects_late, NULL);
}

static int64_t goes_alone(void *arg)
{
    mr_task *t;
    int64_t n = 7;
    mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_collect(&scope), 0);
    EXPECT_EQ(mr_scope_go(&scope, echo, &n, sizeof n), 0);
    EXPECT_EQ(mr_scope_next(&scope, &t), MR_EOF);
    return mr_scope_close(&scope);
}

TEST(scope_next, children_without_storage_of_the_caller_are_not_handed_out)
{
    run_on_some(goes_alone, NULL);
}
