/* An echo server and its clients, over loopback. The server takes a task for
 * each client, which reads and writes as if it were alone; closing the listener
 * ends it. */
#include <millrace.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 100, LINES = 10 };

/* One client: until it has nothing more to say. */
static int64_t echo(void *arg)
{
    mr_handle stream = *(mr_handle *)arg;
    char buf[4096];
    int64_t n;
    while ((n = mr_read(stream, buf, sizeof buf)) > 0)
        if ((n = mr_write(stream, buf, (size_t)n)) < 0)
            break;
    mr_close(stream);
    return n;
}

static int64_t serve(void *arg)
{
    mr_handle listener = *(mr_handle *)arg, client;
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    while ((client = mr_accept(listener)) >= 0)
        if (mr_scope_go(&scope, echo, &client, sizeof client) < 0)
            mr_close(client);
    int64_t rc = mr_scope_close(&scope);
    return client == MR_EBADF ? rc : client;
}

static int64_t talk(void *arg)
{
    const unsigned *port = arg;
    char out[32], in[32];
    mr_handle stream = mr_tcp_connect("127.0.0.1", *port);
    int64_t rc = stream < 0 ? stream : 0;
    for (int i = 0; rc >= 0 && i < LINES; i++) {
        size_t size = (size_t)snprintf(out, sizeof out, "line %d\n", i);
        rc = mr_write(stream, out, size);
        if (rc >= 0)
            rc = mr_read_all(stream, in, size, NULL);
        if (rc >= 0 && memcmp(in, out, size) != 0)
            rc = MR_EPROTO;
    }
    if (stream >= 0)
        mr_close(stream);
    return rc < 0 ? rc : 0;
}

static int64_t root(void *arg)
{
    mr_address at;
    mr_task server;
    mr_scope clients;
    (void)arg;
    mr_handle listener = mr_tcp_listen("127.0.0.1", 0, 0, 0);
    if (listener < 0)
        return listener;
    mr_local_address(listener, &at);
    unsigned port = mr_address_port(&at);
    mr_spawn(&server, serve, &listener);
    mr_scope_open(&clients, mr_after(30 * MR_S));
    for (int i = 0; i < CLIENTS; i++)
        if (mr_scope_go(&clients, talk, &port, sizeof port) < 0)
            mr_scope_cancel(&clients);
    int64_t rc = mr_scope_close(&clients);
    mr_close(listener);
    int64_t served = mr_await(&server);
    return rc < 0 ? rc : served;
}

int main(void)
{
    int64_t rc = mr_main(NULL, root, NULL);
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", mr_error_name(rc), mr_strerror(rc));
        return EXIT_FAILURE;
    }
    printf("%d clients, %d lines each, all came back\n", CLIENTS, LINES);
    return EXIT_SUCCESS;
}
