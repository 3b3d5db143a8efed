/* Cutting a scope short.
 *
 * Who is told. A strand is in the list of the scope that it waits in: it joins
 * at its first wait there and stays until what it runs there ends, the scope is
 * closed, or it waits in another one. So a wait costs no lock, only a store of
 * its park's count, a fence, and a look at `cut`. Scopes within are in a list
 * too, from open to close.
 *
 * No wait is overlooked.
 *
 *     strand                             who cuts
 *       park begins                        cut = reason
 *       cancelable = count                 fence
 *       fence                              for all in the list, under the lock:
 *       cut is set: ends the park itself     ends the park of `cancelable`
 *       else waits
 *
 * If the strand is in the list: of the two fences one comes first. If the
 * strand's, the count is seen, and with it that the park began. If the other,
 * the strand sees `cut`, and it does not matter what was seen of it. If it
 * joins after the list was gone through, it sees `cut` by way of the lock. A
 * count that is old ends nothing (park_word.h).
 *
 * Who is told leaves the list at once, so that the lock is held for no more
 * than BATCH of them, and those that are told first go on meanwhile. What has
 * been taken from the list of scopes is kept by a visit until it is told: so no
 * two locks are held at a time, and the tree may be of any depth. Whoever has
 * set a scope's `cut` tells those in it, and nobody else does.
 */
#include "task/cancel.h"

#include "base/assert.h"
#include "sched/runtime.h"
#include "task/task.h"
#include <millrace/error.h>

enum { BATCH = 64 };

MRI_STATIC_ASSERT(sizeof(mri_scope) <= sizeof(mr_scope), "mr_scope has room");

/* ---- The lists ---------------------------------------------------------- */

static mri_strand *strand_of(mri_member *m)
{
    return mri_container_of(m, mri_strand, member);
}

static void unlink_member(mri_member *m)
{
    if (!m->from)
        return;
    *m->from = m->next;
    if (m->next)
        m->next->from = m->from;
    m->from = NULL;
}

static void leave(mri_strand *s)
{
    mri_scope *sc = s->member.of;
    mri_lock_acquire(&sc->lock);
    unlink_member(&s->member);
    mri_lock_release(&sc->lock);
    s->member.of = NULL;
}

static void join(mri_strand *s, mri_scope *sc)
{
    mri_member *m = &s->member;
    if (m->of)
        leave(s);
    mri_lock_acquire(&sc->lock);
    m->next = sc->members;
    m->from = &sc->members;
    if (m->next)
        m->next->from = &m->next;
    sc->members = m;
    mri_lock_release(&sc->lock);
    m->of = sc;
    m->leave = leave;
}

static void unlink_scope(mri_scope *sc)
{
    if (!sc->from)
        return;
    *sc->from = sc->next;
    if (sc->next)
        sc->next->from = sc->from;
    sc->from = NULL;
}

void mri_scope_join(mri_scope *sc, mri_scope *within)
{
    mri_lock_acquire(&sc->lock);
    /* Acquire: as mri_scope_reason. */
    uint32_t cut = mri_load_acquire(&sc->cut);
    if (!cut) {
        within->next = sc->scopes;
        within->from = &sc->scopes;
        if (within->next)
            within->next->from = &within->next;
        sc->scopes = within;
    }
    mri_lock_release(&sc->lock);
    if (cut)
        mri_init(&within->cut, cut);
}

void mri_scope_leave(mri_scope *sc, mri_scope *within)
{
    mri_lock_acquire(&sc->lock);
    unlink_scope(within);
    mri_lock_release(&sc->lock);
}

/* ---- Cutting ------------------------------------------------------------ */

/* False: somebody else has. */
static bool mark(mri_scope *sc, int reason)
{
    uint32_t none = 0;
    /* Release: with mri_scope_reason. */
    return mri_cas_release(&sc->cut, &none, (uint32_t)-reason);
}

/* Whoever knows that the frame is there: it stays. False: no child is left. */
static bool visit(mri_scope *sc)
{
    uint64_t live = mri_load_relaxed(&sc->live);
    while (live != 0)
        /* Relaxed: whoever counts sees to the rest. */
        if (mri_cas_weak_relaxed(&sc->live, &live, live + MRI_SCOPE_VISITOR))
            return true;
    return false;
}

static void visit_end(mri_scope *sc)
{
    mri_strand *s = mri_worker_released(mri_scope_drop(sc, MRI_SCOPE_VISITOR));
    if (s)
        mri_strand_ready(s);
}

