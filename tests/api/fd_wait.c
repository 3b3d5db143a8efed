/* millrace/io.h: descriptors that belong to somebody else, or did. */
#define _GNU_SOURCE
#include <millrace.h>

#include "slow.h"
#include "streams.h"
#include "test.h"
#include "waits.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

static void both(mr_fn fn)
{
    EXPECT_EQ(run_with(1, fn, NULL), 0);
    EXPECT_EQ(run_with(4, fn, NULL), 0);
}

/* ---- Waiting ------------------------------------------------------------ */

struct wait {
    int fd;
    unsigned events;
};

static int64_t waits(void *arg)
{
    const struct wait *w = arg;
    return mr_fd_wait(w->fd, w->events);
}

static int64_t are_told(void *arg)
{
    int fd[2];
    mr_task task;
    char byte;
    (void)arg;
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    struct wait in = {fd[0], MR_READABLE};
    EXPECT_EQ(mr_fd_wait(fd[0], MR_WRITABLE), MR_WRITABLE);
    EXPECT_EQ(mr_fd_wait(fd[0], MR_READABLE | MR_WRITABLE), MR_WRITABLE);
    for (int i = 0; i < 20; i++) {
        mr_spawn(&task, waits, &in);
        if (i % 2)
            mr_sleep(MR_MS);
        EXPECT_EQ(send(fd[1], "!", 1, 0), 1);
        EXPECT_EQ(mr_await(&task), MR_READABLE);
        EXPECT_EQ(mr_fd_wait(fd[0], MR_READABLE | MR_WRITABLE),
                  MR_READABLE | MR_WRITABLE);
        EXPECT_EQ(recv(fd[0], &byte, 1, 0), 1);
    }
    EXPECT_EQ(fcntl(fd[0], F_GETFL) & O_NONBLOCK, 0);
    close(fd[1]);
    EXPECT_EQ(mr_fd_wait(fd[0], MR_PRIORITY), MR_PRIORITY);
    close(fd[0]);
    EXPECT_EQ(mr_fd_wait(1000000, MR_READABLE), MR_EBADF);
    EXPECT_EQ(mr_fd_wait(-1, MR_READABLE), MR_EBADF);
    EXPECT_EQ(mr_fd_wait(0, 0), MR_EINVAL);
    EXPECT_EQ(mr_fd_wait(0, 8), MR_EINVAL);
    return 0;
}

TEST(fd_wait, what_is_ready_is_told)
{
    both(are_told);
}

static int64_t is_full(void *arg)
{
    static char much[1 << 20];
    int fd[2];
    mr_task task;
    (void)arg;
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
    while (send(fd[0], much, sizeof much, 0) > 0)
        continue;
    struct wait out = {fd[0], MR_WRITABLE | MR_READABLE};
    mr_spawn(&task, waits, &out);
    come_to_wait(1, TO_READ);
    while (recv(fd[1], much, sizeof much, 0) > 0)
        continue;
    EXPECT_EQ(mr_await(&task), MR_WRITABLE);
    close(fd[0]);
    close(fd[1]);
    return 0;
}

TEST(fd_wait, room_is_told)
{
    both(is_full);
}

static int64_t is_urgent(void *arg)
{
    int peer;
    mr_task task;
    char byte;
    (void)arg;
    mr_address at;
    mr_handle listener = listen_on_loopback(&at, 0);
    peer = connect_raw(&at);
    mr_handle stream = mr_accept(listener);
    struct wait in = {peer, MR_PRIORITY};
    mr_spawn(&task, waits, &in);
    come_to_wait(1, TO_READ);
    EXPECT_EQ(mr_write(stream, "no", 2), 2);
    mr_sleep(MR_MS);
    EXPECT_EQ(mr_shutdown(stream, MR_SHUT_WRITE), 0);
    mr_sleep(MR_MS);
    EXPECT_EQ(mr_close(stream), 0);
    EXPECT_EQ(recv(peer, &byte, 1, 0), 1);
    shutdown(peer, SHUT_WR); /* both have: it is hung up */
    EXPECT_EQ(mr_await(&task), MR_PRIORITY);
    close(peer);
    return mr_close(listener);
}

TEST(fd_wait, a_hang_up_is_told_to_whoever_waits)
{
    both(is_urgent);
}

/* ---- Several, and none -------------------------------------------------- */

enum { WAITERS = 20 };

static int64_t all_are_woken(void *arg)
{
    mr_task task[WAITERS];
    (void)arg;
    int before = open_descriptors(), fd = eventfd(0, EFD_NONBLOCK);
    struct wait w = {fd, MR_READABLE};
    for (int i = 0; i < WAITERS; i++)
        mr_spawn(&task[i], waits, &w);
    come_to_wait(WAITERS, TO_READ);
    EXPECT_EQ(eventfd_write(fd, 1), 0);
    for (int i = 0; i < WAITERS; i++)
        EXPECT_EQ(mr_await(&task[i]), MR_READABLE);
    close(fd);
    EXPECT(come_to_descriptors(before + 2)); /* the runtime's own */
    return 0;
}

TEST(fd_wait, all_who_wait_are_woken)
{
    both(all_are_woken);
}

