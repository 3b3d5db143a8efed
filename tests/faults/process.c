/* Processes and signals where every system call and every allocation fails
 * once: it is told to who called, no child runs or remains, nothing stays open,
 * signals are what they were. */
#include <millrace.h>

#include "faults.h"
#include "listener.h"
#include "lives.h"
#include "os/sys.h"
#include "slow.h"
#include "streams.h"
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

static bool has_children(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* ---- The scenario ------------------------------------------------------- */

/* What it is given, and how it ends. A failed wait is not its end. */
static int64_t talks(mr_handle child, const mr_handle pipe[3])
{
    char in[4];
    mr_process_end end;
    int64_t rc = mr_write(pipe[0], "word", 4), first;
    EXPECT_EQ(mr_close(pipe[0]), 0);
    first = rc < 0 ? rc : 0;
    rc = mr_read_all(pipe[1], in, sizeof in, NULL);
    first = first < 0 ? first : rc < 0 ? rc : 0;
    EXPECT_EQ(mr_close(pipe[1]), 0);
    for (int i = 0; i < 2; i++) {
        rc = mr_process_wait(child, &end);
        first = first < 0 ? first : rc;
    }
    return first;
}

static int64_t a_process(void)
{
    mr_handle pipe[3];
    mr_process_options o = {.size = sizeof o, .file = "cat"};
    o.io[0].how = o.io[1].how = MR_PROCESS_PIPE;
    o.io[2].how = MR_PROCESS_NULL;
    mr_handle child = mr_process_spawn(&o, pipe);
    if (child < 0)
        return child;
    int64_t rc = talks(child, pipe);
    int dead = mr_process_kill(child, SIGKILL);
    EXPECT(dead == MR_ESRCH || rc < 0 || dead < 0);
    EXPECT_EQ(mr_close(child), 0);
    return rc;
}

static int64_t between_two(void)
{
    mr_handle end[2];
    mr_process_options o = {.size = sizeof o, .file = "true"};
    int64_t rc = mr_pipe_open(end);
    if (rc < 0)
        return rc;
    o.io[1] = (mr_process_io){.how = MR_PROCESS_HANDLE, .handle = end[1]};
    mr_handle child = mr_process_spawn(&o, NULL);
    if (child >= 0) {
        rc = mr_process_wait(child, NULL);
        EXPECT_EQ(mr_close(child), 0);
    }
    close_pair(end);
    return child < 0 ? child : rc;
}

static int64_t a_signal(void)
{
    const int set[] = {SIGUSR1, SIGUSR2};
    mr_handle h = mr_signal_open(set, 2);
    if (h < 0)
        return h;
    EXPECT_EQ(kill(getpid(), SIGUSR1), 0);
    int64_t rc = mr_signal_wait(h, NULL);
    EXPECT_EQ(mr_close(h), 0);
    return rc < 0 ? rc : 0;
}

/* The first thing that went wrong. */
static int64_t root(void *arg)
{
    int64_t (*const steps[])(void) = {a_process, between_two, a_signal};
    int64_t first = 0;
    (void)arg;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        int64_t rc = steps[i]();
        first = first < 0 ? first : rc;
    }
    for (int i = 0; i < 20000 && has_children(); i++)
        mr_sleep(MR_MS);
    return first;
}

/* ---- Each fails once ---------------------------------------------------- */

/* A runtime's life with the nth call refused; true: it was reached. */
static bool live(const char *call, int nth, int error, int64_t *rc)
{
    const struct refusal r = {call, nth, error, false, is_never_refused};
    struct listener l;
    int before = open_descriptors();
    listener_open(&l);
    bool hit = refuse(&r, root, rc);
    listener_close(&l);
    EXPECT(!has_children());
    EXPECT_EQ(open_descriptors(), before);
    return hit;
}

TEST(faults_process, each_system_call_fails_once)
{
    fail_each(live, NULL, EIO, slow_scale(300), 100);
}

TEST(faults_process, each_allocation_fails_once)
{
    fail_each(live, "allocate", ENOMEM, 100, 100);
}

static bool is_default(int signo)
{
    struct sigaction now;
    return sigaction(signo, NULL, &now) == 0 && now.sa_handler == SIG_DFL;
}

TEST(faults_process, without_what_it_needs_nothing_runs_and_it_is_told)
{
    static const char *const calls[] = {
        "pipe2",      "fcntl",       "open",
        "pidfd_open", "posix_spawn", "sigaction",
        "epoll_ctl",  "eventfd",     "posix_spawn_file_actions",
    };
    int64_t rc;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        for (int nth = 1; nth <= 2 && live(calls[i], nth, EMFILE, &rc); nth++) {
            EXPECT_MSG(rc == MR_EMFILE || strcmp(calls[i], "open") == 0,
                       "%s: %d", calls[i], (int)rc);
            EXPECT(is_default(SIGUSR1) && is_default(SIGUSR2));
        }
}

TEST(faults_process, where_there_is_no_pidfd_nothing_is_started)
{
    int64_t rc;
    EXPECT(live("pidfd_open", 1, ENOSYS, &rc));
    EXPECT_EQ(rc, MR_ENOSYS);
}
