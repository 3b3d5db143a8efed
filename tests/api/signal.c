/* millrace/process.h: signals. */
#include <millrace.h>

#include "listener.h"
#include "slow.h"
#include "streams.h"
#include "test.h"
#include "waits.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

static mr_handle watch(int signo)
{
    mr_handle h = mr_signal_open(&signo, 1);
    EXPECT(h >= 0);
    return h;
}

/* To the process: whoever has it not blocked gets it. */
static void send_here(int signo)
{
    EXPECT_EQ(kill(getpid(), signo), 0);
}

static void test(mr_fn fn)
{
    struct listener l;
    alarm(100);
    listener_open(&l);
    EXPECT_EQ(run_with(2, fn, NULL), 0);
    listener_close(&l);
    alarm(0);
}

/* ---- Told --------------------------------------------------------------- */

static int64_t waits(void *arg)
{
    return mr_signal_wait(*(mr_handle *)arg, NULL);
}

static int64_t is_told(void *arg)
{
    mr_task task;
    unsigned count = 0;
    (void)arg;
    mr_handle h = watch(SIGUSR1);
    mr_spawn(&task, waits, &h);
    come_to_wait(1, TO_READ);
    EXPECT_EQ(mr_signal_wait(h, NULL), MR_EBUSY);
    send_here(SIGUSR1);
    EXPECT_EQ(mr_await(&task), SIGUSR1);
    send_here(SIGUSR1);
    EXPECT_EQ(mr_signal_wait(h, &count), SIGUSR1);
    EXPECT_EQ(count, 1);
    mr_spawn(&task, waits, &h);
    come_to_wait(1, TO_READ);
    EXPECT_EQ(mr_close(h), 0);
    EXPECT_EQ(mr_await(&task), MR_EBADF);
    EXPECT_EQ(mr_signal_wait(h, NULL), MR_EBADF);
    return 0;
}

TEST(signal, one_that_comes_is_told)
{
    test(is_told);
}

static int64_t from_a_child(void *arg)
{
    char text[64];
    const char *argv[] = {"sh", "-c", text, NULL};
    mr_process_options o = {.size = sizeof o, .file = "/bin/sh", .argv = argv};
    (void)arg;
    mr_handle usr = watch(SIGUSR2), chld = watch(SIGCHLD);
    snprintf(text, sizeof text, "kill -USR2 %d", (int)getpid());
    mr_handle child = mr_process_spawn(&o, NULL);
    EXPECT(child >= 0);
    EXPECT_EQ(mr_signal_wait(usr, NULL), SIGUSR2);
    EXPECT_EQ(mr_process_wait(child, NULL), 0);
    EXPECT_EQ(mr_signal_wait(chld, NULL), SIGCHLD);
    EXPECT_EQ(mr_close(child), 0);
    EXPECT_EQ(mr_close(usr), 0);
    return mr_close(chld);
}

TEST(signal, another_process_sends_one_and_its_end_is_one)
{
    test(from_a_child);
}

/* Queued ones, which the system does not make one of. */
static int64_t bursts(void *arg)
{
    unsigned all = 0, n;
    int signo = SIGRTMIN, sent = slow_scale(2000);
    (void)arg;
    mr_handle h = watch(signo);
    for (int i = 0; i < sent; i++)
        EXPECT_EQ(sigqueue(getpid(), signo, (union sigval){0}), 0);
    while (all < (unsigned)sent) {
        EXPECT_EQ(mr_signal_wait(h, &n), signo);
        EXPECT(n > 0);
        all += n;
    }
    EXPECT_EQ(all, sent);
    return mr_close(h);
}

TEST(signal, of_many_each_is_counted_once)
{
    test(bursts);
}

