/* The state of one task, in one word: not done, done, or who waits for it.
 *
 *   63                                          3 2    0
 *  +---------------------------------------------+------+
 *  | payload: a multiple of 8, or an index << 3  | kind |
 *  +---------------------------------------------+------+
 *   kind  0 NONE          pending, nobody waits (whole word 0)
 *         1 STRAND        payload names a parked strand, as sched/ likes
 *         2 THREAD        payload is the sleeper of mri_task_word_block
 *         3 CONTINUATION  payload is what shall run next, as async/ likes
 *         4 DROPPED       nobody will wait: the completer frees
 *         5 DONE          completed
 *
 *   NONE --await_begin--> waiter --complete--> DONE (completer has the waiter)
 *   waiter --withdraw--> NONE --complete--> DONE
 *   NONE --drop--> DROPPED --complete--> DONE (completer frees)
 *   DONE --drop--> DROPPED (dropper frees)
 *
 * Two sides: one completer, who completes once, and one awaiter, who does one
 * thing at a time. The task's memory belongs to the awaiter and may be gone
 * the moment that the word says DONE, so the completer's exchange is its last
 * touch; what it still has to do it learns from the value that came back.
 *
 * Why nobody is lost, and nobody resumed twice: every transition is one read-
 * modify-write, so they stand in one order. A waiter that was registered is
 * either withdrawn or found by the exchange, never both, and is found at most
 * once, as there is one exchange; one that comes after the exchange is told.
 * Drop and complete are both exchanges: whoever is second sees the other one
 * and frees.
 *
 * Which may run together (each row with each column):
 *                complete  await, withdraw, drop  is_done
 *  complete      no: once  yes                    yes
 *  await_begin,
 *  withdraw,
 *  drop, block   yes       no: the awaiter's      yes
 *  is_done       yes       yes                    yes
 * is_done is anybody's who knows that the memory is alive; nothing is asked of
 * the word after a drop.
 *
 * Must not know: what a task or a strand is, and how anybody is resumed, the
 * blocked thread excepted.
 */
#ifndef MRI_PARTS_TASK_WORD_H
#define MRI_PARTS_TASK_WORD_H

#include "base/assert.h"
#include "base/atomic.h"

enum mri_waiter_kind {
    MRI_WAITER_NONE,
    MRI_WAITER_STRAND,
    MRI_WAITER_THREAD,
    MRI_WAITER_CONTINUATION,
    MRI_WAITER_DROPPED,
    MRI_WAITER_DONE, /* in the word only; nobody is handed one */
};

typedef uint64_t mri_waiter;

/* Written by the completer (once) and the awaiter, read by anybody. */
typedef struct mri_task_word {
    mri_atomic_u64 word;
} mri_task_word;

MRI_INLINE mri_waiter mri_waiter_of(enum mri_waiter_kind kind, uint64_t payload)
{
    mri_assert((payload & 7) == 0, "a waiter leaves three bits free");
    return payload | kind;
}

MRI_INLINE enum mri_waiter_kind mri_waiter_kind(mri_waiter waiter)
{
    return (enum mri_waiter_kind)(waiter & 7);
}

MRI_INLINE uint64_t mri_waiter_payload(mri_waiter waiter)
{
    return waiter & ~UINT64_C(7);
}

MRI_INLINE void mri_task_word_init(mri_task_word *t)
{
    mri_init(&t->word, MRI_WAITER_NONE);
}

/* Completer, once. What is returned is the caller's to act on: NONE nothing,
 * STRAND or CONTINUATION to resume, THREAD to wake (mri_task_wake_thread),
 * DROPPED to free the task. Otherwise the task must not be touched again.
 *
 * Release: the result is there for whoever acquires DONE, and for the waiter
 * by way of its being resumed. Acquire: what the awaiter put behind its
 * payload (await_begin), and all that it did with the task before it dropped
 * it. */
MRI_INLINE MRI_CHECKED mri_waiter mri_task_word_complete(mri_task_word *t)
{
    /* LAST TOUCH of the task: its memory may be gone after this line. */
    mri_waiter waiter = mri_swap_acq_rel(&t->word, MRI_WAITER_DONE);
    mri_assert(waiter != MRI_WAITER_DONE, "a task completes once");
    return waiter;
}

/* Awaiter. True: the waiter is registered and will be handed to the completer.
 * False: the task is done, its result is readable, nobody will be resumed. */
MRI_INLINE MRI_CHECKED bool mri_task_word_await_begin(mri_task_word *t,
                                                      mri_waiter waiter)
{
    uint64_t expected = MRI_WAITER_NONE;
    /* Release: what the payload points to, for the exchange in complete. */
    bool registered = mri_cas_release(&t->word, &expected, waiter);
    if (registered)
        return true;
    mri_assert(expected == MRI_WAITER_DONE, "one waits for a task at a time");
    mri_fence_acquire(); /* the result, released by complete */
    return false;
}

/* Awaiter: take a registered waiter back, because its wait ended some other
 * way. True: nobody will resume it. False: the task is done and its result is
 * readable, but the completer has the waiter and resumes it in its own time;
 * what the payload points to must stay until then. */
MRI_INLINE MRI_CHECKED bool mri_task_word_withdraw(mri_task_word *t,
                                                   mri_waiter waiter)
{
    uint64_t expected = waiter;
    /* Relaxed: the completer will find NONE, and read nothing of ours. */
    bool withdrawn = mri_cas_relaxed(&t->word, &expected, MRI_WAITER_NONE);
    if (withdrawn)
        return true;
    mri_assert(expected == MRI_WAITER_DONE, "who is withdrawn was registered");
    mri_fence_acquire(); /* the result, released by complete */
    return false;
}

/* Awaiter, with no waiter registered, last: nobody will ask for this task any
 * more. True: it is done and the caller frees it; false: the completer will.
 * Release and acquire: whoever frees does so after all that the other did
 * with the task; pairs with the exchange in complete. */
MRI_INLINE MRI_CHECKED bool mri_task_word_drop(mri_task_word *t)
{
    uint64_t seen = mri_swap_acq_rel(&t->word, MRI_WAITER_DROPPED);
    mri_assert(seen == MRI_WAITER_NONE || seen == MRI_WAITER_DONE,
               "a task is dropped once, by nobody who still waits");
    return seen == MRI_WAITER_DONE;
}

/* Anybody. Acquire: the result, released by complete. */
MRI_INLINE bool mri_task_word_is_done(mri_task_word *t)
{
    return mri_load_acquire(&t->word) == MRI_WAITER_DONE;
}

/* Awaiter: block the calling thread until the task is done (0; the result is
 * readable) or the deadline has passed (MR_ETIMEDOUT; it may wait again). */
MRI_CHECKED int mri_task_word_block(mri_task_word *t, int64_t deadline);

/* Completer: resume the THREAD that complete returned. */
void mri_task_wake_thread(mri_waiter waiter);

/* Whether the word can be one. */
void mri_task_word_check(mri_task_word *t);

#endif
