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

/* Transition ...|0 -> newest; which of the words seen refuse is the caller's:
 * `refusing` is CLOSED or 0. */
static int push(mri_inbox *in, mri_run_node *newest, mri_run_node *oldest,
                uintptr_t refusing)
{
    /* Relaxed: the value is only compared, and what it points to is not
     * looked at. */
    uintptr_t top = mri_load_relaxed(&in->newest);
    do {
        if (mri_unlikely(top & refusing))
            return MR_ECANCELED;
        oldest->next = node_of(top);
        /* Release: the nodes and their links come before, pairs with the
         * acquire in take. Pushes on top continue the release sequence, so
         * that one acquire answers all of them. */
    } while (!mri_cas_weak_release(&in->newest, &top,
                                   (uintptr_t)newest | (top & CLOSED)));
    /* The nodes may be gone from here on. */
    return node_of(top) == NULL;
}

int mri_inbox_push_chain(mri_inbox *in, mri_run_node *newest,
                         mri_run_node *oldest)
{
    return push(in, newest, oldest, CLOSED);
}

int mri_inbox_push(mri_inbox *in, mri_run_node *node)
{
    return push(in, node, node, CLOSED);
}

int mri_inbox_push_late(mri_inbox *in, mri_run_node *newest,
                        mri_run_node *oldest)
{
    return push(in, newest, oldest, 0);
}

/* Transition node -> node. */
int mri_inbox_push_behind(mri_inbox *in, mri_run_node *node)
{
    /* Relaxed, release: as in push. */
    uintptr_t top = mri_load_relaxed(&in->newest);
    do {
        if (mri_unlikely(top & CLOSED))
            return MR_ECANCELED;
        if (top == 0)
            return 1;
        node->next = node_of(top);
    } while (!mri_cas_weak_release(&in->newest, &top, (uintptr_t)node));
    /* The node may be gone from here on, and the inbox. */
    return 0;
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
    /* Acquire: pairs with the release in push. Release: what the taker did
     * before, for who finds it empty. */
    return oldest_first(node_of(mri_and_acq_rel(&in->newest, CLOSED)));
}

void mri_inbox_close(mri_inbox *in)
{
    /* Relaxed: says nothing of what the closer did besides. */
    mri_or_relaxed(&in->newest, CLOSED);
}

bool mri_inbox_is_empty(const mri_inbox *in)
{
    /* Acquire: pairs with the release in take. */
    return node_of(mri_load_acquire(&in->newest)) == NULL;
}

bool mri_inbox_closed(const mri_inbox *in)
{
    /* Relaxed: says nothing of what the closer did besides. */
    return mri_load_relaxed(&in->newest) & CLOSED;
}

/* The chain ends. */
void mri_inbox_check(const mri_inbox *in)
{
    /* Relaxed: nobody else uses it. */
    uintptr_t word = mri_load_relaxed(&in->newest);
    const mri_run_node *slow = node_of(word), *fast = slow;
    while (fast && fast->next) {
        slow = slow->next;
        fast = fast->next->next;
        mri_require(slow != fast, "an inbox's chain ends");
    }
}
