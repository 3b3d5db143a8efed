/* A shared library of somebody else's that uses this one. */
#include <millrace.h>

int plugin_answer(void);
int64_t plugin_fib(int64_t n);

int plugin_answer(void)
{
    return mr_usable_cpus();
}

static int64_t fib(void *arg)
{
    int64_t n = *(int64_t *)arg;
    if (n < 2)
        return n;
    int64_t less_one = n - 1, less_two = n - 2;
    mr_task other;
    mr_spawn(&other, fib, &less_one);
    mr_yield();
    int64_t sum = fib(&less_two);
    return sum + mr_await(&other);
}

int64_t plugin_fib(int64_t n)
{
    mr_config config = {.size = sizeof config, .workers = 3};
    return mr_main(&config, fib, &n);
}
