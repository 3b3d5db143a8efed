/* What a step costs, measured now, on a machine as busy as it is: the mean of
 * a batch, and of a few batches the cheapest, the least disturbed one. */
#ifndef MILLRACE_MEASURE_H
#define MILLRACE_MEASURE_H

#include <stdint.h>

/* Does `steps` steps. 0, or a negative code that ends the measurement. */
typedef int (*measure_fn)(void *arg, int steps);

/* Nanoseconds per step into *ns. 0, or the code of `fn`. */
int measure(double *ns, measure_fn fn, void *arg, int steps);

#endif
