/* What inboxes and run queues are made of: a node inside something that can
 * be run, a task or a strand or a strand's token. It is in at most one of
 * these containers at a time, so that one link serves them all and what comes
 * out of an inbox goes into a run queue without being allocated.
 *
 * The link is plain: a container writes it before it publishes the node, or
 * under its lock.
 *
 * Must not know: what the node is inside of.
 */
#ifndef MRI_PARTS_RUN_NODE_H
#define MRI_PARTS_RUN_NODE_H

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

typedef struct mri_run_node {
    uintptr_t word;            /* its owner's: whoever has taken it out reads
                                  there what it is; containers look at one bit,
                                  below, alone */
    struct mri_run_node *next; /* the container's while it is in one, else
                                  its owner's, to chain what goes in at once */
} mri_run_node;

/* In the word: somebody has it in hand, who comes to it by himself, so that it
 * is no reason for one more thread (sched/monitor.h). The word does not change
 * while the node is in a container. */
#define MRI_RUN_NODE_IN_HAND ((uintptr_t)4)

MRI_INLINE bool mri_run_node_in_hand(const mri_run_node *node)
{
    return (node->word & MRI_RUN_NODE_IN_HAND) != 0;
}

/* Some of them, linked in order, oldest first. */
typedef struct mri_run_list {
    mri_run_node *first, *last; /* where count > 0 */
    uint64_t count;
} mri_run_list;

#define MRI_RUN_LIST_EMPTY ((mri_run_list){NULL, NULL, 0})

MRI_INLINE void mri_run_list_append(mri_run_list *l, mri_run_node *node)
{
    node->next = NULL;
    if (l->count++ == 0)
        l->first = node;
    else
        l->last->next = node;
    l->last = node;
}

#endif
