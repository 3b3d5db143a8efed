/* See measure.h. */
#include "measure.h"

#include "os/clock.h"

#define BATCHES 7

int measure(double *ns, measure_fn fn, void *arg, int steps)
{
    for (int i = 0; i < BATCHES; i++) {
        int64_t start = mri_clock_now();
        int rc = fn(arg, steps);
        double mean = (double)(mri_clock_now() - start) / steps;
        if (rc < 0)
            return rc;
        if (i == 0 || mean < *ns)
            *ns = mean;
    }
    return 0;
}
