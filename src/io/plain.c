/* See stream.h. A file is always ready, and so epoll does not take it; but it
 * may block. */
#define _GNU_SOURCE
#include "io/attempt.h"
#include "io/call_net.h"
#include "io/stream.h"
#include <millrace/task.h>

/* For a thread that may block. */
typedef struct request {
    long (*call)(int fd, const struct iovec *part, int n);
    int fd, n;
    const struct iovec *part;
} request;

static long call_readv(int fd, const struct iovec *part, int n)
{
    return mri_call_readv(fd, part, n);
}

static long call_writev(int fd, const struct iovec *part, int n)
{
    return mri_call_writev(fd, part, n);
}

static int64_t serve(void *arg)
{
    const request *r = arg;
    return r->call(r->fd, r->part, r->n);
}

/* That it would block, or that this file system cannot say so. */
static bool may_block(long rc)
{
    return rc == MR_EAGAIN || rc == MR_ENOTSUP || rc == MR_ENOSYS;
}

int64_t mri_plain_read(mri_strand *s, const mri_desc *d,
                       const struct iovec *part, int n)
{
    mri_turn_take(s);
    long rc = mri_call_readv_cached(d->fd, part, n);
    return may_block(rc)
               ? mr_blocking(serve, &(request){call_readv, d->fd, n, part})
               : rc;
}

int64_t mri_plain_write(mri_strand *s, const mri_desc *d,
                        const struct iovec *part, int n)
{
    mri_turn_take(s);
    long rc = mri_call_writev_cached(d->fd, part, n);
    return may_block(rc)
               ? mr_blocking(serve, &(request){call_writev, d->fd, n, part})
               : rc;
}
