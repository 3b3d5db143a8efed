/* See inbox.h for the protocol. */
#include "parts/inbox.h"

#include "base/assert.h"

#include <millrace/error.h>

enum { CLOSED = 1 };

static mri_run_node *node_of(uintptr_t word)
{
    return (mri_run_node *)(word & ~(uintptr_t)CLOSED);
}

void mri_inbox_open(mri_inbox *in)
{
    mri_init(&in->newest, 0);
}

/* Transition ...|0 -> newest. */
int mri_inbox_push_chain(mri_inbox *in, mri_run_node *newest,
                         mri_run_node *oldest)
{
    /* Relaxed: the value is only compared, and what it points to is not
     * looked at. */
    uintptr_t top = mri_load_relaxed(&in->newest);
    do {
        if (mri_unlikely(top & CLOSED))
            return MR_ECANCELED;
        oldest->next = node_of(top);
        /* Release: the nodes and their links come before, pairs with the
         * acquire in take and close. Pushes on top continue the release
         * sequence, so that one acquire answers all of them. */
    } while (!mri_cas_weak_release(&in->newest, &top, (uintptr_t)newest));
    /* The nodes may be gone from here on. */
    return top == 0;
}

int mri_inbox_push(mri_inbox *in, mri_run_node *node)
{
    return mri_inbox_push_chain(in, node, node);
}

/* The chain's order turned round. */
static mri_run_node *oldest_first(mri_run_node *newest)
{
    mri_run_node *list = NULL;
    while (newest) {
        mri_run_node *older = newest->next;
        newest->next = list;
        list = newest;
        newest = older;
    }
    return list;
}

mri_run_node *mri_inbox_take(mri_inbox *in)
{
    /* Relaxed: a look that spares the line its write; nothing follows from
     * finding nothing. */
    if (node_of(mri_load_relaxed(&in->newest)) == NULL)
        return NULL;
    /* Acquire: pairs with the release in push. */
    return oldest_first(node_of(mri_and_acquire(&in->newest, CLOSED)));
}

mri_run_node *mri_inbox_close(mri_inbox *in)
{
    /* Acquire: pairs with the release in push. */
    return oldest_first(node_of(mri_swap_acquire(&in->newest, CLOSED)));
}

bool mri_inbox_closed(const mri_inbox *in)
{
    /* Relaxed: says nothing of what the closer did besides. */
    return mri_load_relaxed(&in->newest) & CLOSED;
}

/* Closed means empty, and the chain ends. */
void mri_inbox_check(const mri_inbox *in)
{
    /* Relaxed: nobody else uses it. */
    uintptr_t word = mri_load_relaxed(&in->newest);
    mri_require(!(word & CLOSED) || word == CLOSED,
                "a closed inbox holds nothing");
    const mri_run_node *slow = node_of(word), *fast = slow;
    while (fast && fast->next) {
        slow = slow->next;
        fast = fast->next->next;
        mri_require(slow != fast, "an inbox's chain ends");
    }
}
