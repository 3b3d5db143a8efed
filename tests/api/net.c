/* millrace/net.h: addresses, listening, accepting, connecting. */
#define _GNU_SOURCE
#include <millrace.h>

#include "slow.h"
#include "streams.h"
#include "test.h"

#include <netinet/tcp.h>

/* ---- Addresses ---------------------------------------------------------- */

static void shows(const char *text, unsigned port, enum mr_family family,
                  const char *shown)
{
    mr_address a;
    char out[MR_ADDRESS_TEXT];
    int rc =
        port == ~0U ? mr_address_unix(&a, text) : mr_address_ip(&a, text, port);
    EXPECT_EQ(rc, 0);
    EXPECT_EQ(mr_address_family(&a), family);
    EXPECT_EQ(mr_address_port(&a), port == ~0U ? 0 : port);
    EXPECT_EQ(mr_address_text(&a, out, sizeof out), strlen(shown));
    EXPECT_STR(out, shown);
    EXPECT_EQ(mr_address_text(&a, out, strlen(shown)), MR_EOVERFLOW);
    EXPECT_EQ(mr_address_text(&a, out, strlen(shown) + 1), strlen(shown));
}

TEST(net, an_address_is_a_text_and_back)
{
    char path[108];
    shows("192.0.2.1", 80, MR_IPV4, "192.0.2.1:80");
    shows("0.0.0.0", 0, MR_IPV4, "0.0.0.0:0");
    shows("2001:DB8:0::1", 65535, MR_IPV6, "[2001:db8::1]:65535");
    shows("::", 1, MR_IPV6, "[::]:1");
    shows("fe80::1%lo", 1, MR_IPV6, "[fe80::1%1]:1");
    shows("fe80::1%7777", 1, MR_IPV6, "[fe80::1%7777]:1");
    shows("/tmp/x", ~0U, MR_UNIX, "/tmp/x");
    shows("@x", ~0U, MR_UNIX, "@x");
    memset(path, 'a', 107);
    path[107] = '\0';
    shows(path, ~0U, MR_UNIX, path);
    path[0] = '@';
    shows(path, ~0U, MR_UNIX, path);
}

