/* Futures: values that will be there.
 *
 *     mr_future *page = mr_async(fetch, &url, sizeof url);
 *     mr_future *size = mr_then(page, store, &path, sizeof path);
 *     size = mr_catch(size, from_cache, NULL, 0);
 *     int64_t rc = mr_get(size);              // waits
 *
 * A future is pending, then done, for good: with a value >= 0, or failed, with
 * a negative code of millrace/error.h. What is done is done without a wait.
 *
 * References. A future is there as long as somebody has a reference to it.
 * Every call here that takes a `mr_future *` consumes one, also where it fails;
 * mr_retain makes one more. What only looks takes a `const mr_future *`.
 *
 *     mr_get(mr_retain(f));                   // f is still the caller's
 *
 * No memory. A call that has none for a new future returns NULL. That is a
 * future too, failed with MR_ENOMEM, like any other error that is known at
 * once; such need no memory, and may be no pointers to any. So a chain is
 * checked once, at its end.
 *
 * Functions. `fn` runs as a task of its own, which may wait. It gets a copy of
 * the `size` bytes at arg, aligned to 16, which lives until it returns; with a
 * size of 0, arg itself. A copy is released also where fn is not called. What
 * follows a future (mr_then and so on) runs in the runtime of the task that
 * calls; outside of tasks, in that of the future. A task of a future is in no
 * scope but one of its own: it may outlive the scope of whoever made it.
 *
 * Unhandled errors. A future that fails and goes without anybody having looked
 * at its value (nobody got it, nothing followed it, nobody cancelled it) is
 * told to mr_config.unhandled, on whatever thread let it go; that function must
 * not wait.
 *
 * Cancelling. mr_cancel says that nobody needs the value. It reaches where the
 * value would come from: up the chain, as far as nobody else has a reference.
 *   - A task that has not begun does not; the future fails with MR_ECANCELED.
 *   - One that runs is cut short as a child of a cancelled scope is
 *     (millrace/scope.h); the future gets what it returns.
 *   - A promise fails with MR_ECANCELED at once.
 *   - Of mr_all and its kin: those that are waited for, likewise.
 *   - What follows a future that somebody else has a reference to: it fails
 *     with MR_ECANCELED at once.
 * Handlers of mr_then and mr_catch on the way that have not begun do not;
 * those of mr_finally do, when their turn comes.
 *
 * Stop. A pending future keeps its runtime: mr_stop waits for it, so complete
 * or close every promise. A future that is done may be got and dropped after
 * that; its memory is given back, by mr_config.release, with the last
 * reference. What is to run in a runtime that has stopped fails with
 * MR_ECANCELED.
 *
 * In a child of fork() nothing new is made, and nobody waits: MR_EPERM. What is
 * done is done there too.
 *
 * Any thread may call what follows, in a task or not, unless it says
 * otherwise. A thread outside of tasks must know that the runtime is there. */
#ifndef MILLRACE_FUTURE_H
#define MILLRACE_FUTURE_H

#include <millrace/export.h>
#include <millrace/runtime.h>
#include <millrace/time.h>

#include <stddef.h>
#include <stdint.h>

MR_BEGIN_DECLS

typedef struct mr_future mr_future;

/* ---- Beginning ---------------------------------------------------------- */

/* fn(arg) as a task that nobody awaits: its future. Failed with MR_EPERM
 * outside of tasks, MR_ENOMEM. */
MR_API mr_future *mr_async(mr_fn fn, const void *arg, size_t size);

/* The same in runtime rt, from anywhere. Failed with MR_ECANCELED where mr_stop
 * was called before, unless a task of rt calls; MR_ENOMEM. */
MR_API mr_future *mr_async_in(mr_runtime *rt, mr_fn fn, const void *arg,
                              size_t size);

/* ---- Ending ------------------------------------------------------------- */

/* Wait until f is done, and give it up: its value. MR_ECANCELED where the
 * caller's scope was cut short before: f goes on without it. A task parks;
 * another thread is blocked. Point of cancellation, where f is not done. */
MR_API int64_t mr_get(mr_future *f);

/* The same, and no longer than until `deadline`, an absolute time of mr_now():
 * then MR_ETIMEDOUT; f is given up all the same, and goes on without it. With
 * 0 it does not wait. */
MR_API int64_t mr_get_until(mr_future *f, int64_t deadline);

/* 1 if it is done, 0 if not. f is still the caller's. */
MR_API int mr_is_done(const mr_future *f);

/* One more reference: f. */
MR_API mr_future *mr_retain(mr_future *f);

