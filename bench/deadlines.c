/* Timers as programs meet them, beside libuv's, where it was found; timers.c
 * has the structure alone.
 *
 *  armed and cancelled   a scope with a deadline is opened and closed, in a
 *                        task, within another; uv_timer_start and _stop. No
 *                        other pending, or a million
 *  armed and fired       tasks that sleep for some milliseconds, again and
 *                        again, a million times in all, with the park and the
 *                        resume of each; uv_timers that their callbacks start
 *                        again; and a million uv_timers at once
 *
 * Processor time of the thread for the first, of the process for the second:
 * what goes by while all sleep does not count.
 */
#define _GNU_SOURCE
#include <millrace.h>

#include "bench.h"

#include <stdlib.h>
#include <time.h>

#ifdef BENCH_UV
#include <uv.h>
#endif

enum { MOST = 1000000, FEW = 1000, MS = 8 /* what is slept, at most */ };

static void must(int64_t rc)
{
    if (rc < 0)
        abort();
}

static int64_t processor(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void *room(size_t n, size_t size)
{
    void *memory = calloc(n, size);
    if (!memory)
        abort();
    return memory;
}

/* ---- Armed and cancelled ------------------------------------------------ */

struct load {
    uint64_t n, pending;
    double each;
};

/* Each within the one before, and due before it: an alarm for each. */
static void open_many(mr_scope *scope, uint64_t n, int64_t latest)
{
    for (uint64_t i = 0; i < n; i++)
        mr_scope_open(&scope[i], latest - (int64_t)(i * 1000));
}

static void close_many(mr_scope *scope, uint64_t n)
{
    while (n-- > 0)
        must(mr_scope_close(&scope[n]));
}

static int64_t opens(void *arg)
{
    struct load *load = arg;
    int64_t far = mr_after(10000 * MR_S), soon = far - 5000 * MR_S;
    mr_scope *others = room(load->pending, sizeof *others);
    open_many(others, load->pending, far);
    int64_t begin = bench_ran();
    for (uint64_t i = 0; i < load->n; i++) {
        mr_scope scope;
        mr_scope_open(&scope, soon);
        must(mr_scope_close(&scope));
    }
    load->each = (double)(bench_ran() - begin) / (double)load->n;
    close_many(others, load->pending);
    free(others);
    return 0;
}

static double scopes(uint64_t n, uint64_t pending)
{
    mr_config config = {.size = sizeof config, .workers = 1};
    struct load load = {n, pending, 0};
    must(mr_main(&config, opens, &load));
    return load.each;
}

/* One is within another in any case. */
static double scope_alone(uint64_t n)
{
    return scopes(n, 1);
}

static double scope_of_many(uint64_t n)
{
    return scopes(n, MOST);
}

/* ---- Armed and fired ---------------------------------------------------- */

static int64_t sleeps(void *arg)
{
    uint64_t times = *(uint64_t *)arg;
    for (uint64_t i = 0; i < times; i++)
        must(mr_sleep((int64_t)(1 + i % MS) * MR_MS));
    return 0;
}

struct crowd {
    uint64_t tasks, times;
};

static int64_t sleep_all(void *arg)
{
    struct crowd *crowd = arg;
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    for (uint64_t i = 0; i < crowd->tasks; i++)
        must(mr_scope_go(&scope, sleeps, &crowd->times, sizeof crowd->times));
    return mr_scope_close(&scope);
}

static double sleep_often(uint64_t n)
{
    mr_config config = {.size = sizeof config, .workers = 1};
    struct crowd crowd = {FEW, n / FEW};
    int64_t begin = processor();
    must(mr_main(&config, sleep_all, &crowd));
    return (double)(processor() - begin) / (double)n;
}

/* ---- libuv -------------------------------------------------------------- */

#ifdef BENCH_UV
static uint64_t fired, wanted;

static void rings(uv_timer_t *timer)
{
    (void)timer;
    fired++;
}

static void rings_again(uv_timer_t *timer)
{
    if (++fired + FEW <= wanted)
        must(uv_timer_start(timer, rings_again, 1 + fired / FEW % MS, 0));
}

static uv_timer_t *uv_make(uv_loop_t *loop, uint64_t n)
{
    uv_timer_t *timer = room(n, sizeof *timer);
    must(uv_loop_init(loop));
    for (uint64_t i = 0; i < n; i++)
        must(uv_timer_init(loop, &timer[i]));
    fired = 0;
    return timer;
}

static void uv_end(uv_loop_t *loop, uv_timer_t *timer, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        uv_close((uv_handle_t *)&timer[i], NULL);
    must(uv_run(loop, UV_RUN_DEFAULT));
    must(uv_loop_close(loop));
    free(timer);
}

static double uv_pairs(uint64_t n, uint64_t pending)
{
    uv_loop_t loop;
    uv_timer_t *timer = uv_make(&loop, pending + 1);
    for (uint64_t i = 0; i < pending; i++)
        must(uv_timer_start(&timer[i], rings, 10000000 - i, 0));
    int64_t begin = bench_ran();
    for (uint64_t i = 0; i < n; i++) {
        must(uv_timer_start(&timer[pending], rings, 5000000, 0));
        must(uv_timer_stop(&timer[pending]));
    }
    double each = (double)(bench_ran() - begin) / (double)n;
    uv_end(&loop, timer, pending + 1);
    return each;
}

static double uv_alone(uint64_t n)
{
    return uv_pairs(n, 1);
}

static double uv_of_many(uint64_t n)
{
    return uv_pairs(n, MOST);
}

static double uv_often(uint64_t n)
{
    uv_loop_t loop;
    uv_timer_t *timer = uv_make(&loop, FEW);
    wanted = n;
    int64_t begin = processor();
    for (uint64_t i = 0; i < FEW; i++)
        must(uv_timer_start(&timer[i], rings_again, 1, 0));
    must(uv_run(&loop, UV_RUN_DEFAULT));
    double each = (double)(processor() - begin) / (double)n;
    if (fired != n)
        abort();
    uv_end(&loop, timer, FEW);
    return each;
}

/* In no order, within a second, after which all are due. */
static double uv_at_once(uint64_t n)
{
    uv_loop_t loop;
    uv_timer_t *timer = uv_make(&loop, n);
    int64_t begin = bench_ran();
    for (uint64_t i = 0; i < n; i++)
        must(uv_timer_start(&timer[i], rings, 1 + i * 7919 % 1000, 0));
    double spent = (double)(bench_ran() - begin);
    must(mr_sleep(MR_S));
    begin = bench_ran();
    must(uv_run(&loop, UV_RUN_DEFAULT));
    spent += (double)(bench_ran() - begin);
    uv_end(&loop, timer, n);
    return spent / (double)n;
}
#else
static double not_here(uint64_t n)
{
    (void)n;
    return -1;
}
#define uv_alone not_here
#define uv_of_many not_here
#define uv_often not_here
#define uv_at_once not_here
#endif

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"armed and cancelled, scope", 1 << 18, scope_alone},
        {"armed and cancelled, uv_timer", 1 << 18, uv_alone},
        {"the same, 10^6 pending, scope", 1 << 18, scope_of_many},
        {"the same, 10^6 pending, uv_timer", 1 << 18, uv_of_many},
        {"10^6 fired, 1000 tasks that sleep", MOST, sleep_often},
        {"10^6 fired, 1000 uv_timers", MOST, uv_often},
        {"10^6 fired, 10^6 uv_timers at once", MOST, uv_at_once},
    };
    return bench_main(argc, argv, "timers of programs", cases,
                      sizeof cases / sizeof cases[0]);
}