TEST(net, what_is_no_address_is_refused)
{
    mr_address a;
    char path[109];
    static const char *const bad[] = {
        "",
        "localhost",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.4 ",
        "::1::",
        ":::::::",
        "[::1]",
        "%lo",
        "1.2.3.4%lo",
        "00000:00000:00000:00000:00000:00000:00000:00000:00000:00000"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT_EQ(mr_address_ip(&a, bad[i], 1), MR_EINVAL);
    EXPECT_EQ(mr_address_ip(&a, NULL, 1), MR_EINVAL);
    EXPECT_EQ(mr_address_ip(&a, "::1", 65536), MR_EINVAL);
    EXPECT_EQ(mr_address_ip(&a, "fe80::1%nosuch", 1), MR_ENODEV);
    EXPECT_EQ(mr_address_ip(&a, "fe80::1%", 1), MR_ENODEV);
    EXPECT_EQ(mr_address_unix(&a, ""), MR_EINVAL);
    EXPECT_EQ(mr_address_unix(&a, NULL), MR_EINVAL);
    memset(path, 'a', 108);
    path[108] = '\0';
    EXPECT_EQ(mr_address_unix(&a, path), MR_ENAMETOOLONG);
}

/* ---- Meeting ------------------------------------------------------------ */

static bool same(const mr_address *a, const mr_address *b)
{
    char x[MR_ADDRESS_TEXT], y[MR_ADDRESS_TEXT];
    EXPECT(mr_address_text(a, x, sizeof x) >= 0);
    EXPECT(mr_address_text(b, y, sizeof y) >= 0);
    return strcmp(x, y) == 0;
}

/* A word in each direction, and who is who. */
static void meets(mr_handle listener, mr_handle client, bool named)
{
    char buf[4];
    mr_address mine, peers;
    EXPECT(client >= 0);
    mr_handle server = mr_accept(listener);
    EXPECT(server >= 0);
    EXPECT_EQ(mr_write(client, "ping", 4), 4);
    EXPECT_EQ(mr_read_all(server, buf, 4, NULL), 4);
    EXPECT_EQ(mr_write(server, "pong", 4), 4);
    EXPECT_EQ(mr_read_all(client, buf, 4, NULL), 4);
    EXPECT_EQ(mr_local_address(server, &mine), 0);
    EXPECT_EQ(mr_peer_address(client, &peers), 0);
    EXPECT(same(&mine, &peers));
    EXPECT_EQ(mr_local_address(client, &mine), 0);
    EXPECT_EQ(mr_peer_address(server, &peers), 0);
    EXPECT(same(&mine, &peers));
    EXPECT_EQ(mr_address_family(&mine) != MR_NO_FAMILY, named);
    EXPECT_EQ(mr_close(client), 0);
    EXPECT_EQ(mr_read(server, buf, 4), 0);
    EXPECT_EQ(mr_close(server), 0);
    EXPECT_EQ(mr_close(listener), 0);
}

static int64_t meet_on_ipv4(void *arg)
{
    mr_address at;
    mr_handle listener = listen_on_loopback(&at, 0);
    (void)arg;
    meets(listener, mr_tcp_connect("127.0.0.1", mr_address_port(&at)), true);
    listener = mr_tcp_listen(NULL, 0, 5, MR_REUSE_PORT);
    EXPECT(listener >= 0);
    EXPECT_EQ(mr_local_address(listener, &at), 0);
    meets(listener, mr_tcp_connect("127.0.0.1", mr_address_port(&at)), true);
    return 0;
}

TEST(net, two_meet_on_ipv4)
{
    EXPECT_EQ(run_with(1, meet_on_ipv4, NULL), 0);
    EXPECT_EQ(run_with(4, meet_on_ipv4, NULL), 0);
}

/* 1: there is none here. */
static int64_t meet_on_ipv6(void *arg)
{
    mr_address at;
    (void)arg;
    mr_handle listener = mr_tcp_listen("::1", 0, 0, 0);
    if (listener == MR_EAFNOSUPPORT || listener == MR_EADDRNOTAVAIL)
        return 1;
    EXPECT_EQ(mr_local_address(listener, &at), 0);
    EXPECT_EQ(mr_address_family(&at), MR_IPV6);
    meets(listener, mr_tcp_connect("::1", mr_address_port(&at)), true);
    listener = mr_tcp_listen(NULL, 0, 0, 0);
    EXPECT_EQ(mr_local_address(listener, &at), 0);
    meets(listener, mr_tcp_connect("::1", mr_address_port(&at)), true);
    listener = mr_tcp_listen("::", 0, 0, 0);
    EXPECT_EQ(mr_local_address(listener, &at), 0);
    EXPECT_EQ(mr_tcp_connect("127.0.0.1", mr_address_port(&at)),
              MR_ECONNREFUSED);
    EXPECT_EQ(mr_close(listener), 0);
    return 0;
}

TEST(net, two_meet_on_ipv6)
{
    int64_t rc = run_with(2, meet_on_ipv6, NULL);
    if (rc == 1)
        SKIP("no IPv6 here");
    EXPECT_EQ(rc, 0);
}

static int64_t meet_on_path(void *arg)
{
    const char *path = arg;
    mr_handle listener = mr_unix_listen(path, 0);
    EXPECT(listener >= 0);
    EXPECT_EQ(mr_unix_listen(path, 0), MR_EADDRINUSE);
    meets(listener, mr_unix_connect(path), false);
    EXPECT_EQ(mr_unix_connect(path), MR_ECONNREFUSED);
    return 0;
}

TEST(net, two_meet_on_a_path_and_on_a_name)
{
    char dir[] = "/tmp/millrace-net-XXXXXX", path[64];
    EXPECT(mkdtemp(dir) != NULL);
    snprintf(path, sizeof path, "%s/socket", dir);
    EXPECT_EQ(run_with(2, meet_on_path, path), 0);
    EXPECT_EQ(unlink(path), 0);
    EXPECT_EQ(rmdir(dir), 0);
    snprintf(path, sizeof path, "@millrace-net-%d", (int)getpid());
    EXPECT_EQ(run_with(2, meet_on_path, path), 0);
}

/* ---- Not meeting -------------------------------------------------------- */

static int64_t are_refused(void *arg)
{
    mr_address at;
    (void)arg;
    mr_handle listener = listen_on_loopback(&at, 0);
    EXPECT_EQ(mr_listen(&at, 0, 0), MR_EADDRINUSE);
    EXPECT_EQ(mr_close(listener), 0);
    EXPECT_EQ(mr_connect(&at), MR_ECONNREFUSED);
    EXPECT_EQ(mr_tcp_connect("nobody", 80), MR_EAI_NONAME);
    EXPECT_EQ(mr_tcp_connect(NULL, 80), MR_EINVAL);
    EXPECT_EQ(mr_tcp_connect("127.0.0.1", 65536), MR_EINVAL);
    EXPECT_EQ(mr_tcp_listen("127.0.0.1", 65536, 0, 0), MR_EINVAL);
    EXPECT_EQ(mr_tcp_listen(NULL, 65536, 0, 0), MR_EINVAL);
    EXPECT_EQ(mr_tcp_listen("127.0.0.1", 0, -1, 0), MR_EINVAL);
    EXPECT_EQ(mr_tcp_listen("127.0.0.1", 0, 0, 8), MR_EINVAL);
    EXPECT_EQ(mr_tcp_listen("192.0.2.77", 0, 0, 0), MR_EADDRNOTAVAIL);
    EXPECT_EQ(mr_unix_connect("/nowhere/at all"), MR_ENOENT);
    EXPECT_EQ(mr_unix_listen("/nowhere/at all", 0), MR_ENOENT);
    return 0;
}

TEST(net, what_cannot_be_is_refused)
{
    EXPECT_EQ(run_with(2, are_refused, NULL), 0);
}

/* Nobody accepts, and no more may wait. */
static void cannot_connect(const mr_address *at, mr_handle *peer, int n)
{
    mr_scope scope;
    int64_t rc = 0;
    mr_scope_open(&scope, mr_after(100 * MR_MS));
    for (int i = 0; i < n; i++) {
        peer[i] = mr_connect(at);
        rc = peer[i];
    }
    EXPECT_EQ(rc, MR_ECANCELED);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
}

static int64_t connects_are_cut(void *arg)
{
    enum { PEERS = 10 };
    mr_address at;
    mr_handle peer[PEERS];
    (void)arg;
    int before = open_descriptors();
    for (int i = 0; i < 2; i++) {
        mr_handle listener = i ? mr_unix_listen("@millrace-full", 1)
                               : listen_on_loopback(&at, 1);
        EXPECT_EQ(mr_local_address(listener, &at), 0);
        cannot_connect(&at, peer, PEERS);
        for (int k = 0; k < PEERS && peer[k] >= 0; k++) {
            mr_handle other = mr_accept(listener);
            EXPECT_EQ(mr_close(other), 0);
            EXPECT_EQ(mr_close(peer[k]), 0);
        }
        EXPECT_EQ(mr_close(listener), 0);
    }
    /* The runtime's own came with the first. */
    EXPECT(come_to_descriptors(before + 2));
    return 0;
}

TEST(net, a_connect_that_is_cut_leaves_nothing)
{
    EXPECT_EQ(run_with(1, connects_are_cut, NULL), 0);
    EXPECT_EQ(run_with(4, connects_are_cut, NULL), 0);
}

static int64_t accepts_later(void *arg)
{
    mr_handle listener = *(mr_handle *)arg;
    mr_sleep(20 * MR_MS);
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(mr_close(mr_accept(listener)), 0);
    return 0;
}

static int64_t waits_for_room(void *arg)
{
    mr_task task;
    (void)arg;
    mr_handle listener = mr_unix_listen("@millrace-room", 1);
    mr_spawn(&task, accepts_later, &listener);
    for (int i = 0; i < 4; i++) {
        mr_handle peer = mr_unix_connect("@millrace-room");
        EXPECT(peer >= 0);
        EXPECT_EQ(mr_close(peer), 0);
    }
    EXPECT_EQ(mr_await(&task), 0);
    return mr_close(listener);
}

TEST(net, a_unix_connect_waits_for_room)
{
    EXPECT_EQ(run_with(2, waits_for_room, NULL), 0);
}

/* ---- Options ------------------------------------------------------------ */

static int64_t options_are_set(void *arg)
{
    mr_handle end[2], pipe[2];
    (void)arg;
    tcp_pair(end);
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(mr_tcp_nodelay(end[i], 0), 0);
        EXPECT_EQ(mr_tcp_nodelay(end[i], 5), 0);
        EXPECT_EQ(mr_tcp_keepalive(end[i], MR_S + 1), 0);
        EXPECT_EQ(mr_tcp_keepalive(end[i], MR_NEVER), 0);
        EXPECT_EQ(mr_tcp_keepalive(end[i], 0), 0);
        EXPECT_EQ(mr_tcp_keepalive(end[i], -1), MR_EINVAL);
    }
    close_pair(end);
    EXPECT_EQ(mr_unix_pair(end), 0);
    EXPECT_EQ(mr_tcp_nodelay(end[0], 1), MR_EINVAL);
    EXPECT_EQ(mr_tcp_keepalive(end[0], MR_S), MR_EINVAL);
    EXPECT_EQ(mr_pipe_open(pipe), 0);
    mr_address at;
    EXPECT_EQ(mr_local_address(pipe[0], &at), MR_EINVAL);
    EXPECT_EQ(mr_tcp_nodelay(pipe[0], 1), MR_EINVAL);
    EXPECT_EQ(mr_accept(pipe[0]), MR_EINVAL);
    EXPECT_EQ(mr_udp_receive(pipe[0], &at, 1, NULL), MR_EINVAL);
    close_pair(end);
    close_pair(pipe);
    return 0;
}

