/* See readiness.h, and what users wait for by themselves. */
#define _GNU_SOURCE
#include "io/readiness.h"

#include "io/attempt.h"
#include "io/call_net.h"
#include <millrace/io.h>

enum { KINDS = MRI_DESC_STREAM | MRI_DESC_LISTENER | MRI_DESC_DATAGRAM };

static const short events_of[] = {POLLIN, POLLOUT};

/* READY may be of what others have taken since: the kernel is asked. An event
 * that came after that says enough, and READY stays for the call that is to
 * come. */
int mri_readiness_look(mri_strand *s, mri_desc *d, enum mri_dir dir)
{
    if (!mri_desc_try(d, dir))
        return 0;
    int rc = mri_call_poll(d->fd, events_of[dir]);
    if (rc == 0)
        return 0;
    mri_desc_again(s, d, dir);
    return rc < 0 ? rc : 1;
}

/* ---- As one of several things ------------------------------------------- */

int mri_readiness_open(mri_strand *s, mr_handle h, mri_desc **out)
{
    int rc = mri_desc_get(s, h, KINDS, out);
    if (rc < 0 || !((*out)->kind & MRI_DESC_FILE))
        return rc;
    mri_desc_put(s, *out);
    *out = NULL;
    return 0;
}

void mri_readiness_close(mri_strand *s, mri_desc *d)
{
    mri_desc_put(s, d);
}

int mri_readiness_wait(mri_strand *s, mri_desc *d, enum mri_dir dir,
                       uint64_t count)
{
    mri_ready_waiter me = mri_ready_waiter_of(s->index, count);
    switch (mri_ready_wait(&d->ready[dir], me)) {
    case MRI_READY_WAITS:
        return 0;
    case MRI_READY_NOW:
        return 1;
    case MRI_READY_BUSY:
        return MR_EBUSY;
    default:
        return MR_EBADF;
    }
}

int mri_readiness_end(mri_strand *s, mri_desc *d, enum mri_dir dir,
                      uint64_t count)
{
    mri_ready_word *r = &d->ready[dir];
    /* Who is not there any more was told, or is about to be. */
    if (mri_ready_unwait(r, mri_ready_waiter_of(s->index, count)))
        return 0;
    return mri_ready_is_closed(r) ? MR_EBADF : 1;
}

/* ---- By itself ---------------------------------------------------------- */

static int until_ready(mri_strand *s, mri_desc *d, enum mri_dir dir)
{
    int rc = mri_readiness_look(s, d, dir);
    return rc == 0 ? mri_desc_wait(s, d, dir, MRI_NEVER) : rc < 0 ? rc : 0;
}

static int wait_for(mr_handle h, enum mri_dir dir)
{
    mri_strand *s;
    mri_desc *d;
    int rc = mri_attempt_begin(h, KINDS, &s, &d);
    if (rc < 0)
        return rc;
    if (!(d->kind & MRI_DESC_FILE))
        rc = until_ready(s, d, dir);
    mri_desc_put(s, d);
    return rc;
}

int mr_wait_readable(mr_handle handle)
{
    return wait_for(handle, MRI_DIR_READ);
}

int mr_wait_writable(mr_handle handle)
{
    return wait_for(handle, MRI_DIR_WRITE);
}
