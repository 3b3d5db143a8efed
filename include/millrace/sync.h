/* Locks, and other things that tasks and threads wait for one another by.
 *
 *     static mr_mutex lock = MR_MUTEX_INIT;
 *     mr_mutex_lock(&lock);                 // parks the task, not the core
 *     balance += amount;
 *     mr_mutex_unlock(&lock);
 *
 * Storage is the caller's; nothing is allocated. An object of zeros is a valid
 * one (of semaphore, latch and barrier: with the number 0); so is one that is
 * initialised by the macro beside it. It stays where it is, and is there until
 * all calls that were made with it have returned, but for what is said below.
 * A close says whether it may go: 0, or MR_EBUSY where somebody holds it or
 * waits; then nothing has changed. It frees nothing, and need not be called.
 *
 * Who may call. Tasks of any runtime, and threads outside of tasks, together on
 * one object: a task parks, a thread blocks. A thread that must not block, as
 * that of libuv's loop (millrace/loop.h), must not wait; it may do all that is
 * said not to wait. Not in signal handlers.
 *
 * Waiting. What follows holds for every function here that waits. What can be
 * had at once it takes without a look at anything else. Else the task parks,
 * and the wait is a point of cancellation: MR_ECANCELED where the task's scope
 * is cut short (millrace/scope.h). Then, as with MR_ETIMEDOUT of an _until,
 * whose deadline is one of mr_now(), the caller has nothing: not the lock, not
 * the units; it has not been counted, and took no signal away from others. Who
 * must wait nevertheless, to clean up, does so in a mr_scope_shield. MR_EPERM
 * where a task would have to wait in a child of fork(), which leaves alone what
 * other threads were using just then.
 *
 * Owners. A mutex, and the write lock of a rwlock, belong to a task or a
 * thread, which alone unlocks it; whatever is awaited and runs on the stack of
 * who awaits it counts as the same, which only the library knows. Who holds it
 * when it ends leaves it locked. Who would wait for itself is told MR_EDEADLK:
 * it holds the lock, or waits for an owner that waits for another, and so on,
 * who waits for what it holds itself; be they tasks of several runtimes or
 * threads. Of those that would wait in a circle it is the last to come, and
 * only that one; the others wait on until it unlocks what it has. So it is told
 * also where one of them would give up at a deadline. Not seen is who waits for
 * readers, or for anything but these locks. */
#ifndef MILLRACE_SYNC_H
#define MILLRACE_SYNC_H

#include <millrace/export.h>
#include <millrace/runtime.h>

#include <stddef.h>
#include <stdint.h>

MR_BEGIN_DECLS

/* ---- Mutex -------------------------------------------------------------- */

/* One owner at a time. Who comes by may take it before those who wait, for that
 * is faster by far; but no more than 64 owners in a row go past the one that
 * waits longest. To lock and to unlock is one atomic operation each where
 * nobody is in the way. Who has it last may free it when it has unlocked it. */
typedef struct mr_mutex {
    uint64_t opaque[4];
} mr_mutex;
/* clang-format off */
#define MR_MUTEX_INIT {{0, 0, 0, 0}}
/* clang-format on */

/* Wait until it is the caller's. 0; MR_EDEADLK, MR_ECANCELED, MR_ETIMEDOUT or
 * MR_EPERM as above. */
MR_API int mr_mutex_lock(mr_mutex *mutex);
MR_API int mr_mutex_lock_until(mr_mutex *mutex, int64_t deadline);

/* 0, or MR_EBUSY: somebody has it, the caller maybe. Does not wait. */
MR_API int mr_mutex_trylock(mr_mutex *mutex);

/* 0, or MR_EPERM where the caller does not hold it. Does not wait. */
MR_API int mr_mutex_unlock(mr_mutex *mutex);

MR_API int mr_mutex_close(mr_mutex *mutex);

/* ---- Lock of many readers or one writer --------------------------------- */

