/* Threads: the only place where the library creates one.
 *
 * Signals stay with the user's threads: a new one has all of them blocked but
 * those that an instruction of its own raises (SIGSEGV, SIGBUS, SIGFPE, SIGILL,
 * SIGTRAP, SIGSYS). Were one of these blocked, the kernel would kill the
 * process instead of calling the user's handler.
 *
 * It inherits the affinity of the thread that creates it, a pinned one's too:
 * who starts threads that are to run anywhere hands a set of CPUs on.
 *
 * Must not know: what the threads do.
 */
#ifndef MRI_OS_THREAD_H
#define MRI_OS_THREAD_H

#include "base/compiler.h"

#include <stdint.h>

/* The kernel keeps 15 bytes of a name. */
enum { MRI_THREAD_NAME = 16 };

/* Written by start alone and read by the new thread before it calls run. In
 * place until start has returned and run has been entered; from then on the
 * value may be copied, and the thread be joined through any one copy. */
typedef struct mri_thread {
    uintptr_t handle; /* pthread_t; which header that comes from is os/'s */
    void (*run)(void *);
    void *arg;
    char name[MRI_THREAD_NAME];
} mri_thread;

/* A thread that calls run(arg). `name` (cut to 15 bytes) is what ps and
 * debuggers show; it stands before run is called. stack_size 0: the process's
 * default. 0, or a negative code and there is no thread: MR_EAGAIN or MR_ENOMEM
 * where the system has no room for one more, MR_EINVAL for a stack too small
 * to begin on. */
MRI_CHECKED int mri_thread_start(mri_thread *t, const char *name,
                                 void (*run)(void *), void *arg,
                                 size_t stack_size);

/* How much stack that default is; 0: not known. */
size_t mri_thread_stack_default(void);

/* Wait until the thread has ended, thread-local destructors included. Once per
 * thread that was started, by any other thread. All that it did is seen. */
void mri_thread_join(mri_thread *t);

/* Keep the calling thread on one CPU (the kernel's number). 0, or MR_EINVAL
 * where there is no such CPU or the process may not run there. */
MRI_CHECKED int mri_thread_pin(int cpu);

/* Linux is built for that many CPUs at most. */
enum { MRI_THREAD_CPUS = 8192 };

/* A set of CPUs, as the kernel keeps it. */
typedef struct mri_thread_cpus {
    unsigned long word[MRI_THREAD_CPUS / 8 / sizeof(unsigned long)];
} mri_thread_cpus;

/* Where the calling thread may run. 0 or a negative code. */
MRI_CHECKED int mri_thread_cpus_get(mri_thread_cpus *out);

/* Let the calling thread run there alone. 0, or MR_EINVAL where the process
 * may run on none of them. */
MRI_CHECKED int mri_thread_cpus_set(const mri_thread_cpus *cpus);

/* The same for the thread of that number (mri_thread_id) in this process. */
MRI_CHECKED int mri_thread_cpus_get_of(int thread, mri_thread_cpus *out);
MRI_CHECKED int mri_thread_cpus_set_of(int thread, const mri_thread_cpus *cpus);

/* The CPU that the calling thread ran on a moment ago, or -1. */
int mri_thread_cpu(void);

/* CPU time that the thread of that number in this process has used, in ns, or
 * a negative code: some 300 ns. */
int64_t mri_thread_cpu_time_of(int thread);

/* 1: it runs, or waits for a CPU to run on. 0: it waits for something else. Or
 * a negative code where /proc says nothing: some 10 us. */
int mri_thread_is_runnable(int thread);

/* Let others run first, if any wait for this CPU. */
void mri_thread_yield(void);

/* The kernel's number of the calling thread: what ps and debuggers call it. */
int mri_thread_id(void);

#endif
