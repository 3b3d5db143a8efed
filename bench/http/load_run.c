/* See load.h. One epoll, level-triggered; who sends has all answers of its
 * connection, so requests, which are short, always fit into its socket. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define DRAIN_NS INT64_C(10000000000) /* for the last answers of a run */

struct connection {
    int fd; /* -1: it has failed, and was counted */
    int outstanding;
    bool heavy;
    size_t seen;   /* bytes of the answer that is coming */
    int64_t since; /* when what is outstanding was sent, or due */
};

static struct {
    const struct load_options *o;
    struct load_result *r;
    struct connection *connections;
    int epoll;
    char light[MOST_PIPELINE * 128], heavy[128];
    size_t light_size, heavy_size;
    bool measuring;
    int alive; /* connections that have not failed */
    double server_cpu, generator_cpu;
    int64_t started;
    /* The open loop's */
    struct connection **idle;
    size_t idle_from, idle_count;
} run;

static double own_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void measure(void)
{
    run.measuring = true;
    run.server_cpu = load_server_cpu(run.o);
    run.generator_cpu = own_cpu();
    run.started = load_now();
}

static void measured(void)
{
    run.measuring = false;
    run.r->seconds = 1e-9 * (double)(load_now() - run.started);
    run.r->server_cpu = load_server_cpu(run.o) - run.server_cpu;
    run.r->generator_cpu = own_cpu() - run.generator_cpu;
}

/* ---- Connections -------------------------------------------------------- */

static void open_all(const struct load_options *o, struct load_result *r)
{
    run.o = o;
    run.r = r;
    run.epoll = epoll_create1(EPOLL_CLOEXEC);
    run.connections = calloc((size_t)o->connections, sizeof *run.connections);
    run.idle = calloc((size_t)o->connections, sizeof *run.idle);
    if (run.epoll < 0 || !run.connections || !run.idle)
        load_fail("memory");
    for (int i = 0; i < o->pipeline; i++)
        run.light_size +=
            load_request(run.light + run.light_size,
                         sizeof run.light - run.light_size, o->path);
    run.alive = o->connections;
    run.heavy_size = load_request(run.heavy, sizeof run.heavy, "/heavy");
    for (int i = 0; i < o->connections; i++) {
        struct connection *c = &run.connections[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        c->fd = load_connect(o->port);
        if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0 ||
            epoll_ctl(run.epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
            load_fail("connection");
    }
}

static void close_all(void)
{
    for (int i = 0; i < run.o->connections; i++)
        if (run.connections[i].fd >= 0)
            close(run.connections[i].fd);
    close(run.epoll);
    free(run.connections);
    free(run.idle);
}

static void drop(struct connection *c, uint64_t *counter)
{
    close(c->fd);
    c->fd = -1;
    c->outstanding = 0;
    run.alive--;
    ++*counter;
}

static void ask(struct connection *c, bool heavy, int64_t since)
{
    const char *text = heavy ? run.heavy : run.light;
    size_t size = heavy ? run.heavy_size : run.light_size;
    c->since = since;
    c->heavy = heavy;
    c->outstanding = heavy ? 1 : run.o->pipeline;
    if (send(c->fd, text, size, MSG_NOSIGNAL) != (ssize_t)size)
        drop(c, &run.r->dropped);
}

static void count(const struct connection *c)
{
    if (!run.measuring)
        return;
    run.r->requests++;
    histogram_add(c->heavy ? &run.r->heavy : &run.r->light,
                  load_now() - c->since);
}

/* Whether all that it asked for has come. */
static bool take(struct connection *c, const char *data, size_t n)
{
    while (n > 0) {
        size_t left = load_expected.size - c->seen;
        size_t part = n < left ? n : left;
        if (c->outstanding == 0 || !load_right(c->seen, data, part)) {
            drop(c, &run.r->wrong);
            return false;
        }
        data += part;
        n -= part;
        c->seen += part;
        if (c->seen == load_expected.size) {
            c->seen = 0;
            c->outstanding--;
            count(c);
        }
    }
    return c->outstanding == 0;
}

/* The same for one that epoll names. */
static bool receive(struct connection *c)
{
    static char data[65536];
    if (c->fd < 0)
        return false;
    ssize_t n = recv(c->fd, data, sizeof data, 0);
    if (n > 0)
        return take(c, data, (size_t)n);
    if (n == 0 || errno != EAGAIN)
        drop(c, &run.r->dropped);
    return false;
}

/* ---- The closed loop ---------------------------------------------------- */

static void closed_until(int64_t end)
{
    struct epoll_event events[256];
    while (load_now() < end && run.alive > 0) {
        int n = epoll_wait(run.epoll, events, 256, 10);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (receive(c))
                ask(c, false, load_now());
        }
    }
}

void load_closed(const struct load_options *o, struct load_result *r)
{
    open_all(o, r);
    int64_t start = load_now() + (int64_t)(o->warmup * 1e9);
    for (int i = 0; i < o->connections; i++)
        ask(&run.connections[i], false, load_now());
    closed_until(start);
    measure();
    closed_until(start + (int64_t)(o->seconds * 1e9));
    measured();
    close_all();
}

/* ---- The open loop ------------------------------------------------------ */

struct due {
    int64_t at;
    bool heavy;
};

static double next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (double)(*seed >> 11) / (double)(UINT64_C(1) << 53);
}

