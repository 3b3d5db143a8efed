/* Memory that can be refused ("allocate", support/faults.h), and what is out;
 * and the calls that cannot. */
#ifndef TESTS_FAULTS_HOOKS_H
#define TESTS_FAULTS_HOOKS_H

#include "os/sys.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int64_t blocks, bytes_out;

static inline void add(int64_t *to, int64_t n)
{
    __atomic_fetch_add(to, n, __ATOMIC_RELAXED);
}

/* For mr_config. */
static inline void *allocate(void *context, size_t size, size_t align)
{
    (void)context;
    if (mri_fault("allocate"))
        return NULL;
    add(&blocks, 1);
    add(&bytes_out, (int64_t)size);
    return aligned_alloc(align, (size + align - 1) & ~(align - 1));
}

static inline void release(void *context, void *memory, size_t size)
{
    (void)context;
    add(&blocks, -1);
    add(&bytes_out, -(int64_t)size);
    free(memory);
}

/* For faults_spare: a runtime that has begun needs these, and the system
 * refuses them only for what would be a bug of ours. */
static inline bool is_never_refused(const char *call)
{
    return strcmp(call, "futex_wake") == 0 || strcmp(call, "membarrier") == 0 ||
           strcmp(call, "epoll_wait") == 0 || strcmp(call, "epoll_pwait2") == 0;
}

#endif
