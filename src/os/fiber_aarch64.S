/* Context switch for AArch64, AAPCS64.
 *
 * Saved are x19 to x28, the frame pointer x29, the link register x30, the
 * lower halves of v8 to v15, and the stack pointer. fpcr stays the thread's
 * (os/fiber.h says why).
 *
 * The object is marked for branch target identification. It does not sign
 * return addresses: the first frame of a fiber is written by C, and the mark
 * for pointer authentication is only information. Guarded control stacks
 * would have to be switched as well; without their mark the loader leaves
 * them off.
 */
#include "os/fiber_arch.h"

#if MRI_FIBER_AARCH64
    .text

/* void mri_fiber_swap(void **from_sp, void *to_sp).
 * The frame has the same shape before and after the stack pointer changes,
 * so one description serves the unwinder for both. */
    .globl mri_fiber_swap
    .hidden mri_fiber_swap
    .type mri_fiber_swap, %function
    .p2align 4
mri_fiber_swap:
    .cfi_startproc
    hint #34 /* bti c */
    stp x29, x30, [sp, #-MRI_FRAME_SIZE]!
    .cfi_def_cfa_offset MRI_FRAME_SIZE
    .cfi_rel_offset x29, 0
    .cfi_rel_offset x30, 8
    stp x19, x20, [sp, #16]
    .cfi_rel_offset x19, 16
    .cfi_rel_offset x20, 24
    stp x21, x22, [sp, #32]
    .cfi_rel_offset x21, 32
    .cfi_rel_offset x22, 40
    stp x23, x24, [sp, #48]
    .cfi_rel_offset x23, 48
    .cfi_rel_offset x24, 56
    stp x25, x26, [sp, #64]
    .cfi_rel_offset x25, 64
    .cfi_rel_offset x26, 72
    stp x27, x28, [sp, #80]
    .cfi_rel_offset x27, 80
    .cfi_rel_offset x28, 88
    stp d8, d9, [sp, #96]
    .cfi_rel_offset d8, 96
    .cfi_rel_offset d9, 104
    stp d10, d11, [sp, #112]
    .cfi_rel_offset d10, 112
    .cfi_rel_offset d11, 120
    stp d12, d13, [sp, #128]
    .cfi_rel_offset d12, 128
    .cfi_rel_offset d13, 136
    stp d14, d15, [sp, #144]
    .cfi_rel_offset d14, 144
    .cfi_rel_offset d15, 152
    mov x2, sp
    str x2, [x0]
    mov sp, x1
    ldp d14, d15, [sp, #144]
    ldp d12, d13, [sp, #128]
    ldp d10, d11, [sp, #112]
    ldp d8, d9, [sp, #96]
    ldp x27, x28, [sp, #80]
    ldp x25, x26, [sp, #64]
    ldp x23, x24, [sp, #48]
    ldp x21, x22, [sp, #32]
    ldp x19, x20, [sp, #16]
    ldp x29, x30, [sp], #MRI_FRAME_SIZE
    .cfi_def_cfa_offset 0
    .cfi_restore x29
    .cfi_restore x30
    .cfi_restore x19
    .cfi_restore x20
    .cfi_restore x21
    .cfi_restore x22
    .cfi_restore x23
    .cfi_restore x24
    .cfi_restore x25
    .cfi_restore x26
    .cfi_restore x27
    .cfi_restore x28
    .cfi_restore d8
    .cfi_restore d9
    .cfi_restore d10
    .cfi_restore d11
    .cfi_restore d12
    .cfi_restore d13
    .cfi_restore d14
    .cfi_restore d15
    ret
    .cfi_endproc
    .size mri_fiber_swap, .-mri_fiber_swap

/* The first code on a new stack, entered by the ret above (which needs no
 * landing pad) with x29 0. Unwinders stop here: there is no caller. */
    .globl mri_fiber_start
    .hidden mri_fiber_start
    .type mri_fiber_start, %function
    .p2align 4
mri_fiber_start:
    .cfi_startproc
    .cfi_undefined x30
    mov x0, x19
    mov x1, x20
    mov x2, x21
    bl mri_fiber_main
    brk #0
    .cfi_endproc
    .size mri_fiber_start, .-mri_fiber_start

    .section .note.gnu.property, "a", %note
    .p2align 3
    .long 4           /* length of the name */
    .long 16          /* length of the description */
    .long 5           /* NT_GNU_PROPERTY_TYPE_0 */
    .asciz "GNU"
    .long 0xc0000000  /* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
    .long 4
    .long 1           /* BTI, and neither PAC nor GCS */
    .long 0
#endif

#if defined(__linux__) && defined(__ELF__)
    .section .note.GNU-stack, "", %progbits
#endif
