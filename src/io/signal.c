/* Signals of millrace/process.h: an eventfd, which the handler writes to
 * (os/signal_watch.h). It is not read: each write is an edge, and the counts
 * say what has come.
 *
 * No signal is lost. READY is taken before the counts are read; one that is
 * counted after that is written after that, and the write's edge sets READY.
 *
 *   own   the watch's number; NONE
 */
#include <millrace/process.h>

#include "base/assert.h"
#include "io/attempt.h"
#include "io/call_poll.h"
#include "os/signal_watch.h"

#define NONE UINT64_C(64)

static bool ends(mri_desc *d)
{
    uint64_t watch = mri_load_relaxed(&d->own);
    if (watch != NONE)
        mri_signal_watch_close((int)watch);
    return true;
}

/* ---- Open --------------------------------------------------------------- */

static int set_of(const int *signals, size_t n, uint64_t *out)
{
    *out = 0;
    if (n == 0)
        return MR_EINVAL;
    for (size_t i = 0; i < n; i++) {
        if (!mri_signal_is_watchable(signals[i]))
            return MR_EINVAL;
        *out |= mri_signal_bit(signals[i]);
    }
    return 0;
}

/* The handle first: it closes the eventfd, when the watch has ended. */
static mr_handle open_set(mri_strand *s, uint64_t set)
{
    mri_desc *d;
    int fd = mri_call_eventfd();
    if (fd < 0)
        return fd;
    mr_handle h = mri_desc_open_with(s, fd, MRI_DESC_SIGNAL, ends, NONE);
    if (h < 0)
        return h;
    int rc = mri_desc_get(s, h, MRI_DESC_SIGNAL, &d);
    mri_require(rc == 0, "nobody else knows it");
    int watch = mri_signal_watch_open(set, fd);
    if (watch >= 0) /* relaxed: for the same strand, or who gets the handle */
        mri_store_relaxed(&d->own, (uint64_t)watch);
    mri_desc_put(s, d);
    if (watch >= 0)
        return h;
    (void)!mri_desc_close(s, h);
    return watch;
}

mr_handle mr_signal_open(const int *signals, size_t n)
{
    uint64_t set;
    mri_strand *s;
    int rc = mri_caller(&s);
    if (rc == 0)
        rc = set_of(signals, n, &set);
    return rc < 0 ? rc : open_set(s, set);
}

/* ---- Wait --------------------------------------------------------------- */

static int64_t take(const mri_desc *d, void *arg)
{
    uint64_t watch = mri_load_relaxed(&d->own);
    int signo = watch == NONE ? 0 : mri_signal_watch_take((int)watch, arg);
    return signo > 0 ? signo : MR_EAGAIN;
}

int mr_signal_wait(mr_handle handle, unsigned *count)
{
    mri_strand *s;
    mri_desc *d;
    unsigned n;
    int signo = mri_attempt_begin(handle, MRI_DESC_SIGNAL, &s, &d);
    if (signo < 0)
        return signo;
    signo = (int)mri_attempt(s, d, MRI_DIR_READ, 0, take, &n);
    mri_desc_put(s, d);
    if (signo > 0 && count)
        *count = n;
    return signo;
}
