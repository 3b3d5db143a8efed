/* millrace/io.h: waits, and all that ends them. */
#include <millrace.h>

#include "streams.h"
#include "test.h"
#include "waits.h"

static const unsigned workers_of[] = {1, 4};

static void with_each(mr_fn fn)
{
    for (int w = 0; w < 2; w++)
        for (int kind = 0; kind < STREAM_KINDS; kind++)
            EXPECT_EQ(run_with(workers_of[w], fn, &kind), 0);
}

/* ---- Whoever waits ------------------------------------------------------ */

static char byte;

static int64_t reads(void *arg)
{
    return mr_read(*(mr_handle *)arg, &byte, 1);
}

static int64_t reads_all(void *arg)
{
    return mr_read_all(*(mr_handle *)arg, &byte, 1, NULL);
}

static int64_t awaits_readable(void *arg)
{
    return mr_wait_readable(*(mr_handle *)arg);
}

static int64_t writes(void *arg)
{
    return mr_write(*(mr_handle *)arg, "?", 1);
}

static int64_t writes_some(void *arg)
{
    return mr_write_some(*(mr_handle *)arg, "?", 1);
}

static int64_t awaits_writable(void *arg)
{
    return mr_wait_writable(*(mr_handle *)arg);
}

static int64_t accepts(void *arg)
{
    return mr_accept(*(mr_handle *)arg);
}

static int64_t receives(void *arg)
{
    return mr_udp_receive(*(mr_handle *)arg, &byte, 1, NULL);
}

static const mr_fn readers[] = {reads, reads_all, awaits_readable};
static const mr_fn writers[] = {writes, writes_some, awaits_writable};

enum { FNS = 3 };

/* With a handle that fn waits for, and so with each kind of wait. */
static void with_each_wait(enum stream_kind kind,
                           void (*check)(mr_fn fn, mr_handle h))
{
    mr_handle end[2];
    for (int i = 0; i < FNS; i++) {
        stream_pair(kind, end);
        check(readers[i], end[0]);
        mr_close(end[0]);
        EXPECT_EQ(mr_close(end[1]), 0);
        stream_pair(kind, end);
        fill(end[1]);
        check(writers[i], end[1]);
        mr_close(end[1]);
        EXPECT_EQ(mr_close(end[0]), 0);
    }
}

static void with_sockets(void (*check)(mr_fn fn, mr_handle h))
{
    mr_address at;
    mr_handle listener = listen_on_loopback(&at, 0);
    check(accepts, listener);
    mr_close(listener);
    listener = listen_on_loopback(&at, 0);
    check(awaits_readable, listener);
    mr_close(listener);
    mr_handle socket = mr_udp_bind(&at, 0);
    EXPECT(socket >= 0);
    check(receives, socket);
    mr_close(socket);
}

/* Two that would wait for the same: one is refused, and so the other waits. */
struct waiter {
    mr_fn fn;
    mr_handle h;
    int64_t rc;
};

enum { NOT_YET = 1234 };

static int64_t keeps_result(void *arg)
{
    struct waiter *w = arg;
    int64_t rc = w->fn(&w->h);
    __atomic_store_n(&w->rc, rc, __ATOMIC_RELEASE);
    return 0;
}

static int64_t result_of(struct waiter *w)
{
    return __atomic_load_n(&w->rc, __ATOMIC_ACQUIRE);
}

/* In a scope of theirs; who waits. */
static struct waiter *spawn_two(mr_scope *scope, struct waiter w[2],
                                mr_task task[2], mr_fn fn, mr_handle h)
{
    for (int i = 0; i < 2; i++) {
        w[i] = (struct waiter){fn, h, NOT_YET};
        mr_scope_spawn(scope, &task[i], keeps_result, &w[i]);
    }
    while (result_of(&w[0]) == NOT_YET && result_of(&w[1]) == NOT_YET)
        mr_yield();
    int refused = result_of(&w[0]) == NOT_YET;
    EXPECT_EQ(result_of(&w[refused]), MR_EBUSY);
    EXPECT_EQ(result_of(&w[!refused]), NOT_YET);
    return &w[!refused];
}

