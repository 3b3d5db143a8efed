/* See peek.h. */
#include "os/peek.h"

#include "os/sys.h"

#include <millrace/error.h>

int mri_peek(void *to, const void *from, size_t size)
{
    long n = mri_sys_read_memory(to, from, size);
    if (n < 0)
        return (int)n;
    return (size_t)n == size ? 0 : MR_EFAULT;
}
