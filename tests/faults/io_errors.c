/* An error of the system is told to the task that waited, and to no other:
 * streams whose call fails after a wait, and files on a disk that is full. */
#define _GNU_SOURCE
#include <millrace.h>

#include "child.h"
#include "faults.h"
#include "streams.h"
#include "test.h"
#include "waits.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* ---- Streams ------------------------------------------------------------ */

/* A handle, and its peer, which the library knows nothing of. */
struct waiter {
    mr_handle h;
    int peer;
    size_t done;
};

static void open_stream(struct waiter *w, enum stream_kind kind, bool writes)
{
    int fd[2];
    *w = (struct waiter){.h = -1};
    if (kind == STREAM_TCP) {
        w->h = accept_raw(&w->peer);
        return;
    }
    EXPECT_EQ(kind == STREAM_PIPE ? pipe(fd)
                                  : socketpair(AF_UNIX, SOCK_STREAM, 0, fd),
              0);
    w->h = mr_fd_adopt(fd[writes]);
    w->peer = fd[!writes];
    EXPECT(w->h >= 0);
}

static void close_stream(struct waiter *w)
{
    EXPECT_EQ(mr_close(w->h), 0);
    close(w->peer);
}

/* Until it is the nth who waits for that. */
static void spawn_waiter(mr_task *task, mr_fn fn, struct waiter *w, int n,
                         const char *what)
{
    mr_spawn(task, fn, w);
    come_to_wait(n, what);
}

static void fail_next(const char *call)
{
    faults_arm_call(call, 1, EIO, false);
}

static int64_t reads(void *arg)
{
    struct waiter *w = arg;
    char byte;
    int64_t rc = mr_read_all(w->h, &byte, 1, &w->done);
    EXPECT(rc < 0 || byte == '!');
    return rc;
}

/* Two wait. What came for the first, whose call fails, is there the next time;
 * the second goes on as if nothing had been. */
static int64_t reads_fail(void *arg)
{
    enum stream_kind kind = *(enum stream_kind *)arg;
    struct waiter first, second;
    mr_task one, other;
    open_stream(&first, kind, false);
    open_stream(&second, kind, false);
    spawn_waiter(&one, reads, &first, 1, TO_READ);
    spawn_waiter(&other, reads, &second, 2, TO_READ);
    fail_next(kind == STREAM_PIPE ? "readv" : "recv");
    EXPECT_EQ(write(first.peer, "!", 1), 1);
    EXPECT_EQ(mr_await(&one), MR_EIO);
    EXPECT(faults_disarm());
    EXPECT_EQ(first.done, 0);
    EXPECT_EQ(reads(&first), 1);
    EXPECT_EQ(write(second.peer, "!", 1), 1);
    EXPECT_EQ(mr_await(&other), 1);
    close_stream(&first);
    close_stream(&second);
    return 0;
}

enum { MUCH = 1 << 24 };

static int64_t writes(void *arg)
{
    static const char zeros[MUCH];
    struct waiter *w = arg;
    return mr_write_all(w->h, zeros, MUCH, &w->done);
}

static size_t read_to_end(int fd)
{
    static char buf[65536];
    size_t all = 0;
    for (ssize_t n; (n = read(fd, buf, sizeof buf)) > 0;)
        all += (size_t)n;
    return all;
}

/* What has gone out by then is told, and is all that arrives. */
static int64_t writes_fail(void *arg)
{
    enum stream_kind kind = *(enum stream_kind *)arg;
    static char buf[65536];
    struct waiter w;
    mr_task task;
    open_stream(&w, kind, true);
    spawn_waiter(&task, writes, &w, 1, TO_WRITE);
    fail_next(kind == STREAM_PIPE ? "writev" : "send");
    size_t all = 0;
    while (faults_count() == 0) {
        ssize_t n = recv(w.peer, buf, sizeof buf, MSG_DONTWAIT);
        if (n < 0 && errno == ENOTSOCK)
            n = read(w.peer, buf, 4096);
        all += n > 0 ? (size_t)n : 0;
        mr_sleep(MR_MS);
    }
    EXPECT_EQ(mr_await(&task), MR_EIO);
    EXPECT(faults_disarm());
    EXPECT(w.done > 0 && w.done < MUCH);
    EXPECT_EQ(mr_close(w.h), 0);
    EXPECT_EQ(all + read_to_end(w.peer), w.done);
    close(w.peer);
    return 0;
}

static int64_t accepts(void *arg)
{
    struct waiter *w = arg;
    mr_handle peer = mr_accept(w->h);
    return peer < 0 ? peer : mr_close(peer);
}

/* The peer waits on. */
static int64_t accept_fails(void *arg)
{
    mr_address at;
    mr_task task;
    (void)arg;
    struct waiter w = {.h = listen_on_loopback(&at, 0)};
    spawn_waiter(&task, accepts, &w, 1, TO_READ);
    fail_next("accept4");
    w.peer = connect_raw(&at);
    EXPECT_EQ(mr_await(&task), MR_EIO);
    EXPECT(faults_disarm());
    EXPECT_EQ(accepts(&w), 0);
    close_stream(&w);
    return 0;
}

