/* Sockets: a unix socket and a TCP one served by the same code, a header and a
 * body sent as one, and a peer that says when it has said all. */
#define _GNU_SOURCE
#include <millrace.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* All of what the peer has to say, sent back with a header in front of it. */
static int64_t answers(mr_handle peer)
{
    char said[64], head[32];
    size_t size = 0;
    int64_t rc = mr_wait_readable(peer); /* no buffer was needed until now */
    if (rc == 0)
        rc = mr_read_all(peer, said, sizeof said, &size);
    if (rc != MR_EOF)
        return rc < 0 ? rc : MR_EFBIG;
    snprintf(head, sizeof head, "%zu bytes: ", size);
    mr_buffer part[] = {{head, strlen(head)}, {said, size}};
    return mr_writev(peer, part, 2, NULL);
}

static int64_t serves(void *arg)
{
    mr_handle listener = *(mr_handle *)arg;
    mr_handle peer = mr_accept(listener);
    if (peer < 0)
        return peer;
    int64_t rc = answers(peer);
    mr_close(peer);
    return rc < 0 ? rc : 0;
}

/* As much as fits at a time: between two of them something else could be seen
 * to, such as whether it is still worth it. */
static int64_t says(mr_handle stream, const char *text)
{
    size_t done = 0, size = strlen(text);
    while (done < size && mr_cancelled() == 0) {
        int64_t n = mr_write_some(stream, text + done, size - done);
        if (n < 0)
            return n;
        done += (size_t)n;
    }
    return mr_shutdown(stream, MR_SHUT_WRITE); /* its end; we still read */
}

static int64_t hears(mr_handle stream, char *out, size_t size)
{
    size_t done = 0;
    int64_t rc = mr_read_all(stream, out, size - 1, &done);
    out[done] = '\0';
    return rc == MR_EOF ? 0 : rc < 0 ? rc : MR_EPROTO;
}

/* A round with whoever listens there. */
static int64_t asks(const mr_address *to, char *out, size_t size)
{
    mr_address peer;
    char there[MR_ADDRESS_TEXT], wanted[MR_ADDRESS_TEXT];
    mr_handle stream = mr_connect(to);
    if (stream < 0)
        return stream;
    int64_t rc = mr_peer_address(stream, &peer);
    mr_address_text(&peer, there, sizeof there);
    mr_address_text(to, wanted, sizeof wanted);
    if (rc == 0 && strcmp(there, wanted) != 0)
        rc = MR_EPROTO;
    if (rc == 0 && mr_address_family(to) == MR_IPV4) {
        rc = mr_tcp_nodelay(stream, 0); /* few and small writes */
        if (rc == 0)
            rc = mr_tcp_keepalive(stream, 60 * MR_S);
    }
    if (rc == 0)
        rc = says(stream, "the mill is turning");
    if (rc == 0)
        rc = hears(stream, out, size);
    mr_close(stream);
    return rc;
}

/* Port 0, or an abstract name that ends with the program. */
static int64_t round_trip(const mr_address *at, char *out, size_t size)
{
    mr_address here;
    mr_task server;
    mr_handle listener = mr_listen(at, 0, 0);
    if (listener < 0)
        return listener;
    mr_spawn(&server, serves, &listener);
    int64_t rc = mr_local_address(listener, &here);
    if (rc == 0)
        rc = asks(&here, out, size);
    mr_close(listener);
    int64_t served = mr_await(&server);
    return rc < 0 ? rc : served;
}

/* The same by their names, without a word: who listens sees them come. */
static int64_t by_path(const char *path)
{
    mr_handle listener = mr_unix_listen(path, 0);
    mr_handle stream = listener < 0 ? listener : mr_unix_connect(path);
    mr_handle peer = stream < 0 ? stream : mr_accept(listener);
    if (listener >= 0)
        mr_close(listener);
    if (stream >= 0)
        mr_close(stream);
    if (peer < 0)
        return peer;
    char byte;
    int64_t rc = mr_read(peer, &byte, 1); /* 0: it has gone again */
    mr_close(peer);
    return rc == 0 ? 0 : MR_EPROTO;
}

static int64_t root(void *arg)
{
    const char *name = arg;
    char by_tcp[64], by_unix[64];
    mr_address tcp, local;
    int64_t rc = mr_address_ip(&tcp, "127.0.0.1", 0);
    if (rc == 0)
        rc = mr_address_unix(&local, name);
    if (rc == 0)
        rc = round_trip(&tcp, by_tcp, sizeof by_tcp);
    if (rc == 0)
        rc = round_trip(&local, by_unix, sizeof by_unix);
    if (rc == 0)
        rc = by_path(name);
    if (rc == 0 && strcmp(by_tcp, by_unix) != 0)
        rc = MR_EPROTO;
    if (rc == 0)
        printf("%s\n", by_tcp);
    return rc;
}

int main(void)
{
    char name[32];
    snprintf(name, sizeof name, "@mill-%d", (int)getpid());
    int64_t rc = mr_main(NULL, root, name);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", mr_error_name(rc), mr_strerror(rc));
    return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
