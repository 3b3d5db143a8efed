/* The main of the Millrace programs. Included once, by the program, which
 * defines work(), called as the root task; with FJ_DETACHED (see
 * millrace_detached.h) by the thread that is no worker. */
#include "harness.h"
#include "workloads.h"

#include <millrace.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef FJ_PEER
#define FJ_PEER "millrace"
#endif

#ifdef FJ_DETACHED
static int64_t work(mr_runtime *rt, int64_t size);
#else
static int64_t work(int64_t size);

static int64_t root(void *arg)
{
    return work(*(int64_t *)arg);
}
#endif

static int64_t run(mr_runtime *rt, int64_t size)
{
#ifdef FJ_DETACHED
    return work(rt, size);
#else
    return mr_run(rt, root, &size);
#endif
}

int main(int argc, char **argv)
{
    mr_config config = {.size = sizeof config};
    mr_runtime *rt;
    int64_t size;
    fj_open(argc, argv, FJ_PEER, FJ_WORKLOAD);
    config.workers = (unsigned)fj_workers();
    int rc = mr_start(&rt, &config);
    if (rc < 0) {
        fprintf(stderr, "mr_start: %s\n", mr_strerror(rc));
        return EXIT_FAILURE;
    }
    while (fj_next(&size))
        fj_done(run(rt, size));
    mr_stop(rt, MR_NEVER);
    return fj_close();
}