TEST(net, options_are_of_tcp)
{
    EXPECT_EQ(run_with(2, options_are_set, NULL), 0);
}

/* What the kernel has of it. */
static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

/* The descriptor of a stream, by the port of its peer. */
static int descriptor_of(mr_handle stream)
{
    mr_address at;
    EXPECT_EQ(mr_peer_address(stream, &at), 0);
    for (int fd = 0; fd < 1000; fd++) {
        struct sockaddr_in a;
        socklen_t size = sizeof a;
        if (getpeername(fd, (struct sockaddr *)&a, &size) == 0 &&
            a.sin_family == AF_INET &&
            ntohs(a.sin_port) == mr_address_port(&at))
            return fd;
    }
    return -1;
}

static int64_t nodelay_is_on(void *arg)
{
    mr_handle end[2];
    (void)arg;
    tcp_pair(end);
    for (int i = 0; i < 2; i++) {
        int fd = descriptor_of(end[i]);
        EXPECT(fd >= 0);
        EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
        EXPECT_EQ(mr_tcp_nodelay(end[i], 0), 0);
        EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 0);
        EXPECT_EQ(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
        EXPECT_EQ(mr_tcp_keepalive(end[i], 7 * MR_S), 0);
        EXPECT_EQ(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
        EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 7);
    }
    close_pair(end);
    return 0;
}

TEST(net, what_is_written_is_sent_at_once)
{
    EXPECT_EQ(run_with(1, nodelay_is_on, NULL), 0);
}
