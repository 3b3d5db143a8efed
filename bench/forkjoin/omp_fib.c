#define FJ_WORKLOAD "fib"
#include "omp_main.h"

static int64_t fib(int64_t n)
{
    int64_t a, b;
    if (n < 2)
        return n;
#pragma omp task shared(a)
    a = fib(n - 1);
    b = fib(n - 2);
#pragma omp taskwait
    return a + b;
}

static int64_t work(int64_t size)
{
    return fib(size);
}