/* Exponential: those who come know nothing of each other. The seed alone
 * decides, so that all peers get the same. */
static struct due *plan(const struct load_options *o, size_t *count_out)
{
    size_t n = (size_t)(o->rate * (o->warmup + o->seconds));
    struct due *plan = malloc((n + 1) * sizeof *plan);
    uint64_t seed = UINT64_C(88172645463325252) ^ o->seed << 32;
    double at = 0;
    if (!plan)
        load_fail("memory");
    for (size_t i = 0; i < n; i++) {
        at += -log(1 - next_random(&seed)) / o->rate * 1e9;
        plan[i] = (struct due){(int64_t)at, next_random(&seed) < o->heavy};
    }
    *count_out = n;
    return plan;
}

static void set_free(struct connection *c)
{
    size_t all = (size_t)run.o->connections;
    run.idle[(run.idle_from + run.idle_count++) % all] = c;
}

static struct connection *take_free(void)
{
    while (run.idle_count > 0) {
        struct connection *c = run.idle[run.idle_from];
        run.idle_from = (run.idle_from + 1) % (size_t)run.o->connections;
        run.idle_count--;
        if (c->fd >= 0)
            return c;
    }
    return NULL;
}

static void arm(int timer, int64_t at)
{
    struct itimerspec when = {.it_value = {at / 1000000000, at % 1000000000}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void send_due(const struct due *all, size_t n, size_t *next)
{
    struct connection *c;
    int64_t now = load_now();
    while (*next < n && all[*next].at <= now && (c = take_free())) {
        const struct due *due = &all[(*next)++];
        now = load_now();
        if (run.measuring)
            histogram_add(&run.r->late, now - due->at);
        ask(c, due->heavy, due->at);
    }
}

/* Sleeps until an answer or the timer comes. */
static void open_wait(int timer)
{
    struct epoll_event events[256];
    int n = epoll_wait(run.epoll, events, 256, 100);
    for (int i = 0; i < n; i++) {
        struct connection *c = events[i].data.ptr;
        uint64_t expired;
        if (!c) {
            if (read(timer, &expired, sizeof expired) < 0 && errno != EAGAIN)
                load_fail("timerfd");
            continue;
        }
        if (receive(c))
            set_free(c);
    }
}

/* Those that have been sent, and not been answered. */
static uint64_t still_out(void)
{
    uint64_t n = 0;
    for (int i = 0; i < run.o->connections; i++)
        n += run.connections[i].outstanding > 0;
    return n;
}

/* How many were not even sent. */
static size_t open_run(struct due *all, size_t n, int timer)
{
    size_t next = 0;
    int64_t begin = load_now() + 10000000;
    int64_t warm = begin + (int64_t)(run.o->warmup * 1e9);
    int64_t last = n > 0 ? begin + all[n - 1].at : begin;
    for (size_t i = 0; i < n; i++)
        all[i].at += begin;
    while (next < n || still_out() > 0) {
        int64_t now = load_now();
        if (now > last + DRAIN_NS || run.alive == 0)
            break;
        if (!run.measuring && now >= warm)
            measure();
        send_due(all, n, &next);
        if (next < n && run.idle_count > 0)
            arm(timer, all[next].at);
        open_wait(timer);
    }
    measured();
    return n - next;
}

void load_open(const struct load_options *o, struct load_result *r)
{
    size_t n;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    struct due *all = plan(o, &n);
    open_all(o, r);
    if (timer < 0 || epoll_ctl(run.epoll, EPOLL_CTL_ADD, timer, &event) != 0)
        load_fail("timerfd");
    for (int i = 0; i < o->connections; i++)
        set_free(&run.connections[i]);
    r->unanswered = open_run(all, n, timer);
    r->unanswered += still_out();
    close_all();
    close(timer);
    free(all);
}
