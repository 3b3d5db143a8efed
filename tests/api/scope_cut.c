/* millrace/scope.h: scopes that are cut short, by whom, when, and who sees it.
 * What a scope is otherwise: scope.c. */
#include <millrace.h>

#include "run.h"
#include "slow.h"
#include "test.h"

#include <pthread.h>

static void put(int64_t *to, int64_t n)
{
    __atomic_store_n(to, n, __ATOMIC_RELEASE);
}

static int64_t look(int64_t *at)
{
    return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static void until(int64_t *word)
{
    while (!look(word))
        mr_yield();
}

/* ---- What a child is doing, times what happens to its scope ------------- */

enum state { UNSTARTED, RUNNING, PARKED, DONE, STATES };
enum cause { CANCEL, DEADLINE, SIBLING, OUTER, CLOSE, CAUSES };

struct life {
    enum state state;
    enum cause cause;
    int64_t begun, over;
};

static int64_t lives(void *arg)
{
    struct life *l = arg;
    put(&l->begun, 1);
    switch (l->state) {
    case RUNNING:
        until(&l->over);
        EXPECT_EQ(mr_cancelled() < 0, l->cause != CLOSE);
        return 42;
    case PARKED: {
        bool ends = l->cause == CLOSE;
        int64_t rc = mr_sleep(ends ? MR_MS : MR_NEVER);
        EXPECT_EQ(rc, ends ? 0 : MR_ECANCELED);
        return ends ? 42 : rc;
    }
    default:
        return 42;
    }
}

static int64_t fails(void *arg)
{
    (void)arg;
    return MR_EIO;
}

static void strike(struct life *l, mr_scope *scope, mr_scope *outer)
{
    switch (l->cause) {
    case CANCEL:
        mr_scope_cancel(scope);
        break;
    case OUTER:
        mr_scope_cancel(outer);
        break;
    case SIBLING:
        EXPECT_EQ(mr_scope_go(scope, fails, NULL, 0), 0);
        while (!mr_cancelled())
            mr_yield();
        break;
    case DEADLINE: /* no yield: nothing is started by it */
        while (!mr_cancelled())
            continue;
        break;
    default:
        break;
    }
}

static void bring_about(struct life *l, const mr_task *child)
{
    if (l->state == DONE)
        while (mr_task_result(child) == MR_EBUSY)
            mr_yield();
    else if (l->state != UNSTARTED)
        while (!look(&l->begun) && !mr_cancelled())
            mr_yield();
}

/* Has it been started as its state says? A deadline comes when it likes: before
 * the child, or after a spare worker took it. */
static bool was_started(const struct life *l)
{
    bool should = l->cause == CLOSE || l->state != UNSTARTED;
    if (l->cause != DEADLINE)
        EXPECT_EQ(l->begun, should);
    return l->begun;
}

/* Whoever is to be running by then is; and whoever is not, is not started by a
 * spare worker. */
static int64_t deadline_of(const struct life *l)
{
    if (l->cause != DEADLINE)
        return MR_NEVER;
    if (l->state == UNSTARTED)
        return mr_after(100 * MR_US);
    bool slow = slow_is_sanitized() || slow_is_emulated();
    return mr_after((slow ? 100 : 10) * MR_MS);
}

static int64_t lives_and_is_struck(void *arg)
{
    static const int64_t closes[] = {MR_ECANCELED, MR_ETIMEDOUT, MR_EIO,
                                     MR_ECANCELED, 0};
    struct life *l = arg;
    mr_scope outer, scope;
    mr_task child;
    mr_scope_open(&outer, MR_NEVER);
    mr_scope_open(&scope, deadline_of(l));
    if (l->state == UNSTARTED && l->cause == SIBLING)
        EXPECT_EQ(mr_scope_go(&scope, fails, NULL, 0), 0);
    mr_scope_spawn(&scope, &child, lives, l);
    if (l->state != DONE || l->cause != DEADLINE || !mr_cancelled())
        bring_about(l, &child);
    if (l->state != UNSTARTED || l->cause != SIBLING)
        strike(l, &scope, &outer);
    put(&l->over, 1);
    EXPECT_EQ(mr_scope_close(&scope), closes[l->cause]);
    bool missed = !was_started(l) || (l->state == PARKED && l->cause != CLOSE);
    EXPECT_EQ(mr_task_result(&child), missed ? MR_ECANCELED : 42);
    EXPECT_EQ(mr_cancelled(), l->cause == OUTER ? MR_ECANCELED : 0);
    EXPECT_EQ(mr_scope_close(&outer), l->cause == OUTER ? MR_ECANCELED : 0);
    return 0;
}

/* Where there are other workers, whatever is to be started soon is. */
TEST(scope_cut, each_state_of_a_child_times_each_cause)
{
    for (unsigned state = 0; state < STATES; state++)
        for (unsigned cause = 0; cause < CAUSES; cause++)
            for (unsigned n = 1; n <= (state == UNSTARTED ? 1U : 4U); n++) {
                struct life l = {state, cause, 0, 0};
                EXPECT_EQ(run_with(n, lives_and_is_struck, &l), 0);
            }
}

/* ---- Who sees it, and who does not -------------------------------------- */

static int64_t sleeps_for_ever(void *arg)
{
    (void)arg;
    return mr_sleep(MR_NEVER);
}

static int64_t waits_again_and_again(void *arg)
{
    mr_scope scope;
    mr_interval interval;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_sleep(0), 0);
    EXPECT_EQ(mr_cancelled(), 0);
    mr_scope_cancel(&scope);
    EXPECT_EQ(mr_cancelled(), MR_ECANCELED);
    EXPECT_EQ(mr_interval_open(&interval, MR_S), 0);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(mr_sleep(MR_NEVER), MR_ECANCELED);
        EXPECT_EQ(mr_sleep(MR_S), MR_ECANCELED);
        EXPECT_EQ(mr_sleep(0), MR_ECANCELED);
        EXPECT_EQ(mr_sleep_until(MR_NEVER), MR_ECANCELED);
        EXPECT_EQ(mr_interval_wait(&interval), MR_ECANCELED);
        mr_scope_cancel(&scope);
    }
    EXPECT_EQ(mr_scope_close(&scope), MR_ECANCELED);
    EXPECT_EQ(mr_cancelled(), 0);
    EXPECT_EQ(mr_sleep(MR_US), 0);
    return 0;
}

