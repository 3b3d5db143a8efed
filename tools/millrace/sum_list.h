/* A line of a list of digests, as coreutils, BSD and OpenSSL write it. */
#ifndef MILLRACE_SUM_LIST_H
#define MILLRACE_SUM_LIST_H

#include "sum.h"
#include "sum_algorithm.h"

#include <stdint.h>
#include <stdio.h>

/* A list that is being checked. */
typedef struct sum_list {
    FILE *file;    /* the producer's */
    uint64_t line; /* its number, likewise */
    int reversed;  /* 1: "DIGEST NAME", 0: "DIGEST  NAME"; -1: neither yet.
                      A name may begin with a blank, so a list has one */
    bool standard_input; /* where "-" cannot stand for it */
    bool broken;         /* it could not be read to its end */
    /* Lines: the first two the producer counts, then the finisher reads. */
    uint64_t well_formed, misformatted;
    uint64_t matched, mismatched, unreadable; /* the finisher's */
} sum_list;

typedef struct sum_listed {
    const sum_algorithm *algorithm;
    unsigned char expected[SUM_DIGEST_MOST];
    char *name; /* inside of the line, which was changed */
} sum_listed;

/* The line, without what ends it, with a 0 behind. `given`: what a line has
 * that does not say, and, where `only`, the only one that a tag may name.
 * False: it is none. */
bool sum_list_parse(sum_listed *out, sum_list *list, char *line, size_t len,
                    const sum_algorithm *given, bool only);

#endif
