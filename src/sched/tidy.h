/* Giving back what free strands hold (parts/strand_pool.h): who does it, when.
 *
 * Whoever has work puts strands back with their pages. From time to time it is
 * counted how many of them nobody has needed meanwhile, and those lose theirs,
 * a batch at a time. That is done
 *   - by a worker that has slept by the clock: while there is something to give
 *     back, one of the sleepers is woken by it (idle.c). It looks for work
 *     between two batches, and when nothing is left sleeps for good
 *   - by the monitor, while no worker is idle: one batch at each look
 * and beyond the pool's `most_dirty` by whoever puts. What is needed again
 * within a rest keeps its pages: so bursts that follow one another do not pay
 * for the memory each time.
 *
 * One at a time, who has `lock`, so that no more than MRI_STRAND_GIVE strands
 * are out of reach for it; nobody waits for it, since who holds it goes on, or
 * looks again after a rest as long as something is there.
 *
 * In the end all is given back. Who puts is a worker or a spare. A worker that
 * puts and then sleeps sees it, and wakes after a rest, or another does that
 * would wake sooner anyway, and sees it then: as with timers (idle.c). The
 * first count finds what was left at the count before, the second all that lies
 * there. While a spare runs, one of the sleepers watches, and does until it has
 * retired. (What the last one to retire spills as that sleeper looks for the
 * last time may be left to whoever sleeps next: a batch.) A worker that never
 * sleeps has the monitor with it, unless another is idle: that one watches, if
 * anything went through queues since it lay down; and if nothing did, there
 * were no strands to put but those of one that ran all the time.
 *
 * Must not know: how memory is given back, what else an idle worker does.
 */
#ifndef MRI_SCHED_TIDY_H
#define MRI_SCHED_TIDY_H

#include "parts/lock.h"
#include "parts/strand_pool.h"

typedef struct mr_runtime mr_runtime;

/* ns between two counts. Models have none. */
#ifndef MRI_TIDY_REST
#define MRI_TIDY_REST 100000000
#endif

typedef struct mri_tidy {
    mri_lock lock; /* only ever tried */
    /* Its holder. */
    uint32_t left;   /* to be given back, of what was counted */
    int64_t counted; /* when */
} mri_tidy;

/* Whoever has nothing else to do. True: a batch was given back, and maybe there
 * is more; false: nothing is to be done now, or another is at it. */
MRI_CHECKED bool mri_tidy_step(mr_runtime *rt);

#endif
