/* Letters for one reader that sleeps in an event loop: an inbox, how the reader
 * is told, and how the one comes to an end under the hands of the others.
 *
 *     sender                              reader, when the bell calls it
 *     rc = mri_mailbox_put(&m, n);        list = mri_mailbox_take(&m);
 *     if (rc == 1) {                      ...
 *         ring the bell;                  and once, to end it:
 *         mri_mailbox_rung(&m);               mri_mailbox_close(&m);
 *     }                                       list = mri_mailbox_take(&m);
 *                                             until mri_mailbox_is_over(&m):
 *                                                 wait a moment
 *                                             the bell may go, and the mailbox
 *
 * The bell is what an event loop gives (uv_async_send): a flag, and an event
 * that the loop sleeps for.
 *     ring    the flag is set: nothing is done. Else set it, then post the
 * event reader  on an event: clear the flag, then call back The first look of a
 * ring may be a relaxed one, and is in libuv.
 *
 * Told once. Of all puts between two takes one is told 1, and rings: one ring
 * for each list that is taken, and one list for each ring (parts/inbox.h).
 *
 * No letter is left lying. Let a put be told 1: it has read what the last take
 * left (or nobody has taken yet). Takes are made in the callback alone, hence
 * after the flag was cleared, and the put acquires from the take. So the ring
 * finds the flag clear, whichever order its look has, unless another has set it
 * since: but rings belong to lists, and the next list's ring is this one. It
 * sets the flag and posts the event, the reader clears and takes. A letter that
 * was told 0 lies on top of one that was told 1, and comes out with it, or was
 * put before the take that follows that ring.
 *   Were lists taken elsewhere, to look whether something has come, say, then a
 * ring could find the flag of the ring before it still set, and leave it at
 * that, while the callback that it relies on takes before the put is seen.
 *
 * Nobody rings a bell that is gone. `rung` counts the rings that are over,
 * `lists` those that are owed: one for each list. Nothing gets in once it is
 * closed, so that after one more take no more are owed; when rung == lists, all
 * who were told have rung, and their last touch was `rung`. Acquire: what they
 * did with the bell and the mailbox comes before its end. Who was told 0 or was
 * refused has touched neither since. The mailbox itself outlives every call of
 * put: by what, is for those who call it to know.
 *
 * rung    senders add 1, release, each as its last touch; the reader loads
 * lists   the reader alone
 *
 * Which may run together: put and rung with all of them; the rest is the
 * reader's. What is put may be gone as soon as it is in.
 *
 * Must not know: what a letter is, what the bell is made of.
 */
#ifndef MRI_PARTS_MAILBOX_H
#define MRI_PARTS_MAILBOX_H

#include "parts/inbox.h"

typedef struct mri_mailbox {
    mri_inbox inbox;
    mri_atomic_u32 rung;
    uint32_t lists;
} mri_mailbox;

/* Before any other thread can reach it. */
void mri_mailbox_open(mri_mailbox *m);

/* Anybody. 1: ring the bell, then call mri_mailbox_rung. 0: it is in, and the
 * mailbox must not be touched any more. MR_ECANCELED: closed, the node is still
 * the caller's. */
MRI_CHECKED int mri_mailbox_put(mri_mailbox *m, mri_run_node *node);

/* Whoever was told 1, and has rung. */
void mri_mailbox_rung(mri_mailbox *m);

/* Reader, in the bell's callback: everything that is in, oldest first, linked
 * by `next`; NULL if nothing. */
mri_run_node *mri_mailbox_take(mri_mailbox *m);

/* Reader: refuse letters from now on; one more take is due. */
void mri_mailbox_close(mri_mailbox *m);

/* Reader, after that: will nobody touch the bell or the mailbox any more? Soon
 * they will not. */
MRI_CHECKED bool mri_mailbox_is_over(const mri_mailbox *m);

#endif
