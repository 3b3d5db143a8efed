/* Where io/ is left out: there are no handles. See readiness.h. */
#include "io/readiness.h"

#include <millrace/error.h>

int mri_readiness_open(mri_strand *s, mr_handle h, mri_desc **out)
{
    (void)s;
    (void)h;
    (void)out;
    return MR_EBADF;
}

void mri_readiness_close(mri_strand *s, mri_desc *d)
{
    (void)s;
    (void)d;
}

int mri_readiness_look(mri_strand *s, mri_desc *d, enum mri_dir dir)
{
    (void)s;
    (void)d;
    (void)dir;
    return MR_EBADF;
}

int mri_readiness_wait(mri_strand *s, mri_desc *d, enum mri_dir dir,
                       uint64_t count)
{
    (void)count;
    return mri_readiness_look(s, d, dir);
}

int mri_readiness_end(mri_strand *s, mri_desc *d, enum mri_dir dir,
                      uint64_t count)
{
    (void)count;
    return mri_readiness_look(s, d, dir);
}
