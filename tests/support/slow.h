/* How much of a repetitive test to run: all of it natively, less where every
 * step is slow (sanitizers, Valgrind, emulators; TEST_SLOWER says how much). */
#ifndef TESTS_SUPPORT_SLOW_H
#define TESTS_SUPPORT_SLOW_H

#include <stdbool.h>
#include <stdlib.h>

/* Whether a sanitizer's runtime lives in this process too. */
static inline bool slow_is_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return true;
#endif
#endif
    return false;
}

static inline int slow_scale(int n)
{
    const char *env = getenv("TEST_SLOWER");
    int slower = env ? atoi(env) : 1;
    if (slow_is_sanitized())
        slower *= 10;
    return slower > 1 && n / slower > 0 ? n / slower : n;
}

#endif
