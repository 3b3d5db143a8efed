/* A future, seen from inside.
 *
 * Who has a reference: each holder; each that follows it, until it was told;
 * and, while it is pending, its completer, until it has told all. Who has one
 * may touch it; there is no last touch but the release of one's reference.
 *
 *   refs   31                         4   3      2        1       0
 *         +----------------------------+---+--------+--------+------+
 *         | references                 | 0 | CALLED | UNBORN | SEEN |
 *         +----------------------------+---+--------+--------+------+
 *   SEEN    somebody has looked at the value, or need not
 *   UNBORN  its node is in the inbox, to be counted (below)
 *   CALLED  and somebody wanted to put it into a queue meanwhile
 *
 * Whether it is done, and who is told of it, in one word:
 *
 *   list   63                                        3   2    1      0
 *         +-------------------------------------------+---+------+------+
 *         | newest follower, or 0                     | 0 | DONE | BIDS |
 *         +-------------------------------------------+---+------+------+
 *     f|b -> follower|b     mri_future_follow     release
 *     ...|0 -> ...|BIDS     mri_future_bid, under the lock
 *     DONE is set           the completer, once: with an exchange that empties
 *                           the list, or before, by mri_future_publish
 * Nothing changes after DONE but that exchange. The value is written before,
 * by the completer alone. So who finds DONE reads the value; and who does not,
 * and gets in, is told by the completer: followers were in the list that the
 * exchange returned; a bid was added under the lock by somebody who had set
 * BIDS, or found it, and no DONE: the completer, whose exchange came later,
 * finds BIDS and takes the lock, after that one.
 * Followers never leave the list before, so that no pointer comes back (ABA).
 * Who gets the chain reverses it: first in, first told.
 *
 * Being counted. A pending future is a job of its runtime, which so is there.
 * It is told of its end, as all that tells others here, on a worker of that
 * runtime: by whoever completes it there, or in a job, by its own node. In a
 * task it is counted at once; another thread submits its node to be counted.
 * Until that has run (UNBORN) the node is in use: who wants to call meanwhile
 * leaves CALLED, and it runs in its place. Of the two read-modify-writes one
 * is second, and sees the other.
 *
 * Where its function is, for those that have one, and who may cancel that:
 *
 *   stage  0 QUEUED           will be called, but has not begun
 *          f | FOLLOWS        waits for f, whose reference it has
 *          sc | RUNS          runs in this context
 *          CANCELLED          as FOLLOWS, without the reference; not to begin
 *          UNWANTED           as QUEUED; not to begin
 *          CUT                completed by who cancelled it: only to be told
 *          STOPPED            runs, and its context was cut short
 *          ENDED              does not run any more; a promise, a gathering:
 *                             it was decided what it has
 *     f|FOLLOWS -> QUEUED     told     f|FOLLOWS -> CANCELLED  cancel
 *     CANCELLED -> UNWANTED   told     CANCELLED -> CUT        cancel
 *     (mr_finally: QUEUED)
 *     QUEUED -> sc|RUNS       run      QUEUED -> UNWANTED      cancel
 *     sc|RUNS -> ENDED        run      sc|RUNS -> STOPPED      cancel
 *     QUEUED -> ENDED         decide   QUEUED -> STOPPED       cancel
 * Each is one compare-and-swap: what one side has begun the other finds.
 *
 * Must not know: what the functions do.
 */
#ifndef MRI_ASYNC_FUTURE_H
#define MRI_ASYNC_FUTURE_H

#include "async/heap.h"
#include "async/seeker.h"
#include "task/scope.h"
#include <millrace/future.h>

typedef struct mri_follower mri_follower;
typedef struct mri_settling mri_settling;

/* Who is told: in a future's list until then. */
struct mri_follower {
    mri_follower *next;
    /* f is done. How many references to f are given up by that. The follower
     * may be gone afterwards. */
    uint32_t (*told)(mri_follower *me, mr_future *f, mri_settling *st);
};

enum mri_future_kind {
    MRI_FUTURE_ASYNC,
    MRI_FUTURE_THEN,
    MRI_FUTURE_CATCH,
    MRI_FUTURE_FINALLY,
    MRI_FUTURE_ON,
    MRI_FUTURE_PROMISE,
    MRI_FUTURE_GATHER
};

struct mr_future {
    mri_job job;           /* in one queue at most; see above */
    mri_follower follower; /* in the list of what it follows */
    mri_atomic_uptr list, stage;
    /* Of what it follows, from when it was told; then its own, from DONE. */
    int64_t value;
    mri_atomic_u32 refs;
    mri_lock lock;
    mri_bids bids;      /* under the lock */
    mr_future *further; /* of its only holder, who cancels it */
    /* Constant. */
    mri_heap *heap;
    void *arg;
    uint32_t size; /* of what comes behind */
    enum mri_future_kind kind;
    MRI_ALIGNED(16) char behind[];
};

#define MRI_FUTURE_BIDS ((uintptr_t)1)
#define MRI_FUTURE_DONE ((uintptr_t)2)

#define MRI_FUTURE_SEEN UINT32_C(1)
#define MRI_FUTURE_UNBORN UINT32_C(2)
#define MRI_FUTURE_CALLED UINT32_C(4)
#define MRI_FUTURE_ONE UINT32_C(16)

enum mri_future_stage {
    MRI_FUTURE_QUEUED,
    MRI_FUTURE_FOLLOWS,
    MRI_FUTURE_RUNS,
    MRI_FUTURE_CANCELLED,
    MRI_FUTURE_UNWANTED,
    MRI_FUTURE_CUT,
    MRI_FUTURE_STOPPED,
    MRI_FUTURE_ENDED
};

