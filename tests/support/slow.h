/* How much of a repetitive test to run: all of it natively, less where every
 * step is slow (sanitizers, Valgrind, emulators; TEST_SLOWER says how much). */
#ifndef TESTS_SUPPORT_SLOW_H
#define TESTS_SUPPORT_SLOW_H

#include <stdbool.h>
#include <stdlib.h>

/* How many times slower a sanitizer makes what is tested here; 1: none. */
static inline int slow_sanitizer(void)
{
#if defined(__SANITIZE_THREAD__)
    return 30;
#elif defined(__SANITIZE_ADDRESS__)
    return 10;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
    return 30;
#elif __has_feature(address_sanitizer)
    return 10;
#endif
#endif
    return 1;
}

/* Whether an emulator stands between the program and the kernel: it keeps some
 * signals to itself, and has no threads in a child of fork(). */
static inline bool slow_is_emulated(void)
{
#ifdef TEST_EMULATED
    return true;
#else
    return false;
#endif
}

/* Whether a sanitizer's runtime lives in this process too. */
static inline bool slow_is_sanitized(void)
{
    return slow_sanitizer() > 1;
}

static inline int slow_scale(int n)
{
    const char *env = getenv("TEST_SLOWER");
    int slower = (env ? atoi(env) : 1) * slow_sanitizer();
    return slower > 1 && n / slower > 0 ? n / slower : n;
}

#endif
