/* A seeker: a task or a thread that waits until others give it something; and
 * bids, its places in the queues of the things that it would take.
 *
 * All of futures, locks and channels waits like this:
 *
 *     who waits                           who gives
 *       lock                                lock
 *       there is something: takes it        takes a bid out of the queue
 *       else begin, bid, unlock             puts what it gives into place
 *       wait                                give: false, the next bid
 *       0: it was given                     unlock
 *       else lock, withdraw, unlock         tell
 *
 * Given or given up, never both. A seeker's wait ends once: a task's by the
 * compare-and-swap of its park word (parts/park_word.h), with the count of this
 * wait; a thread's by that of `word` below. Whoever comes second does nothing.
 *
 * Frames. Seeker and bids lie in the frame of who waits. Who gives finds them
 * in the queue and under its lock. Who was given goes on without the lock, so
 * from `give` on nothing of it is touched any more; what is given must be in
 * place before. Who gave up takes the lock to withdraw its bids, before which
 * the frame stays: who has taken a bid out, and finds that it comes too late,
 * has touched memory that was there. With bids in several queues, who was given
 * by one withdraws the others, each under its lock.
 *
 * No wake-up is lost: whether there is something, and whether there are bids,
 * is asked under one lock.
 *
 *   word  0 SEEKING --give--> 1 GIVEN
 *                   --time--> 2 GONE
 *
 * Must not know: what is waited for.
 */
#ifndef MRI_ASYNC_SEEKER_H
#define MRI_ASYNC_SEEKER_H

#include "parts/lock.h"
#include "sched/strand.h"

typedef struct mri_seeker {
    mri_strand *strand;  /* NULL: a thread outside of tasks */
    uint64_t count;      /* a task's: of its park */
    mri_atomic_u32 word; /* a thread's; itself and who gives write */
} mri_seeker;

/* In at most one queue; under its lock, but for `seeker`, which is constant. */
typedef struct mri_bid mri_bid;
struct mri_bid {
    mri_bid *next, *prev; /* while `in` */
    mri_seeker *seeker;
    bool in;
};

/* First in, first out. Zero is empty. Under its lock, all of it. */
typedef struct mri_bids {
    mri_bid *first, *last;
} mri_bids;

/* Whom to tell once no lock is held: tasks that were given, and are parked. */
typedef mri_run_list mri_given;
#define MRI_GIVEN_NONE MRI_RUN_LIST_EMPTY

/* ---- Who waits ---------------------------------------------------------- */

/* The caller's strand, NULL for a thread: 0; or MR_EPERM, in a task of a child
 * of fork(), where nobody comes. */
MRI_CHECKED int mri_seeker_caller(mri_strand **s);

/* The caller, on strand s or NULL, is about to wait: once before each wait, or
 * before `stay`. */
void mri_seeker_begin(mri_seeker *k, mri_strand *s);

/* After begin, instead of a wait. False: somebody has given already. */
MRI_CHECKED bool mri_seeker_stay(mri_seeker *k);

/* The caller: wait. 0: given. MR_ETIMEDOUT at `deadline`, MR_ECANCELED where
 * its scope was cut short (never a thread's): nobody will give any more. `what`
 * as for mri_strand_waits_for. A task may be on another worker afterwards. */
MRI_CHECKED int mri_seeker_wait(mri_seeker *k, int64_t deadline,
                                const char *what);

/* The same without an end but that it is given. */
void mri_seeker_await(mri_seeker *k, const char *what);

/* ---- Queues, under their lock ------------------------------------------- */

/* Behind all others; in front of them. */
void mri_bids_add(mri_bids *q, mri_bid *bid, mri_seeker *k);
void mri_bids_add_first(mri_bids *q, mri_bid *bid, mri_seeker *k);

/* The first, which is in it no more, or NULL. */
mri_bid *mri_bids_take(mri_bids *q);

/* Who waits: its bid is in no queue any more. True: it was until now. */
bool mri_bids_withdraw(mri_bids *q, mri_bid *bid);

/* ---- Who gives ---------------------------------------------------------- */

/* Under the lock of the queue that a bid of k was taken from: its wait is over.
 * True: k is not touched any more. False: it has given up, or was given by
 * another queue. */
MRI_CHECKED bool mri_seeker_give(mri_seeker *k, mri_given *given);

/* With no lock held, once: all that were given go on. */
void mri_given_tell(const mri_given *given);

/* Whether the queue can be one. */
void mri_bids_check(const mri_bids *q);

#endif
