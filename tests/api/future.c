/* millrace/future.h: what futures give, follow and cost; where nothing can be
 * begun; what outlives what. Lives of all kinds: future_lives.c; promises from
 * elsewhere: future_promise.c. */
#include <millrace.h>

#include "child.h"
#include "run.h"
#include "slow.h"
#include "test.h"

#include <pthread.h>

static int64_t returns(void *arg)
{
    return *(int64_t *)arg;
}

static int64_t adds(int64_t value, void *arg)
{
    return value + *(int64_t *)arg;
}

static mr_future *ready(int64_t value)
{
    return mr_async(returns, &value, sizeof value);
}

/* One that is done. */
static mr_future *done(int64_t value)
{
    mr_future *f = ready(value);
    EXPECT_EQ(mr_get(mr_retain(f)), value);
    EXPECT_EQ(mr_is_done(f), 1);
    return f;
}

static mr_runtime *start(unsigned workers)
{
    mr_config config = {.size = sizeof config, .workers = workers};
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, &config), 0);
    return rt;
}

/* ---- Arguments ---------------------------------------------------------- */

struct bytes {
    unsigned char byte[1000];
};

static int64_t sums(void *arg)
{
    unsigned char *byte = arg;
    int64_t sum = 0;
    EXPECT_EQ((uintptr_t)arg % 16, 0);
    for (int i = 1; i <= byte[0]; i++)
        sum += byte[i];
    return sum;
}

static int64_t sums_also(int64_t value, void *arg)
{
    return value + sums(arg);
}

static int64_t takes_copies(void *arg)
{
    struct bytes b;
    (void)arg;
    for (int n = 1; n < 256; n += 7) {
        memset(&b, 1, sizeof b);
        b.byte[0] = (unsigned char)(n - 1);
        mr_future *f = mr_async(sums, &b, (size_t)n);
        f = mr_then(f, sums_also, &b, (size_t)n);
        memset(&b, 0, sizeof b);
        EXPECT_EQ(mr_get(f), 2 * (n - 1));
    }
    return 0;
}

TEST(future, arguments_are_copied_and_aligned)
{
    run_on_some(takes_copies, NULL);
}

static int64_t is_where(int64_t value, void *arg)
{
    return arg == (void *)(intptr_t)value;
}

static int64_t returns_address(void *arg)
{
    return (int64_t)(intptr_t)arg;
}

static int64_t takes_pointers(void *arg)
{
    (void)arg;
    mr_future *f = mr_async(returns_address, &f, 0);
    EXPECT_EQ(mr_get(mr_then(f, is_where, &f, 0)), 1);
    return 0;
}

TEST(future, without_a_size_the_pointer_itself_is_passed)
{
    run_on_some(takes_pointers, NULL);
}

/* ---- Chains ------------------------------------------------------------- */

static int64_t fails_with(int64_t value, void *arg)
{
    (void)value;
    return *(int64_t *)arg;
}

static int64_t io = MR_EIO, pipe_ = MR_EPIPE, one = 1;

static mr_future *then(mr_future *f, mr_then_fn fn, const int64_t *arg)
{
    return mr_then(f, fn, arg, sizeof *arg);
}

static mr_future *catches(mr_future *f, mr_then_fn fn, const int64_t *arg)
{
    return mr_catch(f, fn, arg, sizeof *arg);
}

static mr_future *finally(mr_future *f, mr_then_fn fn, const int64_t *arg)
{
    return mr_finally(f, fn, arg, sizeof *arg);
}

