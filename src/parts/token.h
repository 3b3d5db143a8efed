/* A strand that parks with children nobody has started stands in the run
 * queues as one token, so that somebody comes and looks. Whoever pops it runs
 * one of the children, and offers the token again if there are more.
 *
 *     parker                          popper
 *     publish children                token = pop or steal
 *     mri_token_offer(mine, token)    mri_token_taken(token)
 *                                     take a child; if more are left,
 *                                         mri_token_offer(mine, token)
 *
 * The word `queued`:
 *     1  the token is in some run queue, or popped and not yet declared taken
 *     0  it is in none
 *
 *     0 -> 1 (then pushed) or 1 -> 1    mri_token_offer    acq_rel
 *     1 -> 0                            mri_token_taken    acq_rel
 *
 * Both are exchanges, so they stand in one order. Never twice in a queue: only
 * the offer that changed 0 to 1 pushes, and only the popper changes it back.
 * No child unseen: let an offer find 1. The exchange of taken that follows it
 * reads what this offer stored, or the last of offers that came on top of it
 * and so continue its release sequence; the popper looks after that, and sees
 * the children published before any of them. There is such a taken, since 1
 * means that the token is queued or in a popper's hand.
 *
 * A fence and a test on each side would do too (Dekker's pattern); but where
 * both sides make an exchange on the same word, that word orders them, at the
 * price of the fence alone.
 *
 * Acquire in offer, release in taken: the node's link, which the queue it was
 * popped from has read, is written by the queue that it enters next.
 *
 * Which may run together: offers with offers and taken, by any threads, each
 * into its own queue. taken: once per pop, by who popped.
 *
 * Must not know: strands, what a child is.
 */
#ifndef MRI_PARTS_TOKEN_H
#define MRI_PARTS_TOKEN_H

#include "base/atomic.h"
#include "parts/run_queue.h"

typedef struct mri_token {
    mri_run_node node;     /* the queues' while queued is 1 */
    mri_atomic_u32 queued; /* whoever offers or takes */
} mri_token;

/* Before any other thread can reach it. */
void mri_token_open(mri_token *token);

/* The owner of q. True: the token went into q. False: it is on its way to
 * somebody already. */
bool mri_token_offer(mri_run_queue *q, mri_token *token);

/* Whoever popped it, before looking for children. */
void mri_token_taken(mri_token *token);

/* Anybody, at any time. */
void mri_token_check(mri_token *token);

#endif
