/* What the inline part of the library, here and in its own source, has to know
 * of the processor's stack and calls. Not for use: these names change without
 * notice. */
#ifndef MILLRACE_CALL_DETAIL_H
#define MILLRACE_CALL_DETAIL_H

#include <millrace/export.h>

#include <stdbool.h>

MR_BEGIN_DECLS

#define MR_INLINE_ static inline __attribute__((always_inline, unused))

/* Which sanitizer this translation unit is compiled for. */
#define MR_ASAN_ 0
#define MR_TSAN_ 0
#if defined(__SANITIZE_ADDRESS__)
#undef MR_ASAN_
#define MR_ASAN_ 1
#endif
#if defined(__SANITIZE_THREAD__)
#undef MR_TSAN_
#define MR_TSAN_ 1
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#undef MR_ASAN_
#define MR_ASAN_ 1
#endif
#if __has_feature(thread_sanitizer)
#undef MR_TSAN_
#define MR_TSAN_ 1
#endif
#endif

/* Does the stack end below *limit? Not told by the frame's address: asking for
 * that costs a function its frame pointer and more. */
MR_INLINE_ bool mr_detail_stack_is_below(char *const *limit)
{
#if defined(__x86_64__) && defined(__GCC_ASM_FLAG_OUTPUTS__)
    bool below;
    __asm__ volatile("cmpq %1, %%rsp" : "=@ccb"(below) : "m"(*limit));
    return below;
#else
    char *sp;
#if defined(__x86_64__)
    __asm__ volatile("movq %%rsp, %0" : "=r"(sp));
#elif defined(__aarch64__)
    __asm__ volatile("mov %0, sp" : "=r"(sp));
#else
    sp = (char *)__builtin_frame_address(0);
#endif
    return sp < *limit;
#endif
}

/* A call that leaves the caller's registers alone.
 *
 * A fast path that may call a slow one costs even when it never does: what the
 * caller still needs must lie in registers that a call preserves, which have
 * to be saved at every entry, those that return at once included. A typed
 * fork-join function pays a quarter of its time for it (bench/strand_deque).
 * Here the callee saves everything instead: an assembly stub
 * (src/base/quiet_call_x86_64.S), reached by a jump, so that the red zone,
 * which the compiler uses where it sees no call, stays untouched. r10 carries
 * the function, r11 the return address; the vector registers are given up, as
 * for any call.
 *
 * Elsewhere, and where a sanitizer watches the stack, it is an ordinary call.
 * What is called has C linkage and two arguments, pointers both. */
#if defined(__x86_64__) && !defined(__ILP32__) && defined(__OPTIMIZE__) &&     \
    !MR_ASAN_ && !MR_TSAN_ && !defined(__APX_F__)
#define MR_QUIET_CALLS_ 1
#if defined(__AVX512F__)
#define MR_QUIET_WIDE_                                                         \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23",  \
        "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30",         \
        "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#else
#define MR_QUIET_WIDE_
#endif
/* result = fn(a, b), a pointer too. */
#define MR_QUIET_GET_(result, fn, a, b)                                        \
    __asm__ volatile("movq " #fn "@GOTPCREL(%%rip), %%r10\n\t"                 \
                     "leaq 0f(%%rip), %%r11\n\t"                               \
                     "notrack jmp *mr_detail1_quiet@GOTPCREL(%%rip)\n"         \
                     "0:"                                                      \
                     : "=a"(result)                                            \
                     : "D"(a), "S"(b)                                          \
                     : "r10", "r11", "cc", "memory", "xmm0", "xmm1", "xmm2",   \
                       "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", \
                       "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",   \
                       "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)",      \
                       "st(6)", "st(7)" MR_QUIET_WIDE_)
/* fn(a, b), which returns nothing. */
#define MR_QUIET_CALL_(fn, a, b)                                               \
    do {                                                                       \
        void *mr_nothing_;                                                     \
        MR_QUIET_GET_(mr_nothing_, fn, a, b);                                  \
        (void)mr_nothing_;                                                     \
    } while (0)
#else
#define MR_QUIET_CALLS_ 0
#define MR_QUIET_GET_(result, fn, a, b) ((void)((result) = fn((a), (b))))
#define MR_QUIET_CALL_(fn, a, b) fn((a), (b))
#endif

/* The stub of quiet calls; not a function to C. */
MR_API void mr_detail1_quiet(void);

MR_END_DECLS

#endif
