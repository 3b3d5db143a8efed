/* What every responder of this comparison shares, so that peers differ in who
 * waits for sockets and runs the answers alone: arguments, the reading of a
 * request, the work that one asks for, and the bytes of an answer.
 *
 *     http_epoll [--workers N] [--spin STEPS] [--told] [--port N]
 *
 * listens on loopback, says `port N` on stdout, and answers until it is killed.
 * --told: heavy requests go to the peer's pool of threads, where it has one.
 * STEPS is what a microsecond of CPU is worth (http_load --calibrate): the work
 * is counted in steps and not in time, so that whoever is preempted, or shares
 * a core, has no less to do.
 *
 *     GET / HTTP/1.1            an answer, nothing more
 *     GET /work HTTP/1.1        after 100 us of CPU
 *     GET /heavy HTTP/1.1       after 20 ms of CPU
 *
 * A request ends with its blank line; what follows is the next one, and may be
 * there already (pipelining). All answers are the same bytes: those to several
 * requests are one piece of http_text.
 *
 * Must not know: any scheduler, any way to wait.
 */
#ifndef BENCH_HTTP_H
#define BENCH_HTTP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    HTTP_INPUT = 1024, /* bytes of requests looked at together */
    HTTP_LEAST = 18,   /* of one: "GET / HTTP/1.1" and the blank line */
    HTTP_MANY = HTTP_INPUT / HTTP_LEAST,
    HTTP_ANSWER = 78, /* bytes of one */
    HTTP_BACKLOG = 4096,
};

enum http_kind {
    HTTP_BAD = -2,  /* no request of ours: hang up */
    HTTP_MORE = -1, /* none that is whole */
    HTTP_HELLO,
    HTTP_WORK,
    HTTP_HEAVY,
};

struct http_options {
    int workers, told;
    uint16_t port; /* 0: any */
    uint64_t spin; /* steps of a microsecond */
};

/* What has been read of a connection and not been answered. */
struct http_input {
    uint32_t from, to;
    char data[HTTP_INPUT];
};

/* HTTP_MANY answers, one behind the other. */
extern char http_text[HTTP_MANY * HTTP_ANSWER];

/* Reads the arguments; the program may then have as many descriptors as the
 * system grants, and gets no SIGPIPE. */
struct http_options http_open(int argc, char **argv);

/* A listening socket, which does not block where `flags` is SOCK_NONBLOCK;
 * *port is its port, also where it was 0. With SO_REUSEPORT, so that several
 * may share one. */
int http_listen(uint16_t *port, int flags);

/* Says that connections are accepted. */
void http_ready(uint16_t port);

/* Where the next bytes go, and how many: what was left is moved to the front.
 * 0 is never all: a request that is longer than HTTP_INPUT is HTTP_BAD. */
char *http_room(struct http_input *in, size_t *size);

/* Takes the next request. */
enum http_kind http_next(struct http_input *in);

/* The CPU time that a request asks for. */
void http_work(enum http_kind kind);

/* Takes all requests that are whole and does their work: how many answers that
 * makes, or HTTP_BAD. */
int http_answers(struct http_input *in);

/* For a loop on one thread, whose idle connections need no buffer: what a
 * connection has left over lies in *rest, NULL mostly, and reads go to what
 * the loop shares. */
struct http_input *http_borrow(struct http_input *rest,
                               struct http_input *shared);

/* Ends the loan: the new value of *rest. */
struct http_input *http_settle(struct http_input *rest, struct http_input *in);

#ifdef __cplusplus
}
#endif

#endif
