/* Reading memory that may be gone: another thread's, which frees it when it
 * likes. The kernel reads, and says so where there is nothing.
 *
 * Must not know: what is read.
 */
#ifndef MRI_OS_PEEK_H
#define MRI_OS_PEEK_H

#include "base/compiler.h"

/* `size` bytes from `from`, of this process, as they are or were a moment ago.
 * 0; MR_EFAULT where not all of them are mapped; or another negative code:
 * a kernel or a filter that does not do such things. */
MRI_CHECKED int mri_peek(void *to, const void *from, size_t size);

#endif
