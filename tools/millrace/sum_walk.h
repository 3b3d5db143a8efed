/* What lies below the paths of the command line, in the order of a sorted
 * walk: a directory's names in the order of their bytes, what is below each
 * before the next.
 *
 * Links are not followed, but for those on the command line, unless asked for;
 * then a directory that is reached from within itself is an error, MR_ELOOP,
 * as a loop of links is. Special files are skipped, and named.
 */
#ifndef MILLRACE_SUM_WALK_H
#define MILLRACE_SUM_WALK_H

#include "sum.h"
#include "sum_flow.h"

struct sum_walk_level;

typedef struct sum_walk {
    const sum_options *options;
    int next; /* of the paths */
    struct sum_walk_level *level;
    char *path; /* of the level, a '/' at its end, and of what is in it */
    size_t room;
    int64_t directories, links; /* entered; not followed */
    bool no_memory;             /* it has ended early */
} sum_walk;

void sum_walk_open(sum_walk *w, const sum_options *options);
void sum_walk_close(sum_walk *w);

/* Puts some items into the flow. False: no more. */
bool sum_walk_more(sum_walk *w, sum_flow *flow);

/* For a file that somebody has named: what it is. */
void sum_walk_look(sum_flow *flow, sum_item *item);

#endif
