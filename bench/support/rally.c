#include "rally.h"

#include "bench.h"

#include <pthread.h>

struct rally {
    const struct bench_players *players;
    void *table;
    uint64_t n;
};

static void play(const struct rally *r, uint32_t first)
{
    for (uint64_t i = 0; i < r->n; i++) {
        uint32_t turn = (uint32_t)(2 * i) + first;
        r->players->await(r->table, turn);
        r->players->serve(r->table, turn + 1);
    }
}

static void *play_second(void *arg)
{
    play(arg, 1);
    return NULL;
}

double bench_rally(const struct bench_players *players, void *table, uint64_t n)
{
    struct rally r = {players, table, n};
    pthread_t second;
    if (pthread_create(&second, NULL, play_second, &r) != 0)
        return -1;
    int64_t start = bench_now();
    play(&r, 0);
    pthread_join(second, NULL);
    return (double)(bench_now() - start) / (double)n;
}
