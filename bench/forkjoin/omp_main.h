/* The main of the OpenMP programs, for GCC's runtime and for LLVM's alike.
 * Included once, by the program, which defines work(). */
#include "harness.h"
#include "workloads.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int64_t work(int64_t size);

/* The runtimes read the size of their threads' stacks when they are loaded:
 * once more from the start, with the size in the environment. */
static void with_large_stacks(char **argv)
{
    char kib[32];
    if (getenv("OMP_STACKSIZE"))
        return;
    snprintf(kib, sizeof kib, "%lldK", (long long)(fj_stack_size() >> 10));
    setenv("OMP_STACKSIZE", kib, 1);
    execv("/proc/self/exe", argv);
}

static void all_of_it(void)
{
    int64_t size, result = 0;
    omp_set_dynamic(0);
    omp_set_num_threads(fj_workers());
    while (fj_next(&size)) {
#pragma omp parallel
#pragma omp single
        result = work(size);
        fj_done(result);
    }
}

int main(int argc, char **argv)
{
    fj_open(argc, argv, FJ_PEER, FJ_WORKLOAD);
    with_large_stacks(argv);
    fj_on_large_stack(all_of_it);
    return fj_close();
}
