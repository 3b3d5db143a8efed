/* The machine, as far as users need to know it. */
#include <millrace/machine.h>

#include "os/cpus.h"

int mr_usable_cpus(void)
{
    mri_cpus cpus;
    if (mri_cpus_open(&cpus, NULL) < 0)
        return 1;
    int usable = cpus.usable;
    mri_cpus_close(&cpus);
    return usable;
}
