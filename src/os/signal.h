/* What the library does with signals: nothing, but where it is asked to, and
 * then for the whole process, since a signal has one handler.
 *
 * A handler is put in front of whoever has the signal, and hands on to him what
 * it is not asked to keep: as the kernel would, with the same information, with
 * the same signals blocked. Open and close are counted; the first puts it
 * there, the last takes it back. If by then somebody else has put his own in
 * front, it stays: he may hand on to it. It then still works, if he does, and
 * is not put there a second time, where it would hand on to him and he to it
 * for ever.
 *
 * Must not know: what is done about it.
 */
#ifndef MRI_OS_SIGNAL_H
#define MRI_OS_SIGNAL_H

#include "base/compiler.h"

#include <stdbool.h>

/* heard(address) is called, in the handler, by each thread that touches memory
 * which is not there, or not to be touched. Then whoever had SIGSEGV gets it.
 * `heard` is the same for all. Any thread. */
void mri_segv_open(void (*heard)(const void *address));
void mri_segv_close(void);

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
