/* millrace/io.h: what is written arrives, of every kind of stream, and how
 * streams end. */
#include <millrace.h>

#include "slow.h"
#include "streams.h"
#include "test.h"

#include <stdlib.h>

static const unsigned workers_of[] = {1, 4};

/* fn with a stream of each kind, on one worker and on several. */
static void with_each(mr_fn fn)
{
    for (int w = 0; w < 2; w++)
        for (int kind = 0; kind < STREAM_KINDS; kind++)
            EXPECT_EQ(run_with(workers_of[w], fn, &kind), 0);
}

static char byte_at(size_t i)
{
    return (char)(i * 2654435761U >> 13);
}

/* ---- What is written is read -------------------------------------------- */

struct flow {
    mr_handle stream;
    size_t size, step;
};

static int64_t writes(void *arg)
{
    const struct flow *f = arg;
    char *data = malloc(f->step);
    for (size_t at = 0; at < f->size; at += f->step) {
        size_t n = f->size - at < f->step ? f->size - at : f->step;
        for (size_t i = 0; i < n; i++)
            data[i] = byte_at(at + i);
        EXPECT_EQ(mr_write(f->stream, data, n), n);
    }
    free(data);
    return mr_close(f->stream);
}

/* As many as there are until the end. */
static int64_t reads(void *arg)
{
    const struct flow *f = arg;
    char *data = malloc(f->step);
    size_t at = 0;
    int64_t n;
    while ((n = mr_read(f->stream, data, f->step)) > 0)
        for (int64_t i = 0; i < n; i++)
            EXPECT_EQ(data[i], byte_at(at++));
    EXPECT_EQ(n, 0);
    EXPECT_EQ(mr_read(f->stream, data, f->step), 0);
    free(data);
    EXPECT_EQ(mr_close(f->stream), 0);
    return (int64_t)at;
}

static void flows(enum stream_kind kind, size_t size, size_t in, size_t out)
{
    mr_handle end[2];
    mr_task writer;
    stream_pair(kind, end);
    struct flow to = {end[1], size, in}, from = {end[0], size, out};
    mr_spawn(&writer, writes, &to);
    EXPECT_EQ(reads(&from), size);
    EXPECT_EQ(mr_await(&writer), 0);
}

static int64_t flows_in_steps(void *arg)
{
    enum stream_kind kind = *(enum stream_kind *)arg;
    size_t much = (size_t)slow_scale(4000000);
    flows(kind, much, much, 65536);
    flows(kind, much, 1000, 999);
    flows(kind, much, 70001, 4096);
    flows(kind, (size_t)slow_scale(20000), 1, 1);
    flows(kind, (size_t)slow_scale(20000), 1, 4096);
    flows(kind, (size_t)slow_scale(20000), 5000, 1);
    flows(kind, 0, 1, 1);
    return 0;
}

TEST(stream, what_is_written_is_read_whatever_the_steps)
{
    with_each(flows_in_steps);
}

static int64_t goes_back_and_forth(void *arg)
{
    mr_handle end[2];
    mr_task echo;
    if (*(enum stream_kind *)arg == STREAM_PIPE) /* goes one way */
        return 0;
    stream_pair(*(enum stream_kind *)arg, end);
    mr_spawn(&echo, echo_stream, &end[0]);
    for (int i = 0; i < slow_scale(2000); i++) {
        char out = byte_at((size_t)i), in = 0;
        EXPECT_EQ(mr_write(end[1], &out, 1), 1);
        EXPECT_EQ(mr_read(end[1], &in, 1), 1);
        EXPECT_EQ(in, out);
    }
    EXPECT_EQ(mr_close(end[1]), 0);
    return mr_await(&echo);
}

TEST(stream, a_byte_is_echoed_when_it_comes)
{
    with_each(goes_back_and_forth);
}

/* ---- In parts ----------------------------------------------------------- */

enum { PARTS = 200 };

/* Some are empty, the first and the last too. */
static size_t cut_up(char *data, mr_buffer *part, size_t n)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        part[i] = (mr_buffer){data + at, i % 3 == 0 ? 0 : i * 7 % 50};
        at += part[i].size;
    }
    return at;
}

