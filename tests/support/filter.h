/* Denying a system call to this process for good, as a container would: a
 * seccomp filter by hand. Only in a child (child.h). */
#ifndef TESTS_SUPPORT_FILTER_H
#define TESTS_SUPPORT_FILTER_H

#include <stdbool.h>

/* From now on system call `number` fails with `error`. With `advice` >= 0
 * only where its third argument is that. False: no filters here. */
bool filter_deny(int number, int advice, int error);

/* Advices to madvise that the C library's headers may lack. */
enum { FILTER_GUARD_INSTALL = 102, FILTER_GUARD_REMOVE = 103 };

#endif