/* Over a future that is pending, and over one that is done. */
static int64_t chains_over(mr_future *(*of)(int64_t))
{
    EXPECT_EQ(mr_get(then(of(4), adds, &one)), 5);
    EXPECT_EQ(mr_get(then(of(4), fails_with, &io)), MR_EIO);
    EXPECT_EQ(mr_get(then(of(MR_EIO), adds, &one)), MR_EIO);
    EXPECT_EQ(mr_get(catches(of(4), fails_with, &one)), 4);
    EXPECT_EQ(mr_get(catches(of(MR_EIO), fails_with, &one)), 1);
    EXPECT_EQ(mr_get(catches(of(MR_EIO), adds, &one)), MR_EIO + 1);
    EXPECT_EQ(mr_get(finally(of(4), fails_with, &one)), 4);
    EXPECT_EQ(mr_get(finally(of(4), fails_with, &io)), MR_EIO);
    EXPECT_EQ(mr_get(finally(of(MR_EIO), fails_with, &one)), MR_EIO);
    EXPECT_EQ(mr_get(finally(of(MR_EIO), fails_with, &pipe_)), MR_EIO);
    mr_future *f = then(then(of(MR_EIO), adds, &one), adds, &one);
    EXPECT_EQ(mr_get(then(catches(f, fails_with, &one), adds, &one)), 2);
    return 0;
}

static int64_t chains(void *arg)
{
    (void)arg;
    chains_over(ready);
    return chains_over(done);
}

TEST(future, values_and_errors_go_down_a_chain)
{
    run_on_some(chains, NULL);
}

static int64_t waits(int64_t value, void *arg)
{
    int64_t more = 10;
    mr_task task;
    (void)arg;
    EXPECT_EQ(mr_sleep(100), 0);
    mr_spawn(&task, returns, &more);
    return value + mr_get(ready(100)) + mr_await(&task);
}

static int64_t chains_of_waits(void *arg)
{
    (void)arg;
    EXPECT_EQ(mr_get(mr_then(ready(1), waits, NULL, 0)), 111);
    return 0;
}

TEST(future, what_follows_may_wait)
{
    run_on_some(chains_of_waits, NULL);
}

static void notes(int64_t value, void *arg)
{
    __atomic_store_n((int64_t *)arg, value, __ATOMIC_RELEASE);
}

static void until(int64_t *word, int64_t value)
{
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value)
        mr_yield();
}

static int64_t is_called_back(void *arg)
{
    int64_t noted = 0;
    (void)arg;
    EXPECT_EQ(mr_on(ready(4), notes, &noted), 0);
    until(&noted, 4);
    EXPECT_EQ(mr_on(done(MR_EIO), notes, &noted), 0);
    until(&noted, MR_EIO);
    EXPECT_EQ(mr_on(NULL, notes, &noted), 0);
    until(&noted, MR_ENOMEM);
    return 0;
}

TEST(future, callbacks_get_values_and_errors)
{
    run_on_some(is_called_back, NULL);
}

/* ---- Long ones ---------------------------------------------------------- */

static int64_t links_many(void *arg)
{
    int n = slow_scale(1000000);
    mr_promise *p;
    mr_future *f = mr_promise_open(&p);
    (void)arg;
    for (int i = 0; i < n; i++)
        f = then(f, adds, &one);
    EXPECT_EQ(mr_promise_complete(p, 0), 0);
    mr_promise_close(p);
    EXPECT_EQ(mr_get(f), n);
    return 0;
}

static int64_t skips_many(void *arg)
{
    int n = slow_scale(1000000);
    mr_promise *p;
    mr_future *f = mr_promise_open(&p);
    (void)arg;
    for (int i = 0; i < n; i++)
        f = then(f, adds, &one);
    EXPECT_EQ(mr_promise_complete(p, MR_EIO), 0);
    mr_promise_close(p);
    EXPECT_EQ(mr_get(f), MR_EIO);
    return 0;
}

static int64_t cancels_many(void *arg)
{
    int n = slow_scale(1000000);
    mr_promise *p;
    mr_future *f = mr_promise_open(&p);
    (void)arg;
    for (int i = 0; i < n; i++)
        f = i % 2 ? mr_all(&f, 1) : then(f, adds, &one);
    mr_cancel(mr_retain(f));
    EXPECT_EQ(mr_get(f), MR_ECANCELED);
    EXPECT_EQ(mr_promise_complete(p, 0), MR_ECANCELED);
    mr_promise_close(p);
    return 0;
}

