/* A litmus program as data, read from a line of text:
 *
 *     W.rel x 1; F.sc; R.acq y | A.acq_rel y 1 | C.rlx x 0 2
 *
 * Threads are separated by "|", operations by ";". R load, W store of a
 * constant, A fetch-and-add, C strong compare-and-swap (expected, desired),
 * F fence, L light and H heavy barrier. Orders: rlx acq rel acq_rel sc.
 * Words: x y z, zero at first.
 *
 * Parsed by the process, read by the threads of the model; it is constant
 * while they run.
 */
#ifndef MODEL_ORACLE_PROGRAM_H
#define MODEL_ORACLE_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

enum { WORDS = 3, THREADS = 3, OPERATIONS = 6 };

enum order { RLX, ACQ, REL, ACQ_REL, SC };

struct operation {
    char kind; /* R W A C F L H */
    enum order order;
    unsigned word;
    uint64_t first, second;
};

struct program {
    unsigned length[THREADS];
    struct operation operation[THREADS][OPERATIONS];
};

/* False when the line is no program; what is wrong then goes to stderr. */
bool program_parse(const char *line, struct program *p);

/* The next line of standard input, parsed. False at its end. A line that is
 * no program ends the process. */
bool program_read(struct program *p);

#endif
