/* A call that does not block, tried until it need not wait: what all that reads
 * and writes in direct style is made of.
 *
 *   closed meanwhile?       MR_EBADF
 *   READY, cleared          the call; MR_EAGAIN: wait. Anything else is the
 *                           result, and READY is set again unless the call is
 *                           known to have left nothing
 *   not READY               wait
 *
 * There is mostly room to write. So a write is tried first with READY left as
 * it is, which saves clearing and setting it; where that says MR_EAGAIN it is
 * cleared and the call made again, and that is the call of which the protocol
 * speaks.
 *
 * Each call takes its part of the task's turn (sched/turn.h).
 *
 * Must not know: which call.
 */
#ifndef MRI_IO_ATTEMPT_H
#define MRI_IO_ATTEMPT_H

#include "io/handle.h"
#include "sched/runtime.h"
#include "sched/turn.h"
#include "task/cancel.h"
#include <millrace/error.h>

/* What is to be done, on d; MR_EAGAIN: it has to wait. */
typedef int64_t (*mri_attempt_fn)(const mri_desc *d, void *arg);

/* The calling task's strand: 0; or MR_EPERM: there is none, or it is in a child
 * of fork(). */
MRI_INLINE MRI_CHECKED int mri_caller(mri_strand **s)
{
    *s = mri_strand_self();
    return *s && mri_runtime_is_here((*s)->worker->runtime) ? 0 : MR_EPERM;
}

/* The same and, as a user, the descriptor, for a call that is a point of
 * cancellation: 0; or as mri_desc_get, or MR_ECANCELED. */
MRI_INLINE MRI_CHECKED int mri_attempt_begin(mr_handle h, uint32_t kinds,
                                             mri_strand **s, mri_desc **d)
{
    *s = mri_strand_self();
    int rc = *s ? mri_cancelable_pass(*s) : MR_EPERM;
    if (mri_likely(rc == 0))
        return mri_desc_get(*s, h, kinds, d);
    /* In a child of fork() there are no scopes. */
    int why = mri_caller(s);
    return why < 0 ? why : rc;
}

/* After a call that was asked for so many bytes and has done n, or failed. */
MRI_INLINE void mri_attempt_after(mri_strand *s, mri_desc *d, enum mri_dir dir,
                                  int64_t n, size_t asked)
{
    if (n > 0 && (size_t)n < asked && d->traits & MRI_DESC_SHORT_IS_ALL &&
        !mri_ready_hup(&d->ready[dir]))
        return;
    mri_desc_again(s, d, dir);
}

/* User, on strand s, which may be on another worker afterwards: what fn has
 * returned, of `asked` bytes (0: not of bytes); or as mri_desc_wait. */
MRI_INLINE int64_t mri_attempt_until(mri_strand *s, mri_desc *d,
                                     enum mri_dir dir, size_t asked,
                                     int64_t deadline, mri_attempt_fn fn,
                                     void *arg)
{
    for (;;) {
        mri_turn_take(s, MRI_TURN_SYSTEM);
        if (mri_unlikely(mri_ready_is_closed(&d->ready[dir])))
            return MR_EBADF;
        if (dir == MRI_DIR_WRITE && asked > 0 &&
            mri_ready_looks(&d->ready[dir])) {
            int64_t n = fn(d, arg);
            if (mri_likely(n != MR_EAGAIN))
                return n;
        }
        if (mri_desc_try(d, dir)) {
            int64_t n = fn(d, arg);
            if (n != MR_EAGAIN) {
                mri_attempt_after(s, d, dir, n, asked);
                return n;
            }
        }
        int rc = mri_desc_wait(s, d, dir, deadline);
        if (rc < 0)
            return rc;
        mri_turn_begin(s);
    }
}

MRI_INLINE int64_t mri_attempt(mri_strand *s, mri_desc *d, enum mri_dir dir,
                               size_t asked, mri_attempt_fn fn, void *arg)
{
    return mri_attempt_until(s, d, dir, asked, MRI_NEVER, fn, arg);
}

#endif