static int64_t gathers_many(void *arg)
{
    int n = slow_scale(300000);
    mr_promise *p;
    mr_future *f = mr_promise_open(&p);
    (void)arg;
    for (int i = 0; i < n; i++)
        f = i % 2 ? mr_race(&f, 1) : mr_any(&f, 1);
    EXPECT_EQ(mr_promise_complete(p, 3), 0);
    mr_promise_close(p);
    EXPECT_EQ(mr_get(f), 3);
    return 0;
}

/* On stacks of 16 KiB: 1,000,000 frames of any size do not go on them. */
static void run_small(mr_fn fn)
{
    mr_config config = {
        .size = sizeof config, .workers = 2, .stack_size = 16384};
    EXPECT_EQ(mr_main(&config, fn, NULL), 0);
}

TEST(future, a_chain_of_a_million_runs_on_a_small_stack)
{
    run_small(links_many);
}

TEST(future, a_chain_of_a_million_is_skipped_on_a_small_stack)
{
    run_small(skips_many);
}

TEST(future, a_chain_of_a_million_is_cancelled_on_a_small_stack)
{
    run_small(cancels_many);
}

TEST(future, gatherings_within_gatherings_end_on_a_small_stack)
{
    run_small(gathers_many);
}

/* ---- Getting ------------------------------------------------------------ */

static uint64_t parks(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < mr_workers(mr_self()); i++) {
        mr_counters c = {.size = sizeof c};
        EXPECT_EQ(mr_stats(mr_self(), i, &c), 0);
        sum += c.parks;
    }
    return sum;
}

static int64_t gets_done(void *arg)
{
    mr_future *f[3] = {done(3), done(4), done(5)};
    int64_t value[2];
    (void)arg;
    uint64_t before = parks();
    EXPECT_EQ(mr_get(f[0]), 3);
    EXPECT_EQ(mr_get_until(mr_retain(f[1]), 0), 4);
    EXPECT_EQ(mr_get(mr_settled(&f[1], 2, value)), 0);
    EXPECT_EQ(value[0] * 10 + value[1], 45);
    EXPECT_EQ(parks(), before);
    return 0;
}

TEST(future, what_is_done_costs_no_park)
{
    run_on_some(gets_done, NULL);
}

static int64_t gives_up(void *arg)
{
    mr_promise *p;
    mr_future *f = mr_promise_open(&p);
    (void)arg;
    EXPECT_EQ(mr_is_done(f), 0);
    EXPECT_EQ(mr_get_until(mr_retain(f), 0), MR_ETIMEDOUT);
    EXPECT_EQ(mr_get_until(mr_retain(f), mr_after(MR_MS)), MR_ETIMEDOUT);
    EXPECT_EQ(mr_promise_complete(p, 6), 0);
    EXPECT_EQ(mr_is_done(f), 1);
    mr_promise_close(p);
    EXPECT_EQ(mr_get_until(f, mr_after(MR_MS)), 6);
    return 0;
}

TEST(future, a_get_ends_at_its_deadline)
{
    run_on_some(gives_up, NULL);
}

static void *gives_up_outside(void *rt)
{
    mr_promise *p;
    mr_future *f = mr_promise_open_in(rt, &p);
    EXPECT_EQ(mr_get_until(mr_retain(f), 0), MR_ETIMEDOUT);
    EXPECT_EQ(mr_get_until(mr_retain(f), mr_after(MR_MS)), MR_ETIMEDOUT);
    EXPECT_EQ(mr_promise_complete(p, 6), 0);
    mr_promise_close(p);
    EXPECT_EQ(mr_get(f), 6);
    return NULL;
}

