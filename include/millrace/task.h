/* Fork and join: a task starts another, goes on, and awaits it.
 *
 *     mr_task other;
 *     mr_spawn(&other, fib, &less_one);     // may run on another core
 *     int64_t sum = fib(&less_two);         // an ordinary call
 *     sum += mr_await(&other);
 *
 * Nothing is allocated. Each spawned task is awaited once, in any order, by
 * the task that spawned it, before that returns; a task that returns without
 * stops the program. */
#ifndef MILLRACE_TASK_H
#define MILLRACE_TASK_H

#include <millrace/export.h>
#include <millrace/runtime.h>

#include <stdint.h>

MR_BEGIN_DECLS

/* The caller's storage, usually in its frame: the library's from mr_spawn
 * until mr_await returns. Need not be initialised. */
typedef struct mr_task {
    uint64_t opaque[8];
} mr_task;

/* fn(arg) may run from now on, on any worker; at the latest it runs in the
 * await. *arg is borrowed until then. Only inside a task; elsewhere nothing is
 * started and the await returns MR_EPERM. */
MR_API void mr_spawn(mr_task *task, mr_fn fn, void *arg);

/* Wait until the task is done, running it here if nobody has begun it. What it
 * returned. MR_EPERM where it was awaited before, or the caller is on another
 * stack than the task that spawned it; where it is another task on the same
 * stack, which only the library knows, the program stops: it has taken a child
 * that is not its own. Not a point of cancellation: the storage is borrowed. */
MR_API int64_t mr_await(mr_task *task);

/* Call fn(arg), which blocks its thread (a library that knows nothing of tasks,
 * getaddrinfo, a lock of another process), on a thread that is kept for that,
 * and park the task meanwhile. What it returned; or MR_EAGAIN, MR_ENOMEM where
 * it needed a thread and none could be made: then it was not called. Up to 512
 * at a time, the rest in order. fn runs outside of tasks: it may mr_submit, not
 * spawn, and not stop the runtime whose task waits for it. Outside a task it is
 * an ordinary call. Not a point of cancellation: *arg is borrowed until fn has
 * returned. */
MR_API int64_t mr_blocking(mr_fn fn, void *arg);

/* Let others run that are ready. Outside a task it does nothing. Not a point of
 * cancellation; mr_cancelled() tells (millrace/scope.h). */
MR_API void mr_yield(void);

MR_END_DECLS

#endif
