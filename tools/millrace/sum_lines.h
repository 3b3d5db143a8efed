/* What becomes of a digested item: a line that sha256sum -c takes, or JSON;
 * a message where it could not be read. One at a time, in order. */
#ifndef MILLRACE_SUM_LINES_H
#define MILLRACE_SUM_LINES_H

#include "sum.h"
#include "sum_flow.h"
#include "sum_out.h"

typedef struct sum_totals {
    int64_t files, bytes; /* digested */
    int64_t failed, skipped, changed;
    int64_t mismatched, misformatted; /* --check */
    int64_t directories, links;       /* walked through, not followed */
} sum_totals;

typedef struct sum_lines {
    const sum_options *options;
    sum_out *out;
    sum_totals totals;
    char *text; /* one line */
    size_t len, room;
    bool separate; /* JSON: there is an entry before */
    bool no_memory;
} sum_lines;

void sum_lines_open(sum_lines *l, const sum_options *options, sum_out *out);
void sum_lines_close(sum_lines *l);

/* Counts it, and says where it failed, was skipped or has changed. */
void sum_lines_count(sum_lines *l, const sum_item *item);

/* A line for it, in the form that was asked for. */
void sum_lines_file(sum_lines *l, const sum_item *item);

/* A line of --check: "NAME: RESULT". */
void sum_lines_result(sum_lines *l, const sum_item *item, const char *result);

/* Pieces of a line, and the line. */
void sum_lines_add(sum_lines *l, const char *text, size_t len);
void sum_lines_hex(sum_lines *l, const unsigned char *digest, size_t size);
void sum_lines_end(sum_lines *l);

#endif