static int64_t parts_arrive(void *arg)
{
    mr_handle end[2];
    mr_buffer part[PARTS], two[3];
    char out[PARTS * 50], in[PARTS * 50];
    size_t done = 1, size = cut_up(out, part, PARTS);
    stream_pair(*(enum stream_kind *)arg, end);
    for (size_t i = 0; i < size; i++)
        out[i] = byte_at(i);
    EXPECT_EQ(mr_writev(end[1], part, PARTS, &done), size);
    EXPECT_EQ(done, size);
    two[0] = (mr_buffer){in, 10};
    two[1] = (mr_buffer){NULL, 0};
    two[2] = (mr_buffer){in + 10, 90};
    EXPECT_EQ(mr_readv(end[0], two, 3), 100);
    EXPECT_EQ(mr_read_all(end[0], in + 100, size - 100, &done), size - 100);
    EXPECT_EQ(done, size - 100);
    EXPECT(memcmp(in, out, size) == 0);
    EXPECT_EQ(mr_writev(end[1], part, 1, NULL), 0);
    EXPECT_EQ(mr_writev(end[1], NULL, 0, &done), 0);
    EXPECT_EQ(done, 0);
    close_pair(end);
    return 0;
}

TEST(stream, parts_go_out_and_come_in_as_one)
{
    with_each(parts_arrive);
}

static int64_t nothing_is_asked_for(void *arg)
{
    mr_handle end[2];
    size_t done = 7;
    stream_pair(*(enum stream_kind *)arg, end);
    EXPECT_EQ(mr_read(end[0], NULL, 0), 0);
    EXPECT_EQ(mr_readv(end[0], NULL, 0), 0);
    EXPECT_EQ(mr_read_all(end[0], NULL, 0, &done), 0);
    EXPECT_EQ(done, 0);
    EXPECT_EQ(mr_write(end[1], NULL, 0), 0);
    EXPECT_EQ(mr_write_some(end[1], NULL, 0), 0);
    close_pair(end);
    return 0;
}

TEST(stream, nothing_is_read_and_written_at_once)
{
    with_each(nothing_is_asked_for);
}

/* ---- The end ------------------------------------------------------------ */

static int64_t ends_within(void *arg)
{
    mr_handle end[2];
    char buf[8];
    size_t done;
    stream_pair(*(enum stream_kind *)arg, end);
    EXPECT_EQ(mr_write(end[1], "twelve bytes", 12), 12);
    EXPECT_EQ(mr_close(end[1]), 0);
    EXPECT_EQ(mr_read_all(end[0], buf, 8, &done), 8);
    EXPECT_EQ(done, 8);
    EXPECT_EQ(mr_read_all(end[0], buf, 8, &done), MR_EOF);
    EXPECT_EQ(done, 4);
    EXPECT(memcmp(buf, "ytes", 4) == 0);
    EXPECT_EQ(mr_read_all(end[0], buf, 8, &done), 0);
    EXPECT_EQ(done, 0);
    EXPECT_EQ(mr_read_all(end[0], buf, 8, NULL), 0);
    return mr_close(end[0]);
}

TEST(stream, an_end_within_is_told_from_one_before)
{
    with_each(ends_within);
}

static int64_t nobody_reads(void *arg)
{
    mr_handle end[2];
    size_t done = 1;
    int64_t rc = 1;
    stream_pair(*(enum stream_kind *)arg, end);
    EXPECT_EQ(mr_close(end[0]), 0);
    for (int i = 0; i < 100 && rc > 0; i++) {
        rc = mr_write_all(end[1], "?", 1, &done);
        mr_sleep(MR_MS); /* TCP is told only then */
    }
    EXPECT(rc == MR_EPIPE || rc == MR_ECONNRESET);
    EXPECT_EQ(done, 0);
    EXPECT(mr_write(end[1], "?", 1) == MR_EPIPE);
    return mr_close(end[1]);
}

TEST(stream, without_a_reader_a_write_fails_and_raises_no_signal)
{
    with_each(nobody_reads);
}

static int64_t shuts_down(void *arg)
{
    mr_handle end[2];
    char buf[4];
    bool pipe = *(enum stream_kind *)arg == STREAM_PIPE;
    stream_pair(*(enum stream_kind *)arg, end);
    EXPECT_EQ(mr_shutdown(end[1], 0), MR_EINVAL);
    EXPECT_EQ(mr_shutdown(end[1], 4), MR_EINVAL);
    EXPECT_EQ(mr_shutdown(end[1], MR_SHUT_WRITE), pipe ? MR_EINVAL : 0);
    if (!pipe) {
        EXPECT_EQ(mr_read(end[0], buf, sizeof buf), 0);
        EXPECT_EQ(mr_write(end[1], "no", 2), MR_EPIPE);
        EXPECT_EQ(mr_write(end[0], "yes", 3), 3);
        EXPECT_EQ(mr_read(end[1], buf, sizeof buf), 3);
        EXPECT_EQ(mr_shutdown(end[1], MR_SHUT_READ), 0);
        EXPECT_EQ(mr_read(end[1], buf, sizeof buf), 0);
    }
    close_pair(end);
    return 0;
}

