/* Code that changes its process for good (limits, filters, exhausted
 * mappings) runs in a child, which says how it went. For both runners. */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H

#include <stdio.h>
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

#endif
