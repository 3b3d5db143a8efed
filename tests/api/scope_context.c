/* millrace/scope.h: which scope a task is in, however it came to run. */
#include <millrace.h>

#include "run.h"
#include "test.h"

static void run_on_each(mr_fn fn)
{
    for (unsigned workers = 1; workers <= 4; workers++)
        EXPECT_EQ(run_with(workers, fn, NULL), 0);
}

/* The deadline names the scope. */
static int64_t names_its_scope(void *arg)
{
    (void)arg;
    if (mr_now() % 50 == 0)
        mr_yield();
    return mr_deadline();
}

MR_FORKABLE(int64_t, typed_name, int64_t, unused)
{
    (void)unused;
    return mr_deadline();
}

/* ---- Spawned tasks are where their spawner was -------------------------- */

static int64_t begun;

static int64_t says_that_it_begins(void *arg)
{
    __atomic_store_n(&begun, 1, __ATOMIC_RELEASE);
    return names_its_scope(arg);
}

static int64_t leaves_it_to_a_thief(void *arg)
{
    int64_t deadline = mr_after(100 * MR_S);
    mr_scope scope;
    mr_task child;
    (void)arg;
    begun = 0;
    mr_scope_open(&scope, deadline);
    mr_spawn(&child, says_that_it_begins, NULL);
    while (!__atomic_load_n(&begun, __ATOMIC_ACQUIRE))
        continue;
    EXPECT_EQ(mr_await(&child), deadline);
    return mr_scope_close(&scope);
}

TEST(scope_context, a_stolen_task_is_in_the_scope_of_its_spawner)
{
    for (int i = 0; i < 20; i++)
        EXPECT_EQ(run_with(2, leaves_it_to_a_thief, NULL), 0);
}

enum { MANY = 5000 }; /* more than a deque has slots */

static int64_t spawns_more_than_fit(void *arg)
{
    int64_t deadline = mr_after(100 * MR_S);
    mr_scope scope;
    mr_task *task = malloc(MANY * sizeof *task);
    (void)arg;
    mr_scope_open(&scope, deadline);
    for (int i = 0; i < MANY; i++)
        mr_spawn(&task[i], names_its_scope, NULL);
    for (int i = 0; i < MANY; i++)
        EXPECT_EQ(mr_await(&task[i]), deadline);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    free(task);
    return 0;
}

TEST(scope_context, a_spawned_task_without_a_slot_is_too)
{
    run_on_each(spawns_more_than_fit);
}

MR_FORKABLE(int64_t, forks_many, int64_t, n)
{
    int64_t same = 0;
    MR_CHILDREN(typed_name, child, MANY);
    for (int64_t i = 0; i < n; i++)
        MR_SPAWN_AT(typed_name, child, i, i);
    for (int64_t i = 0; i < n; i++)
        same += MR_AWAIT_AT(typed_name, child, i) == mr_deadline();
    return same;
}

/* No slot is left: what is spawned within goes to the run queue, and what is
 * awaited within was spawned outside. */
static void opens_where_no_slot_is_left(void)
{
    int64_t deadline = mr_after(100 * MR_S);
    mr_scope scope;
    mr_task task[10];
    mr_scope_open(&scope, deadline);
    for (int i = 0; i < 10; i++)
        mr_spawn(&task[i], names_its_scope, NULL);
    for (int i = 0; i < 10; i++)
        EXPECT_EQ(mr_await(&task[i]), deadline);
    EXPECT_EQ(typed_name(0), deadline);
    EXPECT_EQ(mr_scope_close(&scope), 0);
}

MR_FORKABLE(int64_t, forks_around, int64_t, n)
{
    int64_t same = 0;
    MR_CHILDREN(typed_name, child, MANY);
    for (int64_t i = 0; i < n; i++)
        MR_SPAWN_AT(typed_name, child, i, i);
    opens_where_no_slot_is_left();
    for (int64_t i = n; i-- > 0;)
        same += MR_AWAIT_AT(typed_name, child, i) == MR_NEVER;
    return same;
}

