/* What every program of the fork-join suite shares, whatever its language:
 * arguments, input, clock, the check of the result, and the line of JSON.
 *
 *     fj_omp_fib [--workers N] [--size N] [--reps N]
 *
 *     {"peer": "libgomp", "workload": "fib", "workers": 2, "size": 39,
 *      "seconds": 4.1, "tasks": 102334154, "unit": "spawn", "result_ok": true,
 *      "cpu_seconds": 8.2, "peak_rss_kib": 2100}
 *
 * A program opens, starts its pool of fj_workers(), and then works as long as
 * there is something next: first a small size that only warms up, then --reps
 * times the one asked for, of which the shortest counts. The pool's start and
 * end are not timed; handing the work to the pool is.
 *
 * A task is what the peer could have run elsewhere; `unit` says what is
 * counted. The exit status is 0 if all results were right, 1 if not, 2 where
 * the arguments are wrong, 3 where the machine gave no memory or thread.
 *
 * Must not know: any scheduler.
 */
#ifndef FORKJOIN_HARNESS_H
#define FORKJOIN_HARNESS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Reads the arguments and knows the workload from then on. */
void fj_open(int argc, char **argv, const char *peer, const char *workload);

int fj_workers(void);

/* The stack that a peer's threads need: UTS T3L is 17,844 calls deep, and who
 * waits may run other branches on top. */
int64_t fj_stack_size(void);

/* What to do next; its input is ready and the clock runs. 0: nothing more. */
int fj_next(int64_t *size);

/* Stops the clock and checks. */
void fj_done(int64_t result);

/* Prints the line; the exit status. */
int fj_close(void);

/* Calls fn on a thread with fj_stack_size(): for peers whose caller works. */
void fj_on_large_stack(void (*fn)(void));

#ifdef __cplusplus
}
#endif

#endif
