/* mr_tcp_connect by name: which address it is, what is left of the others. */
#define _GNU_SOURCE
#include <millrace.h>

#include "resolver.h"
#include "slow.h"
#include "streams.h"
#include "test.h"

/* What millrace/net.h says. */
enum { DELAY_MS = 250 };

/* A listener on an address and port; or a negative code. */
static mr_handle listen_at(const char *host, unsigned port, int backlog)
{
    mr_address at;
    int rc = mr_address_ip(&at, host, port);
    return rc < 0 ? rc : mr_listen(&at, backlog, 0);
}

static unsigned port_of(mr_handle listener)
{
    mr_address at;
    EXPECT_EQ(mr_local_address(listener, &at), 0);
    return mr_address_port(&at);
}

/* One of the port on 127.0.0.1, and of the same on 127.0.0.2. */
static unsigned listen_twice(mr_handle listener[2], int backlog)
{
    for (;;) {
        listener[0] = listen_at("127.0.0.1", 0, backlog);
        EXPECT(listener[0] >= 0);
        unsigned port = port_of(listener[0]);
        listener[1] = listen_at("127.0.0.2", port, backlog);
        if (listener[1] >= 0)
            return port;
        EXPECT_EQ(listener[1], MR_EADDRINUSE);
        EXPECT_EQ(mr_close(listener[0]), 0);
    }
}

/* Both ends, and whose address the stream has. */
static void is_connected(mr_handle listener, mr_handle stream, const char *host)
{
    char byte, text[MR_ADDRESS_TEXT], expected[MR_ADDRESS_TEXT];
    mr_address at;
    EXPECT_MSG(stream >= 0, "%s", mr_error_name(stream));
    mr_handle peer = mr_accept(listener);
    EXPECT(peer >= 0);
    EXPECT_EQ(mr_peer_address(stream, &at), 0);
    EXPECT(mr_address_text(&at, text, sizeof text) > 0);
    snprintf(expected, sizeof expected, strchr(host, ':') ? "[%s]:%u" : "%s:%u",
             host, mr_address_port(&at));
    EXPECT_STR(text, expected);
    EXPECT_EQ(mr_write(stream, "!", 1), 1);
    EXPECT_EQ(mr_read(peer, &byte, 1), 1);
    EXPECT_EQ(mr_write(peer, "!", 1), 1);
    EXPECT_EQ(mr_read(stream, &byte, 1), 1);
    EXPECT_EQ(mr_close(stream), 0);
    EXPECT_EQ(mr_close(peer), 0);
}

/* The runtime's own descriptors come with the first. */
static void warm_up(void)
{
    mr_address a;
    EXPECT_EQ(mr_resolve("n1.test", "1", 0, &a, 1), 1);
}

/* ---- Which address it is ------------------------------------------------ */

static int64_t connects_to_localhost(void *arg)
{
    (void)arg;
    mr_handle listener = listen_at("127.0.0.1", 0, 0);
    is_connected(listener, mr_tcp_connect("localhost", port_of(listener)),
                 "127.0.0.1");
    EXPECT_EQ(mr_close(listener), 0);
    return 0;
}

TEST(dial, localhost_is_connected_to)
{
    EXPECT_EQ(run_with(1, connects_to_localhost, NULL), 0);
    EXPECT_EQ(run_with(4, connects_to_localhost, NULL), 0);
}

struct choice {
    const char *said[4];
    const char *listens;
};

/* 1: there is no such family here. */
static int64_t connects_to_who_listens(void *arg)
{
    const struct choice *c = arg;
    mr_handle listener = listen_at(c->listens, 0, 0);
    if (listener == MR_EAFNOSUPPORT || listener == MR_EADDRNOTAVAIL)
        return 1;
    resolver_says(c->said);
    warm_up();
    int before = open_descriptors();
    is_connected(listener, mr_tcp_connect("several.test", port_of(listener)),
                 c->listens);
    EXPECT(come_to_descriptors(before));
    EXPECT_EQ(mr_close(listener), 0);
    return 0;
}

TEST(dial, where_one_family_alone_listens_it_is_that)
{
    static struct choice choice[] = {
        {{"::1", "127.0.0.1"}, "127.0.0.1"},
        {{"127.0.0.1", "::1"}, "127.0.0.1"},
        {{"::1", "127.0.0.1"}, "::1"},
        {{"127.0.0.1", "::1"}, "::1"},
        {{"127.0.0.1", "127.0.0.2", "::1"}, "127.0.0.2"},
        {{"255.255.255.255", "127.0.0.1"}, "127.0.0.1"},
    };
    for (size_t i = 0; i < sizeof choice / sizeof *choice; i++) {
        int64_t rc = run_with(2, connects_to_who_listens, &choice[i]);
        if (rc == 1)
            SKIP("no IPv6 here");
        EXPECT_EQ(rc, 0);
    }
}

