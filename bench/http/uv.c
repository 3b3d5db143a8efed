/* The responder on libuv: one loop on one thread, as its users run it; told
 * which requests are heavy, it hands them to libuv's pool (uv_queue_work). */
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

struct connection {
    uv_tcp_t tcp; /* first: its address is the connection's */
    uv_work_t work;
    struct http_input *rest;
};

struct reply {
    uv_write_t write;
    struct connection *to;
};

static struct http_input shared;
static int told;

static void serve(struct connection *c, struct http_input *in);

static void must(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, uv_strerror(rc));
    exit(3);
}

static void forget(uv_handle_t *handle)
{
    struct connection *c = (struct connection *)handle;
    free(c->rest);
    free(c);
}

static void hang_up(struct connection *c)
{
    if (!uv_is_closing((uv_handle_t *)c))
        uv_close((uv_handle_t *)c, forget);
}

static void room(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    struct connection *c = (struct connection *)handle;
    (void)wanted;
    out->base = http_room(http_borrow(c->rest, &shared), &out->len);
}

static void have_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct connection *c = (struct connection *)stream;
    struct http_input *in = c->rest ? c->rest : &shared;
    (void)buf;
    if (n < 0) {
        hang_up(c);
    } else if (n > 0) {
        in->to += (uint32_t)n;
        serve(c, in);
    }
}

/* ---- Answers ------------------------------------------------------------ */

static void sent(uv_write_t *write, int status)
{
    struct reply *reply = (struct reply *)write;
    struct connection *c = reply->to;
    free(reply);
    if (status < 0 || uv_read_start((uv_stream_t *)c, room, have_read) < 0)
        hang_up(c);
}

/* Who does not read its answers is not read from either. */
static void reply_later(struct connection *c, size_t from, size_t to)
{
    struct reply *reply = malloc(sizeof *reply);
    uv_buf_t buf = uv_buf_init(http_text + from, (unsigned)(to - from));
    if (!reply) {
        hang_up(c);
        return;
    }
    reply->to = c;
    uv_read_stop((uv_stream_t *)c);
    if (uv_write(&reply->write, (uv_stream_t *)c, &buf, 1, sent) < 0) {
        free(reply);
        hang_up(c);
    }
}

static void reply(struct connection *c, int answers)
{
    size_t owed = (size_t)answers * HTTP_ANSWER;
    uv_buf_t buf = uv_buf_init(http_text, (unsigned)owed);
    int n = uv_try_write((uv_stream_t *)c, &buf, 1);
    if (n < 0 && n != UV_EAGAIN)
        hang_up(c);
    else if (n < 0 || (size_t)n < owed)
        reply_later(c, n < 0 ? 0 : (size_t)n, owed);
}

/* ---- Requests ----------------------------------------------------------- */

static void compute(uv_work_t *work)
{
    (void)work;
    http_work(HTTP_HEAVY);
}

static void computed(uv_work_t *work, int status)
{
    struct connection *c = work->data;
    (void)status;
    if (uv_read_start((uv_stream_t *)c, room, have_read) < 0) {
        hang_up(c);
        return;
    }
    reply(c, 1);
    if (c->rest && !uv_is_closing((uv_handle_t *)c))
        serve(c, c->rest);
}

/* Answers stay in the order of the requests: behind one that is in the pool,
 * nothing is read. */
static void compute_elsewhere(struct connection *c)
{
    c->work.data = c;
    uv_read_stop((uv_stream_t *)c);
    must(uv_queue_work(c->tcp.loop, &c->work, compute, computed),
         "uv_queue_work");
}

static void serve(struct connection *c, struct http_input *in)
{
    enum http_kind kind;
    int answers = 0;
    for (; (kind = http_next(in)) >= 0; answers++) {
        if (kind == HTTP_HEAVY && told)
            break;
        http_work(kind);
    }
    c->rest = http_settle(c->rest, in);
    if (answers > 0)
        reply(c, answers);
    if (kind == HTTP_BAD)
        hang_up(c);
    else if (kind == HTTP_HEAVY && !uv_is_closing((uv_handle_t *)c))
        compute_elsewhere(c);
}

static void accepted(uv_stream_t *listener, int status)
{
    struct connection *c = status < 0 ? NULL : calloc(1, sizeof *c);
    if (!c)
        return;
    must(uv_tcp_init(listener->loop, &c->tcp), "uv_tcp_init");
    if (uv_accept(listener, (uv_stream_t *)c) < 0 ||
        uv_read_start((uv_stream_t *)c, room, have_read) < 0)
        hang_up(c);
}

int main(int argc, char **argv)
{
    struct http_options options = http_open(argc, argv);
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t listener;
    told = options.told;
    must(uv_tcp_init(loop, &listener), "uv_tcp_init");
    must(uv_tcp_open(&listener, http_listen(&options.port, 0)), "uv_tcp_open");
    must(uv_listen((uv_stream_t *)&listener, HTTP_BACKLOG, accepted),
         "uv_listen");
    http_ready(options.port);
    return uv_run(loop, UV_RUN_DEFAULT);
}
