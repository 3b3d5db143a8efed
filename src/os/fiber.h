/* A context that can be left and entered again: the registers and stack of a
 * strand, of a worker's own thread, or of the model checker's logical thread.
 *
 * A switch saves the callee-saved registers only. The floating-point control
 * words (rounding mode) stay the thread's, though the ABI counts them among
 * the callee-saved: no task of ours changes them, and on x86-64, where flags
 * of past exceptions share their register, swapping them can cost many
 * switches. Signal masks are the thread's too. With ucontext both belong to
 * the fiber, so code may rely on neither.
 *
 * No exception, longjmp or unwinding crosses from one stack to another;
 * unwinders end at a fiber's entry. Figures are in bench/RESULTS.md.
 *
 * All that sanitizers and Valgrind must be told stands in os/fiber_hooks.h and
 * nowhere else.
 *
 * Must not know: where stacks come from, who runs next.
 */
#ifndef MRI_OS_FIBER_H
#define MRI_OS_FIBER_H

#include "base/compiler.h"

typedef struct mri_fiber {
    void *sp;        /* while not running: its saved stack pointer */
    void *stack_low; /* lowest byte of the stack; NULL for a thread's own */
    size_t stack_size;
    void *hooks[4]; /* os/fiber_hooks.h: what sanitizers must remember */
} mri_fiber;

/* Sanitizers are told of every switch. */
#define MRI_FIBER_HOOKED (MRI_ASAN || MRI_TSAN)

/* The switch itself: saves the context in *from_sp, goes on at to_sp. The stack
 * pointer to load comes as a value, so that it is known before the registers
 * are saved: a quarter faster than by address. */
void mri_fiber_swap(void **from_sp, void *to_sp);

/* What a fiber runs first; it must never return. */
typedef void (*mri_fiber_entry)(void *arg);

/* Make *fiber stand for the calling thread on its own stack. Only that thread
 * may switch to it. */
void mri_fiber_of_thread(mri_fiber *fiber);

/* Prepare a fiber that will run entry(arg) on [stack_low, stack_low + size).
 * `size` at least MRI_FIBER_MIN_STACK, both multiples of 16. Allocates
 * nothing (a sanitizer's hook may). *fiber stays where it is until closed. */
void mri_fiber_open(mri_fiber *fiber, void *stack_low, size_t size,
                    mri_fiber_entry entry, void *arg);

/* Leave `from`, which is running, and enter `to`, which is not. Returns when
 * somebody switches back to `from`, maybe on another thread: whatever was
 * cached of the thread (errno, thread-locals) is stale then. */
#if MRI_FIBER_HOOKED
void mri_fiber_switch(mri_fiber *from, mri_fiber *to);
#else
MRI_INLINE void mri_fiber_switch(mri_fiber *from, mri_fiber *to)
{
    mri_fiber_swap(&from->sp, to->sp);
}
#endif

/* Give up a fiber that is not running and will never run again (its stack is
 * the caller's again), or the calling thread's own. */
void mri_fiber_close(mri_fiber *fiber);

/* "x86-64", "aarch64" or "ucontext". */
const char *mri_fiber_kind(void);

/* The ucontext fallback keeps whole contexts on the stack, each 1 KiB on
 * x86-64 and 4.5 KiB on AArch64. */
#ifdef MRI_UCONTEXT
#define MRI_FIBER_MIN_STACK 16384
#else
#define MRI_FIBER_MIN_STACK 4096
#endif

#endif
