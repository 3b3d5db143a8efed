/* A runtime: a pool of worker threads that run tasks.
 *
 * A task is `int64_t fn(void *arg)`: a value >= 0, or a negative code of
 * millrace/error.h. It may wait, without holding its thread. */
#ifndef MILLRACE_RUNTIME_H
#define MILLRACE_RUNTIME_H

#include <millrace/export.h>

#include <stddef.h>
#include <stdint.h>

MR_BEGIN_DECLS

typedef int64_t (*mr_fn)(void *arg);

typedef struct mr_runtime mr_runtime;

/* All zero but `size`: the defaults, in brackets. NULL in its place likewise.
 * A program built against an older version passes a smaller size. */
typedef struct mr_config {
    size_t size;       /* sizeof(mr_config) */
    unsigned workers;  /* threads, up to 1024 [mr_usable_cpus()] */
    unsigned pin;      /* 1: worker i keeps to the i-th usable CPU [0] */
    size_t stack_size; /* bytes of a task's stack, 16 KiB to 1 GiB, committed
                          as they are touched [256 KiB] */
    unsigned strands;  /* stacks, that is, tasks that wait at the same time and
                          workers, up to 16,000,000; up to 32 more per worker
                          and 64 lie ready [2^20]. While none is left no task
                          begins but in the await of its spawner: where all
                          wait for such, in the closes of scopes within scopes
                          say, they wait for ever */
    unsigned leave_sigsegv; /* 1: no handler that names the task whose stack
                               overflows; see mr_start [0] */
    /* Where memory comes from [posix_memalign, free]; both or neither. Called
     * by any thread; `align` is a power of two; NULL for none left. */
    void *(*allocate)(void *context, size_t size, size_t align);
    void (*release)(void *context, void *memory, size_t size);
    void *context;
    /* Called with the error of each future that failed without anybody having
     * looked at it; see millrace/future.h [none]. */
    void (*unhandled)(void *context, int64_t error);
} mr_config;

/* Start a runtime, run fn(arg) as its first task, wait for everything that was
 * submitted meanwhile, and stop. What fn returned, or the negative code of
 * what prevented it: those of mr_start, or MR_EPERM from inside a task. *arg is
 * borrowed until then. Any other thread. */
MR_API int64_t mr_main(const mr_config *config, mr_fn fn, void *arg);

/* Start a runtime; there may be several at once. 0, or a negative code and
 * *out is NULL: MR_EINVAL for a configuration that cannot be, MR_ENOMEM,
 * MR_EAGAIN where no thread could be created, or the codes of mr_usable_cpus.
 * Any thread. The workers block all signals: those stay with the program's own
 * threads.
 *
 * One thread more sees to it that work goes on while every worker is held up,
 * by tasks that compute for long or by calls that block: what has waited for a
 * millisecond or two is then run by spare workers, up to 8 threads that are
 * created when they are first needed, and sleep when they are not. (Where the
 * process has a CPU quota, workers and spares share as many CPUs as it gives
 * for that time, unless pinned.) Where such a thread cannot be created, the
 * runtime goes on without.
 *
 * A task that needs more stack than it has raises SIGSEGV. So that it is named,
 * on stderr, with a hint, the first runtime puts a handler in front of the one
 * that SIGSEGV has, or of the default: that one gets this and every other
 * SIGSEGV as before, on workers on a stack of 64 KiB. The last to stop takes it
 * back, unless a handler was put in front of it: then it stays, so the library
 * must too. Where the system grants no guard for a stack (too many mappings, no
 * Linux 6.13), the overflow is found at the task's next wait, and the program
 * stops. A function whose frame is larger than a page can step over the guard,
 * unless compiled with -fstack-clash-protection. */
MR_API int mr_start(mr_runtime **out, const mr_config *config);

/* Run fn(arg) as a task and block the calling thread until it is done. What it
 * returned; or MR_EPERM from inside a task (spawn it instead) or in a child of
 * fork(); MR_ECANCELED where mr_stop was called before. *arg is borrowed until
 * then; nothing ends this wait before. Any other thread. */
MR_API int64_t mr_run(mr_runtime *rt, mr_fn fn, void *arg);

/* Run fn as a task, detached: nobody learns what it returns. It gets a copy of
 * the `size` bytes at arg, aligned to 16, which lives until it returns; with a
 * size of 0, arg itself. 0; MR_ENOMEM; MR_ECANCELED where mr_stop was called
 * before, unless a task calls; MR_EPERM in a child of fork(). Any thread; does
 * not wait. */
MR_API int mr_submit(mr_runtime *rt, mr_fn fn, const void *arg, size_t size);

/* Refuse new work from outside, wait until all there is has ended, and calls
 * that brought it, stop the threads and free everything; 0, and rt is gone. Or
 * MR_ETIMEDOUT: something was still running at `deadline` (an absolute time of
 * mr_now(), MR_NEVER for none); nothing was freed, mr_dump names what refuses
 * (millrace/inspect.h), and it may be called again.
 * MR_EPERM from inside a task, or in a child of fork(). One thread, once at a
 * time. */
MR_API int mr_stop(mr_runtime *rt, int64_t deadline);

/* The runtime whose task calls; NULL outside of tasks. Any thread. */
MR_API mr_runtime *mr_self(void);

/* How many workers it has, spares not counted. Any thread, while rt lives. */
MR_API unsigned mr_workers(const mr_runtime *rt);

MR_END_DECLS

#endif
