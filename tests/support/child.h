/* Code that changes its process for good (limits, filters, exhausted
 * mappings) runs in a child, which says how it went. For both runners. */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H

#include "test.h"

#include <unistd.h>

enum child_end {
    CHILD_OK = 0,
    CHILD_SKIP = 77, /* not possible on this machine */
    CHILD_FAILED = 1
};

/* Run fn(arg) in a child process. What it returned, or CHILD_FAILED where it
 * was killed. */
enum child_end child_run(enum child_end (*fn)(void *), void *arg);

/* In a child: leave as failed, naming the broken condition. */
#define CHILD_EXPECT(cond)                                                     \
    do {                                                                       \
        if (!(cond)) {                                                         \
            dprintf(STDERR_FILENO, "%s:%d: in child: %s is false\n", __FILE__, \
                    __LINE__, #cond);                                          \
            return CHILD_FAILED;                                               \
        }                                                                      \
    } while (0)

/* In a test: it holds in a child, or is skipped as the child says. */
#define CHILD_RUN_OR_SKIP(fn, arg, reason)                                     \
    do {                                                                       \
        enum child_end end = child_run((fn), (arg));                           \
        if (end == CHILD_SKIP)                                                 \
            SKIP(reason);                                                      \
        EXPECT_EQ(end, CHILD_OK);                                              \
    } while (0)

#endif
