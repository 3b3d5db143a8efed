/* Ten times a second while it works: lines that are done go out, and on a
 * terminal a bar says how far it is, how fast, and how long it will take. */
#ifndef MILLRACE_SUM_PROGRESS_H
#define MILLRACE_SUM_PROGRESS_H

#include "sum_flow.h"
#include "sum_out.h"

typedef struct sum_progress {
    sum_flow *flow;
    sum_out *out;
    int64_t started, last; /* mr_now() */
    int64_t last_bytes;
    double rate; /* bytes a second, of the last seconds */
} sum_progress;

/* A task, given a sum_progress: until its scope is cut short. */
int64_t sum_progress_run(void *arg);

/* "1.2 GB", "834 MB": three digits or so, decimal units. Returns `to`. */
const char *sum_progress_size(char *to, size_t size, double bytes);

#endif