/* ---- Closed ------------------------------------------------------------- */

static void close_ends(mr_fn fn, mr_handle h)
{
    mr_task task[2];
    mr_scope scope;
    struct waiter w[2];
    mr_scope_open(&scope, mr_after(20 * MR_S));
    struct waiter *waits = spawn_two(&scope, w, task, fn, h);
    EXPECT_EQ(mr_close(h), 0);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(result_of(waits), MR_EBADF);
    EXPECT_EQ(fn(&h), MR_EBADF);
    EXPECT_EQ(mr_close(h), MR_EBADF);
}

static int64_t are_closed(void *arg)
{
    with_each_wait(*(enum stream_kind *)arg, close_ends);
    with_sockets(close_ends);
    return 0;
}

TEST(stream_wait, a_close_ends_each_wait_and_a_second_waiter_is_refused)
{
    with_each(are_closed);
}

/* ---- Cancelled ---------------------------------------------------------- */

static void cancel_ends(mr_fn fn, mr_handle h)
{
    mr_task task[2];
    mr_scope scope;
    struct waiter w[2];
    mr_scope_open(&scope, MR_NEVER);
    struct waiter *waits = spawn_two(&scope, w, task, fn, h);
    mr_scope_cancel(&scope);
    EXPECT_EQ(mr_scope_close(&scope), MR_ECANCELED);
    EXPECT_EQ(result_of(waits), MR_ECANCELED);
    mr_scope_open(&scope, mr_after(MR_MS));
    EXPECT_EQ(fn(&h), MR_ECANCELED);
    EXPECT_EQ(fn(&h), MR_ECANCELED);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    EXPECT_EQ(mr_close(h), 0);
}

static int64_t are_cancelled(void *arg)
{
    with_each_wait(*(enum stream_kind *)arg, cancel_ends);
    with_sockets(cancel_ends);
    return 0;
}

TEST(stream_wait, a_cancel_and_a_deadline_end_each_wait)
{
    with_each(are_cancelled);
}

/* Though they would not have to wait. */
static int64_t come_too_late(void *arg)
{
    mr_handle end[2];
    mr_scope scope;
    size_t done = 1;
    stream_pair(*(enum stream_kind *)arg, end);
    EXPECT_EQ(mr_write(end[1], "ab", 2), 2);
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_cancel(&scope);
    EXPECT_EQ(mr_read(end[0], &byte, 1), MR_ECANCELED);
    EXPECT_EQ(mr_write_all(end[1], "c", 1, &done), MR_ECANCELED);
    EXPECT_EQ(done, 0);
    EXPECT_EQ(mr_wait_readable(end[0]), MR_ECANCELED);
    EXPECT_EQ(mr_close(end[1]), 0);
    EXPECT_EQ(mr_scope_close(&scope), MR_ECANCELED);
    EXPECT_EQ(reads(&end[0]), 1);
    EXPECT_EQ(reads(&end[0]), 1);
    EXPECT_EQ(reads(&end[0]), 0);
    return mr_close(end[0]);
}

TEST(stream_wait, in_a_scope_that_was_cut_nothing_is_begun)
{
    with_each(come_too_late);
}

/* ---- What was done is told ---------------------------------------------- */

static int64_t count_all(mr_handle stream)
{
    static char buf[65536];
    int64_t n, all = 0;
    while ((n = mr_read(stream, buf, sizeof buf)) > 0)
        all += n;
    EXPECT_EQ(n, 0);
    return all;
}

enum { MUCH = 16000000 };

/* Two in turn, and how much of each. */
struct write {
    mr_handle h;
    char *data;
    size_t first, second;
};

static int64_t writes_much(void *arg)
{
    struct write *w = arg;
    EXPECT_EQ(mr_write_all(w->h, w->data, MUCH, &w->first), MR_ECANCELED);
    return 0;
}

static int64_t writes_parts(void *arg)
{
    struct write *w = arg;
    mr_buffer part[2] = {{w->data, MUCH}, {w->data, 1}};
    EXPECT_EQ(mr_writev(w->h, part, 2, &w->second), MR_ECANCELED);
    return 0;
}

