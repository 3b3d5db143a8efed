#define FJ_WORKLOAD "fib"
#include "millrace_main.h"

MR_FORKABLE(int64_t, fib, int64_t, n)
{
    if (n < 2)
        return n;
    MR_CHILD(fib, a);
    MR_SPAWN(fib, a, n - 1);
    int64_t b = MR_CALL(fib, n - 2);
    return MR_AWAIT(fib, a) + b;
}

static int64_t work(int64_t size)
{
    return fib(size);
}
