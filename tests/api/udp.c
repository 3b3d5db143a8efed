/* millrace/net.h: datagrams. */
#include <millrace.h>

#include "slow.h"
#include "streams.h"
#include "test.h"

static mr_handle bind_on_loopback(mr_address *at)
{
    EXPECT_EQ(mr_address_ip(at, "127.0.0.1", 0), 0);
    mr_handle socket = mr_udp_bind(at, 0);
    EXPECT(socket >= 0);
    EXPECT_EQ(mr_local_address(socket, at), 0);
    return socket;
}

/* ---- Sent and received -------------------------------------------------- */

static int64_t echoes(void *arg)
{
    mr_handle socket = *(mr_handle *)arg;
    char buf[2048];
    mr_address from;
    int64_t n;
    while ((n = mr_udp_receive(socket, buf, sizeof buf, &from)) > 0)
        EXPECT_EQ(mr_udp_send(socket, buf, (size_t)n, &from), n);
    return n;
}

static int64_t are_echoed(void *arg)
{
    mr_address at, from;
    mr_task task;
    char out[1000], in[1000], text[2][MR_ADDRESS_TEXT];
    (void)arg;
    mr_handle server = bind_on_loopback(&at), client = mr_udp_connect(&at);
    EXPECT(client >= 0);
    mr_spawn(&task, echoes, &server);
    for (int i = 1; i <= slow_scale(1000); i++) {
        memset(out, i, sizeof out);
        EXPECT_EQ(mr_udp_send(client, out, (size_t)i, NULL), i);
        EXPECT_EQ(mr_udp_receive(client, in, sizeof in, &from), i);
        EXPECT(memcmp(in, out, (size_t)i) == 0);
    }
    mr_address_text(&at, text[0], sizeof text[0]);
    mr_address_text(&from, text[1], sizeof text[1]);
    EXPECT_STR(text[0], text[1]);
    EXPECT_EQ(mr_udp_send(client, out, 0, NULL), 0);
    EXPECT_EQ(mr_await(&task), 0);
    EXPECT_EQ(mr_close(client), 0);
    return mr_close(server);
}

TEST(udp, datagrams_are_echoed_to_who_sent_them)
{
    EXPECT_EQ(run_with(1, are_echoed, NULL), 0);
    EXPECT_EQ(run_with(4, are_echoed, NULL), 0);
}

static int64_t is_too_long(void *arg)
{
    static char big[70000];
    mr_address at;
    char in[4];
    (void)arg;
    mr_handle socket = bind_on_loopback(&at);
    EXPECT_EQ(mr_udp_send(socket, "much too long", 13, &at), 13);
    EXPECT_EQ(mr_udp_send(socket, "next", 4, &at), 4);
    EXPECT_EQ(mr_udp_receive(socket, in, sizeof in, NULL), 13);
    EXPECT(memcmp(in, "much", 4) == 0);
    EXPECT_EQ(mr_udp_receive(socket, in, sizeof in, NULL), 4);
    EXPECT(memcmp(in, "next", 4) == 0);
    EXPECT_EQ(mr_udp_send(socket, big, sizeof big, &at), MR_EMSGSIZE);
    EXPECT_EQ(mr_udp_send(socket, "?", 1, NULL), MR_EDESTADDRREQ);
    return mr_close(socket);
}

TEST(udp, what_is_too_long_is_told)
{
    EXPECT_EQ(run_with(2, is_too_long, NULL), 0);
}

/* ---- Nobody there ------------------------------------------------------- */

/* And a wait that comes after the error is one. */
static int64_t nobody_is_there(void *arg)
{
    mr_address at;
    char byte;
    mr_scope scope;
    (void)arg;
    mr_handle socket = bind_on_loopback(&at), client;
    EXPECT_EQ(mr_close(socket), 0);
    client = mr_udp_connect(&at);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(mr_udp_send(client, "?", 1, NULL), 1);
        EXPECT_EQ(mr_udp_receive(client, &byte, 1, NULL), MR_ECONNREFUSED);
        mr_scope_open(&scope, mr_after(10 * MR_MS));
        EXPECT_EQ(mr_udp_receive(client, &byte, 1, NULL), MR_ECANCELED);
        EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    }
    return mr_close(client);
}

TEST(udp, that_nobody_is_there_is_told_once)
{
    EXPECT_EQ(run_with(2, nobody_is_there, NULL), 0);
}

/* ---- Sockets ------------------------------------------------------------ */

static int64_t are_shared(void *arg)
{
    mr_address at, other;
    (void)arg;
    mr_handle first = bind_on_loopback(&at);
    EXPECT_EQ(mr_udp_bind(&at, 0), MR_EADDRINUSE);
    EXPECT_EQ(mr_udp_bind(&at, 8), MR_EINVAL);
    EXPECT_EQ(mr_close(first), 0);
    first = mr_udp_bind(&at, MR_REUSE_PORT);
    mr_handle second = mr_udp_bind(&at, MR_REUSE_PORT);
    EXPECT(first >= 0 && second >= 0);
    EXPECT_EQ(mr_close(first), 0);
    EXPECT_EQ(mr_close(second), 0);
    EXPECT_EQ(mr_address_unix(&other, "@udp"), 0);
    EXPECT_EQ(mr_udp_bind(&other, 0), MR_EINVAL);
    EXPECT_EQ(mr_udp_connect(&other), MR_EINVAL);
    second = mr_udp_connect(&at);
    EXPECT_EQ(mr_read(second, &other, 1), MR_EINVAL);
    EXPECT_EQ(mr_write(second, &other, 1), MR_EINVAL);
    EXPECT_EQ(mr_accept(second), MR_EINVAL);
    EXPECT_EQ(mr_wait_writable(second), 0);
    return mr_close(second);
}

TEST(udp, a_port_is_shared_by_those_who_agree)
{
    EXPECT_EQ(run_with(2, are_shared, NULL), 0);
}
