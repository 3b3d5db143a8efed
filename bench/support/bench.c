#define _GNU_SOURCE
#include "bench.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST_ROUNDS 1001

struct options {
    bool json;
    int rounds;
    const char *only;
};

struct summary {
    double median, min, max;
};

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t bench_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t bench_ran(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static bool parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){.rounds = 31};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            o->json = true;
        else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
            o->rounds = atoi(argv[++i]);
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            o->only = argv[++i];
        else
            return false;
    }
    return o->rounds >= 1 && o->rounds <= MOST_ROUNDS;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct summary summarize(double *ns, int n)
{
    qsort(ns, (size_t)n, sizeof *ns, by_value);
    double median = n % 2 ? ns[n / 2] : (ns[n / 2 - 1] + ns[n / 2]) / 2;
    return (struct summary){median, ns[0], ns[n - 1]};
}

static void report(const struct options *o, const struct bench_case *c,
                   double *ns, bool first)
{
    bool possible = ns[0] >= 0;
    struct summary s = summarize(ns, o->rounds);
    if (o->json && possible)
        printf("%s\n    {\"name\": \"%s\", \"unit\": \"ns\", \"operations\": "
               "%llu, \"median\": %.3f, \"min\": %.3f, \"max\": %.3f}",
               first ? "" : ",", c->name, (unsigned long long)c->n, s.median,
               s.min, s.max);
    else if (o->json)
        printf("%s\n    {\"name\": \"%s\", \"median\": null}", first ? "" : ",",
               c->name);
    else if (possible)
        printf("%-44s %10.2f  (%.2f .. %.2f)\n", c->name, s.median, s.min,
               s.max);
    else
        printf("%-44s not possible here\n", c->name);
}

static bool wanted(const struct options *o, const struct bench_case *c)
{
    return !o->only || strstr(c->name, o->only);
}

static void run_all(const struct options *o, const struct bench_case *cases,
                    size_t count, double (*ns)[MOST_ROUNDS])
{
    /* One round ahead of those that count: caches, page faults, clock rate. */
    for (int round = -1; round < o->rounds; round++)
        for (size_t i = 0; i < count; i++)
            if (wanted(o, &cases[i]))
                ns[i][round < 0 ? 0 : round] = cases[i].run(cases[i].n);
}

int bench_main(int argc, char **argv, const char *title,
               const struct bench_case *cases, size_t count)
{
    struct options o;
    if (!parse(&o, argc, argv)) {
        fprintf(stderr, "usage: %s [--json] [--rounds 1..%d] [--only TEXT]\n",
                argv[0], MOST_ROUNDS);
        return 2;
    }
    double(*ns)[MOST_ROUNDS] = calloc(count, sizeof *ns);
    if (!ns) {
        fprintf(stderr, "%s: out of memory\n", argv[0]);
        return 1;
    }
    run_all(&o, cases, count, ns);
    if (o.json)
        printf("{\"title\": \"%s\", \"rounds\": %d, \"cases\": [", title,
               o.rounds);
    else
        printf("%s: median of %d rounds (min .. max), ns\n", title, o.rounds);
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        if (!wanted(&o, &cases[i]))
            continue;
        report(&o, &cases[i], ns[i], first);
        first = false;
    }
    if (o.json)
        printf("\n]}\n");
    free(ns);
    return 0;
}
