#define FJ_WORKLOAD "fib"
#include "tbb_main.hh"

static int64_t fib(int64_t n)
{
    if (n < 2)
        return n;
    int64_t a, b;
    tbb::task_group children;
    children.run([&a, n] { a = fib(n - 1); });
    b = fib(n - 2);
    children.wait();
    return a + b;
}

static int64_t work(int64_t size)
{
    return fib(size);
}
