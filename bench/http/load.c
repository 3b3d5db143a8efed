/* The load generator.
 *
 *     http_load --port P [--server PID]... [--connections N] [--seconds S]
 *         [--warmup S] [--path /|/work|/heavy] [--pipeline N] [--idle N]
 *         [--rate R [--heavy PART] [--seed N]] [--learn]
 *     http_load --calibrate
 *
 * Without --rate a closed loop: each connection asks again when it has its
 * answer. With it, an open one: R requests a second are due at random times,
 * PART of them for /heavy, and latency counts from when a request was due, so
 * that a server which stalls is not asked less. --idle: so many connections
 * beside, each of which has asked once, and asks again at the end. --pipeline:
 * so many requests are sent together. --learn: for a server with an answer of
 * its own; it must have the usual body, and a date may stand in it.
 *
 * Prints a line of JSON: of the requests that ended while measuring, a second,
 * the CPU time per request of the servers' processes, quantiles of latency,
 * light and heavy ones apart, and what went wrong. The exit status is 0 where
 * nothing did: no wrong byte, no connection lost, no request unanswered; else
 * 1; 2 where the arguments are wrong, 3 where the machine did not allow it.
 *
 * --calibrate prints how many of http_work's steps one microsecond is.
 */
#define _GNU_SOURCE
#include "load.h"
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BODY "Hello, world\n"
#define PATIENCE_S 10 /* for one answer outside of what is measured */

struct load_answer load_expected;

int64_t load_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void load_fail(const char *what)
{
    fprintf(stderr, "http_load: %s: %s\n", what, strerror(errno));
    exit(3);
}

/* ---- Histograms --------------------------------------------------------- */

static int shift_of(uint64_t ns)
{
    return ns < 128 ? 0 : 57 - __builtin_clzll(ns);
}

void histogram_add(struct histogram *h, int64_t ns)
{
    uint64_t value = ns > 0 ? (uint64_t)ns : 0;
    int shift = shift_of(value);
    h->buckets[shift][(value >> shift) & 127]++;
    h->count++;
    if (value > h->most)
        h->most = value;
}

double histogram_at(const struct histogram *h, double part)
{
    uint64_t wanted = (uint64_t)(part * (double)h->count), seen = 0;
    for (int shift = 0; shift < 58; shift++) {
        for (uint64_t i = 0; i < 128; i++) {
            seen += h->buckets[shift][i];
            if (seen > wanted) {
                uint64_t last = ((i + 1) << shift) - 1;
                return (double)(last < h->most ? last : h->most);
            }
        }
    }
    return (double)h->most;
}

/* ---- Arguments ---------------------------------------------------------- */

static double number(const char *text, double least, double most)
{
    char *end;
    double value = strtod(text, &end);
    if (*end || end == text || !(value >= least && value <= most)) {
        fprintf(stderr, "http_load: no number from %g to %g: '%s'\n", least,
                most, text);
        exit(2);
    }
    return value;
}

static void argument(struct load_options *o, const char *name,
                     const char *value)
{
    if (strcmp(name, "--port") == 0)
        o->port = (uint16_t)number(value, 1, UINT16_MAX);
    else if (strcmp(name, "--server") == 0 && o->server_count < MOST_SERVERS)
        o->servers[o->server_count++] = (int)number(value, 1, 1 << 30);
    else if (strcmp(name, "--connections") == 0)
        o->connections = (int)number(value, 1, 1000000);
    else if (strcmp(name, "--seconds") == 0)
        o->seconds = number(value, 0.01, 100000);
    else if (strcmp(name, "--warmup") == 0)
        o->warmup = number(value, 0, 100000);
    else if (strcmp(name, "--path") == 0 && *value == '/' && strlen(value) < 64)
        o->path = value;
    else if (strcmp(name, "--pipeline") == 0)
        o->pipeline = (int)number(value, 1, MOST_PIPELINE);
    else if (strcmp(name, "--idle") == 0)
        o->idle = (int)number(value, 0, 1000000);
    else if (strcmp(name, "--rate") == 0)
        o->rate = number(value, 1, 1e7);
    else if (strcmp(name, "--heavy") == 0)
        o->heavy = number(value, 0, 1);
    else if (strcmp(name, "--seed") == 0)
        o->seed = (uint64_t)number(value, 0, 1e9);
    else {
        fprintf(stderr, "http_load: what is '%s'? See load.c\n", name);
        exit(2);
    }
}

static struct load_options arguments(int argc, char **argv)
{
    struct load_options o = {.connections = 64,
                             .pipeline = 1,
                             .seconds = 1,
                             .warmup = 0.2,
                             .path = "/"};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--learn") == 0) {
            o.learn = true;
        } else {
            argument(&o, argv[i], i + 1 < argc ? argv[i + 1] : "");
            i++;
        }
    }
    if (o.port == 0 || (o.rate > 0 && o.pipeline > 1)) {
        fprintf(stderr, "http_load: needs --port, and --pipeline is of the "
                        "closed loop alone\n");
        exit(2);
    }
    return o;
}

/* ---- Single requests ---------------------------------------------------- */

int load_connect(uint16_t port)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* Ports are not kept by thousands of connections that have ended. */
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) !=
            0 ||
        connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
        load_fail("cannot connect");
    return fd;
}

