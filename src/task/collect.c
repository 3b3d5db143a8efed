/* mr_scope_next: children in the order in which they end.
 *
 * The opener alone takes, children put, under the scope's lock; a child that
 * has ended, and still counts, appends itself by the node by which it was
 * queued, and its storage stays until the close. One word tells whether the
 * opener waits: the count of its park, which whoever puts takes away, and ends.
 * It was written under the lock, with nothing in the list, so none that is put
 * afterwards is overlooked; of a wait that was given up it ends nothing
 * (park_word.h).
 *
 * Must not know: what the children do.
 */
#include "sched/runtime.h"
#include "task/cancel.h"
#include "task/task.h"

int mr_scope_collect(mr_scope *scope)
{
    mri_scope *sc = (mri_scope *)scope;
    int rc = mri_scope_may_set(sc, mri_strand_self());
    if (rc == 0)
        sc->collects = true;
    return rc;
}

void mri_scope_expect(mri_scope *sc)
{
    mri_lock_acquire(&sc->lock);
    sc->uncollected++;
    mri_lock_release(&sc->lock);
}

void mri_scope_collected(mri_scope *sc, mri_run_node *node)
{
    mri_strand *opener = sc->opener;
    mri_lock_acquire(&sc->lock);
    uint64_t count = sc->collector;
    sc->collector = 0;
    mri_run_list_append(&sc->collected, node);
    mri_lock_release(&sc->lock);
    if (count != 0 &&
        mri_park_complete(&opener->park, count) == MRI_PARK_RESUME)
        mri_strand_ready(opener);
}

/* Under the lock. True: taken, *node is the next, or NULL: none is left. */
static bool take(mri_scope *sc, mri_run_node **node)
{
    mri_run_list *l = &sc->collected;
    *node = NULL;
    if (l->count > 0) {
        *node = l->first;
        l->first = l->first->next;
        l->count--;
        sc->uncollected--;
        return true;
    }
    return sc->uncollected == 0;
}

/* 0: taken. Else the count of the park that whoever puts one ends. */
static uint64_t take_or_park(mri_scope *sc, mri_strand *s, mri_run_node **node)
{
    uint64_t count = 0;
    mri_lock_acquire(&sc->lock);
    if (!take(sc, node))
        sc->collector = count = mri_park_begin(&s->park);
    mri_lock_release(&sc->lock);
    return count;
}

static int next(mri_strand *s, mri_scope *sc, mri_run_node **node)
{
    uint64_t count;
    while ((count = take_or_park(sc, s, node)) != 0) {
        mri_strand_waits_for(s, "a child of a scope");
        int rc = mri_cancelable_wait(s, count, MRI_NEVER);
        if (rc < 0)
            return rc;
    }
    return *node ? 0 : MR_EOF;
}

int mr_scope_next(mr_scope *scope, mr_task **task)
{
    mri_scope *sc = (mri_scope *)scope;
    mri_strand *s = mri_strand_self();
    mri_run_node *node;
    if (!mri_scope_is_opened_by(sc, s) || !sc->collects ||
        !mri_runtime_is_here(sc->runtime))
        return MR_EPERM;
    int rc = next(s, sc, &node);
    if (rc == 0)
        *task = (mr_task *)mri_container_of(node, mri_task, job.node);
    return rc;
}