/* In order of arrival: who comes when others wait stands behind them, and
 * readers that stand next to each other have it together. So nobody waits for
 * more than those that came before. A reader must not ask for it again, in
 * either way: it might wait for itself. */
typedef struct mr_rwlock {
    uint64_t opaque[4];
} mr_rwlock;
/* clang-format off */
#define MR_RWLOCK_INIT {{0, 0, 0, 0}}
/* clang-format on */

/* As the mutex's. MR_EDEADLK also where the caller is the writer. */
MR_API int mr_rwlock_read(mr_rwlock *lock);
MR_API int mr_rwlock_read_until(mr_rwlock *lock, int64_t deadline);
MR_API int mr_rwlock_write(mr_rwlock *lock);
MR_API int mr_rwlock_write_until(mr_rwlock *lock, int64_t deadline);

/* 0, or MR_EBUSY: it cannot be had now, or others wait. Do not wait. */
MR_API int mr_rwlock_tryread(mr_rwlock *lock);
MR_API int mr_rwlock_trywrite(mr_rwlock *lock);

/* Of a reader, or the writer. 0, or MR_EPERM where nobody has it or another
 * writes; that the caller is one of several readers is not looked at. Does not
 * wait. */
MR_API int mr_rwlock_unlock(mr_rwlock *lock);

MR_API int mr_rwlock_close(mr_rwlock *lock);

/* ---- Semaphore ---------------------------------------------------------- */

/* Units that are taken and given back, by anybody. First come, first served,
 * however many one wants. Who has got what it waited for may free it. */
typedef struct mr_semaphore {
    uint64_t opaque[4];
} mr_semaphore;
/* clang-format off */
#define MR_SEMAPHORE_INIT(units) {{0, 0, 0, (uint32_t)(units)}}
/* clang-format on */

/* With so many units. Nobody uses it yet. */
MR_API void mr_semaphore_open(mr_semaphore *semaphore, uint32_t units);

/* Wait for `units` of them at once. 0; MR_EINVAL for none; else as above. */
MR_API int mr_semaphore_acquire(mr_semaphore *semaphore, uint32_t units);
MR_API int mr_semaphore_acquire_until(mr_semaphore *semaphore, uint32_t units,
                                      int64_t deadline);

/* 0; MR_EINVAL; or MR_EBUSY: there are not so many, or others wait. Does not
 * wait. */
MR_API int mr_semaphore_tryacquire(mr_semaphore *semaphore, uint32_t units);

/* 0; or MR_EOVERFLOW where there would be more than UINT32_MAX, and nothing was
 * given back. Does not wait. */
MR_API int mr_semaphore_release(mr_semaphore *semaphore, uint32_t units);

MR_API int mr_semaphore_close(mr_semaphore *semaphore);

/* ---- Condition ---------------------------------------------------------- */

/* What those wait for who have looked at something that a mutex protects:
 *
 *     mr_mutex_lock(&lock);
 *     while (!ready && rc == 0)
 *         rc = mr_condition_wait(&changed, &lock);
 */
typedef struct mr_condition {
    uint64_t opaque[3];
} mr_condition;
/* clang-format off */
#define MR_CONDITION_INIT {{0, 0, 0}}
/* clang-format on */

/* Unlock the mutex, which is the caller's, and wait, as one step: who changes
 * something and signals afterwards is not missed. The mutex is locked again
 * before this returns, however long that takes: no deadline and no cancellation
 * ends it. 0: signalled, and nobody else by the same signal. MR_ETIMEDOUT or
 * MR_ECANCELED: not signalled. MR_EPERM: the mutex is another's, or as above;
 * then there was no wait. MR_EDEADLK: the mutex cannot be locked again as its
 * owner waits for what the caller holds besides: only then it is not held. */
MR_API int mr_condition_wait(mr_condition *condition, mr_mutex *mutex);
MR_API int mr_condition_wait_until(mr_condition *condition, mr_mutex *mutex,
                                   int64_t deadline);

