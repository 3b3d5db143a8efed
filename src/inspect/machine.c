/* The machine, as far as users need to know it. */
#include <millrace/machine.h>

#include "os/cpus.h"

int mr_usable_cpus(void)
{
    return mri_cpus_usable(NULL);
}
