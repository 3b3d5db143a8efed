/* millrace/time.h. */
#include <millrace/time.h>

#include "os/clock.h"

int64_t mr_now(void)
{
    return mri_clock_now();
}

int64_t mr_after(int64_t ns)
{
    int64_t now = mri_clock_now();
    return ns > MR_NEVER - now ? MR_NEVER : now + ns;
}
