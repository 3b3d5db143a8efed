/* The libuv loop of a runtime, as a tool: whatever libuv can do, a task can
 * wait for.
 *
 *     #include <millrace.h>
 *     #include <uv.h>
 *
 *     static void rings(uv_timer_t *timer)
 *     {
 *         mr_loop_answer(timer->data, 0);
 *     }
 *
 *     static void sets(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
 *     {
 *         uv_timer_t *timer = arg;
 *         uv_timer_init(loop, timer);
 *         timer->data = reply;
 *         uv_timer_start(timer, rings, 10, 0);
 *     }
 *
 *     rc = mr_loop_call(sets, NULL, timer);    // parks for 10 ms
 *
 * A runtime has one loop, on a thread of its own, from the first call that
 * needs it until mr_stop. Timers, sockets and files of the library do not need
 * it: they go on while it is held up. Names, processes and signals do.
 *
 * On the loop thread. Functions given to mr_loop_call, and callbacks of the
 * handles that they make, are called there one at a time: all that libuv says
 * of its own thread holds. They may do with this loop what libuv offers, run
 * and close it excepted (no uv_run, no uv_loop_close; uv_stop does nothing),
 * and keep their hands off handles that they have not made (uv_walk shows
 * some). They must not wait: while one runs, all others stand still. They are
 * outside of tasks: what waits there says MR_EPERM or holds the thread; calls
 * that any thread may make, mr_submit for one, are welcome.
 *
 * Whose is what. Handles and requests are the caller's memory, which libuv
 * borrows: a handle until the callback of its uv_close. So one that lies in a
 * task's frame must be closed before the task goes on: let that callback give
 * the answer.
 *
 * Stop. mr_stop, when all tasks have ended, closes every handle that is still
 * open, without a callback, and frees none: what lives as long as the runtime
 * can lie in static or the program's own memory, which must be there until
 * mr_stop has returned. Requests that are still running (uv_queue_work,
 * uv_getaddrinfo, uv_fs_*) are waited for, and their callbacks called; at its
 * deadline mr_stop returns MR_ETIMEDOUT, and may be called again.
 *
 * This header does not include uv.h; a program that uses it links libuv
 * itself, the same that the library was linked with. */
#ifndef MILLRACE_LOOP_H
#define MILLRACE_LOOP_H

#include <millrace/export.h>

#include <stdint.h>

MR_BEGIN_DECLS

struct uv_loop_s; /* libuv's uv_loop_t */

/* To whom an answer is due. The library's; gone once it was given. */
typedef struct mr_loop_reply mr_loop_reply;

typedef void (*mr_loop_fn)(struct uv_loop_s *loop, mr_loop_reply *reply,
                           void *arg);

/* Have fn(loop, reply, arg) called on the loop thread, and park the task until
 * mr_loop_answer is called with that reply, by fn itself or later, by a
 * callback there. *arg is borrowed until then. What the answer was.
 *
 * `cancel` is NULL: no point of cancellation. Else, if the task's scope is cut
 * short before the answer was given, cancel(loop, reply, arg) is called on the
 * loop thread; it should see to it that there soon is one (stop the handle and
 * close it; MR_ECANCELED is a good answer), which is waited for as before. It
 * is called at most once, after fn, and not once the answer was given.
 * MR_ECANCELED where the scope was cut short before: then neither is called.
 *
 * Or, and neither was called: MR_EINVAL for an fn of NULL; MR_EPERM outside of
 * tasks, and in a child of fork(); MR_ENOMEM, MR_EAGAIN, MR_EMFILE or MR_ENFILE
 * where the loop or its thread cannot be made: a later call tries again. */
MR_API int64_t mr_loop_call(mr_loop_fn fn, mr_loop_fn cancel, void *arg);

/* Answer a call, once, on the loop thread; another thread that does so stops
 * the program. From here on the reply, and what the call has borrowed, may be
 * gone. */
MR_API void mr_loop_answer(mr_loop_reply *reply, int64_t result);

MR_END_DECLS

#endif
