/* What the compiler can be told. The only file that spells GNU attributes.
 * Must not know: atomics, the operating system, anything of the library. */
#ifndef MRI_BASE_COMPILER_H
#define MRI_BASE_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#define mri_likely(x) __builtin_expect(!!(x), 1)
#define mri_unlikely(x) __builtin_expect(!!(x), 0)

#define MRI_NOINLINE __attribute__((noinline))
#define MRI_INLINE static inline __attribute__((always_inline))
#define MRI_COLD __attribute__((cold, noinline))
#define MRI_NORETURN __attribute__((noreturn))
/* Reads what AddressSanitizer holds to be out of bounds: stacks at rest. */
#define MRI_NO_ASAN __attribute__((noinline, no_sanitize("address")))
#define MRI_UNUSED __attribute__((unused))
#define MRI_ALIGNED(n) __attribute__((aligned(n)))
#define MRI_PRINTF(text, first) __attribute__((format(printf, text, first)))
/* The caller must look at the result: it is the only word of a failure. */
#define MRI_CHECKED __attribute__((warn_unused_result))

#define MRI_STATIC_ASSERT(cond, text) _Static_assert(cond, text)

/* Two cores fetch neighbouring lines in pairs on x86; one line suffices
 * elsewhere, but a structure keeps its layout on every machine. */
#define MRI_CACHE_LINE 64

#define mri_container_of(ptr, type, member)                                    \
    ((type *)((char *)(ptr)-offsetof(type, member)))

#define MRI_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Where the stack ends now, roughly. Not the frame's address: asking for that
 * costs a function its frame pointer and more. */
MRI_INLINE char *mri_stack_pointer(void)
{
    char *sp;
#if defined(__x86_64__)
    __asm__ volatile("movq %%rsp, %0" : "=r"(sp));
#elif defined(__aarch64__)
    __asm__ volatile("mov %0, sp" : "=r"(sp));
#else
    sp = (char *)__builtin_frame_address(0);
#endif
    return sp;
}

/* Which sanitizer this translation unit is compiled for. */
#if defined(__SANITIZE_ADDRESS__)
#define MRI_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MRI_ASAN 1
#endif
#endif
#ifndef MRI_ASAN
#define MRI_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define MRI_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MRI_TSAN 1
#endif
#endif
#ifndef MRI_TSAN
#define MRI_TSAN 0
#endif

#endif