/* The one that waits longest, or all, go on; where nobody waits, nothing
 * happens. With or without the mutex. Do not wait. */
MR_API void mr_condition_signal(mr_condition *condition);
MR_API void mr_condition_broadcast(mr_condition *condition);

MR_API int mr_condition_close(mr_condition *condition);

/* ---- Barrier ------------------------------------------------------------ */

/* Where n wait for each other, over and over. */
typedef struct mr_barrier {
    uint64_t opaque[4];
} mr_barrier;
/* clang-format off */
#define MR_BARRIER_INIT(n) {{0, 0, 0, (uint32_t)(n)}}
/* clang-format on */

enum { MR_BARRIER_LAST = 1 };

/* For n. 0, or MR_EINVAL for none. Nobody uses it yet. */
MR_API int mr_barrier_open(mr_barrier *barrier, uint32_t n);

/* Wait until n have come. MR_BARRIER_LAST to the one that came last, 0 to the
 * others, once all are there; MR_EINVAL where it is for none; else as above:
 * one more has to come then. */
MR_API int mr_barrier_wait(mr_barrier *barrier);
MR_API int mr_barrier_wait_until(mr_barrier *barrier, int64_t deadline);

MR_API int mr_barrier_close(mr_barrier *barrier);

/* ---- Latch -------------------------------------------------------------- */

/* Shut until it was counted down to 0, then open for good. Who came through may
 * free it, where nobody else will wait or count. */
typedef struct mr_latch {
    uint64_t opaque[4];
} mr_latch;
/* clang-format off */
#define MR_LATCH_INIT(n) {{0, 0, 0, (uint32_t)(n)}}
/* clang-format on */

/* With n to be counted down. Nobody uses it yet. */
MR_API void mr_latch_open(mr_latch *latch, uint32_t n);

/* 0, or MR_ERANGE where fewer than n are left, and nothing was counted. Does
 * not wait. */
MR_API int mr_latch_count_down(mr_latch *latch, uint32_t n);

/* Wait until it is open. 0, or as above. */
MR_API int mr_latch_wait(mr_latch *latch);
MR_API int mr_latch_wait_until(mr_latch *latch, int64_t deadline);

MR_API int mr_latch_close(mr_latch *latch);

/* ---- Once --------------------------------------------------------------- */

/* What is to be done by whoever comes first. */
typedef struct mr_once {
    uint64_t opaque[6];
} mr_once;
/* clang-format off */
#define MR_ONCE_INIT {{0, 0, 0, 0, 0, 0}}
/* clang-format on */

/* Call fn(arg), if nobody has; wait, if somebody is at it. When this returns a
 * value of 0 or more, fn has: that is the value, for everybody and for ever. A
 * negative one is this caller's alone: fn's, which has failed, and the next to
 * come or to wait longest calls it again; MR_EDEADLK: fn itself calls this; or
 * as above. */
MR_API int64_t mr_once_call(mr_once *once, mr_fn fn, void *arg);

/* ---- Event -------------------------------------------------------------- */

/* Set or not. Who came through may free it, where nobody else will use it. */
typedef struct mr_event {
    uint64_t opaque[3];
} mr_event;
/* clang-format off */
#define MR_EVENT_INIT {{0, 0, 0}}
/* clang-format on */

/* Set: all that wait go on, and nobody waits until it is cleared. Do not wait.
 */
MR_API void mr_event_set(mr_event *event);
MR_API void mr_event_clear(mr_event *event);

/* 1 or 0. Does not wait. */
MR_API int mr_event_is_set(mr_event *event);

/* Wait until it is set; who has waited goes on although it was cleared again.
 * 0, or as above. */
MR_API int mr_event_wait(mr_event *event);
MR_API int mr_event_wait_until(mr_event *event, int64_t deadline);

MR_API int mr_event_close(mr_event *event);

MR_END_DECLS

#endif
