/* millrace/net.h: many peers, and no descriptors for them. */
#include <millrace.h>

#include "slow.h"
#include "streams.h"
#include "test.h"

#include <sys/resource.h>

/* ---- Many --------------------------------------------------------------- */

struct server {
    mr_handle listener;
    mr_address at;
    int64_t accepted;
};

/* Until the listener is closed. */
static int64_t serves(void *arg)
{
    struct server *server = arg;
    mr_scope scope;
    mr_handle peer;
    mr_scope_open(&scope, MR_NEVER);
    while ((peer = mr_accept(server->listener)) >= 0) {
        server->accepted++;
        EXPECT_EQ(mr_scope_go(&scope, echo_stream, &peer, sizeof peer), 0);
    }
    EXPECT_EQ(peer, MR_EBADF);
    return mr_scope_close(&scope);
}

enum { ROUNDS = 3 };

static int64_t asks(void *arg)
{
    const struct server *server = *(struct server **)arg;
    mr_handle stream = mr_connect(&server->at);
    EXPECT(stream >= 0);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t out[4] = {(uint64_t)stream, (uint64_t)i, 3, 4}, in[4] = {0};
        EXPECT_EQ(mr_write(stream, out, sizeof out), sizeof out);
        mr_sleep(MR_MS);
        EXPECT_EQ(mr_read_all(stream, in, sizeof in, NULL), sizeof in);
        EXPECT(memcmp(in, out, sizeof in) == 0);
    }
    return mr_close(stream);
}

static int64_t many_meet(void *arg)
{
    int n = *(int *)arg;
    mr_scope scope;
    mr_task task;
    struct server server = {.accepted = 0}, *it = &server;
    server.listener = listen_on_loopback(&server.at, 0);
    mr_spawn(&task, serves, &server);
    mr_scope_open(&scope, mr_after(60 * MR_S));
    for (int i = 0; i < n; i++)
        EXPECT_EQ(mr_scope_go(&scope, asks, &it, sizeof it), 0);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(mr_close(server.listener), 0);
    EXPECT_EQ(mr_await(&task), 0);
    EXPECT_EQ(server.accepted, n);
    return 0;
}

/* Soft limits are often lower than what is needed. */
static void want_descriptors(rlim_t n)
{
    struct rlimit limit;
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur >= n)
        return;
    limit.rlim_cur = n < limit.rlim_max ? n : limit.rlim_max;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TEST(net_many, a_thousand_are_served_at_once)
{
    int n = slow_scale(1000);
    int before = open_descriptors();
    want_descriptors(2200);
    EXPECT_EQ(run_with(1, many_meet, &n), 0);
    EXPECT_EQ(run_with(4, many_meet, &n), 0);
    EXPECT_EQ(open_descriptors(), before);
}

/* ---- None left ---------------------------------------------------------- */

/* None more can be opened; how many could. */
static rlim_t leave_no_descriptors(void)
{
    struct rlimit limit;
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = 3;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return before;
}

static void give_descriptors(rlim_t n)
{
    struct rlimit limit;
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = n;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* The deadline passes before the pause has. Where the machine stands still they
 * may end at the same time: not each time. */
static bool pause_is_cut(mr_handle listener)
{
    bool cut = false;
    for (int i = 0; i < 20 && !cut; i++) {
        mr_scope scope;
        mr_scope_open(&scope, mr_after(MR_MS));
        mr_handle h = mr_accept(listener);
        EXPECT(h == MR_ECANCELED || h == MR_EMFILE);
        EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
        cut = h == MR_ECANCELED;
    }
    return cut;
}

/* It is told, not for nothing, and at no cost; then the peer is there. */
static int64_t none_is_left(void *arg)
{
    mr_address at;
    char byte;
    mr_handle h[2];
    (void)arg;
    mr_handle listener = listen_on_loopback(&at, 0);
    int peer = connect_raw(&at);
    rlim_t before = leave_no_descriptors();
    int64_t begun = mr_now();
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(mr_accept(listener), MR_EMFILE);
    EXPECT(mr_now() - begun >= 30 * MR_MS);
    EXPECT_EQ(mr_connect(&at), MR_EMFILE);
    EXPECT_EQ(mr_pipe_open(h), MR_EMFILE);
    EXPECT_EQ(mr_unix_pair(h), MR_EMFILE);
    EXPECT_EQ(mr_stdio(0), MR_EMFILE);
    EXPECT(pause_is_cut(listener));
    give_descriptors(before);
    mr_handle stream = mr_accept(listener);
    EXPECT(stream >= 0);
    EXPECT_EQ(send(peer, "!", 1, 0), 1);
    EXPECT_EQ(mr_read(stream, &byte, 1), 1);
    close(peer);
    EXPECT_EQ(mr_close(stream), 0);
    return mr_close(listener);
}

TEST(net_many, without_descriptors_a_peer_waits)
{
    EXPECT_EQ(run_with(1, none_is_left, NULL), 0);
    EXPECT_EQ(run_with(4, none_is_left, NULL), 0);
}

/* ---- Gone before they are accepted -------------------------------------- */

static int64_t are_gone(void *arg)
{
    mr_address at;
    char byte;
    struct linger now = {1, 0};
    (void)arg;
    mr_handle listener = listen_on_loopback(&at, 0);
    for (int i = 0; i < 5; i++) {
        int peer = connect_raw(&at);
        EXPECT_EQ(setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
        close(peer);
    }
    int peer = connect_raw(&at);
    EXPECT_EQ(send(peer, "!", 1, 0), 1);
    for (int64_t n = 0; n != 1;) {
        mr_handle stream = mr_accept(listener);
        EXPECT(stream >= 0);
        n = mr_read(stream, &byte, 1);
        EXPECT(n == 1 || n == MR_ECONNRESET);
        EXPECT_EQ(mr_close(stream), 0);
    }
    close(peer);
    return mr_close(listener);
}

TEST(net_many, peers_that_are_gone_harm_nobody)
{
    EXPECT_EQ(run_with(2, are_gone, NULL), 0);
}
