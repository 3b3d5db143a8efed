/* Scopes: tasks that end together.
 *
 *     mr_scope scope;
 *     mr_scope_open(&scope, mr_after(2 * MR_S));
 *     for (int i = 0; i < n; i++)
 *         mr_scope_go(&scope, fetch, &url[i], sizeof url[i]);
 *     int64_t rc = mr_scope_close(&scope);    // all have ended
 *
 * A scope is opened and closed by one task, like a pair of braces, innermost
 * first; its children may outlive the code that spawned them, not the close. A
 * task may hand the scope to its children, and to other tasks that end before
 * the close, and these spawn into it.
 *
 * Cut short. A scope is cancelled by mr_scope_cancel, by the first of its
 * children that returns a negative value, or with the scope around it; it times
 * out at its deadline, or with the scope around it. Then
 *   - children that have not been started are not: their result is
 *     MR_ECANCELED;
 *   - waits of all tasks in it return MR_ECANCELED at once, those that began
 *     before and all later ones. These are the points of cancellation: mr_sleep
 *     and its kin, mr_scope_next, what the other headers call so, and say there
 *     what was done (sockets, files, processes, futures, locks, channels); not
 *     mr_await, mr_blocking and mr_scope_close, whose storage is borrowed until
 *     they return: they wait for tasks that see it;
 *   - mr_cancelled() says why.
 * In the scope are the task that opened it, between open and close; its
 * children; what these spawn by mr_spawn or millrace/fork.h (which always runs:
 * somebody awaits it); and scopes opened within, shielded ones excepted.
 *
 * Misuse. Outside of tasks nothing is opened; where a scope is not open, a
 * spawn is refused and a close returns MR_EPERM. A task that returns before it
 * has closed a scope, or closes one before it has awaited what it spawned
 * within by mr_spawn, or closed what it opened within, stops the program; so
 * does one that has closed the scope of the task that awaits it, where both
 * are on one stack, which only the library knows. */
#ifndef MILLRACE_SCOPE_H
#define MILLRACE_SCOPE_H

#include <millrace/export.h>
#include <millrace/runtime.h>
#include <millrace/task.h>
#include <millrace/time.h>

#include <stddef.h>
#include <stdint.h>

MR_BEGIN_DECLS

/* The caller's storage, usually in its frame: the library's from mr_scope_open
 * until mr_scope_close returns. Need not be initialised. */
typedef struct mr_scope {
    uint64_t opaque[40];
} mr_scope;

/* Open a scope that times out at `deadline`, an absolute time of mr_now(), or
 * with the scope around it, whichever comes first; MR_NEVER: with that alone.
 * A task, which is in it from now on. */
MR_API void mr_scope_open(mr_scope *scope, int64_t deadline);

/* The same, but nothing that happens to the scope around it reaches this one,
 * its deadline included: for cleaning up after it was cut short. */
MR_API void mr_scope_shield(mr_scope *scope, int64_t deadline);

/* At most n of its children run at once, or wait within; the rest begin in the
 * order in which they were spawned. 0: no limit, as after the open. 0, or
 * MR_EPERM where the caller has not opened it, or MR_EBUSY where there are
 * children. */
MR_API int mr_scope_limit(mr_scope *scope, size_t n);

/* Children of mr_scope_spawn are handed out by mr_scope_next as they end. As
 * mr_scope_limit, before there are any; 0, MR_EPERM or MR_EBUSY as there. */
MR_API int mr_scope_collect(mr_scope *scope);

/* fn(arg) as a child of the scope, on any worker, in the scope's context and
 * not the caller's. *task and *arg are borrowed until the close has returned;
 * the child is not awaited. Where it cannot be, outside of tasks, in another
 * runtime than the scope's, where the scope is not open, or in a child of
 * fork(), nothing is started, and mr_task_result says MR_EPERM. Does not wait,
 * also where the scope has a limit. */
MR_API void mr_scope_spawn(mr_scope *scope, mr_task *task, mr_fn fn, void *arg);

/* The same; the library allocates (mr_config.allocate). fn gets a copy of the
 * `size` bytes at arg, aligned to 16, which lives until it returns; with a size
 * of 0, arg itself. 0; MR_ENOMEM; or MR_EPERM as above. */
MR_API int mr_scope_go(mr_scope *scope, mr_fn fn, const void *arg, size_t size);

/* Cut the scope short. Any thread, in a task or not, if the scope is open at
 * the call; once is enough, more do nothing. Does not wait for anybody. */
MR_API void mr_scope_cancel(mr_scope *scope);

/* Wait until all children have ended. The first negative value that one of them
 * has returned, MR_ECANCELED excepted; else, if the scope was cut short before
 * they ended, MR_ETIMEDOUT or MR_ECANCELED; else 0. MR_EPERM where the caller
 * is not the task that opened it, and in a child of fork(): then nobody was
 * waited for. Not a point of cancellation. */
MR_API int64_t mr_scope_close(mr_scope *scope);

/* What the child has returned, or MR_ECANCELED where it was not started; after
 * the close, or before: MR_EBUSY while it has not ended. MR_EPERM where it
 * could not be spawned, or was by mr_spawn. Any thread. */
MR_API int64_t mr_task_result(const mr_task *task);

/* Where mr_scope_collect was called: *task is the one of the scope's children
 * that has ended first among those that were not handed out yet, each once;
 * waits for one to end. mr_task_result says what it has returned. (Who wants
 * the results in the order in which he spawned looks at his tasks after the
 * close.) 0; MR_EOF: all have been handed out. MR_ECANCELED: the scope was cut
 * short while it waited; what ends from now on can still be had by another
 * call, or is left to the close. MR_EPERM: by another than the scope's opener,
 * or children are not collected. A point of cancellation where it has to
 * wait. */
MR_API int mr_scope_next(mr_scope *scope, mr_task **task);

/* Why the scope that the caller is in was cut short: MR_ECANCELED or
 * MR_ETIMEDOUT; 0 where it was not, or the caller is in none. For tasks that
 * compute for long: also sees that the deadline has passed when nobody else has
 * had the time to. Does not wait. */
MR_API int mr_cancelled(void);

/* When the scope that the caller is in times out: its own deadline or that of a
 * scope around it; MR_NEVER where there is none, or outside of tasks. */
MR_API int64_t mr_deadline(void);

MR_END_DECLS

#endif
