/* What the workers do meanwhile: fork and join, without a wait. */
#ifndef TESTS_DB_COMPUTING_H
#define TESTS_DB_COMPUTING_H

#include <millrace.h>

#include "slow.h"
#include "test.h"

#include <stdatomic.h>

MR_FORKABLE(int64_t, fib, int64_t, n)
{
    if (n < 2)
        return n;
    MR_CHILD(fib, other);
    MR_SPAWN(fib, other, n - 1);
    int64_t sum = MR_CALL(fib, n - 2);
    return sum + MR_AWAIT(fib, other);
}

/* So many rounds, and on until *done, unless that is NULL. */
static inline void compute(int rounds, atomic_bool *done)
{
    while (rounds-- > 0 || (done && !atomic_load(done)))
        EXPECT_EQ(fib(slow_is_sanitized() ? 15 : 22),
                  slow_is_sanitized() ? 610 : 17711);
}

#endif