static int64_t forks_more_than_fit_around(void *arg)
{
    (void)arg;
    return forks_around(MANY) - MANY;
}

TEST(scope_context, a_scope_opens_where_no_slot_is_left)
{
    run_on_each(forks_more_than_fit_around);
}

static int64_t forks_more_than_fit(void *arg)
{
    mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, mr_after(100 * MR_S));
    EXPECT_EQ(forks_many(MANY), MANY);
    return mr_scope_close(&scope);
}

TEST(scope_context, typed_ones_are_too)
{
    run_on_each(forks_more_than_fit);
}

/* ---- A task that is older than a scope is not in it --------------------- */

static int64_t awaits_older_ones_within(void *arg)
{
    int64_t deadline = mr_after(100 * MR_S);
    mr_scope scope;
    mr_task older[10], younger[10];
    (void)arg;
    for (int i = 0; i < 10; i++)
        mr_spawn(&older[i], names_its_scope, NULL);
    mr_scope_open(&scope, deadline);
    for (int i = 0; i < 10; i++)
        mr_spawn(&younger[i], names_its_scope, NULL);
    for (int i = 9; i >= 5; i--)
        EXPECT_EQ(mr_await(&younger[i]), deadline);
    EXPECT_EQ(mr_await(&older[3]), MR_NEVER);
    for (int i = 0; i < 5; i++)
        EXPECT_EQ(mr_await(&younger[i]), deadline);
    for (int i = 9; i >= 5; i--)
        EXPECT_EQ(mr_await(&older[i]), MR_NEVER);
    /* In their slots others, which are in it. */
    for (int i = 0; i < 10; i++)
        mr_spawn(&younger[i], names_its_scope, NULL);
    for (int i = 9; i >= 0; i--)
        EXPECT_EQ(mr_await(&younger[i]), deadline);
    EXPECT_EQ(mr_await(&older[4]), MR_NEVER);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    for (int i = 2; i >= 0; i--)
        EXPECT_EQ(mr_await(&older[i]), MR_NEVER);
    return 0;
}

TEST(scope_context, a_task_spawned_before_it_was_opened_is_not_in_a_scope)
{
    run_on_each(awaits_older_ones_within);
}

/* Scopes and spawns by turns, all awaited in the innermost. */
static int64_t interleaves(void *arg)
{
    enum { DEPTH = 20 };
    mr_scope scope[DEPTH];
    mr_task task[DEPTH];
    int64_t deadline[DEPTH], now = mr_now();
    (void)arg;
    for (int i = 0; i < DEPTH; i++) {
        deadline[i] = now + (100 - i) * MR_S;
        mr_spawn(&task[i], names_its_scope, NULL);
        mr_scope_open(&scope[i], deadline[i]);
    }
    for (int i = DEPTH - 1; i >= 0; i--)
        EXPECT_EQ(mr_await(&task[i]), i > 0 ? deadline[i - 1] : MR_NEVER);
    EXPECT_EQ(mr_deadline(), deadline[DEPTH - 1]);
    for (int i = DEPTH - 1; i >= 0; i--)
        EXPECT_EQ(mr_scope_close(&scope[i]), 0);
    return 0;
}

TEST(scope_context, scopes_and_spawns_by_turns)
{
    run_on_each(interleaves);
}

/* A task that is awaited in a scope that it is not in, and that spawns into a
 * scope of its own where the slot was in which it stood. */
static int64_t spawns_into_its_own(void *arg)
{
    int64_t deadline = mr_after(50 * MR_S);
    mr_scope scope;
    mr_task task;
    (void)arg;
    EXPECT_EQ(mr_deadline(), MR_NEVER);
    mr_scope_open(&scope, deadline);
    mr_spawn(&task, names_its_scope, NULL);
    EXPECT_EQ(mr_await(&task), deadline);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(mr_deadline(), MR_NEVER);
    return 7;
}

