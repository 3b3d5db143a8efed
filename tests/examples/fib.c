/* The smallest program: one task starts another, goes on, and awaits it. */
#include <millrace.h>

#include <inttypes.h>
#include <stdio.h>

static int64_t fib(void *arg)
{
    int64_t n = *(int64_t *)arg;
    if (n < 2)
        return n;
    int64_t less_one = n - 1, less_two = n - 2;
    mr_task other;
    mr_spawn(&other, fib, &less_one); /* may run on another core */
    int64_t sum = fib(&less_two);     /* an ordinary call */
    return sum + mr_await(&other);
}

int main(void)
{
    int64_t n = 25, value = mr_main(NULL, fib, &n);
    if (value < 0) {
        fprintf(stderr, "%s: %s\n", mr_error_name(value), mr_strerror(value));
        return 1;
    }
    printf("fib(%" PRId64 ") = %" PRId64 "\n", n, value);
    return value == 75025 ? 0 : 1;
}
