/* Waiting for any condition on data that has no lock, costing those who make
 * it true a fence and a load while nobody waits.
 *
 *     for (;;) {
 *         if (condition()) break;
 *         mri_event_key key = mri_event_count_prepare(&e);
 *         if (condition()) { mri_event_count_cancel(&e); break; }
 *         if (mri_event_count_commit(&e, key, deadline) < 0) break;
 *     }
 *
 * and whoever makes the condition true calls notify_one or notify_all after.
 *
 *   state 63          32 31      16 15       0
 *        +--------------+----------+----------+
 *        |  generation  | signals  | waiters  |
 *        +--------------+----------+----------+
 *   waiters     between prepare and the end of commit or cancel
 *   signals     given by notify_one, not yet taken; never more than waiters
 *   generation  one more per notify_all that found a waiter
 *   bell  the futex word: one more per change of the above that lets
 *         somebody go, after that change
 *
 *   prepare     waiters + 1, and the key is the generation at that moment
 *   cancel      waiters - 1, and a signal less where there were as many
 *   notify_one  signals + 1, where there are fewer than waiters
 *   notify_all  generation + 1
 *   commit      returns once the generation is not the key (waiters - 1, as
 *               cancel), or with a signal (waiters - 1, signals - 1), or at
 *               its deadline (as cancel, when there is neither)
 * all by one read-modify-write each.
 *
 * Whoever waits must look again before it leaves off for good: a signal is a
 * hint, and the duty to look. Those whose conditions differ need notify_all.
 *
 * No wake-up is lost. Let W be a waiter whose second look does not see the
 * condition that N stored before it notified. The two have a seq_cst fence
 * each: W counts itself, fence, looks; N stores, fence, reads the state. If
 * W's fence came second, W would have seen the condition; so N's came second
 * and N sees W counted. Then (all) N changes the generation after W's key was
 * taken, and W leaves. Or (one) N gives a signal, if only because there were
 * fewer than waiters; or there were as many, and each waiter that N saw,
 * W among them, is about to leave without N's help.
 *   A waiter that came later may take the signal that was given when W waited.
 * It came after N's change of the state (or, if N found all signals given, its
 * prepare is later in the state's order than N's load), so its second look saw
 * the condition, and commits only because somebody has taken what N had to
 * offer, or takes it and cancels. The same holds for a waiter that returned
 * with a signal given before N came: it looks, and if it finds nothing and
 * prepares again, it looks after N. So while all waiters of an event count
 * wait for the same thing, for each thing on offer one waiter is awake and yet
 * to look; where they do not, notify_all lets go each that was there, and
 * nobody can take that from it.
 *
 * Nobody is woken twice: at most one commit returns per notify_one, since each
 * takes a signal.
 *
 * Nobody sleeps through its release. W reads bell, then state, and sleeps on
 * the bell that it read. A change of state that lets W go is followed by a
 * ring. If W read the bell after the ring (acquire and release), it sees the
 * change; if before, the futex finds another value, or W asleep. A ring wakes
 * as many as it gave signals; who is woken and finds the signal gone sleeps
 * again, and whoever took it was awake. One that wakes somebody whom a new
 * generation lets go is followed by that generation's ring, which wakes all.
 *   A notifier that is preempted between its change and its ring delays W, and
 * another notifier that finds the signals given does not ring for it.
 *
 * Wrap-around. Nothing depends on history but the key and the bell. The bell
 * deceives a waiter that is preempted between reading it and sleeping while
 * exactly 2^32 rings pass, each a system call: more than 10 minutes at 150 ns.
 * The generation, a waiter that does not run, though each notify_all wakes it,
 * for exactly 2^32 of them: the same. 65,535 may wait, which prepare checks.
 *
 * Which may run together: all with all; cancel and commit once per prepare, by
 * whoever prepared. The memory must outlive the last call.
 *
 * Must not know: the condition.
 */
#ifndef MRI_PARTS_EVENT_COUNT_H
#define MRI_PARTS_EVENT_COUNT_H

#include "base/assert.h"
#include "base/atomic.h"

/* Both written by everybody, read by everybody. */
typedef struct mri_event_count {
    mri_atomic_u64 state;
    mri_atomic_u32 bell;
} mri_event_count;

typedef uint32_t mri_event_key;

#define MRI_EVENT_WAITER UINT64_C(1)
#define MRI_EVENT_SIGNAL (UINT64_C(1) << 16)
#define MRI_EVENT_GENERATION (UINT64_C(1) << 32)
#define MRI_EVENT_MOST UINT64_C(0xffff)

void mri_event_count_init(mri_event_count *e);

/* Waiter: from here on whoever notifies sees me. To be followed by a look at
 * the condition and then by either of the next two. */
MRI_CHECKED mri_event_key mri_event_count_prepare(mri_event_count *e);
void mri_event_count_cancel(mri_event_count *e);

/* Waiter: sleep until notified (0; what the notifier stored before is there to
 * be read) or until the deadline has passed (MR_ETIMEDOUT). */
MRI_CHECKED int mri_event_count_commit(mri_event_count *e, mri_event_key key,
                                       int64_t deadline);

/* Whether anybody waits: a hint, unless the caller has fences of its own. */
MRI_INLINE bool mri_event_count_awaited(mri_event_count *e)
{
    /* Relaxed: notify orders it by its fence. */
    return (mri_load_relaxed(&e->state) & MRI_EVENT_MOST) != 0;
}

void mri_event_count_notify_one_slow(mri_event_count *e);
void mri_event_count_notify_all_slow(mri_event_count *e);

/* After the condition became true: let one go, of those who wait now. */
MRI_INLINE void mri_event_count_notify_one(mri_event_count *e)
{
    mri_fence_seq_cst(); /* with prepare's: store, then look for waiters */
    if (mri_unlikely(mri_event_count_awaited(e)))
        mri_event_count_notify_one_slow(e);
}

/* The same for all who wait now. */
MRI_INLINE void mri_event_count_notify_all(mri_event_count *e)
{
    mri_fence_seq_cst(); /* with prepare's: store, then look for waiters */
    if (mri_unlikely(mri_event_count_awaited(e)))
        mri_event_count_notify_all_slow(e);
}

/* Whether the state can be one. */
void mri_event_count_check(mri_event_count *e);

#endif
