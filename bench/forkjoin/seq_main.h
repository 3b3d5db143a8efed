/* The main of the programs without tasks: what the calls alone cost. Included
 * once, by the program, which defines work(). */
#include "harness.h"
#include "workloads.h"

static int64_t work(int64_t size);

static void all_of_it(void)
{
    int64_t size;
    while (fj_next(&size))
        fj_done(work(size));
}

int main(int argc, char **argv)
{
    fj_open(argc, argv, "sequential", FJ_WORKLOAD);
    fj_on_large_stack(all_of_it);
    return fj_close();
}