static int64_t several(void *arg)
{
    const int set[] = {SIGUSR2, SIGUSR1, SIGWINCH};
    unsigned seen = 0;
    (void)arg;
    mr_handle h = mr_signal_open(set, 3);
    EXPECT(h >= 0);
    for (int i = 0; i < 3; i++)
        send_here(set[i]);
    for (int i = 0; i < 3; i++)
        seen |= 1u << mr_signal_wait(h, NULL);
    EXPECT_EQ(seen, 1u << SIGUSR1 | 1u << SIGUSR2 | 1u << SIGWINCH);
    return mr_close(h);
}

TEST(signal, one_handle_has_several)
{
    test(several);
}

/* ---- Who gets it -------------------------------------------------------- */

struct there {
    int opened[2];
    int64_t told;
};

static int64_t gets_it_there(void *arg)
{
    struct there *there = arg;
    mr_handle h = watch(SIGUSR1);
    EXPECT_EQ(write(there->opened[1], "?", 1), 1);
    there->told = mr_signal_wait(h, NULL);
    return mr_close(h);
}

/* A second runtime, which ends when its task has. */
static void *has_another(void *arg)
{
    EXPECT_EQ(run_with(1, gets_it_there, arg), 0);
    return NULL;
}

static int64_t all_get_it(void *arg)
{
    struct there *there = arg;
    char byte;
    mr_handle a = watch(SIGUSR1), b = watch(SIGUSR1);
    EXPECT_EQ(mr_fd_wait(there->opened[0], MR_READABLE), MR_READABLE);
    EXPECT_EQ(read(there->opened[0], &byte, 1), 1);
    send_here(SIGUSR1);
    EXPECT_EQ(mr_signal_wait(a, NULL), SIGUSR1);
    EXPECT_EQ(mr_signal_wait(b, NULL), SIGUSR1);
    EXPECT_EQ(mr_close(a), 0);
    send_here(SIGUSR1); /* still watched */
    EXPECT_EQ(mr_signal_wait(b, NULL), SIGUSR1);
    return mr_close(b);
}

