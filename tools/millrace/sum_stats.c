/* See sum_stats.h. */
#define _GNU_SOURCE
#include "sum_stats.h"

#include "sched/monitor.h"
#include "sched/strand.h"
#include "sched/worker.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

int sum_stats_open(sum_stats *s, bool on, unsigned workers)
{
    *s = (sum_stats){.on = on, .workers = workers, .started = mr_now()};
    if (!on)
        return 0;
    s->seats = workers + MRI_SPARE_SEATS;
    s->seat = aligned_alloc(64, s->seats * sizeof *s->seat);
    if (!s->seat)
        return MR_ENOMEM;
    for (unsigned i = 0; i < s->seats; i++)
        s->seat[i] = (sum_seat){.used = false};
    return 0;
}

void sum_stats_close(sum_stats *s)
{
    free(s->seat);
}

static int64_t read_clock(clockid_t clock)
{
    struct timespec t;
    return clock_gettime(clock, &t) == 0 ? t.tv_sec * MR_S + t.tv_nsec : 0;
}

/* Where the task runs now; it may be elsewhere after each wait. */
static sum_seat *seat_here(sum_stats *s)
{
    return &s->seat[mri_strand_self()->worker->index];
}

void sum_stats_begin(sum_stats *s)
{
    if (!s->on)
        return;
    sum_seat *seat = seat_here(s);
    if (!seat->used)
        seat->used = pthread_getcpuclockid(pthread_self(), &seat->clock) == 0;
    seat->wall_at = mr_now();
    seat->cpu_at = read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void sum_stats_end(sum_stats *s)
{
    if (!s->on)
        return;
    sum_seat *seat = seat_here(s);
    seat->cpu += read_clock(CLOCK_THREAD_CPUTIME_ID) - seat->cpu_at;
    seat->wall += mr_now() - seat->wall_at;
}

/* Relaxed: its own task asks, or another where any change will do. */
static uint64_t parks_of(const mri_worker *w)
{
    return mri_load_relaxed(&w->stats.parks);
}

static uint64_t yields_of(const mri_worker *w)
{
    return mri_load_relaxed(&w->stats.yields);
}

void sum_stats_pause(sum_stats *s, sum_mark *mark)
{
    const mri_worker *w = mri_strand_self()->worker;
    *mark =
        (sum_mark){.worker = w, .parks = parks_of(w), .yields = yields_of(w)};
    if (!s->on)
        return;
    sum_stats_end(s);
    mark->wall = mr_now();
    mark->cpu = read_clock(CLOCK_THREAD_CPUTIME_ID);
}

bool sum_stats_resume(sum_stats *s, const sum_mark *mark)
{
    bool parked = parks_of(mark->worker) != mark->parks;
    bool yielded = yields_of(mark->worker) != mark->yields;
    if (!s->on)
        return parked;
    sum_stats_begin(s);
    sum_seat *seat = seat_here(s);
    int64_t took = seat->wall_at - mark->wall;
    if (parked || yielded) {
        seat->parked += took;
    } else {
        seat->wall += took;
        seat->cpu += seat->cpu_at - mark->cpu;
    }
    return parked;
}

double sum_stats_parked(const sum_stats *s)
{
    double all = 0;
    for (unsigned i = 0; i < s->seats; i++)
        all += (double)s->seat[i].parked * 1e-9;
    return all;
}

void sum_stats_stop(sum_stats *s)
{
    s->took = mr_now() - s->started;
    for (unsigned i = 0; s->on && i < s->seats; i++)
        if (s->seat[i].used)
            s->seat[i].all_cpu = read_clock(s->seat[i].clock);
}

/* Seconds. */
struct split {
    double running, waiting, stealing, idle;
};

static double positive(int64_t ns)
{
    return ns > 0 ? (double)ns * 1e-9 : 0;
}

static struct split split_of(const sum_stats *s, const sum_seat *seat)
{
    int64_t own = seat->all_cpu - seat->cpu;
    return (struct split){positive(seat->cpu), positive(seat->wall - seat->cpu),
                          positive(own), positive(s->took - seat->wall - own)};
}

/* Of a spare nothing is counted that a user could ask for. */
static mr_counters counters_of(const sum_stats *s, mr_runtime *rt, unsigned i)
{
    mr_counters c = {.size = sizeof c};
    if (i >= s->workers || mr_stats(rt, i, &c) < 0)
        c = (mr_counters){.size = sizeof c};
    return c;
}

/* A spare worker that was never called in is no line. */
static bool is_shown(const sum_stats *s, unsigned i)
{
    return i < s->workers || s->seat[i].used;
}

void sum_stats_print(const sum_stats *s, mr_runtime *rt)
{
    fprintf(stderr, "%-9s %9s %9s %9s %9s  %s\n", "worker", "running",
            "waiting", "stealing", "idle", "thefts, searches, sleeps");
    for (unsigned i = 0; i < s->seats; i++) {
        struct split t = split_of(s, &s->seat[i]);
        mr_counters c = counters_of(s, rt, i);
        if (!is_shown(s, i))
            continue;
        fprintf(stderr, "%-5s %3u %7.3f s %7.3f s %7.3f s %7.3f s",
                i < s->workers ? "" : "spare",
                i < s->workers ? i : i - s->workers, t.running, t.waiting,
                t.stealing, t.idle);
        if (i < s->workers)
            fprintf(stderr, "  %ju, %ju, %ju",
                    (uintmax_t)(c.steals + c.robberies), (uintmax_t)c.searches,
                    (uintmax_t)c.sleeps);
        fputc('\n', stderr);
    }
}

json_t *sum_stats_json(const sum_stats *s, mr_runtime *rt)
{
    json_t *all = json_array();
    for (unsigned i = 0; all && i < s->seats; i++) {
        struct split t = split_of(s, &s->seat[i]);
        mr_counters c = counters_of(s, rt, i);
        if (!is_shown(s, i))
            continue;
        json_t *one = json_pack(
            "{s:b, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I}", "spare",
            i >= s->workers, "running_s", t.running, "waiting_s", t.waiting,
            "stealing_s", t.stealing, "idle_s", t.idle, "steals",
            (json_int_t)c.steals, "robberies", (json_int_t)c.robberies,
            "searches", (json_int_t)c.searches, "sleeps", (json_int_t)c.sleeps,
            "parks", (json_int_t)c.parks);
        if (!one || json_array_append_new(all, one) < 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}