/* ---- Futures that are no memory ----------------------------------------- */

/* Failed from the beginning: NULL with MR_ENOMEM, the last page of addresses
 * with what they are as numbers. */
MRI_INLINE bool mri_future_is_code(const mr_future *f)
{
    return (uintptr_t)f - 1 >= (uintptr_t)-4097;
}
mr_future *mri_future_of_code(int64_t code);
int64_t mri_future_code(const mr_future *f);

/* ---- For those that wait for one among others --------------------------- */

/* All three: f is a future, whichever, to which the caller has a reference. */

/* Anybody. Acquire: its value. */
MRI_INLINE bool mri_future_is_done(mr_future *f)
{
    return mri_future_is_code(f) ||
           (mri_load_acquire(&f->list) & MRI_FUTURE_DONE) != 0;
}

/* Who waits, after begin. True: the bid of k is in its queue. False: it is
 * done. */
MRI_CHECKED bool mri_future_bid(mr_future *f, mri_bid *bid, mri_seeker *k);

/* Who has bid there: the bid is in no queue any more. */
void mri_future_withdraw(mr_future *f, mri_bid *bid);

/* Who finds it done: the value; the reference is still the caller's. */
int64_t mri_future_value(const mr_future *f);

/* ---- Making ------------------------------------------------------------- */

/* With `refs` references; the copy of size bytes from arg is its `arg`, or arg
 * itself where that is 0. NULL: no memory. `here` as for the heap. */
mr_future *mri_future_new(mri_heap *heap, mri_strand *here,
                          enum mri_future_kind kind, uint32_t refs,
                          const void *arg, size_t size);

/* It is counted from now on; fn is what it will call. 0, or MR_ECANCELED:
 * refused, and still the caller's alone. */
MRI_CHECKED int mri_future_count(mr_future *f, mri_strand *here, mr_fn fn,
                                 void *site);

/* The caller's alone, and neither counted nor done: gone. */
void mri_future_unmake(mr_future *f, mri_strand *here);

/* n references are given up; `seen` where their holder has looked at the value
 * or need not. */
void mri_future_release(mr_future *f, uint32_t n, bool seen);

/* Who has one: one more. */
MRI_INLINE void mri_future_hold(mr_future *f)
{
    /* Relaxed: who has one keeps it. */
    mri_add_relaxed(&f->refs, MRI_FUTURE_ONE);
}

/* ---- Completing --------------------------------------------------------- */

/* What one completion sets off, on a worker of the runtime whose heap this is:
 * neither a recursion nor, for what is skipped, a way through queues. */
struct mri_settling {
    mri_strand *s;
    mri_heap *heap;
    mr_future *first, **last; /* done, to tell of; linked by job.node */
    mri_run_list ready;       /* jobs of this runtime */
    mri_given given;
};

/* Completer, in a task or job of its runtime, counted and not UNBORN. `ends`:
 * the job does nothing afterwards. */
void mri_future_complete(mri_strand *s, mr_future *f, int64_t value, bool ends);

/* Completer, anywhere else: the value is there now; who waits is told in a job.
 * `here` as for the heap. The completer's reference goes with it. */
void mri_future_publish(mr_future *f, mri_strand *here, int64_t value);

/* Likewise, in the middle of a settling: now, or as above. */
void mri_settling_complete(mri_settling *st, mr_future *f, int64_t value);

/* Its job shall run: whoever may call it, once. In the middle of a settling; or
 * anywhere. */
void mri_settling_call(mri_settling *st, mr_future *f);
void mri_future_call(mr_future *f, mri_strand *here);

/* What its job does: a promise's and a gathering's, what was published; that
 * which calls fn; that which follows. */
void mri_future_run_settle(mri_strand *s, mri_job *job);
void mri_async_run(mri_strand *s, mri_job *job);
void mri_then_run(mri_strand *s, mri_job *job);

/* True: the follower, which has a reference to f, will be told. False: f is
 * done, and it will not. */
MRI_CHECKED bool mri_future_follow(mr_future *f, mri_follower *follower);

/* ---- Running ------------------------------------------------------------ */

/* On strand s, in f's job: call fn(arg), in a context that may be cancelled.
 * f's stage says whether it may begin; if not, MR_ECANCELED. */
int64_t mri_future_call_in(mri_strand *s, mr_future *f, mr_fn fn, void *arg);

/* Decide what a promise or a gathering has: whoever is first. 0: the caller
 * completes it; MR_EALREADY, MR_ECANCELED: it was. */
MRI_CHECKED int mri_future_decide(mr_future *f);

/* ---- Cancelling --------------------------------------------------------- */

/* A holder: cancel it, and give the reference up. If `sole`, only where nobody
 * else has one. */
void mri_future_cancel(mr_future *f, bool sole);

/* Of a gathering: the reference to one more of its members that it has, which
 * is the caller's from now on, or NULL: none is left, or it has all of them
 * already. *from says where to look; 0 at first. */
mr_future *mri_gather_take(mr_future *f, size_t *from);
/* Whether it is done only when all are. */
bool mri_gather_is_patient(const mr_future *f);

MRI_INLINE uintptr_t mri_stage_of(const void *what, enum mri_future_stage stage)
{
    return (uintptr_t)what | stage;
}
MRI_INLINE enum mri_future_stage mri_stage_tag(uintptr_t word)
{
    return (enum mri_future_stage)(word & 7);
}
MRI_INLINE void *mri_stage_what(uintptr_t word)
{
    return (void *)(word & ~(uintptr_t)7);
}

#endif
