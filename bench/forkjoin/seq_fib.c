#define FJ_WORKLOAD "fib"
#include "seq_main.h"

static int64_t fib(int64_t n)
{
    if (n < 2)
        return n;
    return fib(n - 1) + fib(n - 2);
}

static int64_t work(int64_t size)
{
    return fib(size);
}
