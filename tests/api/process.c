/* millrace/process.h: child processes. */
#include <millrace.h>

#include "slow.h"
#include "streams.h"
#include "test.h"
#include "waits.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static const mr_process_options shell_options = {
    .size = sizeof(mr_process_options), .file = "/bin/sh"};

/* sh -c text */
static mr_handle shell(const char *text, mr_process_options o,
                       mr_handle pipe[3])
{
    const char *argv[] = {"sh", "-c", text, NULL};
    o.argv = argv;
    return mr_process_spawn(&o, pipe);
}

static mr_handle runs(const char *text)
{
    mr_handle child = shell(text, shell_options, NULL);
    EXPECT(child >= 0);
    return child;
}

/* All that it says, as a text. */
static void hear(mr_handle from, char *out, size_t size)
{
    size_t done;
    EXPECT(mr_read_all(from, out, size - 1, &done) <= 0 || done == size - 1);
    out[done] = '\0';
    EXPECT_EQ(mr_close(from), 0);
}

/* What a shell says that runs `text`, and how it ends. */
static mr_process_end says(const char *text, mr_process_options o, char *out,
                           size_t size)
{
    mr_handle pipe[3];
    mr_process_end end = {-1, -1};
    o.io[1].how = MR_PROCESS_PIPE;
    mr_handle child = shell(text, o, pipe);
    EXPECT(child >= 0);
    EXPECT(pipe[0] < 0 && pipe[2] < 0);
    hear(pipe[1], out, size);
    EXPECT_EQ(mr_process_wait(child, &end), 0);
    EXPECT_EQ(mr_close(child), 0);
    return end;
}

