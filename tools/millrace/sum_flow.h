/* Items on their way: produced, digested by as many hands as there are
 * workers, finished in the order in which they were produced.
 *
 * A hand is a task that goes on as long as it finds something to do: let some
 * more be produced, as long as nobody else does and there is room; or digest.
 * Large files first, the largest of them before the others, then small ones in
 * their order: a large one that came last would keep one worker busy when all
 * the others have nothing left. Whoever has digested the next one in order
 * finishes it and all after it that are done.
 *
 * What was produced and is not finished takes at most SUM_WINDOW bytes, and
 * what one call of produce adds: however large a tree, or however long its
 * first file takes.
 *
 * Must not know: where items come from, or what becomes of them.
 */
#ifndef MILLRACE_SUM_FLOW_H
#define MILLRACE_SUM_FLOW_H

#include "sum.h"
#include "sum_algorithm.h"
#include "sum_stats.h"

#include <millrace.h>
#include <pthread.h>

enum {
    SUM_WINDOW = 16 << 20, /* bytes */
    SUM_LARGE = 1 << 20,   /* bytes of a file */
    SUM_BLOCK = 128 << 10  /* bytes that are read at a time */
};

typedef struct sum_flow sum_flow;

/* Who brings items and who takes them; each is called once at a time, in a
 * task, both at the same time maybe. */
struct sum_ends {
    /* Adds some; false: these were the last. */
    bool (*produce)(void *context, sum_flow *flow);
    /* Takes a digested item, in order; may sum_flow_stop. */
    void (*finish)(void *context, sum_flow *flow, sum_item *item);
    void *context;
};

/* Of all files, for who draws the bar: written under the lock. */
struct sum_counts {
    int64_t files, bytes;           /* produced so far, as large as expected */
    int64_t files_done, bytes_done; /* digested; bytes of those begun, too */
    bool all_known;                 /* nothing more will be produced */
};

typedef struct sum_hand {
    sum_flow *flow;
    struct sum_hand *next;
    sum_digester digester;
    char *buffer[2]; /* SUM_BLOCK bytes each */
} sum_hand;

struct sum_flow {
    const struct sum_ends *ends;
    sum_stats *stats;
    bool follow; /* links */
    pthread_mutex_t lock;
    mr_scope scope; /* of the hands */
    /* All below: under the lock. */
    sum_item *first, *last;     /* in the order of output, via next */
    sum_item *small, *small_to; /* to be digested, via after */
    sum_item **large;           /* a heap, the largest first */
    size_t large_count, large_room;
    size_t bytes; /* that first.. takes */
    bool producing, finishing, stopped;
    /* Hands that are not away; workers; how many more hands than these there
     * may be, because some wait for a disk; files since one did. */
    unsigned running, most, extra, calm;
    sum_hand *hands, *idle; /* all, and those that rest */
    unsigned hand_count;
    struct sum_counts counts;
    unsigned sources; /* open now */
};

/* `workers` hands at a time. 0, or MR_ENOMEM and there is nothing to close. */
int sum_flow_open(sum_flow *f, const struct sum_ends *ends, sum_stats *stats,
                  unsigned workers, bool follow);

/* In a task: until all is finished. 0 or a negative code. */
int64_t sum_flow_run(sum_flow *f);

/* Also releases what was never finished. */
void sum_flow_close(sum_flow *f);

/* From produce. */
void sum_flow_put(sum_flow *f, sum_item *item);

/* Nothing more is begun, and what is being digested is broken off. */
void sum_flow_stop(sum_flow *f);

struct sum_counts sum_flow_counts(sum_flow *f);

/* ---- For hands (sum_file.c) -----------------------------------------------
 */

/* Around what waits for somebody else: another hand may begin meanwhile. */
void sum_flow_away(sum_flow *f, sum_mark *mark);
void sum_flow_back(sum_flow *f, const sum_mark *mark);

/* Around what waits only where the system has to ask a disk. Where it did, one
 * hand more is let to work from now on, so that the worker that was free
 * meanwhile has something to do the next time. */
void sum_flow_may_wait(sum_flow *f, sum_mark *mark);
void sum_flow_did_wait(sum_flow *f, const sum_mark *mark);

/* So many more bytes are digested. False: stop. */
bool sum_flow_progress(sum_flow *f, int64_t bytes);

/* A file is being opened or has been closed; how many others are open. */
unsigned sum_flow_sources(sum_flow *f, int change);

#endif