static int64_t nobody_reads(void *arg)
{
    mr_handle end[2];
    stream_pair(*(enum stream_kind *)arg, end);
    struct write w = {.h = end[1], .data = calloc(1, MUCH)};
    cut_when_it_waits(writes_much, &w, TO_WRITE);
    EXPECT(w.first > 0 && w.first < MUCH);
    cut_when_it_waits(writes_parts, &w, TO_WRITE);
    EXPECT_EQ(mr_close(end[1]), 0);
    EXPECT_EQ(count_all(end[0]), w.first + w.second);
    free(w.data);
    return mr_close(end[0]);
}

TEST(stream_wait, a_write_that_is_cut_says_how_much_went_out)
{
    with_each(nobody_reads);
}

struct read {
    mr_handle h;
    char buf[8];
    size_t done;
};

static int64_t reads_eight(void *arg)
{
    struct read *r = arg;
    EXPECT_EQ(mr_read_all(r->h, r->buf, 8, &r->done), MR_ECANCELED);
    return 0;
}

static int64_t half_is_there(void *arg)
{
    mr_handle end[2];
    stream_pair(*(enum stream_kind *)arg, end);
    struct read r = {.h = end[0]};
    EXPECT_EQ(mr_write(end[1], "half", 4), 4);
    cut_when_it_waits(reads_eight, &r, TO_READ);
    EXPECT_EQ(r.done, 4);
    EXPECT_EQ(mr_write(end[1], "more", 4), 4);
    EXPECT_EQ(mr_read_all(end[0], r.buf + r.done, 4, NULL), 4);
    EXPECT(memcmp(r.buf, "halfmore", 8) == 0);
    close_pair(end);
    return 0;
}

TEST(stream_wait, a_read_that_is_cut_says_how_much_came)
{
    with_each(half_is_there);
}

/* ---- Without a buffer --------------------------------------------------- */

static int64_t waits_then_reads(void *arg)
{
    mr_handle stream = *(mr_handle *)arg;
    int64_t all = 0;
    for (int64_t n = 1; n > 0; all += n) {
        EXPECT_EQ(mr_wait_readable(stream), 0);
        EXPECT_EQ(mr_wait_readable(stream), 0);
        n = mr_read(stream, &byte, 1);
        EXPECT(n >= 0);
    }
    return all;
}

static int64_t are_readable(void *arg)
{
    enum { TIMES = 50 };
    mr_handle end[2];
    mr_task reader;
    stream_pair(*(enum stream_kind *)arg, end);
    mr_spawn(&reader, waits_then_reads, &end[0]);
    for (int i = 0; i < TIMES; i++) {
        EXPECT_EQ(mr_wait_writable(end[1]), 0);
        EXPECT_EQ(mr_write(end[1], "abc", (size_t)(i % 4)), i % 4);
        if (i % 3)
            mr_yield();
        if (i % 5 == 0)
            mr_sleep(MR_MS);
    }
    EXPECT_EQ(mr_close(end[1]), 0);
    EXPECT_EQ(mr_await(&reader), 73);
    return mr_close(end[0]);
}

TEST(stream_wait, what_is_readable_is_told_and_left_there)
{
    with_each(are_readable);
}

/* A readable stream that was emptied is not. */
static int64_t is_emptied(void *arg)
{
    mr_handle end[2];
    mr_scope scope;
    char buf[4];
    stream_pair(*(enum stream_kind *)arg, end);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(mr_write(end[1], "four", 4), 4);
        EXPECT_EQ(mr_wait_readable(end[0]), 0);
        EXPECT_EQ(mr_read(end[0], buf, 4), 4);
        mr_scope_open(&scope, mr_after(10 * MR_MS));
        EXPECT_EQ(mr_wait_readable(end[0]), MR_ECANCELED);
        EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    }
    close_pair(end);
    return 0;
}

TEST(stream_wait, what_was_emptied_is_waited_for)
{
    with_each(is_emptied);
}
