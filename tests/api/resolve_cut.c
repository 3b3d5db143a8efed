/* Names of millrace/net.h: a wait for them that is cut short. */
#define _GNU_SOURCE
#include <millrace.h>

#include "resolver.h"
#include "slow.h"
#include "streams.h"
#include "test.h"

static int64_t asks_in_vain(void *arg)
{
    mr_address a;
    (void)arg;
    memset(&a, 0xee, sizeof a);
    EXPECT_EQ(mr_resolve("hangs.test", "80", 0, &a, 1), MR_ECANCELED);
    for (size_t i = 0; i < sizeof a; i++)
        EXPECT_EQ(((unsigned char *)&a)[i], 0xee);
    return 0;
}

static int64_t asks_back_in_vain(void *arg)
{
    mr_address at;
    char host[64] = "";
    (void)arg;
    EXPECT_EQ(mr_address_ip(&at, "127.0.0.1", 80), 0);
    EXPECT_EQ(mr_resolve_address(&at, host, 64, NULL, 0), MR_ECANCELED);
    EXPECT_EQ(host[0], '\0');
    return 0;
}

static int64_t connects_in_vain(void *arg)
{
    (void)arg;
    EXPECT_EQ(mr_tcp_connect("hangs.test", 80), MR_ECANCELED);
    return 0;
}

static void wait_for_hanging(int n)
{
    while (resolver_hanging() != n)
        mr_sleep(MR_MS);
}

/* It hangs until the waits have come back: that they do is the test. False: on
 * a machine that stood still the deadline passed before it was begun. */
static bool deadline_ends_it_in(mr_fn fn, int64_t time)
{
    mr_scope scope;
    resolver_hold();
    mr_scope_open(&scope, mr_after(time));
    EXPECT_EQ(fn(NULL), 0);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    for (int i = 0; i < 100 && resolver_hanging() == 0; i++)
        mr_sleep(MR_MS);
    bool hung = resolver_hanging() == 1;
    resolver_let_go();
    return hung;
}

static int64_t deadline_ends_it(void *arg)
{
    const mr_fn *fn = arg;
    for (int64_t time = 50 * MR_MS; !deadline_ends_it_in(*fn, time); time *= 2)
        EXPECT(time < 20 * MR_S);
    return 0;
}

TEST(resolve_cut, a_deadline_ends_the_wait_for_a_resolver_that_hangs)
{
    mr_fn fn[] = {asks_in_vain, asks_back_in_vain, connects_in_vain};
    alarm(60);
    for (size_t i = 0; i < sizeof fn / sizeof *fn; i++)
        for (unsigned workers = 1; workers <= 2; workers++)
            EXPECT_EQ(run_with(workers, deadline_ends_it, &fn[i]), 0);
    EXPECT_EQ(resolver_hanging(), 0);
    alarm(0);
}

enum { CROWD = 20 };

/* libuv lets some begin, and takes back the rest. */
static int64_t crowd_is_cut(void *arg)
{
    mr_scope scope;
    mr_task task[CROWD];
    mr_address a;
    (void)arg;
    resolver_hold();
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < CROWD; i++)
        mr_scope_spawn(&scope, &task[i], asks_in_vain, NULL);
    while (resolver_hanging() == 0)
        mr_sleep(MR_MS);
    mr_scope_cancel(&scope);
    EXPECT_EQ(mr_scope_close(&scope), MR_ECANCELED);
    int hung = resolver_hanging();
    EXPECT(hung > 0 && hung < CROWD);
    resolver_let_go();
    EXPECT_EQ(mr_resolve("n1.test", "80", 0, &a, 1), 1);
    EXPECT(resolver_asked() < CROWD);
    return 0;
}

TEST(resolve_cut, a_crowd_is_cut_and_those_that_wait_are_not_asked_for)
{
    alarm(60);
    resolver_reset();
    EXPECT_EQ(run_with(2, crowd_is_cut, NULL), 0);
    alarm(0);
}

static int64_t is_cut_before(void *arg)
{
    mr_scope scope;
    mr_address a;
    char host[64];
    (void)arg;
    EXPECT_EQ(mr_address_ip(&a, "127.0.0.1", 80), 0);
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_cancel(&scope);
    EXPECT_EQ(mr_resolve("localhost", "80", 0, &a, 1), MR_ECANCELED);
    EXPECT_EQ(mr_resolve("127.0.0.1", "80", 0, &a, 1), MR_ECANCELED);
    EXPECT_EQ(mr_resolve_address(&a, host, 64, NULL, 0), MR_ECANCELED);
    EXPECT_EQ(mr_tcp_connect("localhost", 80), MR_ECANCELED);
    EXPECT_EQ(mr_scope_close(&scope), MR_ECANCELED);
    return resolver_asked();
}

TEST(resolve_cut, in_a_scope_that_was_cut_nobody_is_asked)
{
    resolver_reset();
    EXPECT_EQ(run_with(2, is_cut_before, NULL), 0);
}

/* Cut at any moment of it. */
static int64_t is_cut_somewhere(void *arg)
{
    mr_address a;
    (void)arg;
    for (int i = 0; i < slow_scale(2000); i++) {
        mr_scope scope;
        mr_scope_open(&scope, mr_after(i % 200 * 1000));
        int rc = mr_resolve("n1.test", "80", 0, &a, 1);
        EXPECT(rc == 1 || rc == MR_ECANCELED);
        int64_t end = mr_scope_close(&scope);
        EXPECT(end == 0 || end == MR_ETIMEDOUT);
    }
    return 0;
}

TEST(resolve_cut, it_may_be_cut_at_any_moment)
{
    EXPECT_EQ(run_with(2, is_cut_somewhere, NULL), 0);
}

static int64_t leaves_one_hanging(void *arg)
{
    mr_scope scope;
    mr_task task;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_spawn(&scope, &task, asks_in_vain, NULL);
    wait_for_hanging(1);
    mr_scope_cancel(&scope);
    return mr_scope_close(&scope);
}

TEST(resolve_cut, the_stop_waits_for_one_that_hangs_until_its_deadline)
{
    mr_runtime *rt;
    mr_config config = {.size = sizeof config, .workers = 2};
    alarm(60);
    resolver_hold();
    EXPECT_EQ(mr_start(&rt, &config), 0);
    EXPECT_EQ(mr_run(rt, leaves_one_hanging, NULL), MR_ECANCELED);
    EXPECT_EQ(mr_stop(rt, mr_after(20 * MR_MS)), MR_ETIMEDOUT);
    EXPECT_EQ(resolver_hanging(), 1);
    resolver_let_go();
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    alarm(0);
}
