/* millrace/io.h: the standard streams, whatever they are, and that whoever else
 * has them notices nothing. */
#define _GNU_SOURCE
#include <millrace.h>

#include "child.h"
#include "streams.h"
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>

/* ---- Copying ------------------------------------------------------------ */

static int64_t copies(void *arg)
{
    char buf[3000];
    int64_t n, m = 0;
    (void)arg;
    mr_handle in = mr_stdio(0), out = mr_stdio(1);
    if (in < 0 || out < 0)
        return in < 0 ? in : out;
    while ((n = mr_read(in, buf, sizeof buf)) > 0 && m >= 0)
        m = mr_write(out, buf, (size_t)n);
    int64_t rc = n < 0 ? n : m < 0 ? m : mr_close(in);
    return rc < 0 ? rc : mr_close(out);
}

struct streams {
    int in, out;
};

/* A child copies all of its standard input. */
static enum child_end copies_in_child(void *arg)
{
    const struct streams *s = arg;
    CHILD_EXPECT(dup2(s->in, 0) == 0);
    CHILD_EXPECT(dup2(s->out, 1) == 1);
    CHILD_EXPECT(run_with(2, copies, NULL) == 0);
    CHILD_EXPECT(fcntl(0, F_GETFL) >= 0 && fcntl(1, F_GETFL) >= 0);
    return CHILD_OK;
}

static void is_untouched(int fd)
{
    EXPECT_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
}

/* A pipe has room for it, whatever the steps. */
enum { SIZE = 40000 };

static char data[SIZE], copy[SIZE + 1];

static void make_data(void)
{
    for (int i = 0; i < SIZE; i++)
        data[i] = (char)('a' + i * 7 % 26);
}

static void expect_copy(int fd)
{
    size_t at = 0;
    ssize_t n;
    while (at < sizeof copy && (n = read(fd, copy + at, SIZE + 1 - at)) > 0)
        at += (size_t)n;
    EXPECT_EQ(at, SIZE);
    EXPECT(memcmp(copy, data, SIZE) == 0);
}

TEST(stdio, pipes_are_copied_and_not_changed)
{
    int in[2], out[2];
    make_data();
    EXPECT_EQ(pipe(in), 0);
    EXPECT_EQ(pipe(out), 0);
    EXPECT_EQ(write(in[1], data, SIZE), SIZE);
    close(in[1]);
    EXPECT_EQ(child_run(copies_in_child, &(struct streams){in[0], out[1]}), 0);
    is_untouched(in[0]);
    is_untouched(out[1]);
    close(out[1]);
    expect_copy(out[0]);
    close(in[0]);
    close(out[0]);
}

TEST(stdio, sockets_are_copied_and_not_changed)
{
    int in[2], out[2];
    make_data();
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, in), 0);
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, out), 0);
    EXPECT_EQ(write(in[1], data, SIZE), SIZE);
    close(in[1]);
    EXPECT_EQ(child_run(copies_in_child, &(struct streams){in[0], out[1]}), 0);
    is_untouched(in[0]);
    is_untouched(out[1]);
    close(out[1]);
    expect_copy(out[0]);
    close(in[0]);
    close(out[0]);
}

/* On a file system of disks where there is one, and in memory. */
static void copy_files(const char *dir)
{
    char from[64], to[64];
    snprintf(from, sizeof from, "%s/millrace-in-XXXXXX", dir);
    snprintf(to, sizeof to, "%s/millrace-out-XXXXXX", dir);
    int in = mkstemp(from), out = mkstemp(to);
    if (in < 0 || out < 0)
        return;
    unlink(from);
    unlink(to);
    make_data();
    EXPECT_EQ(write(in, data, SIZE), SIZE);
    EXPECT_EQ(lseek(in, 0, SEEK_SET), 0);
    EXPECT_EQ(child_run(copies_in_child, &(struct streams){in, out}), 0);
    EXPECT_EQ(lseek(in, 0, SEEK_CUR), SIZE); /* shared, as documented */
    EXPECT_EQ(lseek(out, 0, SEEK_SET), 0);
    expect_copy(out);
    close(in);
    close(out);
}