static bool has_children(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static void test(mr_fn fn)
{
    alarm(100);
    EXPECT_EQ(run_with(2, fn, NULL), 0);
    alarm(0);
}

/* ---- Ends --------------------------------------------------------------- */

static int64_t ends_are_told(void *arg)
{
    mr_process_end end;
    (void)arg;
    mr_handle a = runs("exit 7"), b = runs("kill -9 $$");
    EXPECT_EQ(mr_process_wait(a, &end), 0);
    EXPECT(end.code == 7 && end.signal == 0);
    EXPECT_EQ(mr_process_wait(b, &end), 0);
    EXPECT(end.code == 0 && end.signal == SIGKILL);
    EXPECT_EQ(mr_process_wait(a, &end), 0); /* as often as is asked */
    EXPECT(end.code == 7 && end.signal == 0);
    EXPECT_EQ(mr_process_kill(a, SIGKILL), MR_ESRCH);
    EXPECT_EQ(mr_process_wait(a, NULL), 0);
    EXPECT_EQ(mr_close(a), 0);
    EXPECT_EQ(mr_process_wait(a, NULL), MR_EBADF);
    EXPECT_EQ(mr_close(b), 0);
    EXPECT(!has_children());
    return 0;
}

TEST(process, how_it_ended_is_told)
{
    test(ends_are_told);
}

static int64_t failures_are_told(void *arg)
{
    mr_handle pipe[3];
    mr_process_options o = shell_options;
    int before = open_descriptors();
    (void)arg;
    o.file = "millrace-no-such-program";
    o.io[0].how = o.io[1].how = o.io[2].how = MR_PROCESS_PIPE;
    EXPECT_EQ(mr_process_spawn(&o, pipe), MR_ENOENT);
    o.file = "/etc/passwd";
    EXPECT_EQ(mr_process_spawn(&o, pipe), MR_EACCES);
    o.file = "/bin/sh";
    o.cwd = "/no/such/directory";
    EXPECT_EQ(mr_process_spawn(&o, pipe), MR_ENOENT);
    o.cwd = NULL;
    EXPECT_EQ(mr_process_spawn(&o, NULL), MR_EINVAL);
    o.flags = 4;
    EXPECT_EQ(mr_process_spawn(&o, pipe), MR_EINVAL);
    o.flags = 0;
    o.io[0] = (mr_process_io){.how = MR_PROCESS_FD, .fd = 12345};
    EXPECT_EQ(mr_process_spawn(&o, pipe), MR_EBADF);
    o.io[0] = (mr_process_io){.how = MR_PROCESS_HANDLE, .handle = 1 << 20};
    EXPECT_EQ(mr_process_spawn(&o, pipe), MR_EBADF);
    o.io[0].how = 77;
    EXPECT_EQ(mr_process_spawn(&o, pipe), MR_EINVAL);
    o.size = 8;
    EXPECT_EQ(mr_process_spawn(&o, pipe), MR_EINVAL);
    EXPECT(come_to_descriptors(before + 2)); /* the runtime's own */
    EXPECT(!has_children());
    return 0;
}

TEST(process, what_cannot_be_started_is_told_at_once_and_leaves_nothing)
{
    test(failures_are_told);
}

TEST(process, outside_of_tasks_nothing_is_started)
{
    EXPECT_EQ(mr_process_spawn(&shell_options, NULL), MR_EPERM);
    EXPECT_EQ(mr_process_wait(0, NULL), MR_EPERM);
    EXPECT_EQ(mr_process_kill(0, 9), MR_EPERM);
    EXPECT_EQ(mr_process_id(0), MR_EPERM);
}

/* ---- Streams ------------------------------------------------------------ */

enum { MUCH = 1 << 20 };

static int64_t feeds(void *arg)
{
    mr_handle to = *(mr_handle *)arg;
    static char out[MUCH];
    for (size_t i = 0; i < MUCH; i++)
        out[i] = (char)(i * 31 + i / 251);
    EXPECT_EQ(mr_write(to, out, MUCH), MUCH);
    return mr_close(to);
}

static int64_t echoes(void *arg)
{
    static char in[MUCH + 1];
    size_t done;
    mr_task task;
    mr_process_end end;
    mr_handle pipe[3];
    mr_process_options o = {.size = sizeof o, .file = "cat"};
    (void)arg;
    o.io[0].how = o.io[1].how = MR_PROCESS_PIPE;
    mr_handle child = mr_process_spawn(&o, pipe);
    EXPECT(child >= 0);
    mr_spawn(&task, feeds, &pipe[0]);
    EXPECT_EQ(mr_read_all(pipe[1], in, sizeof in, &done), MR_EOF);
    EXPECT_EQ(mr_await(&task), 0);
    EXPECT_EQ(done, MUCH);
    for (size_t i = 0; i < MUCH; i++)
        EXPECT(in[i] == (char)(i * 31 + i / 251));
    EXPECT_EQ(mr_process_wait(child, &end), 0);
    EXPECT(end.code == 0 && end.signal == 0);
    EXPECT_EQ(mr_close(pipe[1]), 0);
    return mr_close(child);
}

TEST(process, more_than_a_pipe_holds_goes_through_both_ways)
{
    test(echoes);
}

/* A | B by a pipe of ours, whose ends wait in the children. */
static int64_t is_a_pipeline(void *arg)
{
    char out[32];
    mr_handle between[2];
    mr_process_options o = shell_options, p = shell_options;
    (void)arg;
    EXPECT_EQ(mr_pipe_open(between), 0);
    o.io[1] = (mr_process_io){.how = MR_PROCESS_HANDLE, .handle = between[1]};
    p.io[0] = (mr_process_io){.how = MR_PROCESS_HANDLE, .handle = between[0]};
    mr_handle a = shell("sleep 0.1; head -c 300000 /dev/zero", o, NULL);
    EXPECT(a >= 0);
    EXPECT_EQ(mr_close(between[1]), 0);
    EXPECT_EQ(says("wc -c", p, out, sizeof out).code, 0);
    EXPECT_EQ(mr_close(between[0]), 0);
    EXPECT_STR(out, "300000\n");
    EXPECT_EQ(mr_process_wait(a, NULL), 0);
    return mr_close(a);
}

TEST(process, children_are_joined_by_a_pipe)
{
    test(is_a_pipeline);
}

static int64_t streams_are_given(void *arg)
{
    char out[64];
    mr_process_options o = shell_options;
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    (void)arg;
    o.io[0].how = MR_PROCESS_NULL;
    EXPECT_EQ(says("cat; echo end", o, out, sizeof out).code, 0);
    EXPECT_STR(out, "end\n");
    o.io[0] = (mr_process_io){.how = MR_PROCESS_FD, .fd = fd};
    EXPECT_EQ(
        says("head -c 5; readlink /proc/$$/fd/0", o, out, sizeof out).code, 0);
    EXPECT_STR(out, "root:/etc/passwd\n");
    close(fd);
    return 0;
}

TEST(process, standard_streams_are_what_is_given)
{
    test(streams_are_given);
}

/* ---- Surroundings ------------------------------------------------------- */

static int64_t surroundings(void *arg)
{
    char out[256], id[32];
    const char *env[] = {"A=b c", "PATH=/usr/bin:/bin", NULL};
    mr_process_options o = shell_options;
    (void)arg;
    o.cwd = "/usr";
    o.env = env;
    says("pwd; echo $A; echo $HOME", o, out, sizeof out);
    EXPECT_STR(out, "/usr\nb c\n\n");
    o = shell_options;
    setenv("MILLRACE_HERE", "yes", 1);
    says("echo $MILLRACE_HERE", o, out, sizeof out);
    EXPECT_STR(out, "yes\n");
    o.flags = MR_PROCESS_SESSION;
    o.io[1].how = MR_PROCESS_PIPE;
    mr_handle pipe[3];
    mr_handle child = shell("cut -d' ' -f1,5,6 /proc/$$/stat", o, pipe);
    EXPECT(child >= 0);
    int pid = (int)mr_process_id(child);
    hear(pipe[1], out, sizeof out);
    snprintf(id, sizeof id, "%d %d %d\n", pid, pid, pid);
    EXPECT_STR(out, id);
    EXPECT_EQ(mr_process_wait(child, NULL), 0);
    return mr_close(child);
}

TEST(process, directory_environment_and_session_are_what_is_asked_for)
{
    test(surroundings);
}

static int64_t signals_are_default(void *arg)
{
    char out[256];
    uint64_t blocked = 1, ignored = 1;
    (void)arg;
    says("grep -E '^Sig(Blk|Ign)' /proc/self/status", shell_options, out,
         sizeof out);
    EXPECT_EQ(
        sscanf(out, "SigBlk: %" SCNx64 " SigIgn: %" SCNx64, &blocked, &ignored),
        2);
    EXPECT_EQ(blocked, 0);
    /* The C library leaves two that are its own ignored. */
    EXPECT_EQ(ignored & ~(UINT64_C(3) << 31), 0);
    return 0;
}

TEST(process, signals_are_unblocked_and_at_their_defaults)
{
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    test(signals_are_default);
    signal(SIGHUP, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
}

static int64_t all_are_inherited(void *arg)
{
    char out[64];
    mr_process_options o = shell_options;
    int fd = open("/etc/passwd", O_RDONLY); /* not close-on-exec */
    char text[64];
    (void)arg;
    snprintf(text, sizeof text, "readlink /proc/$$/fd/%d; echo", fd);
    says(text, o, out, sizeof out);
    EXPECT_STR(out, "\n");
    o.flags = MR_PROCESS_INHERIT_ALL;
    says(text, o, out, sizeof out);
    EXPECT_STR(out, "/etc/passwd\n\n");
    close(fd);
    return 0;
}

TEST(process, descriptors_of_others_go_with_it_only_if_asked_for)
{
    test(all_are_inherited);
}

/* ---- Many --------------------------------------------------------------- */

/* What a child has beside its standard streams: links of /proc, but for what
 * the shell opens to look. */
static void descriptors_of_child(char out[1024])
{
    char all[1024];
    mr_process_options o = shell_options;
    o.flags = MR_PROCESS_INHERIT_ALL; /* ours are close-on-exec */
    o.io[0].how = o.io[2].how = MR_PROCESS_NULL;
    const char *text = "cd /proc/$$/fd; for i in *; do case $i in 0|1|2) ;; "
                       "*) readlink $i;; esac; done; exit 3";
    EXPECT_EQ(says(text, o, all, sizeof all).code, 3);
    *out = '\0';
    for (char *line = all, *end; (end = strchr(line, '\n')); line = end + 1)
        if (strncmp(line, "/proc/", 6) != 0)
            strncat(out, line, (size_t)(end + 1 - line));
}

static int64_t has_no_more(void *arg)
{
    char out[1024];
    descriptors_of_child(out);
    EXPECT_STR(out, *(const char **)arg);
    return 0;
}

static int64_t many(void *arg)
{
    mr_scope scope;
    char alone[1024];
    const char *text = alone;
    (void)arg;
    descriptors_of_child(alone); /* what the test's own process leaves open */
    int before = open_descriptors();
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < slow_scale(200); i++)
        mr_scope_go(&scope, has_no_more, &text, sizeof text);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT(come_to_descriptors(before));
    EXPECT(!has_children());
    return 0;
}

TEST(process, many_at_once_leave_no_zombies_and_share_no_descriptors)
{
    test(many);
}

/* ---- Kill, cancel, close ------------------------------------------------ */

static int64_t waits(void *arg)
{
    mr_process_end end;
    int rc = mr_process_wait(*(mr_handle *)arg, &end);
    return rc < 0 ? rc : end.signal;
}

static int64_t killed_while_waiting(void *arg)
{
    mr_task task;
    (void)arg;
    mr_handle child = runs("exec sleep 1000");
    EXPECT(mr_process_id(child) > 0);
    mr_spawn(&task, waits, &child);
    come_to_wait(1, TO_READ);
    EXPECT_EQ(mr_process_wait(child, NULL), MR_EBUSY);
    EXPECT_EQ(mr_process_kill(child, 0), 0);
    EXPECT_EQ(mr_process_kill(child, 1000), MR_EINVAL);
    EXPECT_EQ(mr_process_kill(child, SIGTERM), 0);
    EXPECT_EQ(mr_await(&task), SIGTERM);
    return mr_close(child);
}

TEST(process, it_is_killed_while_somebody_waits)
{
    test(killed_while_waiting);
}

static int64_t cancelled(void *arg)
{
    mr_scope scope;
    mr_process_end end;
    (void)arg;
    mr_handle child = runs("exec sleep 1000");
    mr_scope_open(&scope, mr_after(20 * MR_MS));
    EXPECT_EQ(mr_process_wait(child, NULL), MR_ECANCELED);
    EXPECT_EQ(mr_process_spawn(&shell_options, NULL), MR_ECANCELED);
    EXPECT_EQ(mr_process_kill(child, SIGKILL), 0);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    EXPECT_EQ(mr_process_wait(child, &end), 0);
    EXPECT_EQ(end.signal, SIGKILL);
    return mr_close(child);
}

TEST(process, a_wait_is_cut_short_and_waits_again)
{
    test(cancelled);
}

static int64_t closed_while_waiting(void *arg)
{
    mr_task task;
    (void)arg;
    mr_handle child = runs("exec sleep 1000");
    int pid = (int)mr_process_id(child);
    mr_spawn(&task, waits, &child);
    come_to_wait(1, TO_READ);
    EXPECT_EQ(mr_close(child), 0);
    EXPECT_EQ(mr_await(&task), MR_EBADF);
    EXPECT_EQ(kill(pid, SIGKILL), 0);
    for (int i = 0; i < 20000 && has_children(); i++)
        mr_sleep(MR_MS);
    EXPECT(!has_children());
    return 0;
}

TEST(process, what_is_closed_while_it_runs_is_no_zombie_when_it_ends)
{
    test(closed_while_waiting);
}

static int64_t closed_early(void *arg)
{
    mr_handle child[50];
    (void)arg;
    mr_handle first = runs("true");
    EXPECT_EQ(mr_close(first), 0);
    for (int i = 0; i < 50; i++)
        child[i] = runs(i % 2 ? "sleep 0.05" : "true");
    for (int i = 0; i < 50; i++)
        EXPECT_EQ(mr_close(child[i]), 0);
    for (int i = 0; i < 20000 && has_children(); i++)
        mr_sleep(MR_MS);
    EXPECT(!has_children());
    return 0;
}

TEST(process, closed_when_they_end_none_remains)
{
    int before = open_descriptors();
    test(closed_early);
    EXPECT_EQ(open_descriptors(), before);
}

static int64_t left_alone(void *arg)
{
    mr_handle open = runs("exec sleep 1000"), closed = runs("exec sleep 1000");
    mr_handle ended = runs("true");
    ((int64_t *)arg)[0] = mr_process_id(open);
    ((int64_t *)arg)[1] = mr_process_id(closed);
    ((int64_t *)arg)[2] = mr_process_id(ended);
    mr_close(closed);
    siginfo_t info;
    return waitid(P_PID, (id_t)mr_process_id(ended), &info, WEXITED | WNOWAIT);
}

TEST(process, the_stop_leaves_those_that_run_alone)
{
    int64_t pid[3];
    int before = open_descriptors();
    alarm(100);
    EXPECT_EQ(run_with(2, left_alone, pid), 0);
    alarm(0);
    EXPECT_EQ(open_descriptors(), before);
    EXPECT_EQ(waitpid((pid_t)pid[2], NULL, WNOHANG), -1); /* was reaped */
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(kill((pid_t)pid[i], SIGKILL), 0);
        EXPECT_EQ(waitpid((pid_t)pid[i], NULL, 0), pid[i]);
    }
}

static int64_t others_wait(void *arg)
{
    (void)arg;
    mr_handle child = runs("exit 1");
    EXPECT_EQ(waitpid((pid_t)mr_process_id(child), NULL, 0),
              mr_process_id(child));
    EXPECT_EQ(mr_process_wait(child, NULL), MR_ESRCH);
    EXPECT_EQ(mr_process_wait(child, NULL), MR_ESRCH);
    return mr_close(child);
}

TEST(process, whose_end_was_told_to_somebody_else_says_so)
{
    test(others_wait);
}
