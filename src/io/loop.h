/* The thread that runs a libuv loop: a runtime's, from when something needs it
 * first until the stop.
 *
 *     static void look_up(mri_loop *loop, mri_loop_op *op)
 *     { ... uv_getaddrinfo(&loop->uv, ...); its callback: mri_loop_done }
 *
 *     struct query { mri_loop_op op; ... } q = {.op = {.run = look_up}};
 *     int64_t n = mri_loop_do(s, &q.op, "a name");
 *
 * In and out. A task puts an operation into the mailbox (parts/mailbox.h),
 * whose bell is a uv_async, and parks; the thread takes all that came and calls
 * the `run` of each. mri_loop_done ends a park. Strands that are to be resumed
 * are gathered while callbacks run, and handed over before the loop can block
 * or run a further round: in its prepare phase, which comes after timers, idle
 * handles and what was left to be called, and last before it sleeps; and in its
 * check phase, after all that it found. So one list goes to the workers for all
 * that one round has completed, with at most one wake. (libuv calls the
 * youngest prepare and check handles first; those of the loop's own are older
 * than any user's.) What closing handles' callbacks complete goes with the next
 * prepare, before the loop sleeps.
 *
 * An operation lies in its task's frame. All that the thread needs to end its
 * park it reads before it does: the park is decided by the strand's park word,
 * which outlives everything, and the operation may be gone from there on.
 *
 * Cut short. mri_loop_do_cut waits cancelably, by a park that the operation
 * ends or the scope. If it was the scope, the operation's own end does nothing
 * to the strand any more; the strand sends a second letter behind it, and parks
 * until that is answered: when the operation is complete, which the letter's
 * `cut` may hasten. Both are read on the loop thread alone, one after the
 * other, and the last one to be touched is answered last; so nobody touches
 * what may be gone.
 *
 * Nobody else closes. The stop, once all jobs have ended, sends a last letter;
 * the thread that finds it closes the mailbox, waits for those who are about to
 * ring (mailbox.h: so no uv_async_send meets a uv_close, libuv#2226 and #4922,
 * nor memory that was freed, #5058), closes every handle that is still open,
 * the users' too, and runs the loop until nothing is left in it. The stop waits
 * for that until its deadline, and may come again. A uv_loop_close that says
 * EBUSY is no end: it closes and runs again (libuv#299).
 *
 * Which may run together: mri_loop_do with all; the rest is the thread's.
 *
 * Must not know: what an operation is.
 */
#ifndef MRI_IO_LOOP_H
#define MRI_IO_LOOP_H

#include "parts/mailbox.h"
#include "sched/runtime.h"

#include <uv.h>

typedef struct mri_loop mri_loop;
typedef struct mri_loop_op mri_loop_op;

/* The caller's, usually in its frame, from mri_loop_do until that returns. */
struct mri_loop_op {
    mri_run_node node; /* the mailbox's, until run */
    /* Loop thread: to be followed, now or later, by one mri_loop_done. */
    void (*run)(mri_loop *loop, mri_loop_op *op);
    /* The library's. Who puts it writes, the loop thread reads. */
    mri_strand *strand; /* who waits, or NULL */
    uint64_t count;     /* of its park */
    int64_t result;     /* the loop thread writes, before it ends the park */
    /* The loop thread alone. */
    mri_loop_op *behind; /* to be ended with this */
    bool done;
};

struct mri_loop {
    mri_mailbox mailbox;
    mr_runtime *runtime; /* constant */
    mri_thread thread;   /* constant */
    mri_atomic_u32 left; /* 1: the thread is about to end; futex of the stop */
    bool asked;          /* the stop's: the last letter was sent */
    mri_loop_op last;    /* that letter */

    /* The loop thread alone. */
    uv_loop_t uv;
    uv_async_t bell;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_thread_t self;
    mri_run_node *newest, *oldest; /* strands to be resumed, newest first:
                                      so they go into the inbox at once */
    uint64_t ready;                /* how many */
    bool ending;
};

/* On strand s: the loop of its runtime, started if need be. 0; MR_EPERM in a
 * child of fork(); MR_ENOMEM, MR_EAGAIN, MR_EMFILE, MR_ENFILE: nothing was
 * done, and a later call tries again. */
MRI_CHECKED int mri_loop_get(mri_strand *s, mri_loop **out);

/* On strand s: have op->run called on the loop thread, and wait for its end.
 * What mri_loop_done was given; or a code of mri_loop_get, and it was never
 * called. `what` as for mri_strand_waits_for. No point of cancellation. */
MRI_CHECKED int64_t mri_loop_do(mri_strand *s, mri_loop_op *op,
                                const char *what);

/* The same as a point of cancellation. If the scope is cut short before the
 * operation is complete, cut(loop, op) is called on the loop thread, unless it
 * has completed by then, and should see to it that it soon is; what counts is
 * still the result. Cut short before it began: MR_ECANCELED. */
MRI_CHECKED int64_t mri_loop_do_cut(mri_strand *s, mri_loop_op *op,
                                    void (*cut)(mri_loop *loop,
                                                mri_loop_op *op),
                                    const char *what);

/* Anybody: have op->run called on the loop thread, which nobody waits for; its
 * memory is run's from there on. 0, or MR_ECANCELED: the loop is ending. */
MRI_CHECKED int mri_loop_post(mri_loop *loop, mri_loop_op *op);

/* Loop thread, once per operation that somebody waits for: it is complete.
 * LAST TOUCH of the operation. */
void mri_loop_done(mri_loop *loop, mri_loop_op *op, int64_t result);

/* Whether the calling thread is the loop's. */
MRI_CHECKED bool mri_loop_is_here(const mri_loop *loop);

#endif