TEST(future, a_thread_outside_waits_too)
{
    int64_t four = 4;
    mr_runtime *rt = start(2);
    for (int i = 0; i < 100; i++) {
        mr_future *f = mr_async_in(rt, returns, &four, sizeof four);
        f = catches(finally(then(f, adds, &one), adds, &one), adds, &one);
        EXPECT_EQ(mr_get(f), 5);
        gives_up_outside(rt);
    }
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

static int64_t gets_in_vain(void *arg)
{
    mr_promise *p;
    mr_scope scope;
    mr_future *f = mr_promise_open(&p);
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_cancel(&scope);
    EXPECT_EQ(mr_get(mr_retain(f)), MR_ECANCELED);
    EXPECT_EQ(mr_promise_complete(p, 6), 0);
    EXPECT_EQ(mr_get(f), 6);
    EXPECT_EQ(mr_scope_close(&scope), MR_ECANCELED);
    mr_promise_close(p);
    return 0;
}

TEST(future, a_get_ends_with_the_scope_of_who_gets)
{
    run_on_some(gets_in_vain, NULL);
}

static int64_t is_in_no_scope(void *arg)
{
    (void)arg;
    EXPECT_EQ(mr_deadline(), MR_NEVER);
    return mr_cancelled();
}

static int64_t begins_in_scope(void *arg)
{
    mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, mr_after(MR_S));
    mr_future *f = mr_async(is_in_no_scope, NULL, 0);
    mr_scope_cancel(&scope);
    EXPECT_EQ(mr_scope_close(&scope), MR_ECANCELED);
    EXPECT_EQ(mr_get(f), 0);
    return 0;
}

TEST(future, a_task_is_not_in_the_scope_of_its_maker)
{
    run_on_some(begins_in_scope, NULL);
}

/* ---- Several ------------------------------------------------------------ */

static int64_t gathers(void *arg)
{
    int64_t value[3];
    (void)arg;
    mr_future *a[3] = {ready(1), ready(2), done(3)};
    EXPECT_EQ(mr_get(mr_all(a, 3)), 0);
    mr_future *b[3] = {ready(1), NULL, done(3)};
    EXPECT_EQ(mr_get(mr_all(b, 3)), MR_ENOMEM);
    mr_future *c[3] = {ready(MR_EIO), NULL, ready(3)};
    EXPECT_EQ(mr_get(mr_any(c, 3)), 3);
    mr_future *d[2] = {done(MR_EIO), NULL};
    EXPECT_EQ(mr_get(mr_any(d, 2)), MR_EIO);
    mr_future *e[3] = {ready(MR_EIO), NULL, ready(3)};
    EXPECT_EQ(mr_get(mr_settled(e, 3, value)), 2);
    EXPECT(value[0] == MR_EIO && value[1] == MR_ENOMEM && value[2] == 3);
    mr_future *f[2] = {done(7), ready(8)};
    EXPECT_EQ(mr_get(mr_race(f, 2)), 7);
    mr_future *g[2] = {NULL, ready(8)};
    EXPECT_EQ(mr_get(mr_settled(g, 2, NULL)), 1);
    EXPECT_EQ(mr_get(mr_all(NULL, 0)), 0);
    EXPECT_EQ(mr_get(mr_settled(NULL, 0, NULL)), 0);
    EXPECT_EQ(mr_get(mr_any(NULL, 0)), MR_EINVAL);
    EXPECT_EQ(mr_get(mr_race(NULL, 0)), MR_EINVAL);
    return 0;
}

TEST(future, several_are_gathered)
{
    run_on_some(gathers, NULL);
}

static int64_t sleeps(void *arg)
{
    int64_t rc = mr_sleep(MR_NEVER);
    __atomic_fetch_add((int64_t *)arg, 1, __ATOMIC_RELEASE);
    return rc;
}

static int64_t cancels_losers(void *arg)
{
    int64_t cut = 0;
    (void)arg;
    mr_future *kept = mr_async(sleeps, &cut, 0);
    mr_future *f[4] = {mr_async(sleeps, &cut, 0), ready(1), mr_retain(kept),
                       then(mr_async(sleeps, &cut, 0), adds, &one)};
    EXPECT_EQ(mr_get(mr_any(f, 4)), 1);
    /* Those that had not begun never do. */
    EXPECT_EQ(mr_get_until(mr_retain(kept), mr_after(MR_MS)), MR_ETIMEDOUT);
    mr_cancel(mr_retain(kept));
    EXPECT_EQ(mr_get(kept), MR_ECANCELED);
    return 0;
}

