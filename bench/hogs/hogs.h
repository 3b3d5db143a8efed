/* Light tasks among heavy ones: what every program of this comparison shares,
 * so that peers differ in who runs the tasks alone. A thread from outside hands
 * tasks in, at random times and without waiting for any (an open loop); one in
 * a hundred computes for 20 ms. What counts is how long the others wait, from
 * being handed in until they run.
 *
 * Must not know: any scheduler.
 */
#ifndef BENCH_HOGS_H
#define BENCH_HOGS_H

#include <stdint.h>

/* Hands in task i of a run: whoever runs it calls hogs_light(i), or, for a
 * heavy one, hogs_heavy(). */
typedef void hogs_hand_in(uint64_t i, int heavy);

/* n tasks, `rate` a second; returns when all have run. */
void hogs_run(double rate, uint64_t n, hogs_hand_in *hand_in);

void hogs_light(uint64_t i);
void hogs_heavy(void);

/* How long a light one of the last run waited, in ns: q of them no longer. */
double hogs_waited(double q);

#endif
