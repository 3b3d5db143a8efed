/* Streams where every system call and every allocation fails once: it is told
 * to who called, nobody waits for ever, nothing stays open. */
#include <millrace.h>

#include "faults.h"
#include "lives.h"
#include "os/sys.h"
#include "slow.h"
#include "streams.h"
#include "test.h"

#include <errno.h>

/* ---- The scenario ------------------------------------------------------- */

static int64_t echoes(void *arg)
{
    mr_handle stream = *(mr_handle *)arg;
    char buf[64];
    int64_t n;
    while ((n = mr_read(stream, buf, sizeof buf)) > 0 && n <= 64)
        if ((n = mr_write(stream, buf, (size_t)n)) < 0)
            break;
    mr_close(stream);
    return n;
}

/* A word there and back; what went wrong first. */
static int64_t talks(mr_handle stream)
{
    char out[4] = "word", in[4];
    mr_buffer part[2] = {{out, 2}, {out + 2, 2}};
    int64_t rc = mr_writev(stream, part, 2, NULL);
    if (rc >= 0)
        rc = mr_wait_readable(stream);
    if (rc >= 0)
        rc = mr_read_all(stream, in, sizeof in, NULL);
    if (rc > 0 && memcmp(in, out, sizeof in) != 0)
        rc = MR_EPROTO;
    return rc == 0 ? MR_EOF : rc;
}

static int64_t with_echo(mr_handle here, mr_handle there)
{
    mr_scope scope;
    mr_task task;
    mr_scope_open(&scope, mr_after(20 * MR_S));
    mr_scope_spawn(&scope, &task, echoes, &there);
    int64_t rc = talks(here);
    EXPECT_EQ(mr_close(here), 0);
    int64_t end = mr_scope_close(&scope);
    if (mr_task_result(&task) == MR_ECANCELED) /* it was not begun, maybe */
        mr_close(there);
    EXPECT(end != MR_ETIMEDOUT);
    return rc < 0 ? rc : end;
}

static int64_t over_tcp(void)
{
    mr_address at;
    mr_handle listener = mr_tcp_listen("127.0.0.1", 0, 0, 0);
    if (listener < 0)
        return listener;
    int64_t rc = mr_local_address(listener, &at);
    mr_handle here = rc < 0 ? rc : mr_connect(&at);
    mr_handle there = here < 0 ? here : mr_accept(listener);
    EXPECT_EQ(mr_close(listener), 0);
    if (there >= 0)
        return with_echo(here, there);
    if (here >= 0)
        EXPECT_EQ(mr_close(here), 0);
    return there;
}

static int64_t over_unix(void)
{
    mr_handle end[2];
    int rc = mr_unix_pair(end);
    return rc < 0 ? rc : with_echo(end[0], end[1]);
}

static int64_t over_pipe(void)
{
    mr_handle end[2];
    char byte;
    int64_t rc = mr_pipe_open(end);
    if (rc < 0)
        return rc;
    rc = mr_write(end[1], "?", 1);
    if (rc >= 0)
        rc = mr_read(end[0], &byte, 1);
    close_pair(end);
    return rc;
}

static int64_t over_udp(void)
{
    mr_address at;
    char byte;
    EXPECT_EQ(mr_address_ip(&at, "127.0.0.1", 0), 0);
    mr_handle socket = mr_udp_bind(&at, 0);
    if (socket < 0)
        return socket;
    int64_t rc = mr_local_address(socket, &at);
    if (rc >= 0)
        rc = mr_udp_send(socket, "?", 1, &at);
    if (rc >= 0)
        rc = mr_udp_receive(socket, &byte, 1, NULL);
    EXPECT_EQ(mr_close(socket), 0);
    return rc;
}

static int64_t rings(void *arg)
{
    mr_sleep(MR_MS);
    return write(*(int *)arg, "?", 1);
}

static int64_t over_foreign(void)
{
    int fd[2];
    mr_task task;
    EXPECT_EQ(pipe(fd), 0);
    mr_spawn(&task, rings, &fd[1]);
    int64_t rc = mr_fd_wait(fd[0], MR_READABLE);
    EXPECT_EQ(mr_await(&task), 1);
    close(fd[0]);
    close(fd[1]);
    return rc;
}

static int64_t over_null(void)
{
    int fd = dup(STDERR_FILENO);
    mr_handle h = mr_fd_adopt(open("/dev/null", O_RDWR | O_CLOEXEC)),
              err = mr_stdio(2);
    close(fd);
    int64_t rc = h < 0 ? h : mr_write(h, "?", 1);
    if (h >= 0)
        EXPECT_EQ(mr_close(h), 0);
    if (err >= 0)
        EXPECT_EQ(mr_close(err), 0);
    return rc < 0 ? rc : err < 0 ? err : 0;
}