static int64_t receives(void *arg)
{
    struct waiter *w = arg;
    char byte;
    return mr_udp_receive(w->h, &byte, 1, NULL);
}

static int64_t receive_fails(void *arg)
{
    mr_address at;
    mr_task task;
    (void)arg;
    EXPECT_EQ(mr_address_ip(&at, "127.0.0.1", 0), 0);
    struct waiter w = {.h = mr_udp_bind(&at, 0)};
    EXPECT_EQ(mr_local_address(w.h, &at), 0);
    mr_handle peer = mr_udp_connect(&at);
    spawn_waiter(&task, receives, &w, 1, TO_READ);
    fail_next("recvmsg");
    EXPECT_EQ(mr_udp_send(peer, "!", 1, NULL), 1);
    EXPECT_EQ(mr_await(&task), MR_EIO);
    EXPECT(faults_disarm());
    EXPECT_EQ(receives(&w), 1);
    EXPECT_EQ(mr_close(peer), 0);
    return mr_close(w.h);
}

TEST(faults_io_errors, a_call_that_fails_after_a_wait_is_told_to_who_waited)
{
    alarm(100);
    for (enum stream_kind kind = 0; kind < STREAM_KINDS; kind++) {
        EXPECT_EQ(run_with(1, reads_fail, &kind), 0);
        EXPECT_EQ(run_with(1, writes_fail, &kind), 0);
    }
    EXPECT_EQ(run_with(1, accept_fails, NULL), 0);
    EXPECT_EQ(run_with(1, receive_fails, NULL), 0);
}

/* ---- A small disk ------------------------------------------------------- */

enum { DISK = 256 * 1024 };

#define ON_DISK "/tmp/disk"

static mr_handle open_new(const char *path)
{
    return mr_file_open(path, MR_FILE_READ | MR_FILE_WRITE | MR_FILE_NEW, 0600);
}

static bool is_all(const char *buf, size_t n, char byte)
{
    for (size_t i = 0; i < n; i++)
        if (buf[i] != byte)
            return false;
    return true;
}

/* What fitted before is there, and there is room again when it was removed. */
static int64_t fills_disk(void *arg)
{
    static char buf[DISK], in[DISK / 2];
    size_t done;
    (void)arg;
    memset(buf, 'x', sizeof buf);
    mr_handle first = open_new(ON_DISK "/first"),
              second = open_new(ON_DISK "/second");
    EXPECT_EQ(mr_file_write(first, buf, DISK / 2, 0), DISK / 2);
    EXPECT_EQ(mr_file_write(second, buf, DISK, 0), MR_ENOSPC);
    EXPECT_EQ(mr_file_truncate(second, 0), 0);
    EXPECT_EQ(mr_write_all(second, buf, DISK, &done), MR_ENOSPC);
    EXPECT(done > 0 && done < DISK);
    EXPECT_EQ(mr_mkdir(ON_DISK "/third", 0700), MR_ENOSPC);
    EXPECT_EQ(mr_file_read(first, in, sizeof in, 0), sizeof in);
    EXPECT(is_all(in, sizeof in, 'x'));
    EXPECT_EQ(mr_close(second), 0);
    EXPECT_EQ(mr_unlink(ON_DISK "/second"), 0);
    EXPECT_EQ(mr_file_write(first, buf, DISK / 4, DISK / 2), DISK / 4);
    EXPECT_EQ(mr_file_sync(first), 0);
    return mr_close(first);
}

static bool put_in(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool put = fd >= 0 && write(fd, text, strlen(text)) > 0;
    close(fd);
    return put;
}

/* Of this process alone, over whatever is in /tmp; for two files and no
 * third. */
static bool mount_disk(void)
{
    char user[40], group[40], options[40];
    snprintf(user, sizeof user, "0 %d 1", (int)getuid());
    snprintf(group, sizeof group, "0 %d 1", (int)getgid());
    snprintf(options, sizeof options, "size=%d,nr_inodes=3", DISK);
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
           put_in("/proc/self/uid_map", user) &&
           put_in("/proc/self/setgroups", "deny") &&
           put_in("/proc/self/gid_map", group) &&
           mount("none", "/tmp", "tmpfs", 0, NULL) == 0 &&
           mkdir(ON_DISK, 0700) == 0 &&
           mount("none", ON_DISK, "tmpfs", 0, options) == 0;
}

static enum child_end on_a_small_disk(void *arg)
{
    (void)arg;
    if (!mount_disk())
        return CHILD_SKIP;
    for (unsigned workers = 1; workers <= 3; workers += 2) {
        CHILD_EXPECT(run_with(workers, fills_disk, NULL) == 0);
        CHILD_EXPECT(unlink(ON_DISK "/first") == 0);
    }
    return CHILD_OK;
}

TEST(faults_io_errors, a_disk_that_is_full_is_told_and_may_be_emptied)
{
    CHILD_RUN_OR_SKIP(on_a_small_disk, NULL, "no mounts here");
}
