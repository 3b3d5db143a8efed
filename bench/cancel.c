/* What scopes cost.
 *
 *  cancel    100,000 children parked in one scope; from mr_scope_cancel until
 *            mr_scope_close has returned, or the call alone, per child
 *  children  from the spawn until the close has returned, per child, that does
 *            nothing
 *  scopes    one that is opened and closed, in a task, and within another
 *
 * The goal is 50 ms for the first, 500 ns a child.
 */
#include "bench.h"

#include <millrace.h>

#include <stdlib.h>

enum { BATCH = 1000 };

struct load {
    uint64_t n;
    int64_t parked;
    double each;
};

static double run_with(unsigned workers, mr_fn fn, uint64_t n)
{
    mr_config config = {.size = sizeof config, .workers = workers};
    struct load load = {.n = n};
    if (mr_main(&config, fn, &load) < 0)
        return -1;
    return load.each;
}

static void took(struct load *load, int64_t begin)
{
    load->each = (double)(bench_now() - begin) / (double)load->n;
}

/* ---- Cancel ------------------------------------------------------------- */

static int64_t parks(void *arg)
{
    struct load *load = *(struct load **)arg;
    __atomic_fetch_add(&load->parked, 1, __ATOMIC_RELAXED);
    return mr_sleep(MR_NEVER);
}

static void let_park(struct load *load, mr_scope *scope)
{
    for (uint64_t i = 0; i < load->n; i++)
        if (mr_scope_go(scope, parks, &load, sizeof load) < 0)
            abort();
    while (__atomic_load_n(&load->parked, __ATOMIC_RELAXED) < (int64_t)load->n)
        mr_yield();
    bench_keep(mr_sleep(MR_MS)); /* the last ones too */
}

static int64_t cancels(void *arg)
{
    struct load *load = arg;
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    let_park(load, &scope);
    int64_t begin = bench_now();
    mr_scope_cancel(&scope);
    int64_t rc = mr_scope_close(&scope);
    took(load, begin);
    return rc == MR_ECANCELED ? 0 : -1;
}

static int64_t calls_cancel(void *arg)
{
    struct load *load = arg;
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    let_park(load, &scope);
    int64_t begin = bench_now();
    mr_scope_cancel(&scope);
    took(load, begin);
    return mr_scope_close(&scope) == MR_ECANCELED ? 0 : -1;
}

static double cancel_1(uint64_t n)
{
    return run_with(1, cancels, n);
}

static double cancel_2(uint64_t n)
{
    return run_with(2, cancels, n);
}

static double call_1(uint64_t n)
{
    return run_with(1, calls_cancel, n);
}

/* ---- Children ----------------------------------------------------------- */

static int64_t nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int64_t spawns(void *arg)
{
    struct load *load = arg;
    mr_task *task = malloc(BATCH * sizeof *task);
    int64_t begin = bench_now();
    for (uint64_t i = 0; i < load->n; i += BATCH) {
        mr_scope scope;
        mr_scope_open(&scope, MR_NEVER);
        for (int k = 0; k < BATCH; k++)
            mr_scope_spawn(&scope, &task[k], nothing, NULL);
        bench_keep(mr_scope_close(&scope));
    }
    took(load, begin);
    free(task);
    return 0;
}

static int64_t goes(void *arg)
{
    struct load *load = arg;
    int64_t begin = bench_now();
    for (uint64_t i = 0; i < load->n; i += BATCH) {
        mr_scope scope;
        mr_scope_open(&scope, MR_NEVER);
        for (int k = 0; k < BATCH; k++)
            bench_keep(mr_scope_go(&scope, nothing, &k, sizeof k));
        bench_keep(mr_scope_close(&scope));
    }
    took(load, begin);
    return 0;
}

static double spawn_1(uint64_t n)
{
    return run_with(1, spawns, n);
}

static double spawn_2(uint64_t n)
{
    return run_with(2, spawns, n);
}

static double go_1(uint64_t n)
{
    return run_with(1, goes, n);
}

/* ---- Scopes ------------------------------------------------------------- */

static void open_and_close(struct load *load, int64_t deadline)
{
    int64_t begin = bench_now();
    for (uint64_t i = 0; i < load->n; i++) {
        mr_scope scope;
        mr_scope_open(&scope, deadline);
        bench_keep(mr_scope_close(&scope));
    }
    took(load, begin);
}

static int64_t opens(void *arg)
{
    open_and_close(arg, MR_NEVER);
    return 0;
}

static int64_t opens_within(void *arg)
{
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    open_and_close(arg, MR_NEVER);
    return mr_scope_close(&scope);
}

static int64_t opens_with_deadline(void *arg)
{
    open_and_close(arg, mr_after(1000 * MR_S));
    return 0;
}

static double open_1(uint64_t n)
{
    return run_with(1, opens, n);
}

static double open_within_1(uint64_t n)
{
    return run_with(1, opens_within, n);
}

static double open_deadline_1(uint64_t n)
{
    return run_with(1, opens_with_deadline, n);
}

static const struct bench_case cases[] = {
    {"cancel and close 100,000, 1 worker", 100000, cancel_1},
    {"cancel and close 100,000, 2 workers", 100000, cancel_2},
    {"cancel 100,000, the call, 1 worker", 100000, call_1},
    {"spawn and close, 1 worker", 1000000, spawn_1},
    {"spawn and close, 2 workers", 1000000, spawn_2},
    {"go and close, 1 worker", 1000000, go_1},
    {"open and close", 1000000, open_1},
    {"open and close within another", 1000000, open_within_1},
    {"open and close with a deadline", 1000000, open_deadline_1},
};

int main(int argc, char **argv)
{
    return bench_main(argc, argv, "cancel: ns per child or scope", cases,
                      sizeof cases / sizeof cases[0]);
}
