/* millrace/process.h: signals in a child of fork() that has a runtime of its
 * own. What its parent watched, and did just then, is nothing to it. */
#include <millrace.h>

#include "slow.h"
#include "streams.h"
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

enum { MOST = 64, FORKS = 200 };

static mr_handle watch(int signo)
{
    return mr_signal_open(&signo, 1);
}

/* The child's main thread does not have it blocked. */
static int64_t hears(void *arg)
{
    mr_scope scope;
    (void)arg;
    mr_handle h = watch(SIGUSR1);
    if (h < 0 || kill(getpid(), SIGUSR1) != 0)
        return 1;
    mr_scope_open(&scope, mr_after(10 * MR_S));
    int signo = mr_signal_wait(h, NULL);
    (void)mr_scope_close(&scope);
    return signo == SIGUSR1 && mr_close(h) == 0 ? 0 : 2;
}

static int64_t opens_and_closes(void *arg)
{
    (void)arg;
    mr_handle h = watch(SIGUSR2);
    return h < 0 ? h : mr_close(h);
}

static void child_does(mr_fn fn, void (*handler)(int))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        alarm(30);
        if (handler != SIG_ERR)
            signal(SIGUSR1, handler);
        _exit((int)mr_main(NULL, fn, NULL));
    }
    EXPECT(pid > 0);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
}

static int64_t opens_all(void *arg)
{
    mr_handle *h = arg;
    for (int i = 0; i < MOST; i++)
        EXPECT((h[i] = watch(SIGUSR1)) >= 0);
    EXPECT_EQ(watch(SIGUSR1), MR_EMFILE);
    return 0;
}

static int64_t closes_all(void *arg)
{
    mr_handle *h = arg;
    for (int i = 0; i < MOST; i++)
        EXPECT_EQ(mr_close(h[i]), 0);
    return 0;
}

TEST(signal_forked, a_child_watches_for_itself)
{
    mr_runtime *rt;
    mr_handle h[MOST];
    if (slow_is_sanitized())
        SKIP("the sanitizer's own threads are not in the child");
    EXPECT_EQ(mr_start(&rt, NULL), 0);
    EXPECT_EQ(mr_run(rt, opens_all, h), 0);
    child_does(hears, SIG_ERR); /* as it was */
    child_does(hears, SIG_DFL);
    child_does(hears, SIG_IGN);
    EXPECT_EQ(mr_run(rt, closes_all, h), 0);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

static int ends;

static int64_t comes_and_goes(void *arg)
{
    while (!__atomic_load_n(&ends, __ATOMIC_ACQUIRE))
        EXPECT_EQ(opens_and_closes(arg), 0);
    return 0;
}

static void *runs(void *rt)
{
    EXPECT_EQ(mr_run(rt, comes_and_goes, NULL), 0);
    return NULL;
}

TEST(signal_forked, a_child_finds_no_lock_held)
{
    mr_runtime *rt;
    pthread_t thread;
    if (slow_is_sanitized())
        SKIP("the sanitizer's own threads are not in the child");
    EXPECT_EQ(mr_start(&rt, NULL), 0);
    EXPECT_EQ(pthread_create(&thread, NULL, runs, rt), 0);
    for (int i = 0; i < FORKS; i++)
        child_does(opens_and_closes, SIG_ERR);
    __atomic_store_n(&ends, 1, __ATOMIC_RELEASE);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}
