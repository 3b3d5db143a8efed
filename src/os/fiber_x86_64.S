/* Context switch for x86-64, System V ABI.
 *
 * Saved are rbx, rbp, r12 to r15 and the stack pointer. mxcsr and the x87
 * control word are callee-saved by the ABI too, but stay the thread's
 * (os/fiber.h says why).
 *
 * CET: the entry points carry endbr64, and the object is marked for indirect
 * branch tracking. It is not marked for shadow stacks: a switch would have to
 * switch those as well, and without the mark the loader leaves them off.
 */
#include "os/fiber_arch.h"

#if MRI_FIBER_X86_64
    .text

/* void mri_fiber_swap(void **from_sp, void *to_sp).
 * The frame has the same shape before and after the stack pointer changes,
 * so one description serves the unwinder for both.
 *
 * It ends in a jump, since a ret would be predicted to go where the call came
 * from, and never does: 3.7 ns against 13 on Cascade Lake. The jump's target
 * follows a call and carries no endbr64, hence notrack. */
    .globl mri_fiber_swap
    .hidden mri_fiber_swap
    .type mri_fiber_swap, @function
    .p2align 4
mri_fiber_swap:
    .cfi_startproc
    endbr64
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbp, 0
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbx, 0
    pushq %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r12, 0
    pushq %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r13, 0
    pushq %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r14, 0
    pushq %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r15, 0
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore r15
    popq %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore r14
    popq %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore r13
    popq %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore r12
    popq %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore rbx
    popq %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore rbp
    popq %rcx
    .cfi_adjust_cfa_offset -8
    .cfi_register rip, rcx
    notrack jmp *%rcx
    .cfi_endproc
    .size mri_fiber_swap, .-mri_fiber_swap

/* The first code on a new stack, entered by the jump above with rsp at a
 * multiple of 16 and rbp 0. Unwinders stop here: there is no caller. */
    .globl mri_fiber_start
    .hidden mri_fiber_start
    .type mri_fiber_start, @function
    .p2align 4
mri_fiber_start:
    .cfi_startproc
    .cfi_undefined rip
    endbr64
    movq %r12, %rdi
    movq %r13, %rsi
    movq %r14, %rdx
    call mri_fiber_main
    ud2
    .cfi_endproc
    .size mri_fiber_start, .-mri_fiber_start

    .section .note.gnu.property, "a", @note
    .p2align 3
    .long 4           /* length of the name */
    .long 16          /* length of the description */
    .long 5           /* NT_GNU_PROPERTY_TYPE_0 */
    .asciz "GNU"
    .long 0xc0000002  /* GNU_PROPERTY_X86_FEATURE_1_AND */
    .long 4
    .long 1           /* IBT, and not SHSTK */
    .long 0
#endif

#if defined(__linux__) && defined(__ELF__)
    .section .note.GNU-stack, "", %progbits
#endif