static int64_t all_fail(void *arg)
{
    static const char *const closed[] = {"127.0.0.1", "::1", NULL},
                             *const broadcast[] = {"255.255.255.255",
                                                   "127.0.0.1", NULL},
                             *const last[] = {"127.0.0.1", "255.255.255.255",
                                              NULL};
    (void)arg;
    mr_handle listener = listen_at("127.0.0.1", 0, 0);
    unsigned port = port_of(listener);
    EXPECT_EQ(mr_close(listener), 0);
    resolver_says(closed);
    EXPECT_EQ(mr_tcp_connect("several.test", port), MR_ECONNREFUSED);
    int64_t other = mr_tcp_connect("255.255.255.255", port);
    EXPECT(other < 0 && other != MR_ECONNREFUSED);
    resolver_says(broadcast);
    EXPECT_EQ(mr_tcp_connect("several.test", port), other);
    resolver_says(last);
    EXPECT_EQ(mr_tcp_connect("several.test", port), MR_ECONNREFUSED);
    resolver_says(last + 2);
    EXPECT_EQ(mr_tcp_connect("several.test", port), MR_EAI_NONAME);
    EXPECT_EQ(mr_tcp_connect("hangs.test", port), MR_EAI_AGAIN);
    EXPECT_EQ(mr_tcp_connect("", port), MR_EAI_NONAME);
    EXPECT_EQ(mr_tcp_connect("localhost", 65536), MR_EINVAL);
    return 0;
}

TEST(dial, where_all_fail_it_is_the_first_ones_error)
{
    EXPECT_EQ(run_with(2, all_fail, NULL), 0);
}

/* ---- Those that do not answer ------------------------------------------- */

/* A backlog of 1 is two peers. Nobody accepts, so who connects after them is
 * not answered before somebody does. */
enum { FULL = 2 };

static void fill_up(const char *host, unsigned port, mr_handle *peer)
{
    for (int i = 0; i < FULL; i++) {
        peer[i] = mr_tcp_connect(host, port);
        EXPECT(peer[i] >= 0);
    }
}

static void drain(mr_handle listener, const mr_handle *peer)
{
    for (int i = 0; i < FULL; i++) {
        mr_handle other = mr_accept(listener);
        EXPECT(other >= 0);
        EXPECT_EQ(mr_close(other), 0);
        EXPECT_EQ(mr_close(peer[i]), 0);
    }
}

static const char *const both[] = {"127.0.0.1", "127.0.0.2", NULL};

static int64_t second_answers(void *arg)
{
    mr_handle listener[2], peer[FULL];
    (void)arg;
    unsigned port = listen_twice(listener, 1);
    fill_up("127.0.0.1", port, peer);
    resolver_says(both);
    warm_up();
    int before = open_descriptors();
    int64_t begun = mr_now();
    mr_handle stream = mr_tcp_connect("several.test", port);
    EXPECT(mr_now() - begun >= DELAY_MS * MR_MS);
    EXPECT(come_to_descriptors(before + 1));
    is_connected(listener[1], stream, "127.0.0.2");
    drain(listener[0], peer);
    close_pair(listener);
    return 0;
}

TEST(dial, the_second_has_its_turn_when_the_first_does_not_answer)
{
    alarm(100);
    EXPECT_EQ(run_with(2, second_answers, NULL), 0);
    alarm(0);
}

/* The first does not answer; when the second has its turn, and is refused, it
 * is the third's. How long it took, at best. */
static int64_t third_answers(void *arg)
{
    static const char *const said[] = {"127.0.0.1", "255.255.255.255",
                                       "127.0.0.2", NULL};
    mr_handle listener[2], peer[FULL];
    int64_t best = MR_NEVER;
    (void)arg;
    unsigned port = listen_twice(listener, 1);
    fill_up("127.0.0.1", port, peer);
    resolver_says(said);
    for (int i = 0; i < 10 && best >= 2 * DELAY_MS * MR_MS; i++) {
        int64_t begun = mr_now();
        mr_handle stream = mr_tcp_connect("several.test", port);
        int64_t took = mr_now() - begun;
        is_connected(listener[1], stream, "127.0.0.2");
        best = took < best ? took : best;
    }
    drain(listener[0], peer);
    close_pair(listener);
    return best;
}

TEST(dial, where_one_fails_the_next_has_its_turn_at_once)
{
    alarm(100);
    int64_t took = run_with(2, third_answers, NULL);
    EXPECT(took >= DELAY_MS * MR_MS);
    EXPECT(took < 2 * DELAY_MS * MR_MS);
    alarm(0);
}

static int64_t dials(void *arg)
{
    return mr_tcp_connect("several.test", *(unsigned *)arg);
}

/* The first is asked again by the system after a second; the second fails as
 * soon as it has its turn. */
