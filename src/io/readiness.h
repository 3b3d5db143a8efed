/* Whether a handle is ready to be read or written: asked, and waited for as one
 * of several things.
 *
 * One look first, then, where that says no, a wait; both as a user of the
 * descriptor. The kernel is asked only where READY is set, and READY is cleared
 * before: so what comes afterwards ends the wait (parts/ready_word.h).
 *
 * The several-things wait is the caller's: it has begun a park, whose count is
 * handed in, and ends it itself where it need not wait. Whoever was told goes
 * on; the others of which it waits it takes back.
 *
 * Must not know: what else is waited for.
 */
#ifndef MRI_IO_READINESS_H
#define MRI_IO_READINESS_H

#include "io/handle.h"

/* On strand s: *out, as a user, to be put back; NULL: a file, which is always
 * ready. 0, or as mri_desc_get. */
MRI_CHECKED int mri_readiness_open(mri_strand *s, mr_handle h, mri_desc **out);
void mri_readiness_close(mri_strand *s, mri_desc *d);

/* User. 1: ready, 0: not yet, or a negative code. */
MRI_CHECKED int mri_readiness_look(mri_strand *s, mri_desc *d,
                                   enum mri_dir dir);

/* User, whose park began with `count`: it is ended once d is ready, or closed.
 * 1: that is so already, and 0: not yet; MR_EBUSY, MR_EBADF. */
MRI_CHECKED int mri_readiness_wait(mri_strand *s, mri_desc *d, enum mri_dir dir,
                                   uint64_t count);

/* User, after a wait that was 0, when the park has ended, by this or other
 * means: 1: it is ready; 0: not yet; MR_EBADF. */
MRI_CHECKED int mri_readiness_end(mri_strand *s, mri_desc *d, enum mri_dir dir,
                                  uint64_t count);

#endif
