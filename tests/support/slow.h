/* How much of a repetitive test to run: all of it natively, less where every
 * step is slow (sanitizers, Valgrind, emulators; TEST_SLOWER says how much). */
#ifndef TESTS_SUPPORT_SLOW_H
#define TESTS_SUPPORT_SLOW_H

#include <stdlib.h>

static inline int slow_scale(int n)
{
    const char *env = getenv("TEST_SLOWER");
    int slower = env ? atoi(env) : 1;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    slower *= 10;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    slower *= 10;
#endif
#endif
    return slower > 1 && n / slower > 0 ? n / slower : n;
}

#endif
