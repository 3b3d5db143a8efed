/* The way in for work, and how the end of all of it is known.
 *
 * Accepted or refused. Work from outside comes through the inbox, which a stop
 * closes: one word decides. What got in before is taken and run; what comes
 * later is refused, and only ends of waits still get in. What runs may submit
 * as long as it runs.
 *
 * Counting. Each worker, spares included, counts the jobs that were born on it,
 * those that it took out of the inbox included, and those that ended on it: two
 * words that only grow and that it alone writes. Nothing is shared by those who
 * submit.
 *     born + 1   before the job is pushed; and before the inbox is taken, for
 *                the taking itself
 *     born + n   when the taking is known to have brought n jobs
 *     gone + 1   after the job has ended; and, for the taking, after that + n
 *
 * All have ended, for good, if the inbox was closed and then is found empty,
 * then all `gone` are read, then all `born`, and the sums are equal:
 *  - A job's birth happens before its end, release and acquire through queues.
 *    So whose end was counted, its birth was counted too, as that is read
 *    later (and so is how many seats there are, so that none with such a birth
 *    is left out). The sums being equal, the counted births are those of the
 *    jobs (and takings) whose ends were counted.
 *  - Let a job live whose birth was not counted. If a task submitted it, its
 *    birth comes before that task's end, so that the task's end was not counted
 *    either, nor hence the task's birth. So there is one among its ancestors
 *    that came through the inbox, and whose birth was not counted. It got in
 *    before the inbox was closed and was not there any more, so a taking had
 *    begun, and counted itself, before that (release in take, acquire in
 *    is_empty). That birth was counted, hence the taking's end; and what it
 *    brought was added before that: a contradiction.
 *  - All that were counted have ended, and nobody is left who could submit.
 *
 * Who waits for it is woken by a worker that goes idle, or a spare that leaves,
 * or whoever took the inbox when nothing was in it any more (which may be its
 * last look before it sleeps): fence, look for waiters, look at the sums. So
 * there is such a fence after each end, of a job or a taking: who took
 * something runs it, and goes idle later. Let W wait: it counts itself in the
 * event count, fence, looks at the sums. Take, of all workers, the fences that
 * follow the last end on each; if W's came after all of them, W saw all. Else
 * the last of them came after W's, so that worker sees W, and all the counts.
 *
 * Nothing is freed under a submitter's feet. Its job may have run, and told
 * somebody to stop, while it is still about to wake a worker for it. So whoever
 * will touch the runtime after its job is in counts itself as a visitor before,
 * and takes itself off with its last touch; a stop waits for visitors once it
 * has seen the ends. Who pushes onto others touches nothing afterwards.
 *
 * Must not know: what a job does.
 */
#include "sched/runtime.h"

#include "base/assert.h"
#include <millrace/error.h>

/* ---- Work from outside -------------------------------------------------- */

void mri_runtime_visit(mr_runtime *rt)
{
    /* Relaxed: what follows lets the job be seen, or its end, and releases. */
    mri_add_relaxed(&rt->visitors, 1);
}

void mri_runtime_leave(mr_runtime *rt)
{
    /* LAST TOUCH of the runtime: it may be gone after this line. Release: all
     * that was done with it, for who frees it. */
    mri_sub_release(&rt->visitors, 1);
}

int mri_runtime_submit(mr_runtime *rt, mri_run_node *node)
{
    node->word += MRI_NODE_NEW - MRI_NODE_JOB;
    int rc = mri_inbox_push_behind(&rt->inbox, node);
    if (rc <= 0)
        return rc;
    mri_runtime_visit(rt);
    rc = mri_inbox_push(&rt->inbox, node);
    /* Told 0: somebody else was told to wake one. */
    if (rc == 1)
        mri_runtime_wake(rt);
    mri_runtime_leave(rt);
    return rc < 0 ? rc : 0;
}

void mri_runtime_post_chain(mr_runtime *rt, mri_run_node *newest,
                            mri_run_node *oldest)
{
    if (mri_inbox_push_late(&rt->inbox, newest, oldest) == 1)
        mri_runtime_wake(rt);
}

void mri_runtime_post(mr_runtime *rt, mri_run_node *node)
{
    mri_runtime_post_chain(rt, node, node);
}

/* ---- Counting ----------------------------------------------------------- */

mri_run_node *mri_runtime_take(mri_worker *w, mri_run_node **last,
                               uint64_t *count)
{
    mri_inbox *inbox = &w->runtime->inbox;
    if (mri_inbox_is_empty(inbox))
        return NULL;
    uint64_t jobs = 0;
    mri_worker_born(w, 1);
    mri_run_node *first = mri_inbox_take(inbox);
    *count = 0;
    for (mri_run_node *node = first; node; node = node->next) {
        if (mri_node_kind(node) == MRI_NODE_NEW) {
            node->word -= MRI_NODE_NEW - MRI_NODE_JOB;
            jobs++;
        }
        *last = node;
        ++*count;
    }
    mri_worker_born(w, jobs);
    mri_worker_gone(w);
    /* Too late: this may have been the last look before a sleep. */
    if (mri_unlikely(!first))
        mri_runtime_pause(w->runtime);
    return first;
}

bool mri_runtime_is_done(const mr_runtime *rt)
{
    uint64_t gone = 0, born = 0;
    if (!mri_inbox_is_empty(&rt->inbox))
        return false;
    /* Acquire: pairs with the release in mri_worker_gone. */
    for (uint32_t i = 0, seats = mri_seats(rt); i < seats; i++)
        gone += mri_load_acquire(&rt->worker[i].gone);
    /* Relaxed: what must be seen was acquired. */
    for (uint32_t i = 0, seats = mri_seats(rt); i < seats; i++)
        born += mri_load_relaxed(&rt->worker[i].born);
    return born == gone;
}

void mri_runtime_pause(mr_runtime *rt)
{
    mri_fence_seq_cst(); /* with prepare's in the stop */
    if (mri_unlikely(mri_event_count_awaited(&rt->drained)) &&
        mri_runtime_is_done(rt))
        mri_event_count_notify_all_slow(&rt->drained);
}
