/* What the library does with signals: nothing, but where it is asked to, and
 * then for the whole process, since a signal has one handler.
 *
 * A handler is put in front of whoever has the signal, and hands on to him what
 * it is not asked to keep: as the kernel would, with the same information, with
 * the same signals blocked. Open and close are counted; the first puts it
 * there, the last takes it back. If by then somebody else has put his own in
 * front, it stays: he may hand on to it. It then still works, if he does, and
 * is not put there a second time, where it would hand on to him and he to it
 * for ever. Where nobody is in front (it was replaced by the default), or it
 * hands on to nobody itself, the next open puts it there again.
 *
 * Must not know: what is done about it.
 */
#ifndef MRI_OS_SIGNAL_H
#define MRI_OS_SIGNAL_H

#include "base/atomic.h"

#include <stdbool.h>

/* heard(address) is called, in the handler, by each thread that touches memory
 * which is not there, or not to be touched. Then whoever had SIGSEGV gets it.
 * `heard` is the same for all. Any thread. */
void mri_segv_open(void (*heard)(const void *address));
void mri_segv_close(void);

/* The signal by which something is asked for: one for the process. Its handler
 * counts, and wakes all who sleep on the count; nobody is handed on to. 0;
 * MR_EINVAL for a signal that cannot be had, or that an instruction raises;
 * MR_EBUSY where another one was opened. Any thread. */
MRI_CHECKED int mri_request_open(int signo);
void mri_request_close(void);

/* A futex.   31        16 15       0    requests so far, and nudges, each
 * modulo |  requests  |  nudges  |   2^16 */
mri_atomic_u32 *mri_request_word(void);

MRI_INLINE uint32_t mri_requests(uint32_t word)
{
    return word >> 16;
}

/* Anybody: wake all who sleep there, who find no request. Release, for them:
 * what the caller did before. */
void mri_request_nudge(void);

/* Handlers of the calling thread run on a stack of their own, memory of the
 * caller's, so that they can run where its stack has ended. */
typedef struct mri_handler_stack {
    void *low;
    size_t size;
    int flags;
} mri_handler_stack;

/* The former one, for close. */
void mri_handler_stack_open(mri_handler_stack *former, void *low, size_t size);
void mri_handler_stack_close(const mri_handler_stack *former);

#endif