TEST(stream, the_half_of_a_socket_is_shut_down)
{
    with_each(shuts_down);
}

/* ---- A peer that knows nothing of us ------------------------------------ */

static int64_t is_reset(void *arg)
{
    char buf[4];
    int peer;
    struct linger now = {1, 0};
    mr_handle stream = accept_raw(&peer);
    (void)arg;
    EXPECT_EQ(send(peer, "abcd", 4, 0), 4);
    EXPECT_EQ(setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(peer);
    EXPECT_EQ(mr_read(stream, buf, sizeof buf), 4);
    EXPECT_EQ(mr_read(stream, buf, sizeof buf), MR_ECONNRESET);
    EXPECT_EQ(mr_write(stream, buf, sizeof buf), MR_EPIPE);
    EXPECT_EQ(mr_read(stream, buf, sizeof buf), 0);
    return mr_close(stream);
}

TEST(stream, a_reset_is_told)
{
    EXPECT_EQ(run_with(1, is_reset, NULL), 0);
    EXPECT_EQ(run_with(4, is_reset, NULL), 0);
}

/* What it reads until the end; it may wait for each. */
static int64_t reads_all(void *arg)
{
    mr_handle stream = *(mr_handle *)arg;
    char buf[64];
    int64_t n, all = 0;
    while ((n = mr_read(stream, buf, sizeof buf)) > 0)
        all += n;
    return n < 0 ? n : all;
}

/* The reader waits, or not yet; data and end come before anybody looks, or with
 * a moment in between. */
static int64_t end_with_data(void *arg)
{
    (void)arg;
    for (int i = 0; i < slow_scale(400); i++) {
        int peer;
        mr_task reader;
        mr_scope scope;
        mr_handle stream = accept_raw(&peer);
        mr_scope_open(&scope, mr_after(20 * MR_S));
        mr_scope_spawn(&scope, &reader, reads_all, &stream);
        if (i % 2)
            mr_sleep(100 * MR_US);
        EXPECT_EQ(send(peer, "data", 4, 0), 4);
        if (i % 4 > 1)
            mr_yield();
        shutdown(peer, SHUT_WR);
        EXPECT_EQ(mr_scope_close(&scope), 0);
        EXPECT_EQ(mr_task_result(&reader), 4);
        close(peer);
        EXPECT_EQ(mr_close(stream), 0);
    }
    return 0;
}

TEST(stream, data_and_the_end_may_come_at_once)
{
    EXPECT_EQ(run_with(1, end_with_data, NULL), 0);
    EXPECT_EQ(run_with(4, end_with_data, NULL), 0);
}

static int64_t reads_four(void *arg)
{
    char buf[4];
    return mr_read_all(*(mr_handle *)arg, buf, sizeof buf, NULL);
}

/* A read ends before what is urgent, and there is more. */
static int64_t urgent_data(void *arg)
{
    (void)arg;
    for (int i = 0; i < slow_scale(200); i++) {
        int peer;
        mr_task reader;
        mr_scope scope;
        mr_handle stream = accept_raw(&peer);
        mr_scope_open(&scope, mr_after(20 * MR_S));
        if (i % 2)
            mr_scope_spawn(&scope, &reader, reads_four, &stream);
        EXPECT_EQ(send(peer, "ab", 2, 0), 2);
        EXPECT_EQ(send(peer, "!", 1, MSG_OOB), 1);
        EXPECT_EQ(send(peer, "cd", 2, 0), 2);
        if (i % 3)
            mr_sleep(MR_MS); /* all of it has been told before a read */
        if (i % 2 == 0)
            mr_scope_spawn(&scope, &reader, reads_four, &stream);
        EXPECT_EQ(mr_scope_close(&scope), 0);
        EXPECT_EQ(mr_task_result(&reader), 4);
        close(peer);
        EXPECT_EQ(mr_close(stream), 0);
    }
    return 0;
}

TEST(stream, urgent_data_hides_nothing_behind_it)
{
    EXPECT_EQ(run_with(1, urgent_data, NULL), 0);
    EXPECT_EQ(run_with(4, urgent_data, NULL), 0);
}
