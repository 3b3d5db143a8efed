/* Which way of switching is compiled, and the frame that the assembly and C
 * agree upon. Read by the C compiler and by the assembler.
 *
 * A fiber that is not running has its callee-saved registers at its saved
 * stack pointer; a new one starts with a frame that looks as if it had been
 * left just before mri_fiber_start. Offsets in bytes.
 *
 * Must not know: fibers' users; this is private to os/fiber*.
 */
#ifndef MRI_OS_FIBER_ARCH_H
#define MRI_OS_FIBER_ARCH_H

#if defined(__x86_64__) && !defined(__ILP32__) && !defined(MRI_UCONTEXT)
#define MRI_FIBER_X86_64 1
#else
#define MRI_FIBER_X86_64 0
#endif

#if defined(__aarch64__) && !defined(__ILP32__) && !defined(MRI_UCONTEXT)
#define MRI_FIBER_AARCH64 1
#else
#define MRI_FIBER_AARCH64 0
#endif

#define MRI_FIBER_UCONTEXT (!MRI_FIBER_X86_64 && !MRI_FIBER_AARCH64)

#if MRI_FIBER_X86_64
/* From low to high: r15 r14 r13 r12 rbx rbp, return address. */
#define MRI_FRAME_SIZE 56
#define MRI_FRAME_ARG 8    /* r14 */
#define MRI_FRAME_ENTRY 16 /* r13 */
#define MRI_FRAME_FIBER 24 /* r12 */
#define MRI_FRAME_PC 48
#elif MRI_FIBER_AARCH64
/* x29 x30 (return address), x19 to x28, d8 to d15. */
#define MRI_FRAME_SIZE 160
#define MRI_FRAME_PC 8
#define MRI_FRAME_FIBER 16 /* x19 */
#define MRI_FRAME_ENTRY 24 /* x20 */
#define MRI_FRAME_ARG 32   /* x21 */
#endif

#ifndef __ASSEMBLER__
#include "os/fiber.h"

/* Make fiber->sp such that the first swap to it calls mri_fiber_main with
 * these arguments. Its stack is stack_low, stack_size. */
void mri_fiber_prepare(mri_fiber *fiber, mri_fiber_entry entry, void *arg);

/* Where mri_fiber_start (assembly) goes first on a new stack. */
MRI_NORETURN void mri_fiber_main(mri_fiber *fiber, mri_fiber_entry entry,
                                 void *arg);
#endif

#endif