TEST(scope_cut, all_later_waits_return_at_once_until_the_close)
{
    run_on_some(waits_again_and_again, NULL);
}

static int64_t computes(void *arg)
{
    EXPECT_EQ(mr_cancelled(), MR_ECANCELED);
    return *(int64_t *)arg;
}

static int64_t blocks(void *arg)
{
    return *(int64_t *)arg;
}

static int64_t awaits_nevertheless(void *arg)
{
    mr_scope scope;
    mr_task child;
    int64_t seven = 7;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_cancel(&scope);
    mr_spawn(&child, computes, &seven);
    EXPECT_EQ(mr_blocking(blocks, &seven), 7);
    mr_yield();
    EXPECT_EQ(mr_await(&child), 7);
    return mr_scope_close(&scope) == MR_ECANCELED ? 0 : -1;
}

TEST(scope_cut, awaits_and_blocking_calls_wait_and_spawned_tasks_run)
{
    run_on_some(awaits_nevertheless, NULL);
}

static int64_t spawns_a_sleeper(void *arg)
{
    mr_task child;
    mr_spawn(&child, sleeps_for_ever, arg);
    mr_yield();
    EXPECT_EQ(mr_sleep(MR_NEVER), MR_ECANCELED);
    EXPECT_EQ(mr_await(&child), MR_ECANCELED);
    return 0;
}

/* Child scopes two deep, children, and what they spawn. */
static int64_t grows(void *arg)
{
    int64_t depth = *(int64_t *)arg, less = depth - 1;
    mr_scope scope;
    mr_task child;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < 3; i++) {
        mr_fn fn = depth > 0 ? grows : spawns_a_sleeper;
        EXPECT_EQ(mr_scope_go(&scope, fn, &less, sizeof less), 0);
    }
    mr_spawn(&child, sleeps_for_ever, NULL);
    int64_t awaited = mr_await(&child);
    int64_t closed = mr_scope_close(&scope);
    EXPECT_EQ(awaited, MR_ECANCELED);
    EXPECT_EQ(closed, MR_ECANCELED);
    return 0;
}

static int64_t cancels_a_tree(void *arg)
{
    int64_t depth = 3;
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_go(&scope, grows, &depth, sizeof depth), 0);
    EXPECT_EQ(mr_sleep(*(int64_t *)arg), 0);
    mr_scope_cancel(&scope);
    return mr_scope_close(&scope) == MR_ECANCELED ? 0 : -1;
}

TEST(scope_cut, it_reaches_all_that_is_in_scopes_within)
{
    for (int64_t after = 1; after <= MR_MS; after *= 10)
        run_on_some(cancels_a_tree, &after);
}

static int64_t opens_within(void *arg)
{
    mr_scope scope, within;
    mr_task child;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_cancel(&scope);
    mr_scope_open(&within, mr_after(60 * MR_S));
    EXPECT_EQ(mr_cancelled(), MR_ECANCELED);
    mr_scope_spawn(&within, &child, fails, NULL);
    EXPECT_EQ(mr_scope_close(&within), MR_ECANCELED);
    EXPECT_EQ(mr_task_result(&child), MR_ECANCELED);
    return mr_scope_close(&scope) == MR_ECANCELED ? 0 : -1;
}

TEST(scope_cut, what_is_opened_within_later_is_cut_short_too)
{
    run_on_some(opens_within, NULL);
}

