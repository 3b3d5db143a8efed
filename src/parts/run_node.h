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

#include <stdint.h>

typedef struct mri_run_node {
    uintptr_t word;            /* its owner's: whoever has taken it out reads
                                  there what it is; no container looks at it */
    struct mri_run_node *next; /* the container's while it is in one, else
                                  its owner's, to chain what goes in at once */
} mri_run_node;

#endif
