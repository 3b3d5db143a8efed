/* Many put in, one empties: the way in for what comes from other threads.
 *
 * A stack of intrusive nodes that is only ever emptied as a whole, and
 * reversed by whoever empties it. A push is one compare-and-swap; the push
 * that found the inbox empty is told so, and that producer alone notifies
 * the consumer: one notification for everything that comes in before the
 * consumer looks.
 *
 *     producer                            consumer
 *     if (mri_inbox_push(&in, n) == 1)    for (;;) {
 *         add 1 to bell, release;             seen = load bell, acquire;
 *         wake bell;                          list = mri_inbox_take(&in);
 *                                             if (!list)
 *                                                 sleep while bell == seen;
 *                                         }
 *
 * The word `newest`:
 *
 *     63                                                      1   0
 *     +-------------------------------------------------------+---+
 *     | newest node, 0 if empty                               | C |
 *     +-------------------------------------------------------+---+
 *     C  closed for good: what is in stays, to be taken
 *
 *     transition                  by                       order
 *     node -> node                mri_inbox_push, _behind  release
 *     0 -> node                   mri_inbox_push (1)       release
 *     node|0 -> node, C stays     mri_inbox_push_late      release
 *     node|0 -> 0, C stays        mri_inbox_take           acquire, release
 *     C = 1                       mri_inbox_close          relaxed
 *
 * Linearization: each operation at its read-modify-write of `newest`; a push
 * that is refused and a take that finds nothing at their load. Hence
 *  - nothing is lost and nothing is taken twice: a take gets the chain as it
 *    was at its read-modify-write and leaves none of it;
 *  - order: a chain holds younger before older; reversed, it is in the order
 *    of the pushes, and so are the lists of successive takes;
 *  - told exactly once: pushes that return 1 are the changes 0 -> node. Each
 *    is ended by the one take that gets the chain;
 *  - after close nothing gets in but by push_late: C is never cleared, and a
 *    push that saw the word before it was set fails its compare-and-swap;
 *  - whoever finds it empty (mri_inbox_is_empty) sees what each taker of what
 *    was in did before its take: all changes are read-modify-writes, so that
 *    the take's release reaches the look through those that came later.
 * ABA does no harm: the push writes the link to the node that it then finds
 * on top, and where that node came from in the meantime does not matter,
 * since what hangs below it belongs to it.
 *
 * No wake-up is lost in the protocol above: had the producer's addition come
 * before the consumer's load of bell, take would have seen the push (acquire,
 * release); so it came after, and the sleep finds a changed bell or is woken.
 * A push that was not told 1 came on top of one that was, whose producer has
 * yet to add to bell, or has done so since the last take.
 *
 * Which may run together: all with all, but check with nothing that writes.
 * Two takers each get whole lists; the order of pushes holds for each taker,
 * not between them.
 *
 * Must not know: who is notified and how, what the nodes are inside of.
 */
#ifndef MRI_PARTS_INBOX_H
#define MRI_PARTS_INBOX_H

#include "base/atomic.h"
#include "parts/run_node.h"

typedef struct mri_inbox {
    /* Written by producers, takers and the closer, read by all. */
    MRI_ALIGNED(MRI_CACHE_LINE) mri_atomic_uptr newest;
} mri_inbox;

/* Before any other thread can reach it. */
void mri_inbox_open(mri_inbox *in);

/* Anybody. 1: it was empty, notify the consumer. 0: somebody else was told.
 * MR_ECANCELED: closed, the node is still the caller's. Unless refused, the
 * node is not touched once it is in: it may be gone. */
MRI_CHECKED int mri_inbox_push(mri_inbox *in, mri_run_node *node);

/* Anybody. 0: it went in on top of others, and the inbox was not touched since:
 * it may be gone. 1: nothing is in there, so mri_inbox_push will have to be
 * told to notify; nothing was done. MR_ECANCELED as above. */
MRI_CHECKED int mri_inbox_push_behind(mri_inbox *in, mri_run_node *node);

/* Anybody, for a chain that must get in even when it is closed: 1 or 0, as
 * push_chain. */
MRI_CHECKED int mri_inbox_push_late(mri_inbox *in, mri_run_node *newest,
                                    mri_run_node *oldest);

/* The same as push for a chain made by the caller, linked by `next` from the
 * newest down to the oldest: in at once, or refused as a whole. */
MRI_CHECKED int mri_inbox_push_chain(mri_inbox *in, mri_run_node *newest,
                                     mri_run_node *oldest);

/* Everything that is in, oldest first, linked by `next`; NULL if nothing. */
mri_run_node *mri_inbox_take(mri_inbox *in);

/* Refuse pushes from now on. Closing twice is harmless. */
void mri_inbox_close(mri_inbox *in);

/* Whether nothing is in. Acquire: see above. */
bool mri_inbox_is_empty(const mri_inbox *in);

/* Whether nothing is in, as of a moment ago. */
MRI_INLINE bool mri_inbox_looks_empty(const mri_inbox *in)
{
    /* Relaxed: a hint. */
    return mri_load_relaxed(&in->newest) <= 1;
}

/* Whether close has been called. */
bool mri_inbox_closed(const mri_inbox *in);

/* The invariants, while nobody else uses it; stops the program if broken. */
void mri_inbox_check(const mri_inbox *in);

#endif
