/* millrace/io.h: reading and writing what comes in order. */
#define _GNU_SOURCE
#include <millrace/io.h>

#include "io/attempt.h"
#include "io/call_net.h"
#include "io/stream.h"

/* Parts that the kernel takes at once, and that are copied at once. */
enum { MOST_PARTS = 1024, PARTS = 64 };
/* What a pipe or terminal has room for, when it has any. */
enum { ROOM = 4096 };

MRI_STATIC_ASSERT(sizeof(mr_buffer) == sizeof(struct iovec) &&
                      offsetof(mr_buffer, base) ==
                          offsetof(struct iovec, iov_base) &&
                      offsetof(mr_buffer, size) ==
                          offsetof(struct iovec, iov_len),
                  "a mr_buffer is what the kernel calls iovec");

/* ---- One call ----------------------------------------------------------- */

typedef struct parts {
    struct iovec *part;
    int n;
} parts;

static struct msghdr message_of(const parts *p)
{
    return (struct msghdr){.msg_iov = p->part, .msg_iovlen = (size_t)p->n};
}

/* 0; MR_EAGAIN: a call might block. A stream that was hung up, or has failed,
 * does not. */
static int may_call(const mri_desc *d, short events)
{
    if (mri_likely(!(d->traits & MRI_DESC_MAY_BLOCK)))
        return 0;
    int rc = mri_call_poll(d->fd, events);
    return rc == 0 ? MR_EAGAIN : rc < 0 ? rc : 0;
}

static int64_t read_some(const mri_desc *d, void *arg)
{
    parts *p = arg;
    if (d->traits & MRI_DESC_SOCKET) {
        struct msghdr message = message_of(p);
        return mri_call_recvmsg(d->fd, &message, 0);
    }
    int rc = may_call(d, POLLIN);
    return rc < 0 ? rc : mri_call_readv(d->fd, p->part, p->n);
}

static int64_t write_some(const mri_desc *d, void *arg)
{
    parts *p = arg;
    if (d->traits & MRI_DESC_SOCKET) {
        struct msghdr message = message_of(p);
        return mri_call_sendmsg(d->fd, &message);
    }
    int rc = may_call(d, POLLOUT);
    if (rc < 0)
        return rc;
    if (mri_likely(!(d->traits & MRI_DESC_MAY_BLOCK)))
        return mri_call_writev(d->fd, p->part, p->n);
    struct iovec first = *p->part;
    first.iov_len = first.iov_len < ROOM ? first.iov_len : ROOM;
    return mri_call_writev(d->fd, &first, 1);
}

static size_t total_of(const parts *p)
{
    size_t total = 0;
    for (int i = 0; i < p->n; i++)
        total += p->part[i].iov_len;
    return total;
}

/* User: what has been read or written, once; total > 0. */
static int64_t transfer(mri_strand *s, mri_desc *d, enum mri_dir dir, parts *p,
                        size_t total)
{
    bool reads = dir == MRI_DIR_READ;
    if (d->kind & MRI_DESC_FILE)
        return reads ? mri_plain_read(s, d, p->part, p->n)
                     : mri_plain_write(s, d, p->part, p->n);
    return mri_attempt(s, d, dir, total, reads ? read_some : write_some, p);
}

/* ---- One buffer of a socket: nearly all calls ---------------------------- */

static int64_t receive(const mri_desc *d, void *arg)
{
    const struct iovec *part = arg;
    return mri_call_recv(d->fd, part->iov_base, part->iov_len);
}

static int64_t transmit(const mri_desc *d, void *arg)
{
    const struct iovec *part = arg;
    return mri_call_send(d->fd, part->iov_base, part->iov_len);
}

/* As transfer, of one part. */
MRI_INLINE int64_t transfer_one(mri_strand *s, mri_desc *d, enum mri_dir dir,
                                struct iovec *part)
{
    if (mri_likely(d->traits & MRI_DESC_SOCKET))
        return mri_attempt(s, d, dir, part->iov_len,
                           dir == MRI_DIR_READ ? receive : transmit, part);
    return transfer(s, d, dir, &(parts){part, 1}, part->iov_len);
}

MRI_INLINE int64_t some_of_one(mr_handle h, enum mri_dir dir, struct iovec part)
{
    mri_strand *s;
    mri_desc *d;
    int64_t n = mri_attempt_begin(h, MRI_DESC_STREAM, &s, &d);
    if (n < 0)
        return n;
    if (part.iov_len > 0)
        n = transfer_one(s, d, dir, &part);
    mri_desc_put(s, d);
    return n;
}

int64_t mr_read(mr_handle stream, void *buf, size_t size)
{
    return some_of_one(stream, MRI_DIR_READ, (struct iovec){buf, size});
}

int64_t mr_write_some(mr_handle stream, const void *buf, size_t size)
{
    return some_of_one(stream, MRI_DIR_WRITE,
                       (struct iovec){(void *)(uintptr_t)buf, size});
}

