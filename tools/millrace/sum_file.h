/* Digesting one file. */
#ifndef MILLRACE_SUM_FILE_H
#define MILLRACE_SUM_FILE_H

#include "sum_flow.h"

/* In a task. Afterwards the item has its digest and the bytes that went into
 * it, or is SUM_FAILED with an error, or SUM_SKIPPED. */
void sum_file_digest(sum_hand *hand, sum_item *item);

#endif
