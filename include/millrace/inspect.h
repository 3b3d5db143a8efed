/* Looking into a running runtime. */
#ifndef MILLRACE_INSPECT_H
#define MILLRACE_INSPECT_H

#include <millrace/export.h>
#include <millrace/runtime.h>

#include <stddef.h>
#include <stdint.h>

MR_BEGIN_DECLS

/* What happened since the start, in numbers. Fork and join count nothing as
 * long as nobody steals: what is counted takes a slow path anyhow. */
typedef struct mr_counters {
    size_t size; /* sizeof(mr_counters): set before the call */
    /* Of one worker, or of all, spares included. */
    uint64_t jobs;      /* tasks taken from queues: submitted, or queued */
    uint64_t resumes;   /* tasks that had waited, and went on here */
    uint64_t steals;    /* children taken from a task that runs elsewhere */
    uint64_t tokens;    /* looks at the children of a task that waits */
    uint64_t robberies; /* batches taken from another worker's queue */
    uint64_t publishes; /* children shown to others because those asked */
    uint64_t forces;    /* attempts to show the children of a busy other */
    uint64_t parks;     /* waits that gave the worker to others */
    uint64_t yields;
    uint64_t searches; /* for work, among the others */
    uint64_t sleeps;   /* having found none */
    uint64_t wakes;    /* sleeps that somebody ended, not the clock */
    /* Of the runtime: 0 where one worker was asked for. */
    uint64_t spares;       /* times that a spare worker was called in */
    uint64_t strands;      /* stacks in use: a task each, or a worker's own */
    uint64_t strands_most; /* ever, those at hand included, 32 a worker */
    uint64_t stack_size;   /* bytes of each */
    uint64_t stack_most;   /* bytes of a stack that tasks have used, in whole
                              pages; 0 where the system does not tell */
} mr_counters;

#define MR_ALL_WORKERS (~0U)

/* The counters of one worker (below mr_workers()), or the sum of all and what
 * the runtime as a whole has. Each is read for itself, while the others go on.
 * `stack_most` is the deepest that this call or one before found: a stack that
 * was used deeply and given back to the system between two calls is missed;
 * looking for it costs some 0.3 us for each of strands_most, a call for one
 * worker next to nothing. A smaller or larger out->size gets what both sides
 * know of, and is set to that. 0; MR_EINVAL for another worker, or no size;
 * MR_EPERM in a child of fork(). Any thread, tasks too, while rt lives. */
MR_API int mr_stats(mr_runtime *rt, unsigned worker, mr_counters *out);

MR_END_DECLS

#endif