/* All of it: 0; MR_EOF, reading; or another code. *left is what is left. */
MRI_INLINE int64_t all_of_one(mr_handle h, enum mri_dir dir, struct iovec part,
                              size_t *left)
{
    mri_strand *s;
    mri_desc *d;
    *left = part.iov_len;
    int64_t n = mri_attempt_begin(h, MRI_DESC_STREAM, &s, &d);
    if (n < 0)
        return n;
    while (part.iov_len > 0 && (n = transfer_one(s, d, dir, &part)) > 0) {
        part.iov_base = (char *)part.iov_base + n;
        part.iov_len -= (size_t)n;
    }
    mri_desc_put(s, d);
    *left = part.iov_len;
    return n < 0 ? n : *left == 0 ? 0 : dir == MRI_DIR_READ ? MR_EOF : MR_EIO;
}

int64_t mr_read_all(mr_handle stream, void *buf, size_t size, size_t *done)
{
    size_t left;
    int64_t rc =
        all_of_one(stream, MRI_DIR_READ, (struct iovec){buf, size}, &left);
    if (done)
        *done = size - left;
    return rc == 0 ? (int64_t)size : rc == MR_EOF && left == size ? 0 : rc;
}

int64_t mr_write_all(mr_handle stream, const void *buf, size_t size,
                     size_t *done)
{
    size_t left;
    int64_t rc =
        all_of_one(stream, MRI_DIR_WRITE,
                   (struct iovec){(void *)(uintptr_t)buf, size}, &left);
    if (done)
        *done = size - left;
    return rc == 0 ? (int64_t)size : rc;
}

int64_t mr_write(mr_handle stream, const void *buf, size_t size)
{
    return mr_write_all(stream, buf, size, NULL);
}

/* ---- Several parts ------------------------------------------------------ */

int64_t mr_readv(mr_handle stream, const mr_buffer *part, size_t n)
{
    parts p = {(struct iovec *)(uintptr_t)part,
               (int)(n < MOST_PARTS ? n : MOST_PARTS)};
    mri_strand *s;
    mri_desc *d;
    size_t total = total_of(&p);
    int64_t rc = mri_attempt_begin(stream, MRI_DESC_STREAM, &s, &d);
    if (rc < 0)
        return rc;
    if (total > 0)
        rc = transfer(s, d, MRI_DIR_READ, &p, total);
    mri_desc_put(s, d);
    return rc;
}

/* Without the first n bytes of them. */
static void advance(parts *p, size_t n)
{
    while (p->n > 0 && n >= p->part->iov_len) {
        n -= p->part->iov_len;
        p->part++;
        p->n--;
    }
    if (n > 0) {
        p->part->iov_base = (char *)p->part->iov_base + n;
        p->part->iov_len -= n;
    }
}

/* User: all of them, which change: 0, or a code. *done grows by what was. */
static int64_t write_parts(mri_strand *s, mri_desc *d, parts *p, size_t *done)
{
    size_t left = total_of(p);
    advance(p, 0);
    while (left > 0) {
        int64_t n = transfer(s, d, MRI_DIR_WRITE, p, left);
        if (n <= 0)
            return n < 0 ? n : MR_EIO;
        advance(p, (size_t)n);
        left -= (size_t)n;
        *done += (size_t)n;
    }
    return 0;
}

static int64_t write_all_parts(mr_handle h, parts *p, size_t *done)
{
    mri_strand *s;
    mri_desc *d;
    int64_t rc = mri_attempt_begin(h, MRI_DESC_STREAM, &s, &d);
    if (rc < 0)
        return rc;
    rc = write_parts(s, d, p, done);
    mri_desc_put(s, d);
    return rc < 0 ? rc : (int64_t)*done;
}

/* The kernel's calls do part of them, and the caller's are not ours to change:
 * a copy, some at a time. */
int64_t mr_writev(mr_handle stream, const mr_buffer *part, size_t n,
                  size_t *done)
{
    struct iovec copy[PARTS];
    size_t count = 0;
    int64_t rc = 0;
    do {
        size_t now = n < PARTS ? n : PARTS;
        for (size_t i = 0; i < now; i++)
            copy[i] = (struct iovec){part[i].base, part[i].size};
        rc = write_all_parts(stream, &(parts){copy, (int)now}, &count);
        part += now;
        n -= now;
    } while (rc >= 0 && n > 0);
    if (done)
        *done = count;
    return rc;
}

/* ---- The end ------------------------------------------------------------ */

int mr_shutdown(mr_handle stream, unsigned how)
{
    mri_desc *d;
    mri_strand *s = mri_strand_self();
    if (how == 0 || how > (MR_SHUT_READ | MR_SHUT_WRITE))
        return MR_EINVAL;
    int rc = mri_desc_get(s, stream, MRI_DESC_STREAM, &d);
    if (rc < 0)
        return rc;
    /* SHUT_RD is 0. */
    rc = d->traits & MRI_DESC_SOCKET ? mri_call_shutdown(d->fd, (int)how - 1)
                                     : MR_EINVAL;
    mri_desc_put(s, d);
    return rc;
}

int mr_close(mr_handle handle)
{
    return mri_desc_close(mri_strand_self(), handle);
}
