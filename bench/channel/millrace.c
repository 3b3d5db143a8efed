/* See channel.h. */
#include "channel.h"

#include <millrace.h>

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

static void must(int64_t rc)
{
    if (rc < 0)
        abort();
}

/* ---- Ours --------------------------------------------------------------- */

struct load {
    mr_channel there, back;
    int64_t room[CHANNEL_ROOM];
    uint64_t n;
    int senders, receivers;
    double each;
};

static void took(struct load *l, int64_t begin)
{
    l->each = (double)(bench_now() - begin) / (double)l->n;
}

static int64_t answers(void *arg)
{
    struct load *l = *(struct load **)arg;
    int64_t item;
    while (mr_receive(&l->there, &item) == 0)
        must(mr_send(&l->back, &item));
    return 0;
}

static int64_t asks(void *arg)
{
    struct load *l = *(struct load **)arg;
    int64_t begin = bench_now();
    for (int64_t i = 0, item; i < (int64_t)l->n; i++) {
        must(mr_send(&l->there, &i));
        must(mr_receive(&l->back, &item));
    }
    took(l, begin);
    return mr_channel_close(&l->there);
}

static int64_t trips(void *arg)
{
    struct load *l = arg;
    mr_scope scope;
    must(mr_channel_open(&l->there, sizeof(int64_t), 0, NULL));
    must(mr_channel_open(&l->back, sizeof(int64_t), 0, NULL));
    mr_scope_open(&scope, MR_NEVER);
    must(mr_scope_go(&scope, answers, &l, sizeof(void *)));
    must(mr_scope_go(&scope, asks, &l, sizeof(void *)));
    return mr_scope_close(&scope);
}

static int64_t sends(void *arg)
{
    struct load *l = *(struct load **)arg;
    for (int64_t i = 0; i < (int64_t)l->n / l->senders; i++)
        must(mr_send(&l->there, &i));
    return 0;
}

static int64_t receives(void *arg)
{
    struct load *l = *(struct load **)arg;
    int64_t item;
    for (int64_t i = 0; i < (int64_t)l->n / l->receivers; i++)
        must(mr_receive(&l->there, &item));
    return 0;
}

static int64_t streams(void *arg)
{
    struct load *l = arg;
    mr_scope scope;
    must(mr_channel_open(&l->there, sizeof(int64_t), CHANNEL_ROOM, l->room));
    mr_scope_open(&scope, MR_NEVER);
    int64_t begin = bench_now();
    for (int i = 0; i < l->senders; i++)
        must(mr_scope_go(&scope, sends, &l, sizeof(void *)));
    for (int i = 0; i < l->receivers; i++)
        must(mr_scope_go(&scope, receives, &l, sizeof(void *)));
    must(mr_scope_close(&scope));
    took(l, begin);
    return 0;
}

static double ours(int senders, int receivers, uint64_t n)
{
    struct load l = {.n = n, .senders = senders, .receivers = receivers};
    mr_config config = {.size = sizeof config, .workers = senders ? 2 : 1};
    must(mr_main(&config, senders ? streams : trips, &l));
    return l.each;
}

/* ---- Peers -------------------------------------------------------------- */

static double peer(const char *program, int senders, int receivers, uint64_t n)
{
    char command[512];
    double each = -1;
    snprintf(command, sizeof command, "%s %d %d %llu 2>/dev/null", program,
             senders, receivers, (unsigned long long)n);
    FILE *out = popen(command, "r");
    if (!out)
        return -1;
    if (fscanf(out, "%lf", &each) != 1)
        each = -1;
    return pclose(out) == 0 ? each : -1;
}

#define CASES(name, senders, receivers)                                        \
    static double name##_millrace(uint64_t n)                                  \
    {                                                                          \
        return ours(senders, receivers, n);                                    \
    }                                                                          \
    static double name##_tokio(uint64_t n)                                     \
    {                                                                          \
        return peer(BENCH_TOKIO, senders, receivers, n);                       \
    }                                                                          \
    static double name##_go(uint64_t n)                                        \
    {                                                                          \
        return peer(BENCH_GO, senders, receivers, n);                          \
    }                                                                          \
    static double name##_crossbeam(uint64_t n)                                 \
    {                                                                          \
        return peer(BENCH_CROSSBEAM, senders, receivers, n);                   \
    }
CASES(trip, 0, 0)
CASES(one_one, 1, 1)
CASES(four_one, 4, 1)
CASES(four_four, 4, 4)

enum { TRIPS = 500000, ITEMS = 2000000 };

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"trip, millrace", TRIPS, trip_millrace},
        {"trip, tokio", TRIPS, trip_tokio},
        {"trip, go", TRIPS, trip_go},
        {"trip, crossbeam (threads)", TRIPS / 20, trip_crossbeam},
        {"1:1, millrace", ITEMS, one_one_millrace},
        {"1:1, tokio", ITEMS, one_one_tokio},
        {"1:1, go", ITEMS, one_one_go},
        {"1:1, crossbeam (threads)", ITEMS, one_one_crossbeam},
        {"4:1, millrace", ITEMS, four_one_millrace},
        {"4:1, tokio", ITEMS, four_one_tokio},
        {"4:1, go", ITEMS, four_one_go},
        {"4:1, crossbeam (threads)", ITEMS, four_one_crossbeam},
        {"4:4, millrace", ITEMS, four_four_millrace},
        {"4:4, tokio", ITEMS, four_four_tokio},
        {"4:4, go", ITEMS, four_four_go},
        {"4:4, crossbeam (threads)", ITEMS, four_four_crossbeam},
    };
    return bench_main(argc, argv, "channels, two workers, ns", cases,
                      sizeof cases / sizeof cases[0]);
}
