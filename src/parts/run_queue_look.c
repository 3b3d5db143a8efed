/* What can be seen of a run queue from outside; nothing here changes it. See
 * run_queue.h. */
#include "parts/run_queue.h"

bool mri_run_queue_only(mri_run_queue *q,
                        bool (*is)(const void *context, const mri_run_node *),
                        const void *context)
{
    /* Relaxed: slots may be overwritten meanwhile; each holds an entry that
     * stood in this queue then. What was spilled is too much of anything. */
    uint64_t head = mri_load_relaxed(&q->head);
    uint64_t tail = mri_load_relaxed(&q->tail);
    bool only = mri_load_relaxed(&q->spilled) == 0;
    for (; only && (int64_t)(tail - head) > 0; head++)
        only = is(context, mri_load_relaxed(&q->slot[head & q->mask]));
    return only;
}
