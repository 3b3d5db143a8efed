#define FJ_PEER "millrace_generic"
#define FJ_WORKLOAD "fib"
#include "millrace_main.h"

static int64_t fib(void *arg)
{
    int64_t n = *(int64_t *)arg;
    if (n < 2)
        return n;
    int64_t less_one = n - 1, less_two = n - 2;
    mr_task a;
    mr_spawn(&a, fib, &less_one);
    int64_t b = fib(&less_two);
    return mr_await(&a) + b;
}

static int64_t work(int64_t size)
{
    return fib(&size);
}
