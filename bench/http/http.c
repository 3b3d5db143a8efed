#define _GNU_SOURCE
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define BODY "Hello, world\n"
#define ANSWER                                                                 \
    "HTTP/1.1 200 OK\r\n"                                                      \
    "Content-Type: text/plain\r\n"                                             \
    "Content-Length: 13\r\n\r\n" BODY

char http_text[HTTP_MANY * HTTP_ANSWER];

_Static_assert(sizeof ANSWER - 1 == HTTP_ANSWER, "as http.h says");

static uint64_t steps_per_us = 1;

static void fail(const char *what)
{
    perror(what);
    exit(3);
}

/* ---- Arguments ---------------------------------------------------------- */

static uint64_t number(const char *text, uint64_t most)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (errno || *end || end == text || *text == '-' || value > most) {
        fprintf(stderr, "no number up to %llu: '%s'\n",
                (unsigned long long)most, text);
        exit(2);
    }
    return value;
}

static struct http_options parse(int argc, char **argv)
{
    struct http_options options = {1, 0, 0, 1};
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(name, "--told") == 0) {
            options.told = 1;
            continue;
        }
        if (strcmp(name, "--workers") == 0) {
            options.workers = (int)number(value, 1024);
        } else if (strcmp(name, "--port") == 0) {
            options.port = (uint16_t)number(value, UINT16_MAX);
        } else if (strcmp(name, "--spin") == 0) {
            options.spin = number(value, 1000000);
        } else {
            fprintf(stderr,
                    "usage: %s [--workers N] [--spin STEPS] [--told] "
                    "[--port N]\n",
                    argv[0]);
            exit(2);
        }
        i++;
    }
    return options;
}

struct http_options http_open(int argc, char **argv)
{
    struct http_options options = parse(argc, argv);
    struct rlimit files;
    steps_per_us = options.spin;
    for (int i = 0; i < HTTP_MANY; i++)
        memcpy(http_text + (size_t)i * HTTP_ANSWER, ANSWER, HTTP_ANSWER);
    signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    return options;
}

int http_listen(uint16_t *port, int flags)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(*port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    /* Connections inherit TCP_NODELAY from who listens. */
    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(fd, HTTP_BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0)
        fail("cannot listen");
    *port = ntohs(at.sin_port);
    return fd;
}

void http_ready(uint16_t port)
{
    printf("port %u\n", port);
    if (fflush(stdout) != 0)
        fail("stdout");
}

/* ---- Requests ----------------------------------------------------------- */

char *http_room(struct http_input *in, size_t *size)
{
    uint32_t left = in->to - in->from;
    if (in->from > 0 && left > 0)
        memmove(in->data, in->data + in->from, left);
    in->from = 0;
    in->to = left;
    *size = HTTP_INPUT - left;
    return in->data + left;
}

/* The first byte behind the request's blank line, or NULL. By memchr: memmem
 * costs more than all the rest of an answer. */
static const char *end_of(const char *request, size_t size)
{
    const char *end = request + size, *at = request + 3;
    while ((at = memchr(at, '\n', (size_t)(end - at))))
        if (memcmp(at++ - 3, "\r\n\r\n", 4) == 0)
            return at;
    return NULL;
}

enum http_kind http_next(struct http_input *in)
{
    const char *request = in->data + in->from;
    size_t size = in->to - in->from;
    if (size < HTTP_LEAST)
        return HTTP_MORE;
    if (memcmp(request, "GET /", 5) != 0)
        return HTTP_BAD;
    const char *end = end_of(request, size);
    if (!end)
        return size == HTTP_INPUT ? HTTP_BAD : HTTP_MORE;
    in->from += (uint32_t)(end - request);
    if (end - request < HTTP_LEAST)
        return HTTP_BAD;
    return request[5] == ' '   ? HTTP_HELLO
           : request[5] == 'w' ? HTTP_WORK
           : request[5] == 'h' ? HTTP_HEAVY
                               : HTTP_BAD;
}

/* A chain in which each step needs the one before: no compiler makes it
 * shorter, and no processor runs two steps at once. */
static void spin(uint64_t steps)
{
    uint64_t x = UINT64_C(88172645463325252);
    for (; steps > 0; steps--) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    __asm__ volatile("" : : "r"(x));
}

void http_work(enum http_kind kind)
{
    if (kind == HTTP_WORK)
        spin(100 * steps_per_us);
    else if (kind == HTTP_HEAVY)
        spin(20000 * steps_per_us);
}

int http_answers(struct http_input *in)
{
    enum http_kind kind;
    int answers = 0;
    for (; (kind = http_next(in)) >= 0; answers++)
        http_work(kind);
    return kind == HTTP_BAD ? HTTP_BAD : answers;
}

struct http_input *http_borrow(struct http_input *rest,
                               struct http_input *shared)
{
    shared->from = shared->to = 0;
    return rest ? rest : shared;
}

struct http_input *http_settle(struct http_input *rest, struct http_input *in)
{
    if (in->from == in->to) {
        free(rest);
        return NULL;
    }
    if (rest)
        return rest;
    rest = malloc(sizeof *rest);
    if (!rest)
        fail("no memory");
    return memcpy(rest, in, sizeof *rest);
}