/* The first thing that went wrong. */
static int64_t root(void *arg)
{
    int64_t (*const steps[])(void) = {over_tcp, over_unix,    over_pipe,
                                      over_udp, over_foreign, over_null};
    int64_t first = 0;
    (void)arg;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        int64_t rc = steps[i]();
        first = first < 0 ? first : rc < 0 ? rc : 0;
    }
    return first;
}

/* ---- Each fails once ---------------------------------------------------- */

/* A runtime's life with the nth call refused, and all after it if `forever`;
 * true: it was reached. */
static bool live_long(const char *call, int nth, int error, bool forever,
                      int64_t *rc)
{
    const struct refusal r = {call, nth, error, forever,
                              call ? NULL : is_never_refused};
    int before = open_descriptors();
    bool hit = refuse(&r, root, rc);
    EXPECT_EQ(open_descriptors(), before);
    return hit;
}

static bool live(const char *call, int nth, int error, int64_t *rc)
{
    return live_long(call, nth, error, false, rc);
}

TEST(faults_streams, each_system_call_fails_once)
{
    fail_each(live, NULL, EIO, slow_scale(600), 100);
}

TEST(faults_streams, each_allocation_fails_once)
{
    fail_each(live, "allocate", ENOMEM, 100, 100);
}

TEST(faults_streams, without_descriptors_it_is_told)
{
    static const char *const calls[] = {"socket",    "accept4",      "pipe2",
                                        "fcntl",     "epoll_create", "eventfd",
                                        "epoll_ctl", "socketpair"};
    int64_t rc;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        EXPECT(live(calls[i], 1, EMFILE, &rc));
        EXPECT(rc == MR_EMFILE || strcmp(calls[i], "fcntl") == 0);
    }
}

/* ---- The wait ----------------------------------------------------------- */

TEST(faults_streams, a_wait_that_a_signal_ends_is_begun_again)
{
    static const char *const calls[] = {"epoll_wait", "epoll_pwait2"};
    int64_t rc;
    for (int i = 0; i < 2; i++)
        for (int nth = 1; nth < 10; nth++) {
            EXPECT(live(calls[i], nth, EINTR, &rc) || nth > 1);
            EXPECT_EQ(rc, 0);
        }
}

/* Each that a signal can end, each time that it is made. */
TEST(faults_streams, what_a_signal_ends_is_done_again)
{
    static const char *const calls[] = {
        "recv",   "send",    "recvmsg", "sendmsg", "readv",
        "writev", "accept4", "poll",    "open",    "read",
    };
    int64_t rc;
    alarm(100);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        for (int nth = 1; nth < 20 && live(calls[i], nth, EINTR, &rc); nth++)
            EXPECT_MSG(rc == 0, "%s: %d", calls[i], (int)rc);
    alarm(0);
}

TEST(faults_streams, an_old_kernel_waits_whole_milliseconds)
{
    int64_t rc;
    EXPECT(live_long("epoll_pwait2", 1, ENOSYS, true, &rc));
    EXPECT_EQ(rc, 0);
}

/* ---- Peers -------------------------------------------------------------- */

/* With a peer that waits. */
static mr_handle accept_without(const char *call, int error, mr_handle listener)
{
    int64_t begun = mr_now();
    faults_arm_call(call, 1, error, false);
    mr_handle h = mr_accept(listener);
    EXPECT(faults_disarm());
    EXPECT(mr_now() - begun >= 10 * MR_MS);
    return h;
}

static int64_t lacks_what_peers_need(void *arg)
{
    mr_address at;
    char byte;
    (void)arg;
    mr_handle listener = listen_on_loopback(&at, 0);
    int peer = connect_raw(&at);
    EXPECT_EQ(accept_without("accept4", ENFILE, listener), MR_ENFILE);
    EXPECT_EQ(accept_without("accept4", ENOMEM, listener), MR_ENOMEM);
    mr_handle stream = mr_accept(listener);
    EXPECT_EQ(mr_write(stream, "!", 1), 1);
    EXPECT_EQ(recv(peer, &byte, 1, 0), 1);
    EXPECT_EQ(mr_close(stream), 0);
    close(peer);
    const int error[] = {ENOSPC, ENOMEM};
    for (int i = 0; i < 2; i++) {
        peer = connect_raw(&at);
        EXPECT_EQ(accept_without("epoll_ctl", error[i], listener), -error[i]);
        EXPECT_EQ(recv(peer, &byte, 1, 0), 0);
        close(peer);
    }
    return mr_close(listener);
}

TEST(faults_streams, a_peer_waits_on_unless_it_was_accepted_in_vain)
{
    mr_config config = {.size = sizeof config, .workers = 2};
    EXPECT_EQ(mr_main(&config, lacks_what_peers_need, NULL), 0);
}