size_t load_request(char *out, size_t size, const char *path)
{
    int n =
        snprintf(out, size, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    if (n < 0 || (size_t)n >= size) {
        errno = EMSGSIZE;
        load_fail("request");
    }
    return (size_t)n;
}

static bool same(size_t from, size_t to, size_t at, const char *data, size_t n)
{
    size_t end = at + n < to ? at + n : to;
    size_t begin = at > from ? at : from;
    return begin >= end || memcmp(load_expected.text + begin,
                                  data + (begin - at), end - begin) == 0;
}

bool load_right(size_t at, const char *data, size_t n)
{
    const struct load_answer *e = &load_expected;
    return same(0, e->hole, at, data, n) &&
           same(e->hole_end, e->size, at, data, n);
}

void load_ask(int fd, const char *path)
{
    char text[128];
    size_t size = load_request(text, sizeof text, path);
    (void)send(fd, text, size, MSG_NOSIGNAL);
}

bool load_answered(int fd)
{
    char data[sizeof load_expected.text];
    for (size_t at = 0; at < load_expected.size;) {
        ssize_t n = recv(fd, data, load_expected.size - at, 0);
        if (n <= 0 || !load_right(at, data, (size_t)n))
            return false;
        at += (size_t)n;
    }
    return true;
}

/* ---- What an answer is -------------------------------------------------- */

static void learn(const struct load_options *o)
{
    struct load_answer *e = &load_expected;
    int fd = load_connect(o->port);
    load_ask(fd, o->path);
    while (e->size < sizeof e->text - 1 && !strstr(e->text, BODY)) {
        ssize_t n =
            recv(fd, e->text + e->size, sizeof e->text - 1 - e->size, 0);
        if (n <= 0)
            break;
        e->size += (size_t)n;
    }
    close(fd);
    if (e->size < sizeof BODY ||
        strcmp(e->text + e->size - (sizeof BODY - 1), BODY) != 0) {
        fprintf(stderr, "http_load: what is said is no answer: %s\n", e->text);
        exit(1);
    }
    const char *date = strstr(e->text, "\r\nDate: ");
    if (date) {
        e->hole = (size_t)(date - e->text) + strlen("\r\nDate: ");
        e->hole_end = (size_t)(strstr(date + 2, "\r\n") - e->text);
    }
}

static void know_answer(const struct load_options *o)
{
    char *argv[] = {NULL};
    http_open(1, argv);
    if (o->learn) {
        learn(o);
    } else {
        load_expected.size = HTTP_ANSWER;
        memcpy(load_expected.text, http_text, HTTP_ANSWER);
    }
}

/* ---- The report --------------------------------------------------------- */

static void print_histogram(const char *name, const struct histogram *h)
{
    printf("\"%s\": {\"count\": %llu, \"p50_us\": %.1f, \"p90_us\": %.1f, "
           "\"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f}, ",
           name, (unsigned long long)h->count, histogram_at(h, 0.5) / 1e3,
           histogram_at(h, 0.9) / 1e3, histogram_at(h, 0.99) / 1e3,
           histogram_at(h, 0.999) / 1e3, (double)h->most / 1e3);
}

static bool print(const struct load_options *o, const struct load_result *r,
                  const struct load_idle *idle)
{
    double each = r->requests > 0 ? 1e6 / (double)r->requests : 0;
    uint64_t lost = r->wrong + r->dropped + r->unanswered + idle->lost;
    printf("{\"loop\": \"%s\", \"connections\": %d, \"idle\": %d, "
           "\"seconds\": %.6f, \"requests\": %llu, \"rate\": %.1f, "
           "\"server_cpu_us\": %.4f, \"generator_cpu_us\": %.4f, ",
           o->rate > 0 ? "open" : "closed", o->connections, o->idle, r->seconds,
           (unsigned long long)r->requests, (double)r->requests / r->seconds,
           r->server_cpu * each, r->generator_cpu * each);
    print_histogram("light", &r->light);
    print_histogram("heavy", &r->heavy);
    print_histogram("late", &r->late);
    if (o->idle > 0)
        printf("\"idle_kib\": %.3f, \"served_kib\": %.3f, ",
               (double)(idle->connected_kib - idle->before_kib) / o->idle,
               (double)(idle->served_kib - idle->before_kib) / o->idle);
    printf("\"wrong\": %llu, \"dropped\": %llu, \"unanswered\": %llu, "
           "\"idle_lost\": %llu}\n",
           (unsigned long long)r->wrong, (unsigned long long)r->dropped,
           (unsigned long long)r->unanswered, (unsigned long long)idle->lost);
    return fflush(stdout) == 0 && lost == 0 && r->requests > 0;
}

/* The least that some milliseconds of work take: what a step is when nobody
 * disturbs. */
static int calibrate(void)
{
    char *argv[] = {NULL, "--spin", "1000", NULL};
    struct timespec a, b;
    double least = 1e9;
    http_open(3, argv);
    for (int i = 0; i < 100; i++) {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
        http_work(HTTP_WORK);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
        double us = (double)(b.tv_sec - a.tv_sec) * 1e6 +
                    (double)(b.tv_nsec - a.tv_nsec) / 1e3;
        least = us < least ? us : least;
    }
    printf("%.0f\n", 100 * 1000 / least);
    return 0;
}

int main(int argc, char **argv)
{
    static struct load_result result;
    struct load_idle idle = {0};
    if (argc == 2 && strcmp(argv[1], "--calibrate") == 0)
        return calibrate();
    struct load_options o = arguments(argc, argv);
    know_answer(&o);
    load_idle_open(&o, &idle);
    /* Who keeps a schedule goes first on a busy machine, as who is not on it
     * at all would; where that is not allowed, `late` tells. */
    if (o.rate > 0)
        setpriority(PRIO_PROCESS, 0, -10);
    if (o.rate > 0)
        load_open(&o, &result);
    else
        load_closed(&o, &result);
    load_idle_close(&o, &idle);
    return print(&o, &result, &idle) ? 0 : 1;
}
