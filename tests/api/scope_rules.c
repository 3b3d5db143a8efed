/* millrace/scope.h: what is refused, and what stops the program. */
#undef NDEBUG /* the checks of millrace/fork.h too */
#include <millrace.h>

#include "run.h"
#include "test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static int64_t echo(void *arg)
{
    return *(int64_t *)arg;
}

/* ---- Refused ------------------------------------------------------------ */

TEST(scope_rules, outside_of_tasks_nothing_is_opened)
{
    mr_scope scope;
    mr_task task;
    int64_t n = 1;
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_spawn(&scope, &task, echo, &n);
    EXPECT_EQ(mr_task_result(&task), MR_EPERM);
    EXPECT_EQ(mr_await(&task), MR_EPERM);
    EXPECT_EQ(mr_scope_go(&scope, echo, &n, sizeof n), MR_EPERM);
    EXPECT_EQ(mr_scope_limit(&scope, 1), MR_EPERM);
    mr_scope_cancel(&scope);
    EXPECT_EQ(mr_scope_close(&scope), MR_EPERM);
    EXPECT_EQ(mr_cancelled(), 0);
    EXPECT_EQ(mr_deadline(), MR_NEVER);
}

static int64_t closes_it(void *arg)
{
    mr_scope *scope = *(mr_scope **)arg;
    EXPECT_EQ(mr_scope_limit(scope, 1), MR_EPERM);
    EXPECT_EQ(mr_scope_close(scope), MR_EPERM);
    return 0;
}

static int64_t lets_close(void *arg)
{
    mr_scope scope, *p = &scope;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_go(&scope, closes_it, &p, sizeof p), 0);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(mr_scope_close(&scope), MR_EPERM);
    EXPECT_EQ(mr_scope_go(&scope, closes_it, &p, sizeof p), MR_EPERM);
    mr_scope_cancel(&scope);
    return 0;
}

TEST(scope_rules, only_the_task_that_opened_it_closes_it_once)
{
    EXPECT_EQ(run_with(1, lets_close, NULL), 0);
    EXPECT_EQ(run_with(3, lets_close, NULL), 0);
}

static int64_t awaits_a_child(void *arg)
{
    mr_scope scope;
    mr_task task;
    int64_t seven = 7;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_spawn(&scope, &task, echo, &seven);
    EXPECT_EQ(mr_await(&task), MR_EPERM);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(mr_await(&task), MR_EPERM);
    EXPECT_EQ(mr_task_result(&task), 7);
    return 0;
}

TEST(scope_rules, a_child_of_a_scope_is_not_awaited)
{
    EXPECT_EQ(run_with(1, awaits_a_child, NULL), 0);
    EXPECT_EQ(run_with(2, awaits_a_child, NULL), 0);
}

static int64_t asks_for_a_spawned_one(void *arg)
{
    mr_task task;
    mr_spawn(&task, echo, arg);
    EXPECT_EQ(mr_task_result(&task), MR_EPERM);
    EXPECT_EQ(mr_await(&task), 7);
    EXPECT_EQ(mr_task_result(&task), MR_EPERM);
    return 0;
}

TEST(scope_rules, the_result_of_a_spawned_task_is_its_awaits)
{
    int64_t seven = 7;
    EXPECT_EQ(run_with(1, asks_for_a_spawned_one, &seven), 0);
}

static int64_t spawns_to_be_kept(void *task)
{
    int64_t seven = 7;
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_spawn(&scope, task, echo, &seven);
    return mr_scope_close(&scope);
}

TEST(scope_rules, what_was_not_spawned_has_no_result_of_a_former_life)
{
    int64_t eight = 8;
    mr_task task;
    EXPECT_EQ(run_with(1, spawns_to_be_kept, &task), 0);
    EXPECT_EQ(mr_task_result(&task), 7);
    mr_spawn(&task, echo, &eight);
    EXPECT_EQ(mr_task_result(&task), MR_EPERM);
}

/* In a task of one runtime, with another one's scope. */
static int64_t spawns_across(void *arg)
{
    mr_scope *scope = *(mr_scope **)arg;
    mr_task task;
    int64_t n = 1;
    EXPECT_EQ(mr_scope_go(scope, echo, &n, sizeof n), MR_EPERM);
    mr_scope_spawn(scope, &task, echo, &n);
    EXPECT_EQ(mr_task_result(&task), MR_EPERM);
    EXPECT_EQ(mr_scope_close(scope), MR_EPERM);
    return 0;
}

static int64_t runs_another(void *arg)
{
    return run_with(1, spawns_across, arg);
}

static int64_t lends_to_another(void *arg)
{
    mr_scope scope, *p = &scope;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_blocking(runs_another, &p), 0);
    return mr_scope_close(&scope);
}

TEST(scope_rules, another_runtime_does_not_spawn_into_it)
{
    EXPECT_EQ(run_with(1, lends_to_another, NULL), 0);
}

