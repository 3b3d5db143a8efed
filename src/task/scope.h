/* A scope, seen from inside. It lies in the frame of the task that has opened
 * it, and is the context (strand_deque.h) of all that is in it.
 *
 * How long it stays. `live` counts all who may touch it:
 *
 *      63   62 ............ 32 31 ............. 0
 *     |  0 | visitors         | opener + children |
 *
 * The opener counts until it closes, a child until it has ended, a visitor
 * while it cuts the scope short from outside (cancel.c). A child is added by
 * somebody who counts, or by a task that ends before one who does; a visitor by
 * anybody who finds the count above 0, and knows that the frame is still there.
 * So 0 is final. Whoever brings it to 0 completes `done`, which the opener
 * awaits: that is his last touch of the scope. The opener itself need not.
 *
 * An alarm that rings is waited for apart (`rung`): it shall ring while the
 * opener waits for the children, and must not be waited for when they have
 * ended, so the opener stops it then.
 *
 * Which may run together:
 *                          open, limit,  spawn, go, a    cancel,      next,
 *                          collect       child's end     the alarm    close
 *   open, limit, collect   no: opener's  no              no           no
 *   spawn, go, end                       yes             yes          yes *
 *   cancel, the alarm                                    yes          yes *
 *   next, close                                                       no
 *   * with close: by who began before the last child had ended
 *
 * Must not know: what the tasks do.
 */
#ifndef MRI_TASK_SCOPE_H
#define MRI_TASK_SCOPE_H

#include "sched/wait.h"
#include <millrace/error.h>
#include <millrace/scope.h>

typedef struct mri_scope mri_scope;
struct mri_scope {
    mri_lock lock;
    /* 0, then -code of why it was cut short; whoever changes it, by CAS, tells
     * all who are in it. Anybody reads. */
    mri_atomic_u32 cut;
    mri_atomic_u64 live;
    /* 0, or what the first child to fail has returned; children write, by CAS,
     * the opener reads when all have ended. */
    mri_atomic(int64_t) error;
    mri_task_word done, rung;
    /* Spawned within by mr_spawn, in a run queue for want of a slot, and not
     * awaited yet; who spawns adds, who awaits takes off. */
    mri_atomic_u64 queued;

    /* Constant while it is open. */
    mr_runtime *runtime; /* NULL: not open */
    mri_strand *opener;
    void *outer;       /* the context before */
    mri_scope *parent; /* the same, or NULL where that one's end is not ours */
    int64_t deadline;
    uint32_t fence; /* of the deque, before */
    bool armed;     /* the alarm was set */

    /* Under the parent's lock; `from` is NULL once it was told. */
    mri_scope *next, **from;

    /* Under the lock: who is to be told. */
    mri_scope *scopes;
    mri_member *members;

    mri_scope *then; /* of who cuts it short: what else is to be told */

    /* Constant while there are children; 0: no limit. */
    size_t most;
    /* Under the lock, with a limit: running <= most, and all others wait. */
    size_t running;
    mri_run_node *first, *last;

    bool collects; /* constant while there are children; see collect.c */
    /* Under the lock, if so: children that will be handed out, those of them
     * that have ended, and the park of the opener that waits for one, or 0. */
    size_t uncollected;
    mri_run_list collected;
    uint64_t collector;

    mri_alarm alarm;
};

/* ---- Where children are handed out as they end: collect.c --------------- */

/* Who spawns one of mr_scope_spawn; who has run it, and still counts: the child
 * has ended. */
void mri_scope_expect(mri_scope *sc);
void mri_scope_collected(mri_scope *sc, mri_run_node *node);
/* On strand s, in a job: a context for what begins, without children and a
 * deadline. One visitor is counted, who may come or not: whoever cuts it short.
 */
void mri_scope_begin(mri_scope *sc, mri_strand *s);
/* On strand s, which has left the context, where that visitor has come: he has
 * gone. */
void mri_scope_end(mri_scope *sc, mri_strand *s);

#define MRI_SCOPE_ONE UINT64_C(1) /* opener or child */
#define MRI_SCOPE_VISITOR (UINT64_C(1) << 32)

MRI_INLINE uint32_t mri_scope_children(uint64_t live)
{
    return (uint32_t)live;
}

MRI_INLINE bool mri_scope_is_opened_by(const mri_scope *sc, const mri_strand *s)
{
    return s && sc->runtime && sc->opener == s;
}

/* By strand s: whether what is constant while there are children may be set.
 * 0; MR_EPERM, MR_EBUSY. */
MRI_INLINE MRI_CHECKED int mri_scope_may_set(mri_scope *sc, const mri_strand *s)
{
    if (!mri_scope_is_opened_by(sc, s))
        return MR_EPERM;
    /* Acquire: those that have ended looked at it before. */
    bool alone = mri_scope_children(mri_load_acquire(&sc->live)) == 1;
    return alone ? 0 : MR_EBUSY;
}

/* Whoever counts: one less. NONE, or whom the caller has to resume. */
MRI_INLINE MRI_CHECKED mri_waiter mri_scope_drop(mri_scope *sc, uint64_t what)
{
    /* LAST TOUCH of the scope, but for whoever is the last. Release: all that
     * was done with it, and the child's result. Acquire: the same of the
     * others, for who is told by `done`. */
    if (mri_sub_acq_rel(&sc->live, what) != what)
        return MRI_WAITER_NONE;
    return mri_task_word_complete(&sc->done);
}

#endif
