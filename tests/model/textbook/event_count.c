/* See event_count.h.
 *
 * No wake-up is lost. Let W be a waiter's prepare and N a notify whose
 * condition W's second look does not see. Of the two seq_cst fences, N's
 * cannot come after W's and yet see no waiter, since W counts itself before
 * its fence; and W's cannot come after N's and miss the condition, which N's
 * thread stored before its fence. So N sees the waiter and adds to the epoch.
 * If W has read the epoch before, commit finds it changed, or sleeps and is
 * woken; if W reads it after, the two fences order N's condition before W's
 * second look, which sees it.
 */
#include "textbook/event_count.h"

#include "os/clock.h"
#include "os/futex.h"

void event_count_open(struct event_count *e)
{
    mri_init(&e->epoch, 0);
    mri_init(&e->waiters, 0);
}

uint32_t event_count_prepare(struct event_count *e)
{
    mri_add_relaxed(&e->waiters, 1);
    /* Relaxed: the fence makes it an acquire, as the caller's look wants. */
    uint32_t key = mri_load_relaxed(&e->epoch);
    /* Pairs with the fence in notify: count myself, then look. */
    mri_fence_seq_cst();
    return key;
}

void event_count_cancel(struct event_count *e)
{
    mri_sub_relaxed(&e->waiters, 1);
}

void event_count_commit(struct event_count *e, uint32_t key)
{
    /* Relaxed: this look is for the epoch alone, the caller's next one is
     * ordered by the fence of its next prepare. */
    while (mri_load_relaxed(&e->epoch) == key)
        if (mri_futex_wait(&e->epoch, key, MRI_NEVER) < 0)
            continue; /* whatever the reason: look at the epoch */
    mri_sub_relaxed(&e->waiters, 1);
}

void event_count_notify(struct event_count *e, int count)
{
    /* Pairs with the fence in prepare: condition first, then look. */
    mri_fence_seq_cst();
    if (mri_load_relaxed(&e->waiters) == 0)
        return;
    /* Relaxed: the fence makes it a release. */
    mri_add_relaxed(&e->epoch, 1);
    mri_futex_wake(&e->epoch, count);
}
