/* A runtime for one function, in C and C++. */
#ifndef TESTS_SUPPORT_RUN_H
#define TESTS_SUPPORT_RUN_H

#include <millrace/runtime.h>

#include "test.h"

#include <string.h>

static inline int64_t run_with(unsigned workers, mr_fn fn, void *arg)
{
    mr_config config;
    memset(&config, 0, sizeof config);
    config.size = sizeof config;
    config.workers = workers;
    return mr_main(&config, fn, arg);
}

/* It returns 0. */
static inline void run_on_some(mr_fn fn, void *arg)
{
    for (unsigned workers = 1; workers <= 4; workers *= 2)
        EXPECT_EQ(run_with(workers, fn, arg), 0);
}

#endif
