/* mr_dump_on: a signal asks for a dump, in a process of its own each time. */
#define _GNU_SOURCE
#include <millrace.h>

#include "child.h"
#include "faults.h"
#include "slow.h"
#include "test.h"

#include <errno.h>
#include <signal.h>

static mr_runtime *start(void)
{
    mr_config config = {.size = sizeof config, .workers = 2};
    mr_runtime *rt;
    if (mr_start(&rt, &config) < 0)
        abort();
    return rt;
}

/* What is written to stderr from now on. */
static FILE *redirect(void)
{
    FILE *file = tmpfile();
    if (!file || dup2(fileno(file), STDERR_FILENO) < 0)
        abort();
    return file;
}

static int lines_with(FILE *file, const char *text)
{
    char line[2048];
    int n = 0;
    rewind(file);
    while (fgets(line, sizeof line, file))
        n += strstr(line, text) != NULL;
    return n;
}

static void await_lines(FILE *file, const char *text, int n)
{
    alarm((unsigned)(20 * slow_sanitizer()));
    while (lines_with(file, text) < n)
        usleep(1000);
    alarm(0);
}

static int told, running;

/* A call that never ends by itself, on a worker: what a dump is for. */
static int64_t hangs(void *arg)
{
    (void)arg;
    mr_task_name("hangs");
    __atomic_fetch_add(&running, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&told, __ATOMIC_ACQUIRE))
        usleep(100);
    return 0;
}

static void hang_all(mr_runtime *rt)
{
    for (int i = 0; i < 2; i++)
        if (mr_submit(rt, hangs, NULL, 0) < 0)
            abort();
    while (__atomic_load_n(&running, __ATOMIC_ACQUIRE) < 2)
        usleep(100);
}

static void go_on(void)
{
    __atomic_store_n(&told, 1, __ATOMIC_RELEASE);
}

static enum child_end asked_while_all_hang(void *arg)
{
    (void)arg;
    mr_runtime *rt = start();
    hang_all(rt);
    FILE *file = redirect();
    CHILD_EXPECT(mr_dump_on(rt, SIGUSR1) == 0);
    for (int i = 1; i <= 3; i++) {
        CHILD_EXPECT(kill(getpid(), SIGUSR1) == 0);
        await_lines(file, "millrace: runtime ", i);
        await_lines(file, "\"hangs\" ", 2 * i);
    }
    CHILD_EXPECT(mr_stop(rt, mr_after(MR_MS)) == MR_ETIMEDOUT);
    CHILD_EXPECT(kill(getpid(), SIGUSR1) == 0);
    await_lines(file, ", stopping", 1);
    go_on();
    CHILD_EXPECT(mr_stop(rt, MR_NEVER) == 0);
    CHILD_EXPECT(lines_with(file, "millrace: runtime ") == 4);
    return CHILD_OK;
}

TEST(faults_dump_on, a_signal_brings_a_dump_while_all_workers_hang)
{
    EXPECT_EQ(child_run(asked_while_all_hang, NULL), CHILD_OK);
}

static enum child_end asks_two(void *arg)
{
    (void)arg;
    mr_runtime *a = start(), *b = start();
    FILE *file = redirect();
    CHILD_EXPECT(mr_dump_on(a, SIGUSR1) == 0);
    CHILD_EXPECT(mr_dump_on(b, SIGUSR1) == 0);
    CHILD_EXPECT(kill(getpid(), SIGUSR1) == 0);
    await_lines(file, "millrace: runtime ", 2);
    /* The end of one is no request to the other. */
    CHILD_EXPECT(mr_stop(a, MR_NEVER) == 0);
    usleep(20000);
    CHILD_EXPECT(lines_with(file, "millrace: runtime ") == 2);
    CHILD_EXPECT(kill(getpid(), SIGUSR1) == 0);
    await_lines(file, "millrace: runtime ", 3);
    CHILD_EXPECT(mr_stop(b, MR_NEVER) == 0);
    return CHILD_OK;
}

TEST(faults_dump_on, all_runtimes_that_asked_for_it_are_dumped)
{
    EXPECT_EQ(child_run(asks_two, NULL), CHILD_OK);
}

/* ---- The signal --------------------------------------------------------- */

static void former(int signo)
{
    (void)signo;
}

static sighandler_t handler_of(int signo)
{
    struct sigaction a;
    return sigaction(signo, NULL, &a) == 0 ? a.sa_handler : SIG_ERR;
}