static int64_t first_answers_late(void *arg)
{
    static const char *const slow[] = {"127.0.0.1", "255.255.255.255", NULL};
    mr_handle peer[FULL];
    mr_task task;
    (void)arg;
    mr_handle listener = listen_at("127.0.0.1", 0, 1);
    unsigned port = port_of(listener);
    fill_up("127.0.0.1", port, peer);
    resolver_says(slow);
    mr_spawn(&task, dials, &port);
    EXPECT_EQ(mr_sleep(2 * DELAY_MS * MR_MS), 0);
    drain(listener, peer);
    is_connected(listener, mr_await(&task), "127.0.0.1");
    return mr_close(listener);
}

TEST(dial, one_that_answers_late_is_still_waited_for)
{
    alarm(100);
    EXPECT_EQ(run_with(2, first_answers_late, NULL), 0);
    alarm(0);
}

/* The first fails when the system asks it again, after a second, since nobody
 * listens there any more: the last one has its turn then, and not 250 ms after
 * the fifth, which comes to 1250. How long it took. */
static int64_t fails_late(void)
{
    static const char *const said[] = {"127.0.0.1", "127.0.0.2", "127.0.0.2",
                                       "127.0.0.2", "127.0.0.2", "127.0.0.3",
                                       NULL};
    mr_handle listener[3], peer[2][FULL];
    mr_task task;
    unsigned port = listen_twice(listener, 1);
    listener[2] = listen_at("127.0.0.3", port, 0);
    if (listener[2] < 0)
        return MR_NEVER;
    fill_up("127.0.0.1", port, peer[0]);
    fill_up("127.0.0.2", port, peer[1]);
    resolver_says(said);
    int64_t begun = mr_now();
    mr_spawn(&task, dials, &port);
    EXPECT_EQ(mr_sleep(DELAY_MS * MR_MS), 0);
    EXPECT_EQ(mr_close(listener[0]), 0);
    mr_handle stream = mr_await(&task);
    int64_t took = mr_now() - begun;
    is_connected(listener[2], stream, "127.0.0.3");
    drain(listener[1], peer[1]);
    close_pair(peer[0]);
    close_pair(listener + 1);
    return took;
}

static int64_t sixth_answers(void *arg)
{
    int64_t best = MR_NEVER;
    (void)arg;
    for (int i = 0; i < 10 && best >= 5 * DELAY_MS * MR_MS; i++) {
        int64_t took = fails_late();
        best = took < best ? took : best;
    }
    return best;
}

TEST(dial, where_one_fails_on_its_way_the_next_has_its_turn_too)
{
    alarm(100);
    EXPECT(run_with(2, sixth_answers, NULL) < 5 * DELAY_MS * MR_MS);
    alarm(0);
}

static int64_t none_answers(void *arg)
{
    mr_handle listener[2], peer[2][FULL];
    mr_scope scope;
    (void)arg;
    unsigned port = listen_twice(listener, 1);
    fill_up("127.0.0.1", port, peer[0]);
    fill_up("127.0.0.2", port, peer[1]);
    resolver_says(both);
    warm_up();
    int before = open_descriptors();
    for (int i = 0; i < 4; i++) {
        mr_scope_open(&scope, mr_after(i * 150 * MR_MS));
        EXPECT_EQ(mr_tcp_connect("several.test", port), MR_ECANCELED);
        EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
        EXPECT(come_to_descriptors(before));
    }
    for (int i = 0; i < 2; i++) {
        drain(listener[i], peer[i]);
        EXPECT_EQ(mr_close(listener[i]), 0);
    }
    return 0;
}

TEST(dial, where_it_is_cut_nothing_is_left)
{
    alarm(100);
    EXPECT_EQ(run_with(2, none_answers, NULL), 0);
    alarm(0);
}

/* ---- Many --------------------------------------------------------------- */

enum { MANY = 32, ROUNDS = 10 };

static int64_t dials_often(void *arg)
{
    for (int i = 0; i < slow_scale(ROUNDS); i++) {
        mr_handle stream = dials(arg);
        EXPECT(stream >= 0);
        EXPECT_EQ(mr_close(stream), 0);
    }
    return 0;
}

static int64_t accepts(void *arg)
{
    mr_handle listener = *(mr_handle *)arg;
    for (mr_handle peer; (peer = mr_accept(listener)) >= 0;)
        mr_close(peer);
    return 0;
}

static int64_t many_dial(void *arg)
{
    static const char *const said[] = {"::1", "127.0.0.2", "127.0.0.1", NULL};
    mr_task task[MANY], server;
    (void)arg;
    mr_handle listener = listen_at("127.0.0.1", 0, 0);
    unsigned port = port_of(listener);
    resolver_says(said);
    mr_spawn(&server, accepts, &listener);
    for (int i = 0; i < MANY; i++)
        mr_spawn(&task[i], dials_often, &port);
    for (int i = 0; i < MANY; i++)
        EXPECT_EQ(mr_await(&task[i]), 0);
    EXPECT_EQ(mr_close(listener), 0);
    return mr_await(&server);
}

TEST(dial, many_at_once)
{
    EXPECT_EQ(run_with(4, many_dial, NULL), 0);
}
