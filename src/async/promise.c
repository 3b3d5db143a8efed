/* Promises: futures that are completed by hand.
 *
 * A promise is its future, and one reference more, which is there until it is
 * closed. So who completes it may look at it afterwards, and a second time is
 * told; and a signal's handler, which must not release anything, does not.
 *
 * In a signal's handler. What is done there is a compare-and-swap of `stage`,
 * the store of the value, the exchange that says DONE, and a push of the node
 * into the inbox, which is a compare-and-swap that fails only where another
 * one succeeded (parts/inbox.h), with the wake behind it, compare-and-swaps
 * likewise and a write to a futex or an eventfd. Where the node is still in the
 * inbox (UNBORN) it is one read-modify-write. No lock, no memory. All else is
 * done by the job that this starts.
 */
#include "async/future.h"

#include <millrace/error.h>

#include <errno.h>

static mr_future *future_of(mr_promise *promise)
{
    return (mr_future *)promise;
}

int mri_future_decide(mr_future *f)
{
    uintptr_t stage = MRI_FUTURE_QUEUED;
    /* Relaxed: the value is released by whoever completes it. */
    if (mri_cas_relaxed(&f->stage, &stage, MRI_FUTURE_ENDED))
        return 0;
    return stage == MRI_FUTURE_STOPPED ? MR_ECANCELED : MR_EALREADY;
}

static mr_future *open(mr_runtime *rt, mri_strand *here, mr_promise **promise,
                       void *site)
{
    mri_heap *heap = mri_heap_of(rt);
    mr_future *f =
        heap ? mri_future_new(heap, here, MRI_FUTURE_PROMISE, 3, NULL, 0)
             : NULL;
    if (!f)
        return NULL;
    int rc = mri_future_count(f, here, NULL, site);
    if (rc < 0) {
        mri_future_unmake(f, here);
        return mri_future_of_code(rc);
    }
    *promise = (mr_promise *)f;
    return f;
}

static mr_future *open_in(mr_runtime *rt, mri_strand *s, mr_promise **promise,
                          void *site)
{
    if (!mri_runtime_is_here(rt))
        return mri_future_of_code(MR_EPERM);
    mri_strand *here = s && s->worker->runtime == rt ? s : NULL;
    return open(rt, here, promise, site);
}

mr_future *mr_promise_open(mr_promise **promise)
{
    mri_strand *s = mri_strand_self();
    *promise = NULL;
    if (!s)
        return mri_future_of_code(MR_EPERM);
    return open_in(s->worker->runtime, s, promise, MRI_CALL_SITE());
}

mr_future *mr_promise_open_in(mr_runtime *rt, mr_promise **promise)
{
    *promise = NULL;
    return open_in(rt, mri_strand_self(), promise, MRI_CALL_SITE());
}

static int decide(mr_future *f)
{
    if (!f)
        return MR_EINVAL;
    return mri_heap_is_here(f->heap) ? mri_future_decide(f) : MR_EPERM;
}

static int complete(mr_future *f, int64_t value)
{
    int rc = decide(f);
    if (rc < 0)
        return rc;
    mri_strand *here = mri_heap_here(f->heap, mri_strand_self());
    /* Acquire: the node; with the release in run_birth. */
    if (here && !(mri_load_acquire(&f->refs) & MRI_FUTURE_UNBORN))
        mri_future_complete(here, f, value, false);
    else
        mri_future_publish(f, here, value);
    return 0;
}

int mr_promise_complete(mr_promise *promise, int64_t value)
{
    return complete(future_of(promise), value);
}

int mr_promise_complete_signal(mr_promise *promise, int64_t value)
{
    int before = errno;
    mr_future *f = future_of(promise);
    int rc = decide(f);
    if (rc == 0)
        mri_future_publish(f, NULL, value);
    errno = before;
    return rc;
}

void mr_promise_close(mr_promise *promise)
{
    mr_future *f = future_of(promise);
    if (!f)
        return;
    (void)!complete(f, MR_ECANCELED);
    mri_future_release(f, 1, false);
}