/* Give f up. It goes on. */
MR_API void mr_drop(mr_future *f);

/* Give f up, and have what would complete it cut short: see above. */
MR_API void mr_cancel(mr_future *f);

/* ---- What follows ------------------------------------------------------- */

/* `value` is that of the future that it follows. */
typedef int64_t (*mr_then_fn)(int64_t value, void *arg);

/* The future of what comes after f.
 *   mr_then     if f has a value >= 0: what fn(value, arg) returns; else f's
 *               error, and fn is not called
 *   mr_catch    if f has failed: what fn(error, arg) returns; else f's value,
 *               and fn is not called
 *   mr_finally  f's value, once fn(value, arg) has returned, whatever it is;
 *               where f has a value >= 0 and fn fails, fn's error
 * Failed with MR_ENOMEM; with MR_ECANCELED where f is done and the runtime was
 * told to stop, unless a task calls; outside of tasks with f's error where that
 * was known at once, since no runtime is. Then fn is not called. */
MR_API mr_future *mr_then(mr_future *f, mr_then_fn fn, const void *arg,
                          size_t size);
MR_API mr_future *mr_catch(mr_future *f, mr_then_fn fn, const void *arg,
                           size_t size);
MR_API mr_future *mr_finally(mr_future *f, mr_then_fn fn, const void *arg,
                             size_t size);

typedef void (*mr_on_fn)(int64_t value, void *arg);

/* Call fn(value, arg), in a task, when f is done. arg is passed as it is. 0; or
 * the error for which fn is not called, as above. */
MR_API int mr_on(mr_future *f, mr_on_fn fn, void *arg);

/* ---- Several ------------------------------------------------------------ */

/* The future of n futures, whose references are consumed; the array need not
 * stay. What is not needed any more is cancelled, as by mr_cancel, unless
 * somebody else has a reference to it.
 *   mr_all      0 when all have a value >= 0 (with n = 0: at once), or the
 *               first error, as soon as there is one
 *   mr_any      the first value >= 0, as soon as there is one; or, when all
 *               have failed, the first error
 *   mr_race     what the first that is done has
 *   mr_settled  how many have failed, when all are done; what they have is in
 *               value[0] to value[n - 1] then, which are borrowed until it is
 *               done (NULL: nobody wants to know): also where it was cancelled,
 *               or given up by a mr_get that ended early. So who would leave
 *               their frame then retains it, and waits in a mr_scope_shield
 * Failed with MR_EINVAL for mr_any and mr_race of none; with MR_ENOMEM, or
 * MR_ECANCELED where the runtime was told to stop, unless a task calls: then
 * all n are dropped. Outside of tasks it belongs to the runtime of the first
 * that is not an error known at once; MR_EPERM where all are. */
MR_API mr_future *mr_all(mr_future *const f[], size_t n);
MR_API mr_future *mr_any(mr_future *const f[], size_t n);
MR_API mr_future *mr_race(mr_future *const f[], size_t n);
MR_API mr_future *mr_settled(mr_future *const f[], size_t n, int64_t value[]);

/* ---- Promises ----------------------------------------------------------- */

/* The other end of a future that is completed by hand. It belongs to who is to
 * complete it; it is there until mr_promise_close. */
typedef struct mr_promise mr_promise;

/* A future, and in *promise its other end, of the runtime whose task calls. If
 * it is failed, with MR_EPERM outside of tasks, or MR_ENOMEM, *promise is
 * NULL. */
MR_API mr_future *mr_promise_open(mr_promise **promise);

/* The same in runtime rt, from anywhere. Also failed with MR_ECANCELED, as
 * mr_async_in. */
MR_API mr_future *mr_promise_open_in(mr_runtime *rt, mr_promise **promise);

/* The future has this value from now on. 0; MR_EALREADY where it was completed
 * before; MR_ECANCELED where it was cancelled before: both do nothing. MR_EPERM
 * in a child of fork(), MR_EINVAL for NULL. Several threads may try. */
MR_API int mr_promise_complete(mr_promise *promise, int64_t value);

/* The same, and may be called in a signal handler, of any thread: no lock is
 * taken, nothing allocated or released; errno is left as it was. */
MR_API int mr_promise_complete_signal(mr_promise *promise, int64_t value);

/* Nobody completes it any more; if nobody has, the future fails with
 * MR_ECANCELED. Once, after all calls above have returned. NULL: nothing. */
MR_API void mr_promise_close(mr_promise *promise);

MR_END_DECLS

#endif
