/* A call that leaves the caller's registers alone.
 *
 * A fast path that may call a slow one costs even when it never does: what the
 * caller still needs must lie in registers that a call preserves, which have
 * to be saved at every entry, those that return at once included. A typed
 * fork-join function pays a quarter of its time for it (bench/strand_deque).
 * Here the callee saves everything instead: an assembly stub
 * (quiet_call_x86_64.S), reached by a jump, so that the red zone, which the
 * compiler uses where it sees no call, stays untouched. r10 carries the
 * function, r11 the return address; the vector registers are given up, as for
 * any call.
 *
 * Elsewhere, and where a sanitizer watches the stack, it is an ordinary call.
 *
 * Must not know: who calls whom.
 */
#ifndef MRI_BASE_QUIET_CALL_H
#define MRI_BASE_QUIET_CALL_H

#include "base/compiler.h"

#if defined(__x86_64__) && !defined(__ILP32__) && defined(__OPTIMIZE__) &&     \
    !MRI_ASAN && !MRI_TSAN && !defined(__APX_F__)
#define MRI_QUIET_CALLS 1
#else
#define MRI_QUIET_CALLS 0
#endif

#if MRI_QUIET_CALLS
#if defined(__AVX512F__)
#define MRI_QUIET_WIDE                                                         \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23",  \
        "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30",         \
        "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#else
#define MRI_QUIET_WIDE
#endif

/* fn(a, b), which returns nothing; a and b are pointers. */
#define MRI_QUIET_CALL(fn, a, b)                                               \
    __asm__ volatile("movq " #fn "@GOTPCREL(%%rip), %%r10\n\t"                 \
                     "leaq 0f(%%rip), %%r11\n\t"                               \
                     "notrack jmp *mri_quiet_stub@GOTPCREL(%%rip)\n"           \
                     "0:"                                                      \
                     :                                                         \
                     : "D"(a), "S"(b)                                          \
                     : "rax", "r10", "r11", "cc", "memory", "xmm0", "xmm1",    \
                       "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",    \
                       "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)",      \
                       "st(5)", "st(6)", "st(7)" MRI_QUIET_WIDE)
#else
#define MRI_QUIET_CALL(fn, a, b) fn(a, b)
#endif

#endif