TEST(signal, all_who_watch_it_get_it_in_two_runtimes)
{
    struct there there = {.told = 0};
    struct listener l;
    pthread_t thread;
    alarm(100);
    EXPECT_EQ(pipe(there.opened), 0);
    listener_open(&l);
    EXPECT_EQ(pthread_create(&thread, NULL, has_another, &there), 0);
    EXPECT_EQ(run_with(2, all_get_it, &there), 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    listener_close(&l);
    EXPECT_EQ(there.told, SIGUSR1);
    close(there.opened[0]);
    close(there.opened[1]);
    alarm(0);
}

/* ---- Cancelled, refused ------------------------------------------------- */

static int64_t is_cut(void *arg)
{
    mr_scope scope;
    (void)arg;
    mr_handle h = watch(SIGUSR1);
    mr_scope_open(&scope, mr_after(10 * MR_MS));
    EXPECT_EQ(mr_signal_wait(h, NULL), MR_ECANCELED);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    send_here(SIGUSR1);
    EXPECT_EQ(mr_signal_wait(h, NULL), SIGUSR1);
    return mr_close(h);
}

TEST(signal, a_wait_is_cut_short_and_waits_again)
{
    test(is_cut);
}

static int64_t wrong(void *arg)
{
    const int bad[] = {0, -1, 32, 33, 65, SIGKILL, SIGSTOP, SIGSEGV, SIGFPE};
    (void)arg;
    EXPECT_EQ(mr_signal_open(bad, 0), MR_EINVAL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT_EQ(mr_signal_open(&bad[i], 1), MR_EINVAL);
    mr_handle h[64];
    for (int i = 0; i < 64; i++)
        h[i] = watch(SIGUSR1);
    EXPECT_EQ(mr_signal_open(&(int){SIGUSR1}, 1), MR_EMFILE);
    char byte;
    EXPECT_EQ(mr_read(h[0], &byte, 1), MR_EINVAL);
    EXPECT_EQ(mr_process_wait(h[0], NULL), MR_EINVAL);
    for (int i = 0; i < 64; i++)
        EXPECT_EQ(mr_close(h[i]), 0);
    return 0;
}

TEST(signal, what_cannot_be_watched_is_refused)
{
    EXPECT_EQ(mr_signal_open(&(int){SIGUSR1}, 1), MR_EPERM);
    test(wrong);
}

/* ---- What was there before ---------------------------------------------- */

static int heard;

static void hears(int signo)
{
    (void)signo;
    __atomic_fetch_add(&heard, 1, __ATOMIC_RELAXED);
}

static int64_t takes_over(void *arg)
{
    (void)arg;
    mr_handle h = watch(SIGUSR1), ignored = watch(SIGUSR2);
    send_here(SIGUSR1);
    send_here(SIGUSR2);
    EXPECT_EQ(mr_signal_wait(h, NULL), SIGUSR1);
    EXPECT_EQ(mr_signal_wait(ignored, NULL), SIGUSR2);
    return mr_close(h); /* the other by the stop */
}

TEST(signal, what_was_there_before_is_back_afterwards)
{
    struct sigaction now, mine = {.sa_handler = hears, .sa_flags = SA_NODEFER};
    sigaction(SIGUSR1, &mine, NULL);
    signal(SIGUSR2, SIG_IGN);
    test(takes_over);
    EXPECT_EQ(heard, 0);
    sigaction(SIGUSR1, NULL, &now);
    EXPECT(now.sa_handler == hears && now.sa_flags & SA_NODEFER);
    raise(SIGUSR1);
    EXPECT_EQ(heard, 1);
    sigaction(SIGUSR2, NULL, &now);
    EXPECT(now.sa_handler == SIG_IGN);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
}

static int64_t is_overtaken(void *arg)
{
    (void)arg;
    mr_handle h = watch(SIGUSR1);
    signal(SIGUSR1, hears);
    return mr_close(h);
}

TEST(signal, a_handler_that_came_later_stays)
{
    struct sigaction now;
    test(is_overtaken);
    sigaction(SIGUSR1, NULL, &now);
    EXPECT(now.sa_handler == hears);
    signal(SIGUSR1, SIG_DFL);
}

static int64_t forks(void *arg)
{
    mr_scope scope;
    int status;
    (void)arg;
    mr_handle h = watch(SIGUSR1);
    pid_t pid = fork();
    if (pid == 0) {
        sigset_t all;
        sigfillset(&all);
        raise(SIGUSR1);
        sigprocmask(SIG_UNBLOCK, &all, NULL);
        _exit(5);
    }
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 5);
    mr_scope_open(&scope, mr_after(20 * MR_MS));
    EXPECT_EQ(mr_signal_wait(h, NULL), MR_ECANCELED);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    return mr_close(h);
}

TEST(signal, a_child_of_fork_tells_nobody_here)
{
    test(forks);
}

/* ---- Opened and closed while they come ---------------------------------- */

static int64_t opens_and_closes(void *arg)
{
    (void)arg;
    for (int i = 0; i < slow_scale(300); i++) {
        mr_handle h = watch(SIGUSR1);
        mr_yield();
        EXPECT_EQ(mr_close(h), 0);
    }
    return 0;
}

static void *sends_all_the_time(void *arg)
{
    while (!__atomic_load_n((int *)arg, __ATOMIC_ACQUIRE))
        pthread_kill(pthread_self(), SIGUSR1);
    return NULL;
}

static int64_t many_open(void *arg)
{
    mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < 4; i++)
        mr_scope_go(&scope, opens_and_closes, NULL, 0);
    return mr_scope_close(&scope);
}

TEST(signal, watches_come_and_go_while_signals_come)
{
    pthread_t thread;
    int end = 0;
    int before = open_descriptors();
    signal(SIGUSR1, SIG_IGN);
    EXPECT_EQ(pthread_create(&thread, NULL, sends_all_the_time, &end), 0);
    test(many_open);
    __atomic_store_n(&end, 1, __ATOMIC_RELEASE);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT_EQ(open_descriptors(), before);
    signal(SIGUSR1, SIG_DFL);
}
