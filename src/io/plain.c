/* See stream.h. A file is always ready, and so epoll does not take it; but it
 * may block. */
#define _GNU_SOURCE
#include "io/attempt.h"
#include "io/call_net.h"
#include "io/path.h"
#include "io/stream.h"
#include <millrace/task.h>

typedef long (*call_fn)(int fd, const struct iovec *part, int n);

/* For a thread that may block. */
typedef struct request {
    call_fn call;
    int fd, n;
    const struct iovec *part;
} request;

static int64_t serve(void *arg)
{
    const request *r = arg;
    return r->call(r->fd, r->part, r->n);
}

static int64_t transfer(mri_strand *s, call_fn cached, request *r)
{
    mri_turn_take(s, MRI_TURN_SYSTEM);
    long rc = cached(r->fd, r->part, r->n);
    return mri_would_block(rc) ? mr_blocking(serve, r) : rc;
}

int64_t mri_plain_read(mri_strand *s, const mri_desc *d,
                       const struct iovec *part, int n)
{
    return transfer(s, mri_call_readv_cached,
                    &(request){mri_call_readv, d->fd, n, part});
}

int64_t mri_plain_write(mri_strand *s, const mri_desc *d,
                        const struct iovec *part, int n)
{
    return transfer(s, mri_call_writev_cached,
                    &(request){mri_call_writev, d->fd, n, part});
}
