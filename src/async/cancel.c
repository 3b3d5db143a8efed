/* mr_cancel: nobody needs the value. See future.h for who meets whom.
 *
 * From a future it goes on to those that it waits for, where it is their only
 * holder: these are listed by `further`, since nobody else, their completers
 * excepted, can reach them. So the tree may be of any depth.
 *
 * What is completed here is told of in a job of its own (mri_future_publish):
 * so it may be called while others are told.
 */
#include "task/cancel.h"
#include "async/future.h"

#include <millrace/error.h>

/* Pending, and the caller its only holder: besides there are the completer's
 * reference, and the promise's or the members'. */
static bool is_sole(mr_future *f)
{
    bool third = f->kind == MRI_FUTURE_PROMISE || f->kind == MRI_FUTURE_GATHER;
    /* Relaxed: who has no reference gets none but from who has. */
    uint32_t refs = mri_load_relaxed(&f->refs) / MRI_FUTURE_ONE;
    return refs == (third ? 3 : 2) && !mri_future_is_done(f);
}

static void fail(mr_future *f)
{
    mri_strand *here = mri_heap_here(f->heap, mri_strand_self());
    mri_future_publish(f, here, MR_ECANCELED);
}

/* It runs in this context, as whose visitor the caller is counted. */
static void cut_short(mri_scope *sc)
{
    mr_runtime *rt = sc->runtime;
    mri_runtime_visit(rt); /* the job may end, the last of all */
    mri_scope_cut(sc, MR_ECANCELED);
    mri_strand *s = mri_worker_released(mri_scope_drop(sc, MRI_SCOPE_VISITOR));
    if (s)
        mri_strand_ready(s);
    mri_runtime_leave(rt);
}

/* What f waited for, whose reference is the caller's now, is somebody else's
 * too, so f does not wait for it. */
static void cut_off(mr_future *f)
{
    uintptr_t stage = MRI_FUTURE_CANCELLED;
    mri_future_hold(f); /* for the follower in that one's list */
    /* Relaxed: it tells who comes to that what was done to f alone. */
    if (mri_cas_relaxed(&f->stage, &stage, MRI_FUTURE_CUT))
        fail(f);
    else
        mri_future_release(f, 1, true);
}

/* The caller has f's reference to it: next, or not at all. */
static void go_on(mr_future *up, mr_future **further)
{
    if (is_sole(up)) {
        up->further = *further;
        *further = up;
    } else {
        mri_future_release(up, 1, false);
    }
}

static void stop_gathering(mr_future *f, mr_future **further)
{
    uintptr_t stage = MRI_FUTURE_QUEUED;
    size_t from = 0;
    mr_future *up;
    if (!mri_gather_is_patient(f) &&
        mri_cas_relaxed(&f->stage, &stage, MRI_FUTURE_STOPPED))
        fail(f);
    while ((up = mri_gather_take(f, &from)))
        go_on(up, further);
}

static void stop_promise(mr_future *f)
{
    uintptr_t stage = MRI_FUTURE_QUEUED;
    /* Relaxed: as mri_future_decide. */
    if (mri_cas_relaxed(&f->stage, &stage, MRI_FUTURE_STOPPED))
        fail(f);
}

/* f waited for it, and has been told not to call its function. */
static void stop_waiting(mr_future *f, mr_future *up, mr_future **further)
{
    if (f->kind != MRI_FUTURE_FINALLY && !mri_future_is_done(up) &&
        !is_sole(up))
        cut_off(f);
    go_on(up, further);
}

/* Its stage, where it follows, is about to begin, or runs. True: f has been
 * told. */
static bool stop_at(mr_future *f, uintptr_t stage, mr_future **further)
{
    bool always = f->kind == MRI_FUTURE_FINALLY;
    uintptr_t then;
    if (mri_stage_tag(stage) == MRI_FUTURE_FOLLOWS)
        then = MRI_FUTURE_CANCELLED;
    else if (mri_stage_tag(stage) == MRI_FUTURE_QUEUED && !always)
        then = MRI_FUTURE_UNWANTED;
    else if (mri_stage_tag(stage) == MRI_FUTURE_RUNS && !always)
        then = MRI_FUTURE_STOPPED;
    else
        return true;
    /* Acquire: the context, or what it follows. */
    if (!mri_cas_acquire(&f->stage, &stage, then))
        return false;
    if (then == MRI_FUTURE_CANCELLED)
        stop_waiting(f, mri_stage_what(stage), further);
    else if (then == MRI_FUTURE_STOPPED)
        cut_short(mri_stage_what(stage));
    return true;
}

static void stop(mr_future *f, mr_future **further)
{
    if (f->kind == MRI_FUTURE_GATHER) {
        stop_gathering(f, further);
    } else if (f->kind == MRI_FUTURE_PROMISE) {
        stop_promise(f);
    } else {
        /* Relaxed: a guess. */
        while (!stop_at(f, mri_load_relaxed(&f->stage), further))
            continue;
    }
}

void mri_future_cancel(mr_future *f, bool sole)
{
    mr_future *further = NULL;
    if (mri_future_is_code(f))
        return;
    if (!mri_heap_is_here(f->heap) || (sole && !is_sole(f))) {
        mri_future_release(f, 1, sole);
        return;
    }
    for (;;) {
        stop(f, &further);
        mri_future_release(f, 1, true);
        f = further;
        if (!f)
            return;
        further = f->further;
    }
}

void mr_cancel(mr_future *f)
{
    mri_future_cancel(f, false);
}
