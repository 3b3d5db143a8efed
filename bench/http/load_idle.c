/* What load.h says of the servers' processes, and of idle connections. */
#define _GNU_SOURCE
#include "load.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* ---- Servers ------------------------------------------------------------ */

double load_server_cpu(const struct load_options *o)
{
    double seconds = 0;
    for (int i = 0; i < o->server_count; i++) {
        struct timespec t;
        clockid_t clock;
        if (clock_getcpuclockid(o->servers[i], &clock) != 0 ||
            clock_gettime(clock, &t) != 0)
            load_fail("no clock of a server, which may have ended");
        seconds += (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
    }
    return seconds;
}

static long server_kib(const struct load_options *o)
{
    long kib = 0, page = sysconf(_SC_PAGESIZE) / 1024;
    for (int i = 0; i < o->server_count; i++) {
        char name[64];
        long all, resident;
        snprintf(name, sizeof name, "/proc/%d/statm", o->servers[i]);
        FILE *file = fopen(name, "r");
        if (file && fscanf(file, "%ld %ld", &all, &resident) == 2)
            kib += resident * page;
        if (file)
            fclose(file);
    }
    return kib;
}

/* ---- Idle connections --------------------------------------------------- */

/* What the servers hold when that has not changed for a while. */
static long settled_kib(const struct load_options *o)
{
    long last = -1, kib = server_kib(o);
    for (int i = 0; i < 50 && kib != last; i++) {
        poll(NULL, 0, 200);
        last = kib;
        kib = server_kib(o);
    }
    return kib;
}

/* Some at a time: a server should not need to be quick for this. */
static void ask_each(const struct load_options *o, struct load_idle *idle)
{
    enum { SOME = 100 };
    for (int i = 0; i < o->idle; i += SOME) {
        int end = i + SOME < o->idle ? i + SOME : o->idle;
        for (int k = i; k < end; k++)
            load_ask(idle->fds[k], o->path);
        for (int k = i; k < end; k++)
            idle->lost += !load_answered(idle->fds[k]);
    }
}

void load_idle_open(const struct load_options *o, struct load_idle *idle)
{
    if (o->idle == 0)
        return;
    idle->fds = malloc((size_t)o->idle * sizeof *idle->fds);
    if (!idle->fds)
        load_fail("memory");
    idle->before_kib = settled_kib(o);
    for (int i = 0; i < o->idle; i++)
        idle->fds[i] = load_connect(o->port);
    idle->connected_kib = settled_kib(o);
    ask_each(o, idle);
    idle->served_kib = settled_kib(o);
}

void load_idle_close(const struct load_options *o, struct load_idle *idle)
{
    if (o->idle == 0)
        return;
    ask_each(o, idle);
    for (int i = 0; i < o->idle; i++)
        close(idle->fds[i]);
    free(idle->fds);
}
