/* What the compiler can be told. The only file that spells GNU attributes.
 * Must not know: atomics, the operating system, anything of the library. */
#ifndef MRI_BASE_COMPILER_H
#define MRI_BASE_COMPILER_H

#include <millrace/call_detail.h>

#include <stddef.h>
#include <stdint.h>

#define mri_likely(x) __builtin_expect(!!(x), 1)
#define mri_unlikely(x) __builtin_expect(!!(x), 0)

#define MRI_NOINLINE __attribute__((noinline))
/* No compiler looks into it from outside, nor makes another of it. */
#if defined(__clang__)
#define MRI_ENTRY __attribute__((noinline))
#else
#define MRI_ENTRY __attribute__((noipa))
#endif
#define MRI_INLINE static inline __attribute__((always_inline))
#define MRI_COLD __attribute__((cold, noinline))
#define MRI_NORETURN __attribute__((noreturn))
/* Reads what AddressSanitizer holds to be out of bounds: stacks at rest. */
#define MRI_NO_ASAN __attribute__((noinline, no_sanitize("address")))
/* Reads plain words that others write, and knows that they may be old. */
#define MRI_NO_TSAN __attribute__((noinline, no_sanitize("thread")))
/* Where the function that says this was called. */
#define MRI_CALL_SITE() __builtin_return_address(0)
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

#define MRI_ASAN MR_ASAN_
#define MRI_TSAN MR_TSAN_

#endif
