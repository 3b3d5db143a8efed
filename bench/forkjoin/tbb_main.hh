/* The main of the oneTBB programs. Included once, by the program, which
 * defines work(). Of the ways to fork, task_group is the one that its manual
 * gives for a number of children that is only known at run time;
 * parallel_invoke, for a few, costs more. */
#include "harness.h"
#include "workloads.h"

#include <cstddef>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

static int64_t work(int64_t size);

/* The caller is one of the workers, unless it only hands work in. */
#ifdef FJ_DETACHED
static const int outsiders = 1;
#else
static const int outsiders = 0;
#endif

static void all_of_it()
{
    using control = tbb::global_control;
    control threads(control::max_allowed_parallelism,
                    static_cast<size_t>(fj_workers() + outsiders));
    control stacks(control::thread_stack_size,
                   static_cast<size_t>(fj_stack_size()));
    tbb::task_arena arena(fj_workers());
    int64_t size;
    while (fj_next(&size))
        fj_done(arena.execute([=] { return work(size); }));
}

int main(int argc, char **argv)
{
    fj_open(argc, argv, "oneTBB", FJ_WORKLOAD);
    fj_on_large_stack(all_of_it);
    return fj_close();
}