/* Under the lock: those in scopes within come next, `then`. How many. */
static int tell_scopes(mri_scope *sc, int reason, mri_scope **then)
{
    int n = 0;
    for (mri_scope *within; n < BATCH && (within = sc->scopes); n++) {
        unlink_scope(within);
        if (mark(within, reason) && visit(within)) {
            within->then = *then;
            *then = within;
        }
    }
    return n;
}

/* Under the lock. How many. */
static int tell_members(mri_scope *sc, mri_run_list *ready)
{
    int n = 0;
    for (mri_member *m; n < BATCH && (m = sc->members); n++) {
        mri_strand *s = strand_of(m);
        unlink_member(m);
        /* Relaxed: see above. */
        uint64_t count = mri_load_relaxed(&m->cancelable);
        if (mri_park_cancel(&s->park, count) == MRI_PARK_RESUME)
            mri_run_list_append(ready, &s->node);
    }
    return n;
}

/* It was marked: tell those in it. What comes next, in front of `then`. */
static mri_scope *tell(mri_scope *sc, int reason, mri_scope *then)
{
    bool more = true;
    mr_runtime *rt = sc->runtime;
    mri_fence_seq_cst(); /* with the one in may_wait */
    while (more) {
        mri_run_list ready = MRI_RUN_LIST_EMPTY;
        mri_lock_acquire(&sc->lock);
        more = tell_scopes(sc, reason, &then) == BATCH;
        more |= tell_members(sc, &ready) == BATCH;
        mri_lock_release(&sc->lock);
        if (ready.count > 0)
            mri_strand_ready_list(rt, ready.first, ready.last, ready.count);
    }
    return then;
}

void mri_scope_cut(mri_scope *root, int reason)
{
    if (!mark(root, reason))
        return;
    mri_scope *then = tell(root, reason, NULL);
    while (then) {
        mri_scope *sc = then;
        then = tell(sc, reason, sc->then);
        visit_end(sc);
    }
}

/* Unless the caller is a worker of it, which ends no job meanwhile, the runtime
 * must be kept: the last job may end once the scope has been told. */
void mr_scope_cancel(mr_scope *scope)
{
    mri_scope *sc = (mri_scope *)scope;
    mr_runtime *rt = sc->runtime;
    if (!rt || !mri_runtime_is_here(rt))
        return;
    mri_runtime_visit(rt);
    if (visit(sc)) {
        mri_scope_cut(sc, MR_ECANCELED);
        visit_end(sc);
    }
    mri_runtime_leave(rt);
}

/* ---- Seeing it ---------------------------------------------------------- */

/* False: the park has ended. */
static bool may_wait(mri_strand *s, mri_scope *sc, uint64_t count)
{
    if (s->member.of != sc)
        join(s, sc);
    mri_store_relaxed(&s->member.cancelable, count);
    mri_fence_seq_cst(); /* with the one in tell */
    if (mri_likely(!mri_load_relaxed(&sc->cut)))
        return true;
    /* By this, unless somebody else was faster: then acquire what it did. */
    (void)!mri_park_cancel(&s->park, count);
    return !mri_park_ended(&s->park);
}

static int code_of(enum mri_park_state outcome)
{
    switch (outcome) {
    case MRI_PARK_CANCELLED:
        return MR_ECANCELED;
    case MRI_PARK_EXPIRED:
        return MR_ETIMEDOUT;
    default:
        return 0;
    }
}

int mri_cancelable_wait(mri_strand *s, uint64_t count, int64_t deadline)
{
    mri_scope *sc = s->deque.context;
    if (sc && !may_wait(s, sc, count))
        return code_of(mri_park_outcome(&s->park));
    return code_of(mri_wait(s, count, deadline));
}

int mri_cancelable_pass(const mri_strand *s)
{
    const mri_scope *sc = s->deque.context;
    return sc && mri_scope_reason(sc) < 0 ? MR_ECANCELED : 0;
}

int mri_scope_look(mri_scope *sc)
{
    int reason = mri_scope_reason(sc);
    if (reason < 0 || sc->deadline == MRI_NEVER ||
        sc->deadline > mri_clock_now())
        return reason;
    mri_scope_cut(sc, MR_ETIMEDOUT);
    return mri_scope_reason(sc);
}

int mr_cancelled(void)
{
    mri_strand *s = mri_strand_self();
    mri_scope *sc = s ? s->deque.context : NULL;
    return sc ? mri_scope_look(sc) : 0;
}

int64_t mr_deadline(void)
{
    mri_strand *s = mri_strand_self();
    const mri_scope *sc = s ? s->deque.context : NULL;
    return sc ? sc->deadline : MR_NEVER;
}
