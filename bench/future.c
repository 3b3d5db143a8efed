/* What futures cost, on one worker and on two.
 *
 *  get     mr_async of an empty function and mr_get, one after the other
 *  many    1,000 of mr_async, then mr_get of each
 *  chain   mr_then on a promise, a million links; then it is completed and the
 *          end is got: per link, all of it
 *  skip    the same; the promise fails, so that no link is called
 *  done    mr_get of a future that is done, and mr_then with mr_get
 *
 * The goal is what Tokio takes to spawn and join a task: 91 to 159 ns.
 */
#include "bench.h"

#include <millrace.h>

#include <stdlib.h>

struct load {
    uint64_t n;
    int64_t value; /* with which a promise is completed */
    double each;
};

static double run_with(unsigned workers, mr_fn fn, uint64_t n, int64_t value)
{
    mr_config config = {.size = sizeof config, .workers = workers};
    struct load load = {.n = n, .value = value};
    if (mr_main(&config, fn, &load) < 0)
        return -1;
    return load.each;
}

static void took(struct load *load, int64_t begin)
{
    load->each = (double)(bench_now() - begin) / (double)load->n;
}

static int64_t nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int64_t passes(int64_t value, void *arg)
{
    (void)arg;
    return value;
}

/* ---- Begin and get ------------------------------------------------------ */

static int64_t gets(void *arg)
{
    struct load *load = arg;
    int64_t begin = bench_now();
    for (uint64_t i = 0; i < load->n; i++)
        if (mr_get(mr_async(nothing, NULL, 0)) < 0)
            abort();
    took(load, begin);
    return 0;
}

enum { MANY = 1000 };

static int64_t gets_many(void *arg)
{
    struct load *load = arg;
    mr_future *f[MANY];
    int64_t begin = bench_now();
    for (uint64_t i = 0; i < load->n / MANY; i++) {
        for (int j = 0; j < MANY; j++)
            f[j] = mr_async(nothing, NULL, 0);
        for (int j = 0; j < MANY; j++)
            if (mr_get(f[j]) < 0)
                abort();
    }
    took(load, begin);
    return 0;
}

/* ---- Chains ------------------------------------------------------------- */

static int64_t chains(void *arg)
{
    struct load *load = arg;
    mr_promise *p;
    int64_t begin = bench_now();
    mr_future *f = mr_promise_open(&p);
    for (uint64_t i = 0; i < load->n; i++)
        f = mr_then(f, passes, NULL, 0);
    if (mr_promise_complete(p, load->value) < 0)
        abort();
    mr_promise_close(p);
    if (mr_get(f) != load->value)
        abort();
    took(load, begin);
    return 0;
}

/* ---- Done --------------------------------------------------------------- */

static int64_t gets_done(void *arg)
{
    struct load *load = arg;
    mr_promise *p;
    mr_future *f = mr_promise_open(&p);
    if (mr_promise_complete(p, 0) < 0)
        abort();
    mr_promise_close(p);
    int64_t begin = bench_now();
    for (uint64_t i = 0; i < load->n; i++)
        if (mr_get(mr_retain(f)) < 0)
            abort();
    took(load, begin);
    mr_drop(f);
    return 0;
}

static double get_1(uint64_t n)
{
    return run_with(1, gets, n, 0);
}

static double get_2(uint64_t n)
{
    return run_with(2, gets, n, 0);
}

static double many_1(uint64_t n)
{
    return run_with(1, gets_many, n, 0);
}

static double many_2(uint64_t n)
{
    return run_with(2, gets_many, n, 0);
}

static double chain_1(uint64_t n)
{
    return run_with(1, chains, n, 0);
}

static double chain_2(uint64_t n)
{
    return run_with(2, chains, n, 0);
}

static double skip_1(uint64_t n)
{
    return run_with(1, chains, n, -5);
}

static double done_1(uint64_t n)
{
    return run_with(1, gets_done, n, 0);
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"get, 1 worker", 1000000, get_1},
        {"get, 2 workers", 1000000, get_2},
        {"many, 1 worker", 1000000, many_1},
        {"many, 2 workers", 1000000, many_2},
        {"chain, 1 worker", 1000000, chain_1},
        {"chain, 2 workers", 1000000, chain_2},
        {"skip, 1 worker", 1000000, skip_1},
        {"done, 1 worker", 10000000, done_1},
    };
    return bench_main(argc, argv, "Futures", cases,
                      sizeof cases / sizeof *cases);
}