TEST(future, losers_are_cancelled_but_those_that_others_hold)
{
    run_on_some(cancels_losers, NULL);
}

/* ---- Where nothing begins ----------------------------------------------- */

TEST(future, outside_of_tasks_a_runtime_must_be_named)
{
    mr_promise *p = (mr_promise *)&p;
    mr_future *f = mr_async(returns, &one, sizeof one);
    EXPECT_EQ(mr_is_done(f), 1);
    EXPECT_EQ(mr_get(f), MR_EPERM);
    EXPECT_EQ(mr_get(mr_promise_open(&p)), MR_EPERM);
    EXPECT(!p);
    EXPECT_EQ(mr_get(mr_then(NULL, adds, NULL, 0)), MR_ENOMEM);
    EXPECT_EQ(mr_get(mr_catch(f, adds, NULL, 0)), MR_EPERM);
    EXPECT_EQ(mr_on(NULL, notes, NULL), MR_ENOMEM);
    EXPECT_EQ(mr_get(mr_all(&f, 1)), MR_EPERM);
    mr_drop(mr_retain(f));
    mr_cancel(NULL);
}

static int64_t recovers(void *arg)
{
    (void)arg;
    EXPECT_EQ(mr_get(catches(NULL, fails_with, &one)), 1);
    EXPECT_EQ(mr_get(finally(NULL, fails_with, &one)), MR_ENOMEM);
    EXPECT_EQ(mr_get(then(NULL, adds, &one)), MR_ENOMEM);
    return 0;
}

TEST(future, null_has_failed_for_want_of_memory)
{
    run_on_some(recovers, NULL);
}

/* ---- Runtimes that end, and others -------------------------------------- */

TEST(future, what_is_done_outlives_its_runtime)
{
    mr_runtime *rt = start(2);
    mr_promise *p;
    mr_future *f = mr_async_in(rt, returns, &one, sizeof one);
    mr_future *g = mr_promise_open_in(rt, &p);
    EXPECT_EQ(mr_stop(rt, mr_after(MR_MS)), MR_ETIMEDOUT);
    EXPECT_EQ(mr_get(mr_async_in(rt, returns, &one, sizeof one)), MR_ECANCELED);
    EXPECT_EQ(mr_get(then(mr_retain(g), adds, &one)), MR_ECANCELED);
    EXPECT_EQ(mr_promise_complete(p, 2), 0);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    EXPECT_EQ(mr_get(then(mr_retain(f), adds, &one)), MR_ECANCELED);
    EXPECT_EQ(mr_get(mr_all(&g, 1)), MR_ECANCELED);
    EXPECT_EQ(mr_promise_complete(p, 3), MR_EALREADY);
    mr_promise_close(p);
    EXPECT_EQ(mr_get(mr_retain(f)), 1);
    mr_drop(f);
}

static int64_t is_of(int64_t value, void *arg)
{
    EXPECT(mr_self() == *(mr_runtime **)arg);
    return value + 1;
}

static int64_t follows_foreign(void *arg)
{
    mr_runtime *here = mr_self(), *there = arg;
    mr_promise *p;
    mr_future *f = mr_promise_open_in(there, &p);
    mr_future *g = mr_then(mr_retain(f), is_of, &here, sizeof here);
    mr_future *both[2] = {mr_retain(g),
                          mr_async_in(there, returns, &one, sizeof one)};
    mr_future *h = mr_then(mr_all(both, 2), is_of, &here, sizeof here);
    EXPECT_EQ(mr_promise_complete(p, 5), 0);
    mr_promise_close(p);
    EXPECT_EQ(mr_get(g), 6);
    EXPECT_EQ(mr_get(h), 1);
    EXPECT_EQ(mr_get(mr_then(f, is_of, &here, sizeof here)), 6);
    return 0;
}