TEST(stdio, files_are_copied_from_where_they_are)
{
    copy_files("/tmp");
    copy_files("/var/tmp");
    copy_files("/dev/shm");
}

/* ---- A terminal --------------------------------------------------------- */

static enum child_end reads_terminal(void *arg)
{
    const struct streams *s = arg;
    CHILD_EXPECT(dup2(s->in, 0) == 0);
    CHILD_EXPECT(dup2(s->out, 1) == 1);
    CHILD_EXPECT(run_with(2, copies, NULL) == 0);
    return CHILD_OK;
}

/* A line, then the end as a user types it. */
static void type_into(int master, int terminal)
{
    char echoed[64];
    int out[2];
    EXPECT_EQ(pipe(out), 0);
    EXPECT_EQ(write(master, "a line\n\004", 8), 8);
    EXPECT_EQ(child_run(reads_terminal, &(struct streams){terminal, out[1]}),
              0);
    is_untouched(terminal);
    EXPECT_EQ(read(out[0], echoed, sizeof echoed), 7);
    EXPECT(memcmp(echoed, "a line\n", 7) == 0);
    close(out[0]);
    close(out[1]);
}

TEST(stdio, a_terminal_is_read_and_not_changed)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        SKIP("no terminals here");
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    if (terminal < 0)
        SKIP("no terminals here");
    type_into(master, terminal);
    close(terminal);
    close(master);
}

/* ---- What cannot be opened again ---------------------------------------- */

struct part {
    mr_handle in, out;
};

static int64_t writes_to_master(void *arg)
{
    mr_handle master = *(mr_handle *)arg;
    mr_sleep(5 * MR_MS);
    return mr_write(master, "typed\n", 6);
}

/* The master of a terminal: another open would make another terminal. Before
 * each call it is asked whether it would wait. */
static int64_t is_a_master(void *arg)
{
    char buf[64];
    mr_task task;
    mr_scope scope;
    mr_handle terminal = mr_fd_adopt(*(int *)arg), master = mr_stdio(0);
    EXPECT(terminal >= 0 && master >= 0);
    mr_spawn(&task, writes_to_master, &terminal);
    EXPECT_EQ(mr_read_all(master, buf, 7, NULL), 7);
    EXPECT(memcmp(buf, "typed\r\n", 7) == 0);
    EXPECT_EQ(mr_await(&task), 6);
    mr_scope_open(&scope, mr_after(5 * MR_MS));
    EXPECT_EQ(mr_read(master, buf, 1), MR_ECANCELED);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    EXPECT_EQ(mr_write(master, "back\n", 5), 5);
    EXPECT_EQ(mr_read(terminal, buf, sizeof buf), 5);
    EXPECT_EQ(mr_close(terminal), 0);
    return mr_close(master);
}

static enum child_end has_master(void *arg)
{
    const struct streams *s = arg;
    int terminal = s->out;
    CHILD_EXPECT(dup2(s->in, 0) == 0);
    CHILD_EXPECT(run_with(2, is_a_master, &terminal) == 0);
    CHILD_EXPECT((fcntl(0, F_GETFL) & O_NONBLOCK) == 0);
    return CHILD_OK;
}

TEST(stdio, what_cannot_be_opened_again_is_asked_each_time)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        SKIP("no terminals here");
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    if (terminal < 0)
        SKIP("no terminals here");
    EXPECT_EQ(child_run(has_master, &(struct streams){master, terminal}), 0);
    close(terminal);
    close(master);
}

/* ---- None --------------------------------------------------------------- */

static int64_t opens(void *arg)
{
    return mr_stdio(*(int *)arg);
}

static enum child_end has_none(void *arg)
{
    int which[] = {0, -1, 3};
    (void)arg;
    close(0);
    CHILD_EXPECT(run_with(1, opens, &which[0]) == MR_EBADF);
    CHILD_EXPECT(run_with(1, opens, &which[1]) == MR_EINVAL);
    CHILD_EXPECT(run_with(1, opens, &which[2]) == MR_EINVAL);
    return CHILD_OK;
}

TEST(stdio, what_is_closed_is_told)
{
    EXPECT_EQ(child_run(has_none, NULL), CHILD_OK);
}
