/* The system calls of os/, each returning its result or a negative code.
 *
 * One seam, so that a test can make any of them fail: in the testing twin of
 * the library (MRI_TESTING) each call first asks mri_fault(), which
 * tests/support/faults.c provides. In the product there is no trace of it.
 *
 * A call that can be interrupted is retried here where a caller could only do
 * the same; where a caller wants to know (futex), it is not.
 */
#ifndef MRI_OS_SYS_H
#define MRI_OS_SYS_H

#include "base/compiler.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifdef MRI_TESTING
/* The errno with which the named call is to fail now, or 0. */
int mri_fault(const char *call);
#else
MRI_INLINE int mri_fault(const char *call)
{
    (void)call;
    return 0;
}
#endif

/* errno into the negative code that MR_E* are on Linux. */
MRI_INLINE long mri_sys_result(long result)
{
    return result < 0 ? -errno : result;
}

/* The body of a function that makes a call: its result, or a negative code, as
 * the type that it returns; called again for as long as a signal interrupts
 * it, or a fault that says so. */
#define MRI_SYS_RETRIED(type, name, call)                                      \
    int fault;                                                                 \
    long result;                                                               \
    do {                                                                       \
        fault = mri_fault(name);                                               \
        result = fault ? -fault : mri_sys_result(call);                        \
    } while (result == -EINTR);                                                \
    return (type)result

/* Allocation of os/ itself (a CPU list, a file's text); NULL when there is
 * no memory. */
MRI_INLINE void *mri_sys_alloc(size_t size)
{
    return mri_fault("malloc") ? NULL : malloc(size);
}

MRI_INLINE int mri_sys_open(const char *path, int flags)
{
    MRI_SYS_RETRIED(int, "open", open(path, flags | O_CLOEXEC));
}

MRI_INLINE long mri_sys_read(int fd, void *buf, size_t len)
{
    MRI_SYS_RETRIED(long, "read", read(fd, buf, len));
}

MRI_INLINE void mri_sys_close(int fd)
{
    close(fd); /* read-only descriptors of ours: nothing can be lost */
}

/* Address through *out: it has no room for a code. */
MRI_INLINE int mri_sys_mmap(void **out, size_t size, int prot, int flags)
{
    int fault = mri_fault("mmap");
    if (fault)
        return -fault;
    void *p = mmap(NULL, size, prot, flags, -1, 0);
    if (p == MAP_FAILED)
        return -errno;
    *out = p;
    return 0;
}

MRI_INLINE int mri_sys_munmap(void *addr, size_t size)
{
    int fault = mri_fault("munmap");
    return fault ? -fault : (int)mri_sys_result(munmap(addr, size));
}

MRI_INLINE int mri_sys_mprotect(void *addr, size_t size, int prot)
{
    int fault = mri_fault("mprotect");
    return fault ? -fault : (int)mri_sys_result(mprotect(addr, size, prot));
}

MRI_INLINE int mri_sys_madvise(void *addr, size_t size, int advice)
{
    int fault = mri_fault("madvise");
    return fault ? -fault : (int)mri_sys_result(madvise(addr, size, advice));
}

/* One byte per page: its lowest bit says whether it is in memory. */
MRI_INLINE int mri_sys_mincore(void *addr, size_t size, unsigned char *out)
{
    int fault = mri_fault("mincore");
    return fault ? -fault : (int)mri_sys_result(mincore(addr, size, out));
}

/* Bytes of this process's own memory that were read, maybe fewer. */
MRI_INLINE long mri_sys_read_memory(void *to, const void *from, size_t size)
{
    struct iovec local = {to, size}, remote = {(void *)(uintptr_t)from, size};
    int fault = mri_fault("process_vm_readv");
    /* The last one lies on the stack: an int would leave half of it as it was,
     * and the kernel takes all of it for flags. */
    return fault ? -fault
                 : mri_sys_result(syscall(SYS_process_vm_readv, getpid(),
                                          &local, 1L, &remote, 1L, 0L));
}

/* Whether the kernel could write 16 bytes to addr: 0, or MR_EFAULT for memory
 * that cannot be touched. The memory changes. */
MRI_INLINE int mri_sys_touch(void *addr)
{
    int fault = mri_fault("clock_gettime");
    return fault ? -fault
                 : (int)mri_sys_result(
                       syscall(SYS_clock_gettime, CLOCK_MONOTONIC, addr));
}

MRI_INLINE int mri_sys_membarrier(int command)
{
    int fault = mri_fault("membarrier");
    return fault ? -fault
                 : (int)mri_sys_result(syscall(SYS_membarrier, command, 0, 0));
}

/* Never retried: whoever waits wants to know of a signal. `bits` is 0 but for
 * waits. Two names: any wait may end early, but the kernel has no reason to
 * refuse the wake of a word that is there, and nobody could do without. */
MRI_INLINE long mri_sys_futex(uint32_t *word, int op, uint32_t value,
                              const struct timespec *timeout, uint32_t bits)
{
    int fault = mri_fault(bits ? "futex_wait" : "futex_wake");
    return fault ? -fault
                 : mri_sys_result(syscall(SYS_futex, word, op, value, timeout,
                                          NULL, bits));
}

/* Bytes of the mask that the kernel filled in, or a negative code. Thread 0:
 * the calling one. */
MRI_INLINE long mri_sys_getaffinity(int thread, size_t size, void *mask)
{
    int fault = mri_fault("sched_getaffinity");
    return fault ? -fault
                 : mri_sys_result(
                       syscall(SYS_sched_getaffinity, thread, size, mask));
}

/* Thread 0: the calling one. */
MRI_INLINE int mri_sys_setaffinity(int thread, size_t size, const void *mask)
{
    int fault = mri_fault("sched_setaffinity");
    return fault ? -fault
                 : (int)mri_sys_result(
                       syscall(SYS_sched_setaffinity, thread, size, mask));
}

/* CPU time of a thread of this process: the clock's number is the kernel's ABI
 * (linux/posix-timers.h: CPUCLOCK_PERTHREAD_MASK | CPUCLOCK_SCHED), which
 * pthread_getcpuclockid makes of the same. */
MRI_INLINE int mri_sys_thread_clock(int thread, struct timespec *out)
{
    int fault = mri_fault("thread_clock");
    clockid_t clock = (clockid_t)(~(unsigned)thread << 3 | 6);
    return fault ? -fault : (int)mri_sys_result(clock_gettime(clock, out));
}

/* How /proc describes a thread of this process, as much as there is room for;
 * how many bytes. One seam of its own: the monitor reads it when it likes. */
MRI_INLINE long mri_sys_thread_stat(int thread, char *buf, size_t len)
{
    char path[64];
    int fault = mri_fault("thread_stat"), fd;
    if (fault)
        return -fault;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    long n = mri_sys_result(read(fd, buf, len));
    close(fd);
    return n;
}

/* pthreads return what others leave in errno. */
MRI_INLINE int mri_sys_thread_create(pthread_t *out, const pthread_attr_t *attr,
                                     void *(*run)(void *), void *arg)
{
    int fault = mri_fault("pthread_create");
    return fault ? -fault : -pthread_create(out, attr, run, arg);
}

#endif
