/* The responder on Millrace: a task for each connection, written as if each
 * had a thread to itself. Whoever waits, for a request or for room to answer,
 * parks; the workers go on with those who need not. Nobody says which requests
 * are heavy: while they hold all workers up, spare ones serve the rest. */
#include "http.h"

#include <millrace.h>

#include <stdio.h>

/* All of the requests that have come, answered together: 0, or a negative
 * value where the connection shall end. */
static int64_t serve_some(mr_handle peer, struct http_input *in)
{
    size_t size;
    char *to = http_room(in, &size);
    int64_t n = mr_read(peer, to, size); /* parks while nothing has come */
    if (n <= 0)
        return MR_EOF;
    in->to += (uint32_t)n;
    int answers = http_answers(in); /* the work, here and now */
    if (answers <= 0)
        return answers;
    return mr_write(peer, http_text, (size_t)answers * HTTP_ANSWER);
}

/* One connection, from its first request to its end. */
static int64_t serve(void *arg)
{
    mr_handle peer = *(mr_handle *)arg;
    struct http_input in;
    in.from = in.to = 0;
    while (serve_some(peer, &in) >= 0)
        continue;
    mr_close(peer);
    return 0;
}

/* Accepts; returns when that is not possible any more. */
static int64_t accept_all(mr_handle listener)
{
    mr_scope connections;
    int64_t peer;
    mr_scope_open(&connections, MR_NEVER);
    do {
        peer = mr_accept(listener);
        if (peer >= 0 &&
            mr_scope_go(&connections, serve, &peer, sizeof peer) < 0)
            mr_close(peer);
        /* Descriptors run out, and come back when somebody hangs up. */
    } while (peer >= 0 || peer == MR_EMFILE);
    mr_scope_cancel(&connections);
    mr_scope_close(&connections);
    return peer;
}

static int64_t root(void *arg)
{
    const struct http_options *options = arg;
    mr_address address;
    mr_handle listener =
        mr_tcp_listen("127.0.0.1", options->port, HTTP_BACKLOG, 0);
    if (listener < 0)
        return listener;
    mr_local_address(listener, &address);
    http_ready((uint16_t)mr_address_port(&address));
    return accept_all(listener);
}

int main(int argc, char **argv)
{
    struct http_options options = http_open(argc, argv);
    mr_config config = {.size = sizeof config,
                        .workers = (unsigned)options.workers};
    int64_t rc = mr_main(&config, root, &options);
    fprintf(stderr, "%s: %s\n", mr_error_name(rc), mr_strerror(rc));
    return 3;
}
