/* Cutting scopes short, and waits that see it. cancel.c has the protocol.
 *
 * Must not know: how tasks come into a scope, what is waited for.
 */
#ifndef MRI_TASK_CANCEL_H
#define MRI_TASK_CANCEL_H

#include "task/scope.h"

/* On strand s, whose park began with `count`, which the caller has handed to
 * whoever may end it: wait until that happens (0), at the latest at `deadline`
 * (MR_ETIMEDOUT), or until the context is cut short (MR_ECANCELED). The strand
 * may be on another worker afterwards. */
MRI_CHECKED int mri_cancelable_wait(mri_strand *s, uint64_t count,
                                    int64_t deadline);

/* On strand s, instead of a wait that need not be: 0 or MR_ECANCELED. */
MRI_CHECKED int mri_cancelable_pass(const mri_strand *s);

/* Whoever counts in the scope, or its opener: cut it short, and all scopes
 * within, for `reason`, MR_ECANCELED or MR_ETIMEDOUT; nothing where it has
 * happened. */
void mri_scope_cut(mri_scope *sc, int reason);

/* Why it was: 0, MR_ECANCELED or MR_ETIMEDOUT. Acquire: what was done before
 * it was cut short. */
MRI_INLINE int mri_scope_reason(const mri_scope *sc)
{
    return -(int)mri_load_acquire(&sc->cut);
}

/* The same, by what runs in it; MR_ETIMEDOUT also where nobody has had the time
 * to see that its deadline has passed: then this cuts it short. */
int mri_scope_look(mri_scope *sc);

/* The opener: a scope within `sc` that is to be told; or it was cut short
 * before, and so is the other. */
void mri_scope_join(mri_scope *sc, mri_scope *within);
/* The opener of `within`, which nobody is to touch any more. */
void mri_scope_leave(mri_scope *sc, mri_scope *within);

#endif
