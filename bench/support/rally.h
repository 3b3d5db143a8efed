/* A rally: a ball goes to and fro between two threads, each of which sleeps
 * until it is its turn. What going to sleep and being woken costs, by whatever
 * means the players have.
 *
 * Must not know: by what means.
 */
#ifndef BENCH_SUPPORT_RALLY_H
#define BENCH_SUPPORT_RALLY_H

#include <stdint.h>

/* Both get the table, which holds whose turn it is: 0 at first; the thread
 * that called has the even turns, the other the odd ones. */
struct bench_players {
    void (*await)(void *table, uint32_t turn); /* sleep until it is that one */
    void (*serve)(void *table, uint32_t turn); /* now it is; wake who waits */
};

/* Nanoseconds of one round trip out of n; negative where there is no second
 * thread. */
double bench_rally(const struct bench_players *players, void *table,
                   uint64_t n);

#endif
