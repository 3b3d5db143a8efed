/* What can be seen of a run queue from outside; nothing here changes it. See
 * run_queue.h. */
#include "parts/run_queue.h"

bool mri_run_queue_in_hand(mri_run_queue *q)
{
    /* Relaxed: slots may be overwritten meanwhile; each holds an entry that
     * stood in this queue then. */
    uint64_t head = mri_load_relaxed(&q->head);
    uint64_t tail = mri_load_relaxed(&q->tail);
    bool all = mri_load_relaxed(&q->spilled_others) == 0;
    for (; all && (int64_t)(tail - head) > 0; head++)
        all =
            mri_load_relaxed(&q->slot[head & q->mask]) & MRI_RUN_ENTRY_IN_HAND;
    return all;
}
