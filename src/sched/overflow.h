/* A task that runs over the end of its stack is named before the program ends.
 *
 * It touches the guard below its stack (strand_pool.h), which raises SIGSEGV on
 * its thread. The handler runs on a stack of the worker's own, finds the strand
 * by thread, and compares the address with that strand's guard: all others are
 * none of ours. Where there is no guard but a canary, the switch away from the
 * strand finds it dead.
 *
 * Must not know: who had the signal before.
 */
#ifndef MRI_SCHED_OVERFLOW_H
#define MRI_SCHED_OVERFLOW_H

#include "base/text.h"
#include "sched/strand.h"

/* From start to stop, unless mr_config says no. Any thread. */
void mri_overflow_open(void);
void mri_overflow_close(void);

/* Worker thread: fn(w, s) with a stack for the handler, memory of this call; so
 * the thread is to be started with as much stack as the second says. */
void mri_overflow_call(void (*fn)(mri_worker *w, mri_strand *s), mri_worker *w,
                       mri_strand *s);
size_t mri_overflow_thread_stack(void);

/* Say on stderr that strand s, the caller's own, has overflowed. */
MRI_COLD void mri_overflow_say(const mri_strand *s);

/* What the task on the strand calls itself, in quotes and with a space after
 * it; or nothing. Any thread. */
void mri_strand_put_name(mri_text *t, const mri_strand *s);

#endif
