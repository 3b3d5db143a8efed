/* What follows a future: mr_then, mr_catch, mr_finally, mr_on.
 *
 * A follower has a reference to what it follows until it is told, then runs in
 * a job of its own: a chain of any length needs no more stack than one link.
 * Where its function is not to be called it is completed in the same breath.
 */
#include "async/future.h"

#include <millrace/error.h>

static mr_future *of_follower(mri_follower *m)
{
    return mri_container_of(m, mr_future, follower);
}

/* As what its job will call, until call_handler, call_callback. */
static mr_fn plain(mr_then_fn fn)
{
    return (mr_fn)(void (*)(void))fn;
}

/* Its function has no business with such a value. */
static bool skips(enum mri_future_kind kind, int64_t value)
{
    return (kind == MRI_FUTURE_THEN && value < 0) ||
           (kind == MRI_FUTURE_CATCH && value >= 0);
}

/* ---- Running ------------------------------------------------------------ */

static int64_t call_handler(void *arg)
{
    mr_future *g = arg;
    return ((mr_then_fn)(void (*)(void))g->job.fn)(g->value, g->arg);
}

static int64_t call_callback(void *arg)
{
    mr_future *g = arg;
    ((mr_on_fn)(void (*)(void))g->job.fn)(g->value, g->arg);
    return 0;
}

static int64_t outcome(mri_strand *s, mr_future *g)
{
    int64_t value = g->value;
    mr_fn call = g->kind == MRI_FUTURE_ON ? call_callback : call_handler;
    if (skips(g->kind, value))
        return value;
    int64_t result = mri_future_call_in(s, g, call, g);
    return g->kind == MRI_FUTURE_FINALLY && (value < 0 || result >= 0) ? value
                                                                       : result;
}

void mri_then_run(mri_strand *s, mri_job *job)
{
    mr_future *g = mri_container_of(job, mr_future, job);
    if (mri_unlikely(mri_future_is_done(g)))
        mri_future_run_settle(s, job);
    else
        mri_future_complete(s, g, outcome(s, g), true);
}

/* ---- Being told --------------------------------------------------------- */

/* How many references to f it gives up; *cut: it was completed by who cancelled
 * it. */
static uint32_t leave(mr_future *g, mr_future *f, bool *cut)
{
    uintptr_t stage = mri_stage_of(f, MRI_FUTURE_FOLLOWS);
    /* Relaxed, all: what it reads then goes with the job. Who cancels takes or
     * leaves the reference, nothing else. */
    if (mri_likely(mri_cas_relaxed(&g->stage, &stage, MRI_FUTURE_QUEUED)))
        return 1;
    uintptr_t then =
        g->kind == MRI_FUTURE_FINALLY ? MRI_FUTURE_QUEUED : MRI_FUTURE_UNWANTED;
    *cut = stage != MRI_FUTURE_CANCELLED ||
           !mri_cas_relaxed(&g->stage, &stage, then);
    return 0;
}

static uint32_t told(mri_follower *m, mr_future *f, mri_settling *st)
{
    mr_future *g = of_follower(m);
    bool cut = false;
    uint32_t refs = leave(g, f, &cut);
    if (mri_unlikely(cut)) {
        mri_future_release(g, 1, true);
        return refs;
    }
    g->value = f->value;
    if (skips(g->kind, g->value))
        mri_settling_complete(st, g, g->value);
    else
        mri_settling_call(st, g);
    return refs;
}

/* ---- Following ---------------------------------------------------------- */

static void follow(mr_future *f, mr_future *g, mri_strand *here)
{
    if (!mri_future_is_code(f)) {
        mri_store_relaxed(&g->stage, mri_stage_of(f, MRI_FUTURE_FOLLOWS));
        g->follower.told = told;
        if (mri_future_follow(f, &g->follower))
            return;
        mri_store_relaxed(&g->stage, MRI_FUTURE_QUEUED);
    }
    g->value = mri_future_value(f);
    if (!mri_future_is_code(f))
        mri_future_release(f, 1, true);
    mri_future_call(g, here);
}

/* Of what follows f, or NULL, with why in *rc. */
static mri_heap *heap_for(mr_future *f, mri_strand *s, int *rc)
{
    bool code = mri_future_is_code(f);
    mr_runtime *rt = s      ? s->worker->runtime
                     : code ? NULL
                            : mri_heap_runtime(f->heap);
    *rc = code ? (int)mri_future_code(f) : MR_ECANCELED;
    if (!rt)
        return NULL;
    *rc = MR_EPERM;
    if (!mri_runtime_is_here(rt))
        return NULL;
    *rc = MR_ENOMEM;
    return mri_heap_of(rt);
}

static int make(mr_future *f, enum mri_future_kind kind, mr_fn fn,
                const void *arg, size_t size, void *site, mr_future **out)
{
    int rc;
    mri_strand *s = mri_strand_self();
    mri_heap *heap = heap_for(f, s, &rc);
    if (!heap)
        return rc;
    mri_strand *here = mri_heap_here(heap, s);
    uint32_t refs = kind == MRI_FUTURE_ON ? 1 : 2;
    mr_future *g = mri_future_new(heap, here, kind, refs, arg, size);
    if (!g)
        return MR_ENOMEM;
    rc = mri_future_count(g, here, fn, site);
    if (rc < 0) {
        mri_future_unmake(g, here);
        return rc;
    }
    *out = g;
    follow(f, g, here);
    return 0;
}

static mr_future *chain(mr_future *f, enum mri_future_kind kind, mr_then_fn fn,
                        const void *arg, size_t size, void *site)
{
    mr_future *g;
    if (mri_future_is_done(f) && skips(kind, mri_future_value(f)))
        return f;
    int rc = make(f, kind, plain(fn), arg, size, site, &g);
    if (mri_likely(rc == 0))
        return g;
    mr_drop(f);
    return mri_future_of_code(rc);
}

mr_future *mr_then(mr_future *f, mr_then_fn fn, const void *arg, size_t size)
{
    return chain(f, MRI_FUTURE_THEN, fn, arg, size, MRI_CALL_SITE());
}

mr_future *mr_catch(mr_future *f, mr_then_fn fn, const void *arg, size_t size)
{
    return chain(f, MRI_FUTURE_CATCH, fn, arg, size, MRI_CALL_SITE());
}

mr_future *mr_finally(mr_future *f, mr_then_fn fn, const void *arg, size_t size)
{
    return chain(f, MRI_FUTURE_FINALLY, fn, arg, size, MRI_CALL_SITE());
}

int mr_on(mr_future *f, mr_on_fn fn, void *arg)
{
    mr_future *g;
    int rc = make(f, MRI_FUTURE_ON, (mr_fn)(void (*)(void))fn, arg, 0,
                  MRI_CALL_SITE(), &g);
    if (rc < 0)
        mr_drop(f);
    return rc;
}