static enum child_end comes_and_goes(void *arg)
{
    (void)arg;
    signal(SIGUSR2, former);
    mr_runtime *a = start(), *b = start();
    CHILD_EXPECT(handler_of(SIGUSR2) == former);
    CHILD_EXPECT(mr_dump_on(a, SIGUSR2) == 0);
    CHILD_EXPECT(mr_dump_on(a, SIGUSR2) == MR_EALREADY);
    CHILD_EXPECT(mr_dump_on(b, SIGUSR1) == MR_EBUSY);
    CHILD_EXPECT(handler_of(SIGUSR1) == SIG_DFL);
    CHILD_EXPECT(mr_dump_on(b, SIGUSR2) == 0);
    CHILD_EXPECT(handler_of(SIGUSR2) != former);
    CHILD_EXPECT(mr_stop(a, MR_NEVER) == 0);
    CHILD_EXPECT(handler_of(SIGUSR2) != former);
    CHILD_EXPECT(mr_stop(b, MR_NEVER) == 0);
    CHILD_EXPECT(handler_of(SIGUSR2) == former);
    a = start();
    CHILD_EXPECT(mr_dump_on(a, SIGUSR1) == 0);
    CHILD_EXPECT(mr_stop(a, MR_NEVER) == 0);
    CHILD_EXPECT(handler_of(SIGUSR1) == SIG_DFL);
    return CHILD_OK;
}

TEST(faults_dump_on, the_last_stop_gives_the_signal_back)
{
    EXPECT_EQ(child_run(comes_and_goes, NULL), CHILD_OK);
}

static enum child_end asks_once_more(void)
{
    mr_runtime *rt = start();
    FILE *file = redirect();
    CHILD_EXPECT(mr_dump_on(rt, SIGUSR1) == 0);
    CHILD_EXPECT(kill(getpid(), SIGUSR1) == 0);
    await_lines(file, "millrace: runtime ", 1);
    CHILD_EXPECT(mr_stop(rt, MR_NEVER) == 0);
    return CHILD_OK;
}

/* By the program, after it was taken and before it was given back. */
static enum child_end is_taken_away(void *arg)
{
    static const sighandler_t others[] = {SIG_DFL, SIG_IGN, former};
    (void)arg;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        mr_runtime *rt = start();
        CHILD_EXPECT(mr_dump_on(rt, SIGUSR1) == 0);
        signal(SIGUSR1, others[i]);
        CHILD_EXPECT(mr_stop(rt, MR_NEVER) == 0);
        CHILD_EXPECT(handler_of(SIGUSR1) == others[i]);
        CHILD_EXPECT(asks_once_more() == CHILD_OK);
        CHILD_EXPECT(handler_of(SIGUSR1) == others[i]);
    }
    return CHILD_OK;
}

TEST(faults_dump_on, a_signal_that_was_taken_away_is_taken_again)
{
    EXPECT_EQ(child_run(is_taken_away, NULL), CHILD_OK);
}

static enum child_end asks_for_too_much(void *arg)
{
    static const int no[] = {0,      -1,     1000,    SIGSEGV, SIGBUS,  SIGFPE,
                             SIGILL, SIGSYS, SIGTRAP, SIGKILL, SIGSTOP, 32};
    mr_runtime *rt = start();
    (void)arg;
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        CHILD_EXPECT(mr_dump_on(rt, no[i]) == MR_EINVAL);
    CHILD_EXPECT(mr_stop(rt, MR_NEVER) == 0);
    return CHILD_OK;
}

TEST(faults_dump_on, signals_that_cannot_ask_are_refused)
{
    EXPECT_EQ(child_run(asks_for_too_much, NULL), CHILD_OK);
}

static enum child_end no_thread(void *arg)
{
    mr_runtime *rt = start();
    (void)arg;
    faults_arm_call("pthread_create", 1, EAGAIN, false);
    CHILD_EXPECT(mr_dump_on(rt, SIGUSR1) == MR_EAGAIN);
    CHILD_EXPECT(faults_disarm());
    CHILD_EXPECT(handler_of(SIGUSR1) == SIG_DFL);
    CHILD_EXPECT(mr_dump_on(rt, SIGUSR1) == 0);
    CHILD_EXPECT(mr_stop(rt, MR_NEVER) == 0);
    CHILD_EXPECT(handler_of(SIGUSR1) == SIG_DFL);
    return CHILD_OK;
}

TEST(faults_dump_on, without_a_thread_the_signal_is_left_alone)
{
    EXPECT_EQ(child_run(no_thread, NULL), CHILD_OK);
}