static int64_t awaits_the_youngest_within(void *arg)
{
    int64_t deadline = mr_after(100 * MR_S);
    mr_scope scope;
    mr_task older;
    (void)arg;
    mr_spawn(&older, spawns_into_its_own, NULL);
    mr_scope_open(&scope, deadline);
    EXPECT_EQ(mr_await(&older), 7);
    EXPECT_EQ(mr_deadline(), deadline);
    return mr_scope_close(&scope);
}

TEST(scope_context, one_awaited_in_another_opens_its_own_and_spawns)
{
    run_on_each(awaits_the_youngest_within);
}

/* The same, above one that was awaited before. */
static int64_t awaits_above_a_gap(void *arg)
{
    mr_task older, younger;
    (void)arg;
    mr_spawn(&older, names_its_scope, NULL);
    mr_spawn(&younger, spawns_into_its_own, NULL);
    EXPECT_EQ(mr_await(&older), MR_NEVER);
    EXPECT_EQ(mr_await(&younger), 7);
    return 0;
}

TEST(scope_context, one_awaited_above_a_gap_opens_its_own_and_spawns)
{
    run_on_each(awaits_above_a_gap);
}

static int64_t waits(void *arg)
{
    (void)arg;
    EXPECT_EQ(mr_cancelled(), 0);
    return mr_sleep(MR_US);
}

static int64_t awaits_one_that_waits(void *arg)
{
    mr_scope scope;
    mr_task older;
    (void)arg;
    mr_spawn(&older, waits, NULL);
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_cancel(&scope);
    EXPECT_EQ(mr_sleep(MR_NEVER), MR_ECANCELED);
    EXPECT_EQ(mr_await(&older), 0);
    EXPECT_EQ(mr_sleep(MR_NEVER), MR_ECANCELED);
    return mr_scope_close(&scope) == MR_ECANCELED ? 0 : -1;
}

TEST(scope_context, one_that_is_awaited_in_a_cancelled_scope_waits_in_its_own)
{
    run_on_each(awaits_one_that_waits);
}

/* ---- A child of a scope is in that, whoever spawns it -------------------- */

struct handed {
    mr_scope *scope;
    mr_task task;
};

static int64_t spawns_there(void *arg)
{
    struct handed *h = *(struct handed **)arg;
    mr_scope_spawn(h->scope, &h->task, names_its_scope, NULL);
    return 0;
}

static int64_t hands_to_another_scope(void *arg)
{
    int64_t early = mr_after(50 * MR_S), late = mr_after(100 * MR_S);
    mr_scope outer, inner;
    struct handed h = {.scope = &outer}, *p = &h;
    (void)arg;
    mr_scope_open(&outer, late);
    mr_scope_open(&inner, early);
    EXPECT_EQ(mr_scope_go(&inner, spawns_there, &p, sizeof p), 0);
    EXPECT_EQ(mr_scope_close(&inner), 0);
    EXPECT_EQ(mr_scope_close(&outer), 0);
    EXPECT_EQ(mr_task_result(&h.task), late);
    return 0;
}

TEST(scope_context, a_child_is_in_its_scope_and_not_in_its_spawners)
{
    run_on_each(hands_to_another_scope);
}

static int64_t submits(void *arg)
{
    int64_t *found = *(int64_t **)arg;
    __atomic_store_n(found, mr_deadline() == MR_NEVER ? 1 : 2,
                     __ATOMIC_RELEASE);
    return 0;
}

static int64_t submits_within(void *arg)
{
    int64_t found = 0, *p = &found;
    mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, mr_after(100 * MR_S));
    EXPECT_EQ(mr_submit(mr_self(), submits, &p, sizeof p), 0);
    while (!__atomic_load_n(&found, __ATOMIC_ACQUIRE))
        mr_yield();
    EXPECT_EQ(found, 1);
    return mr_scope_close(&scope);
}

TEST(scope_context, what_is_submitted_is_in_no_scope)
{
    run_on_each(submits_within);
}
