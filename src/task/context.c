/* A scope that is no more than a context: of something that begins by itself,
 * and that others may cut short.
 *
 * Must not know: what that is.
 */
#include "task/scope.h"

#include <millrace/time.h>

/* A memset of all would be most of what it costs: what children, an alarm and a
 * scope around it need is left out. */
void mri_scope_begin(mri_scope *sc, mri_strand *s)
{
    mri_lock_init(&sc->lock);
    mri_init(&sc->cut, 0);
    mri_init(&sc->live, MRI_SCOPE_ONE + MRI_SCOPE_VISITOR);
    mri_task_word_init(&sc->done);
    mri_init(&sc->queued, 0);
    sc->runtime = s->worker->runtime;
    sc->opener = s;
    sc->outer = NULL;
    sc->parent = NULL;
    sc->deadline = MR_NEVER;
    sc->scopes = NULL;
    sc->members = NULL;
}

void mri_scope_end(mri_scope *sc, mri_strand *s)
{
    /* Acquire: all that was done with it. */
    if (mri_sub_acquire(&sc->live, MRI_SCOPE_ONE) != MRI_SCOPE_ONE)
        mri_worker_await_for(s, &sc->done, "the end of a cancel");
}
