/* A clock that stands still, where no worker watches. */
#include "os/clock.h"

int64_t mri_clock_now(void)
{
    return 1;
}
