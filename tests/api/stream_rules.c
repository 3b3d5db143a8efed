/* millrace/io.h: whose turn it is, and what is no handle. */
#include <millrace.h>

#include "run.h"
#include "streams.h"
#include "test.h"

/* ---- Turns -------------------------------------------------------------- */

struct turns {
    mr_handle busy[2], bell[2];
    bool rung; /* atomic: a spare may call in the waiter */
};

static int64_t waits_for_bell(void *arg)
{
    struct turns *t = arg;
    char byte;
    EXPECT_EQ(mr_read(t->bell[0], &byte, 1), 1);
    __atomic_store_n(&t->rung, true, __ATOMIC_RELAXED);
    return 0;
}

/* One worker: how many calls that need not wait until the other has run. */
static int64_t is_busy(void *arg)
{
    struct turns t = {.rung = false};
    mr_task waiter;
    char byte;
    int64_t calls = 0;
    (void)arg;
    EXPECT_EQ(mr_unix_pair(t.busy), 0);
    EXPECT_EQ(mr_unix_pair(t.bell), 0);
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_spawn(&scope, &waiter, waits_for_bell, &t);
    mr_sleep(MR_MS);
    EXPECT_EQ(mr_write(t.bell[1], "!", 1), 1);
    for (; !__atomic_load_n(&t.rung, __ATOMIC_RELAXED) && calls < 100000;
         calls += 2) {
        EXPECT_EQ(mr_write(t.busy[1], "?", 1), 1);
        EXPECT_EQ(mr_read(t.busy[0], &byte, 1), 1);
    }
    EXPECT_EQ(mr_scope_close(&scope), 0);
    close_pair(t.busy);
    close_pair(t.bell);
    return calls;
}

TEST(stream_rules, a_busy_stream_lets_others_have_their_turn)
{
    int64_t calls = INT64_MAX;
    /* A spare that has taken the waiter and is put aside by the system keeps it
     * for longer: that is not the rule, and not so every time. */
    for (int i = 0; i < 20 && calls > 2 * 128; i++)
        calls = run_with(1, is_busy, NULL);
    EXPECT(calls > 0);
    EXPECT(calls <= 2 * 128);
}

/* ---- What is no stream -------------------------------------------------- */

static void all_say(mr_handle h, int64_t code)
{
    char byte;
    mr_buffer part = {&byte, 1};
    mr_address at;
    EXPECT_EQ(mr_read(h, &byte, 1), code);
    EXPECT_EQ(mr_read(h, &byte, 0), code);
    EXPECT_EQ(mr_readv(h, &part, 1), code);
    EXPECT_EQ(mr_read_all(h, &byte, 1, NULL), code);
    EXPECT_EQ(mr_write(h, "?", 1), code);
    EXPECT_EQ(mr_write(h, "?", 0), code);
    EXPECT_EQ(mr_write_all(h, "?", 1, NULL), code);
    EXPECT_EQ(mr_write_some(h, "?", 1), code);
    EXPECT_EQ(mr_writev(h, &part, 1, NULL), code);
    EXPECT_EQ(mr_wait_readable(h), code);
    EXPECT_EQ(mr_wait_writable(h), code);
    EXPECT_EQ(mr_shutdown(h, MR_SHUT_WRITE), code);
    EXPECT_EQ(mr_accept(h), code);
    EXPECT_EQ(mr_udp_receive(h, &byte, 1, NULL), code);
    EXPECT_EQ(mr_udp_send(h, &byte, 1, NULL), code);
    EXPECT_EQ(mr_local_address(h, &at), code);
    EXPECT_EQ(mr_peer_address(h, &at), code);
    EXPECT_EQ(mr_tcp_nodelay(h, 1), code);
    EXPECT_EQ(mr_tcp_keepalive(h, 1), code);
    EXPECT_EQ(mr_close(h), code);
}

static int64_t opens_and_keeps(void *arg)
{
    return mr_pipe_open(arg);
}

static int64_t tries(void *arg)
{
    all_say(*(mr_handle *)arg, MR_EBADF);
    return 0;
}

static int64_t tries_numbers(void *arg)
{
    mr_handle end[2];
    (void)arg;
    for (int opened = 0; opened < 2; opened++) {
        const mr_handle odd[] = {-1,        INT64_MIN, 0,         1, 1000000,
                                 INT64_MAX, MR_EBADF,  INT32_MAX, 5};
        for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
            all_say(odd[i], MR_EBADF);
        EXPECT_EQ(mr_pipe_open(end), 0);
        all_say(end[0] ^ (INT64_C(1) << 40), MR_EBADF);
        close_pair(end);
        all_say(end[0], MR_EBADF);
    }
    return 0;
}

TEST(stream_rules, what_is_no_handle_is_refused)
{
    EXPECT_EQ(run_with(2, tries_numbers, NULL), 0);
}

/* Nor is one of another runtime, or a stopped one; nor outside of tasks. */
TEST(stream_rules, a_handle_is_of_its_runtime_and_its_tasks)
{
    mr_runtime *rt;
    mr_handle end[2], h;
    int before = open_descriptors();
    mr_config config = {.size = sizeof config, .workers = 2};
    EXPECT_EQ(mr_start(&rt, &config), 0);
    EXPECT_EQ(mr_run(rt, opens_and_keeps, end), 0);
    EXPECT_EQ(run_with(1, tries, &end[0]), 0);
    all_say(end[0], MR_EPERM);
    EXPECT_EQ(mr_pipe_open(end), MR_EPERM);
    EXPECT_EQ(mr_tcp_listen("127.0.0.1", 0, 0, 0), MR_EPERM);
    EXPECT_EQ(mr_tcp_connect("127.0.0.1", 1), MR_EPERM);
    EXPECT_EQ(mr_stdio(0), MR_EPERM);
    EXPECT_EQ(mr_fd_wait(0, MR_READABLE), MR_EPERM);
    h = end[1];
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    EXPECT_EQ(run_with(1, tries, &h), 0);
    EXPECT_EQ(open_descriptors(), before);
}