TEST(future, what_follows_runs_where_it_was_asked_for)
{
    mr_runtime *there = start(1);
    for (int i = 0; i < 50; i++)
        run_on_some(follows_foreign, there);
    EXPECT_EQ(mr_stop(there, MR_NEVER), 0);
}

/* ---- Errors that nobody looks at ---------------------------------------- */

static int64_t told[8];
static int64_t tells;

static void tell(void *context, int64_t error)
{
    (void)context;
    told[__atomic_fetch_add(&tells, 1, __ATOMIC_RELAXED) % 8] = error;
}

static int64_t fails_unseen(void *arg)
{
    (void)arg;
    mr_drop(ready(MR_EIO));
    mr_drop(ready(1));
    mr_drop(then(ready(MR_EPIPE), adds, &one));
    return 0;
}

static int64_t fails_seen(void *arg)
{
    int64_t noted;
    (void)arg;
    EXPECT_EQ(mr_get(ready(MR_EIO)), MR_EIO);
    mr_drop(done(MR_EIO));
    mr_drop(catches(ready(MR_EIO), fails_with, &one));
    EXPECT_EQ(mr_on(ready(MR_EIO), notes, &noted), 0);
    until(&noted, MR_EIO);
    mr_cancel(mr_async(sleeps, &noted, 0));
    mr_future *f[2] = {ready(MR_EIO), ready(2)};
    EXPECT_EQ(mr_get(mr_any(f, 2)), 2);
    return 0;
}

static void run_telling(mr_fn fn)
{
    mr_config config = {.size = sizeof config, .workers = 2, .unhandled = tell};
    tells = 0;
    EXPECT_EQ(mr_main(&config, fn, NULL), 0);
}

TEST(future, unhandled_errors_are_told)
{
    run_telling(fails_unseen);
    EXPECT_EQ(tells, 2);
    EXPECT_EQ(told[0] + told[1], MR_EIO + MR_EPIPE);
}

TEST(future, errors_that_somebody_sees_are_not)
{
    run_telling(fails_seen);
    EXPECT_EQ(tells, 0);
}

/* ---- A child of fork() -------------------------------------------------- */

struct forked {
    mr_runtime *rt;
    mr_future *done, *pending;
    mr_promise *promise;
};

static enum child_end goes_on(void *arg)
{
    struct forked *d = arg;
    CHILD_EXPECT(mr_get(mr_async_in(d->rt, returns, NULL, 0)) == MR_EPERM);
    CHILD_EXPECT(mr_get(mr_retain(d->done)) == 1);
    CHILD_EXPECT(mr_get(mr_retain(d->pending)) == MR_EPERM);
    CHILD_EXPECT(mr_get(then(mr_retain(d->pending), adds, &one)) == MR_EPERM);
    CHILD_EXPECT(mr_get(mr_all(&d->done, 1)) == MR_EPERM);
    CHILD_EXPECT(mr_promise_complete(d->promise, 1) == MR_EPERM);
    mr_cancel(d->pending);
    mr_promise_close(d->promise);
    return CHILD_OK;
}

TEST(future, in_a_child_of_fork_nothing_begins_and_nobody_waits)
{
    struct forked d = {.rt = start(2)};
    d.done = mr_async_in(d.rt, returns, &one, sizeof one);
    d.pending = mr_promise_open_in(d.rt, &d.promise);
    EXPECT_EQ(mr_get(mr_retain(d.done)), 1);
    EXPECT_EQ(child_run(goes_on, &d), CHILD_OK);
    mr_promise_close(d.promise);
    EXPECT_EQ(mr_get(d.pending), MR_ECANCELED);
    mr_drop(d.done);
    EXPECT_EQ(mr_stop(d.rt, MR_NEVER), 0);
}