/* The worker alone is in the child: nobody would come. */
static int64_t forks(void *arg)
{
    mr_scope scope;
    mr_task task;
    int64_t n = 1;
    int status = 0;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    pid_t pid = fork();
    if (pid == 0) {
        mr_scope_spawn(&scope, &task, echo, &n);
        mr_scope_cancel(&scope);
        _exit(mr_task_result(&task) == MR_EPERM &&
                      mr_scope_go(&scope, echo, &n, sizeof n) == MR_EPERM &&
                      mr_scope_close(&scope) == MR_EPERM &&
                      mr_scope_close(&scope) == MR_EPERM
                  ? 7
                  : 1);
    }
    EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    return mr_scope_close(&scope);
}

TEST(scope_rules, in_a_child_of_fork_nothing_is_spawned_or_waited_for)
{
    EXPECT_EQ(run_with(2, forks, NULL), 0);
}

/* ---- What stops the program --------------------------------------------- */

static int64_t leaves_it_open(void *arg)
{
    static mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    return 0;
}

static int64_t has_a_child_that(void *arg)
{
    mr_scope scope;
    mr_task child;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_spawn(&scope, &child, leaves_it_open, NULL);
    return mr_scope_close(&scope);
}

static int64_t awaits_one_that(void *arg)
{
    mr_scope scope;
    mr_task child;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    mr_spawn(&child, leaves_it_open, NULL);
    EXPECT_EQ(mr_await(&child), 0);
    return mr_scope_close(&scope);
}

static int64_t closes_before_the_await(void *arg)
{
    mr_scope scope;
    mr_task child;
    mr_scope_open(&scope, MR_NEVER);
    mr_spawn(&child, echo, arg);
    mr_scope_close(&scope);
    return mr_await(&child);
}

/* The frame of the child that left it open is gone. */
static int64_t sleeps_after_one_that(void *arg)
{
    mr_task child;
    (void)arg;
    mr_spawn(&child, leaves_it_open, NULL);
    mr_await(&child);
    return mr_sleep(MR_MS);
}

MR_FORKABLE(int64_t, typed_leaves_it_open, mr_scope *, scope)
{
    mr_scope_open(scope, MR_NEVER);
    return 0;
}

static int64_t calls_a_typed_one(void *arg)
{
    mr_scope scope;
    (void)arg;
    return typed_leaves_it_open(&scope);
}

static int64_t closes_its_callers(void *arg)
{
    return mr_scope_close(arg);
}

static int64_t lends_to_one_it_awaits(void *arg)
{
    mr_scope scope;
    mr_task child;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    mr_spawn(&child, closes_its_callers, &scope);
    mr_await(&child);
    return mr_scope_close(&scope);
}

/* One is awaited within, another spawned, so that there are as many. */
static int64_t swaps_children(void *arg)
{
    mr_scope scope;
    mr_task before, within;
    mr_spawn(&before, echo, arg);
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_await(&before), 0);
    mr_spawn(&within, echo, arg);
    mr_scope_close(&scope);
    return mr_await(&within);
}

/* No slot is left for the one within: it goes to a run queue. */
static int64_t closes_before_the_await_of_a_queued_one(void *arg)
{
    enum { FULL = 4096 };
    static mr_task before[FULL], within;
    mr_scope scope;
    for (int i = 0; i < FULL; i++)
        mr_spawn(&before[i], echo, arg);
    mr_scope_open(&scope, MR_NEVER);
    mr_spawn(&within, echo, arg);
    mr_scope_close(&scope);
    mr_await(&within);
    for (int i = FULL; i-- > 0;)
        mr_await(&before[i]);
    return 0;
}

static int64_t closes_the_outer_first(void *arg)
{
    mr_scope outer, inner;
    (void)arg;
    mr_scope_open(&outer, MR_NEVER);
    mr_scope_open(&inner, MR_NEVER);
    mr_scope_close(&outer);
    return mr_scope_close(&inner);
}

static void runs(void *fn)
{
    int64_t none = 0;
    run_with(1, *(mr_fn *)fn, &none);
}

static void dies_of(mr_fn fn, const char *rule)
{
    EXPECT(test_dies(runs, &fn, SIGABRT, rule));
}

TEST(scope_rules, a_task_that_leaves_a_scope_open_stops_the_program)
{
    dies_of(leaves_it_open, "a task closes its scopes before it returns");
    dies_of(has_a_child_that, "a task closes its scopes before it returns");
    dies_of(awaits_one_that,
            "a task closes its scopes, and no others, before it returns");
    dies_of(sleeps_after_one_that,
            "a task closes its scopes, and no others, before it returns");
}

TEST(scope_rules, a_typed_task_that_leaves_a_scope_open_stops_the_program)
{
    dies_of(calls_a_typed_one, "typed_leaves_it_open");
}

TEST(scope_rules, a_task_that_closes_its_callers_scope_stops_the_program)
{
    dies_of(lends_to_one_it_awaits,
            "a task closes its scopes, and no others, before it returns");
}

TEST(scope_rules, a_close_before_an_await_stops_the_program)
{
    dies_of(closes_before_the_await,
            "what was spawned within a scope is awaited before its close");
    dies_of(swaps_children,
            "what was spawned within a scope is awaited before its close");
    dies_of(closes_before_the_await_of_a_queued_one,
            "what was spawned within a scope is awaited before its close");
}

TEST(scope_rules, a_close_out_of_order_stops_the_program)
{
    dies_of(closes_the_outer_first,
            "a scope is closed after those that were opened within");
}
