/* millrace/future.h: promises that are completed elsewhere: by threads, by
 * handlers of signals, twice, never. */
#include <millrace.h>

#include "run.h"
#include "slow.h"
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

static mr_runtime *start(unsigned workers)
{
    mr_config config = {.size = sizeof config, .workers = workers};
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, &config), 0);
    return rt;
}

static int64_t adds_one(int64_t value, void *arg)
{
    (void)arg;
    return value + 1;
}

/* ---- Twice, and never --------------------------------------------------- */

static int64_t completes_twice(void *arg)
{
    mr_promise *p;
    mr_future *f = mr_promise_open(&p);
    (void)arg;
    EXPECT_EQ(mr_promise_complete(p, 1), 0);
    EXPECT_EQ(mr_promise_complete(p, 2), MR_EALREADY);
    EXPECT_EQ(mr_promise_complete_signal(p, 3), MR_EALREADY);
    mr_promise_close(p);
    EXPECT_EQ(mr_get(f), 1);
    f = mr_promise_open(&p);
    mr_cancel(mr_retain(f));
    EXPECT_EQ(mr_promise_complete(p, 2), MR_ECANCELED);
    mr_promise_close(p);
    EXPECT_EQ(mr_get(f), MR_ECANCELED);
    EXPECT_EQ(mr_promise_complete(NULL, 2), MR_EINVAL);
    mr_promise_close(NULL);
    return 0;
}

TEST(future_promise, who_completes_it_second_is_told)
{
    run_on_some(completes_twice, NULL);
}

static int64_t closes_early(void *arg)
{
    mr_promise *p;
    mr_future *f = mr_promise_open(&p);
    (void)arg;
    mr_future *g = mr_then(mr_retain(f), adds_one, NULL, 0);
    mr_promise_close(p);
    EXPECT_EQ(mr_get(g), MR_ECANCELED);
    EXPECT_EQ(mr_get(f), MR_ECANCELED);
    return 0;
}

TEST(future_promise, one_that_is_closed_early_fails)
{
    run_on_some(closes_early, NULL);
}

static int64_t drops_both(void *arg)
{
    mr_promise *p;
    (void)arg;
    mr_drop(mr_promise_open(&p));
    EXPECT_EQ(mr_promise_complete(p, 1), 0);
    mr_promise_close(p);
    return 0;
}

TEST(future_promise, nobody_need_want_the_value)
{
    run_on_some(drops_both, NULL);
}

/* ---- By threads --------------------------------------------------------- */

struct race {
    mr_promise *p;
    int64_t go, wins, value;
};

static void *tries(void *arg)
{
    struct race *r = arg;
    while (!__atomic_load_n(&r->go, __ATOMIC_ACQUIRE))
        continue;
    int64_t mine = (int64_t)(intptr_t)&mine & 0xffff;
    int rc = mr_promise_complete(r->p, mine);
    EXPECT(rc == 0 || rc == MR_EALREADY);
    if (rc == 0) {
        __atomic_fetch_add(&r->wins, 1, __ATOMIC_RELAXED);
        r->value = mine;
    }
    return NULL;
}

static void race(mr_runtime *rt)
{
    pthread_t thread[3];
    struct race r = {.go = 0};
    mr_future *f = mr_promise_open_in(rt, &r.p);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(pthread_create(&thread[i], NULL, tries, &r), 0);
    __atomic_store_n(&r.go, 1, __ATOMIC_RELEASE);
    f = mr_then(f, adds_one, NULL, 0);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(pthread_join(thread[i], NULL), 0);
    mr_promise_close(r.p);
    EXPECT_EQ(r.wins, 1);
    EXPECT_EQ(mr_get(f), r.value + 1);
}

TEST(future_promise, of_threads_that_try_one_completes_it)
{
    mr_runtime *rt = start(2);
    for (int i = 0; i < slow_scale(200); i++)
        race(rt);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

static void *completes(void *arg)
{
    EXPECT_EQ(mr_promise_complete(arg, 7), 0);
    mr_promise_close(arg);
    return NULL;
}

static int64_t waits_for_thread(void *arg)
{
    mr_promise *p;
    pthread_t thread;
    (void)arg;
    mr_future *f = mr_promise_open(&p);
    EXPECT_EQ(pthread_create(&thread, NULL, completes, p), 0);
    EXPECT_EQ(mr_get(f), 7);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    return 0;
}

TEST(future_promise, a_task_waits_for_a_plain_thread)
{
    for (int i = 0; i < slow_scale(50); i++)
        run_on_some(waits_for_thread, NULL);
}

/* ---- By handlers of signals --------------------------------------------- */

static mr_promise *promised;
static int returned;

static void handle(int signal)
{
    (void)signal;
    errno = 4711;
    int rc = mr_promise_complete_signal(promised, 8);
    returned = errno == 4711 ? rc : 1;
}

/* Raised in the calling thread: it has run when raise returns. */
static void raise_for(mr_promise *p)
{
    struct sigaction action = {.sa_handler = handle}, before;
    promised = p;
    returned = 1;
    EXPECT_EQ(sigaction(SIGUSR1, &action, &before), 0);
    EXPECT_EQ(raise(SIGUSR1), 0);
    EXPECT_EQ(sigaction(SIGUSR1, &before, NULL), 0);
}

TEST(future_promise, a_handler_in_a_plain_thread_completes_it)
{
    mr_runtime *rt = start(2);
    for (int i = 0; i < slow_scale(200); i++) {
        mr_promise *p;
        mr_future *f = mr_promise_open_in(rt, &p);
        raise_for(p);
        EXPECT_EQ(returned, 0);
        EXPECT_EQ(mr_is_done(f), 1);
        raise_for(p);
        EXPECT_EQ(returned, MR_EALREADY);
        mr_promise_close(p);
        EXPECT_EQ(mr_get(mr_then(f, adds_one, NULL, 0)), 9);
    }
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

static int64_t raises(void *arg)
{
    mr_promise *p;
    sigset_t set, before;
    (void)arg;
    mr_future *f = mr_promise_open(&p);
    mr_future *g = mr_then(mr_retain(f), adds_one, NULL, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    EXPECT_EQ(pthread_sigmask(SIG_UNBLOCK, &set, &before), 0);
    raise_for(p);
    EXPECT_EQ(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    EXPECT_EQ(returned, 0);
    EXPECT_EQ(mr_get(g), 9);
    EXPECT_EQ(mr_get(f), 8);
    mr_promise_close(p);
    return 0;
}

TEST(future_promise, a_handler_in_a_worker_completes_it)
{
    for (int i = 0; i < slow_scale(50); i++)
        run_on_some(raises, NULL);
}
