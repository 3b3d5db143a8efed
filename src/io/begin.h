/* What calls begin with that are points of cancellation, but use no handle.
 *
 * Must not know: which call.
 */
#ifndef MRI_IO_BEGIN_H
#define MRI_IO_BEGIN_H

#include "io/attempt.h"

/* The calling task's strand: 0; MR_EPERM or MR_ECANCELED. */
MRI_INLINE MRI_CHECKED int mri_caller_begin(mri_strand **s)
{
    int rc = mri_caller(s);
    return rc < 0 ? rc : mri_cancelable_pass(*s);
}

#endif
