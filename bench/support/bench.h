/* What every benchmark shares: runs its cases in turn, round after round, so
 * that a change of the machine's speed meets all of them alike; reports the
 * median of the rounds with their spread, as a table or, with --json, as JSON.
 *
 *     os_switch [--json] [--rounds N] [--only TEXT]
 *
 * Must not know: what is measured.
 */
#ifndef BENCH_SUPPORT_BENCH_H
#define BENCH_SUPPORT_BENCH_H

#include <stddef.h>
#include <stdint.h>

struct bench_case {
    const char *name;
    uint64_t n; /* operations in one round */
    /* Does n operations; nanoseconds of one, or a negative value where the
     * case cannot run on this machine. */
    double (*run)(uint64_t n);
};

/* The main of a benchmark. 0, or 2 where the arguments are wrong. */
int bench_main(int argc, char **argv, const char *title,
               const struct bench_case *cases, size_t count);

/* Nanoseconds on the monotonic clock: where threads wait for each other. */
int64_t bench_now(void);

/* Nanoseconds that the calling thread has run: what one thread does alone,
 * also on a machine that others use. */
int64_t bench_ran(void);

/* Keeps the compiler from removing what computes the value. */
#define bench_keep(value) __asm__ volatile("" : : "g"(value) : "memory")

#endif
