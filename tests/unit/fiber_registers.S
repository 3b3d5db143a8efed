/* unsigned registers_survive(mri_fiber *from, mri_fiber *to, uint64_t seed):
 * give every callee-saved register a value of its own, switch, and return a
 * bit for each that came back different. */
#if defined(__x86_64__)
    .text
    .globl registers_survive
    .type registers_survive, @function
registers_survive:
    .cfi_startproc
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
    pushq %rdx
    .cfi_adjust_cfa_offset 8
    leaq 1(%rdx), %rbp
    leaq 2(%rdx), %rbx
    leaq 3(%rdx), %r12
    leaq 4(%rdx), %r13
    leaq 5(%rdx), %r14
    leaq 6(%rdx), %r15
    call switch_called@PLT
    popq %rdx
    .cfi_adjust_cfa_offset -8
    xorl %eax, %eax
    .macro came_back register, number
    subq %rdx, \register
    cmpq $\number, \register
    je 1f
    orl $(1 << \number), %eax
1:
    .endm
    came_back %rbp, 1
    came_back %rbx, 2
    came_back %r12, 3
    came_back %r13, 4
    came_back %r14, 5
    came_back %r15, 6
    popq %r15
    .cfi_adjust_cfa_offset -8
    popq %r14
    .cfi_adjust_cfa_offset -8
    popq %r13
    .cfi_adjust_cfa_offset -8
    popq %r12
    .cfi_adjust_cfa_offset -8
    popq %rbx
    .cfi_adjust_cfa_offset -8
    popq %rbp
    .cfi_adjust_cfa_offset -8
    ret
    .cfi_endproc
    .size registers_survive, .-registers_survive

#elif defined(__aarch64__)
    .text
    .globl registers_survive
    .type registers_survive, %function
registers_survive:
    .cfi_startproc
    stp x29, x30, [sp, #-176]!
    .cfi_def_cfa_offset 176
    .cfi_rel_offset x29, 0
    .cfi_rel_offset x30, 8
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    stp x23, x24, [sp, #48]
    stp x25, x26, [sp, #64]
    stp x27, x28, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    str x2, [sp, #160]
    .macro fill number
    add x\number, x2, #\number
    .endm
    .macro fill_d number
    add x3, x2, #(\number + 100)
    fmov d\number, x3
    .endm
    .irp number, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
    fill \number
    .endr
    .irp number, 8, 9, 10, 11, 12, 13, 14, 15
    fill_d \number
    .endr
    bl switch_called
    ldr x2, [sp, #160]
    mov w0, #0
    .macro came_back number
    sub x3, x\number, x2
    cmp x3, #\number
    b.eq 1f
    orr w0, w0, #(1 << \number)
1:
    .endm
    .macro came_back_d number
    fmov x3, d\number
    sub x3, x3, x2
    cmp x3, #(\number + 100)
    b.eq 1f
    orr w0, w0, #(1 << \number)
1:
    .endm
    .irp number, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
    came_back \number
    .endr
    .irp number, 8, 9, 10, 11, 12, 13, 14, 15
    came_back_d \number
    .endr
    ldp d14, d15, [sp, #144]
    ldp d12, d13, [sp, #128]
    ldp d10, d11, [sp, #112]
    ldp d8, d9, [sp, #96]
    ldp x27, x28, [sp, #80]
    ldp x25, x26, [sp, #64]
    ldp x23, x24, [sp, #48]
    ldp x21, x22, [sp, #32]
    ldp x19, x20, [sp, #16]
    ldp x29, x30, [sp], #176
    ret
    .cfi_endproc
    .size registers_survive, .-registers_survive
#endif

#if defined(__linux__) && defined(__ELF__)
    .section .note.GNU-stack, "", %progbits
#endif
