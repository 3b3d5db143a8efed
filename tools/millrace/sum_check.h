/* `millrace sum --check`: lists, and whether what they name is as they say. */
#ifndef MILLRACE_SUM_CHECK_H
#define MILLRACE_SUM_CHECK_H

#include "sum_lines.h"
#include "sum_list.h"

typedef struct sum_check {
    const sum_options *options;
    sum_lines *lines;
    int next;       /* of the lists */
    sum_list *list; /* that is being read */
    char *line;
    size_t room;
    bool failed; /* the finisher's: exit status 1 */
    bool no_memory;
} sum_check;

void sum_check_open(sum_check *c, const sum_options *options, sum_lines *lines);
void sum_check_close(sum_check *c);

bool sum_check_more(sum_check *c, sum_flow *flow);
void sum_check_finish(sum_check *c, const sum_item *item);

/* All was well. */
bool sum_check_is_well(const sum_check *c);

#endif