/* What is opened then under its number concerns nobody. */
static int64_t is_closed(void *arg)
{
    mr_task task;
    mr_scope scope;
    char byte;
    mr_handle end[2];
    (void)arg;
    int fd = eventfd(0, EFD_NONBLOCK);
    struct wait w = {fd, MR_READABLE};
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_spawn(&scope, &task, waits, &w);
    come_to_wait(1, TO_READ);
    close(fd);
    EXPECT_EQ(mr_unix_pair(end), 0);
    EXPECT_EQ(mr_write(end[1], "!", 1), 1);
    mr_sleep(5 * MR_MS);
    EXPECT_EQ(count_waiting(TO_READ), 1);
    mr_scope_cancel(&scope);
    EXPECT_EQ(mr_scope_close(&scope), MR_ECANCELED);
    EXPECT_EQ(mr_task_result(&task), MR_ECANCELED);
    EXPECT_EQ(mr_wait_readable(end[0]), 0);
    EXPECT_EQ(mr_read(end[0], &byte, 1), 1);
    close_pair(end);
    return 0;
}

TEST(fd_wait, a_number_that_is_used_again_concerns_nobody)
{
    both(is_closed);
}

/* ---- Adopted ------------------------------------------------------------ */

static int64_t echoes_once(void *arg)
{
    char buf[16];
    mr_handle stream = *(mr_handle *)arg;
    int64_t n = mr_read(stream, buf, sizeof buf);
    EXPECT(n > 0);
    EXPECT_EQ(mr_write(stream, buf, (size_t)n), n);
    return mr_close(stream);
}

static int64_t becomes_ours(void *arg)
{
    int fd[2];
    char buf[16];
    mr_task task;
    mr_address at;
    (void)arg;
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    mr_handle stream = mr_fd_adopt(fd[0]);
    EXPECT(stream >= 0);
    EXPECT(fcntl(fd[0], F_GETFL) & O_NONBLOCK);
    mr_spawn(&task, echoes_once, &stream);
    mr_sleep(MR_MS);
    EXPECT_EQ(send(fd[1], "echo", 4, 0), 4);
    EXPECT_EQ(mr_await(&task), 0);
    EXPECT_EQ(recv(fd[1], buf, sizeof buf, 0), 4);
    EXPECT_EQ(recv(fd[1], buf, sizeof buf, 0), 0);
    close(fd[1]);

    int raw = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(listen(raw, 5), 0);
    mr_handle listener = mr_fd_adopt(raw);
    EXPECT_EQ(mr_local_address(listener, &at), 0);
    mr_handle client = mr_tcp_connect("127.0.0.1", mr_address_port(&at));
    mr_handle server = mr_accept(listener);
    EXPECT_EQ(mr_tcp_nodelay(server, 1), 0);
    EXPECT_EQ(mr_close(client), 0);
    EXPECT_EQ(mr_close(server), 0);
    EXPECT_EQ(mr_close(listener), 0);

    mr_handle datagrams = mr_fd_adopt(socket(AF_INET, SOCK_DGRAM, 0));
    EXPECT_EQ(mr_read(datagrams, buf, 1), MR_EINVAL);
    return mr_close(datagrams);
}

TEST(fd_wait, a_descriptor_becomes_a_handle_of_its_kind)
{
    both(becomes_ours);
}

/* The runtime's threads open files of their own: a number says nothing. */
static bool is_open_as(int fd, const struct stat *before)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_ino == before->st_ino;
}

static int64_t is_no_stream(void *arg)
{
    struct stat st;
    (void)arg;
    int dir = open("/tmp", O_RDONLY | O_DIRECTORY);
    EXPECT_EQ(fstat(dir, &st), 0);
    EXPECT_EQ(mr_fd_adopt(dir), MR_EINVAL);
    EXPECT(!is_open_as(dir, &st));
    EXPECT_EQ(mr_fd_adopt(-1), MR_EBADF);
    EXPECT_EQ(mr_fd_adopt(1000000), MR_EBADF);
    return 0;
}

TEST(fd_wait, what_is_no_stream_is_refused_and_closed)
{
    both(is_no_stream);
}

/* Files and devices that are always ready. */
static int64_t is_a_file(void *arg)
{
    char path[] = "/tmp/millrace-adopt-XXXXXX", buf[16];
    (void)arg;
    int fd = mkstemp(path);
    EXPECT_EQ(unlink(path), 0);
    int other = dup(fd);
    mr_handle file = mr_fd_adopt(fd);
    EXPECT(file >= 0);
    EXPECT_EQ(mr_write(file, "content", 7), 7);
    EXPECT_EQ(lseek(other, 0, SEEK_SET), 0);
    EXPECT_EQ(mr_wait_readable(file), 0);
    EXPECT_EQ(mr_read(file, buf, 3), 3);
    EXPECT_EQ(mr_read_all(file, buf + 3, 10, NULL), MR_EOF);
    EXPECT(memcmp(buf, "content", 7) == 0);
    EXPECT_EQ(mr_read(file, buf, 3), 0);
    EXPECT_EQ(mr_close(file), 0);
    close(other);
    mr_handle null = mr_fd_adopt(open("/dev/null", O_RDWR));
    EXPECT_EQ(mr_read(null, buf, 3), 0);
    EXPECT_EQ(mr_write(null, buf, 3), 3);
    EXPECT_EQ(mr_wait_writable(null), 0);
    return mr_close(null);
}

TEST(fd_wait, a_file_is_a_stream_that_is_always_ready)
{
    both(is_a_file);
}
