/* The stub of quiet calls (millrace/call_detail.h): entered by a jump with the return address in
 * r11, the function in r10 and rsp anywhere, it leaves every other general
 * register as it was, rax excepted, which has the result. To unwinders it looks
 * like any function: the frame's address is the caller's rsp, and the return
 * address lies first in r11, then below the red zone.
 */
#if defined(__x86_64__) && !defined(__ILP32__)
    .text

    .globl mr_detail1_quiet
    .type mr_detail1_quiet, @function
    .p2align 4
mr_detail1_quiet:
    .cfi_startproc
    .cfi_def_cfa rsp, 0
    .cfi_register rip, r11
    leaq -128(%rsp), %rsp
    .cfi_adjust_cfa_offset 128
    pushq %r11
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rip, 0
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbp, 0
    movq %rsp, %rbp
    .cfi_def_cfa_register rbp
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    andq $-16, %rsp
    call *%r10
    leaq -48(%rbp), %rsp
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rbp
    .cfi_restore rbp
    .cfi_def_cfa rsp, 136
    popq %r11
    .cfi_adjust_cfa_offset -8
    .cfi_register rip, r11
    leaq 128(%rsp), %rsp
    .cfi_adjust_cfa_offset -128
    notrack jmp *%r11
    .cfi_endproc
    .size mr_detail1_quiet, .-mr_detail1_quiet

    .section .note.gnu.property, "a", @note
    .p2align 3
    .long 4           /* length of the name */
    .long 16          /* length of the description */
    .long 5           /* NT_GNU_PROPERTY_TYPE_0 */
    .asciz "GNU"
    .long 0xc0000002  /* GNU_PROPERTY_X86_FEATURE_1_AND */
    .long 4
    .long 3           /* IBT (entries by notrack jumps alone), SHSTK */
    .long 0
#else
    /* Exported everywhere, called nowhere else. */
    .text
    .globl mr_detail1_quiet
    .type mr_detail1_quiet, %function
mr_detail1_quiet:
    .long 0
    .size mr_detail1_quiet, .-mr_detail1_quiet
#endif

#if defined(__linux__) && defined(__ELF__)
    .section .note.GNU-stack, "", %progbits
#endif