static int64_t cleans_up(void *arg)
{
    mr_scope scope, shield;
    mr_task child;
    int64_t ran = MR_US;
    (void)arg;
    mr_scope_open(&scope, mr_after(30 * MR_S));
    mr_scope_cancel(&scope);
    int64_t deadline = mr_after(60 * MR_S);
    mr_scope_shield(&shield, deadline);
    EXPECT_EQ(mr_deadline(), deadline);
    EXPECT_EQ(mr_cancelled(), 0);
    EXPECT_EQ(mr_sleep(MR_US), 0);
    mr_scope_spawn(&shield, &child, blocks, &ran);
    EXPECT_EQ(mr_scope_close(&shield), 0);
    EXPECT_EQ(mr_task_result(&child), MR_US);
    EXPECT_EQ(mr_cancelled(), MR_ECANCELED);
    mr_scope_shield(&shield, MR_NEVER);
    EXPECT_EQ(mr_deadline(), MR_NEVER);
    mr_scope_cancel(&shield);
    EXPECT_EQ(mr_sleep(MR_NEVER), MR_ECANCELED);
    EXPECT_EQ(mr_scope_close(&shield), MR_ECANCELED);
    return mr_scope_close(&scope) == MR_ECANCELED ? 0 : -1;
}

TEST(scope_cut, a_shield_keeps_out_what_happens_around_it)
{
    run_on_some(cleans_up, NULL);
}

static void *cancels_from_outside(void *arg)
{
    mr_scope_cancel(arg);
    return NULL;
}

static int64_t is_cancelled_from_outside(void *arg)
{
    mr_scope scope;
    pthread_t thread;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < 100; i++)
        EXPECT_EQ(mr_scope_go(&scope, sleeps_for_ever, NULL, 0), 0);
    EXPECT_EQ(pthread_create(&thread, NULL, cancels_from_outside, &scope), 0);
    EXPECT_EQ(mr_sleep(MR_NEVER), MR_ECANCELED);
    EXPECT_EQ(mr_scope_close(&scope), MR_ECANCELED);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    return 0;
}

TEST(scope_cut, any_thread_cancels)
{
    run_on_some(is_cancelled_from_outside, NULL);
}

/* ---- Deadlines ---------------------------------------------------------- */

static int64_t deadlines_nest(void *arg)
{
    int64_t soon = mr_after(60 * MR_S), late = mr_after(120 * MR_S);
    mr_scope a, b, c;
    (void)arg;
    EXPECT_EQ(mr_deadline(), MR_NEVER);
    mr_scope_open(&a, late);
    EXPECT_EQ(mr_deadline(), late);
    mr_scope_open(&b, soon);
    EXPECT_EQ(mr_deadline(), soon);
    mr_scope_open(&c, late);
    EXPECT_EQ(mr_deadline(), soon);
    EXPECT_EQ(mr_scope_close(&c), 0);
    mr_scope_open(&c, MR_NEVER);
    EXPECT_EQ(mr_deadline(), soon);
    EXPECT_EQ(mr_scope_close(&c), 0);
    EXPECT_EQ(mr_scope_close(&b), 0);
    EXPECT_EQ(mr_deadline(), late);
    EXPECT_EQ(mr_scope_close(&a), 0);
    EXPECT_EQ(mr_deadline(), MR_NEVER);
    EXPECT(mr_now() < soon);
    return 0;
}

TEST(scope_cut, a_deadline_is_the_earliest_of_all_around)
{
    run_on_some(deadlines_nest, NULL);
}

static int64_t times_out(void *arg)
{
    int64_t begun = mr_now(), after = 10 * MR_MS;
    mr_scope scope, within;
    (void)arg;
    mr_scope_open(&scope, begun + after);
    mr_scope_open(&within, MR_NEVER);
    for (int i = 0; i < 20; i++) {
        EXPECT_EQ(mr_scope_go(&scope, sleeps_for_ever, NULL, 0), 0);
        EXPECT_EQ(mr_scope_go(&within, sleeps_for_ever, NULL, 0), 0);
    }
    EXPECT_EQ(mr_scope_close(&within), MR_ETIMEDOUT);
    EXPECT(mr_now() >= begun + after);
    EXPECT_EQ(mr_cancelled(), MR_ETIMEDOUT);
    EXPECT_EQ(mr_sleep(MR_NEVER), MR_ECANCELED);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    EXPECT(mr_now() < begun + 20 * MR_S);
    EXPECT_EQ(mr_sleep(MR_US), 0);
    return 0;
}

TEST(scope_cut, a_deadline_ends_the_waits_of_all_within)
{
    run_on_some(times_out, NULL);
}

static int64_t is_late_already(void *arg)
{
    mr_scope scope;
    mr_task child;
    (void)arg;
    mr_scope_open(&scope, mr_now());
    EXPECT_EQ(mr_cancelled(), MR_ETIMEDOUT);
    mr_scope_spawn(&scope, &child, fails, NULL);
    EXPECT_EQ(mr_sleep(MR_NEVER), MR_ECANCELED);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    EXPECT_EQ(mr_task_result(&child), MR_ECANCELED);
    return 0;
}

TEST(scope_cut, after_its_deadline_a_scope_starts_nothing)
{
    run_on_some(is_late_already, NULL);
}
