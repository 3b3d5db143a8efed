/* Datagrams: millrace/net.h. */
#define _GNU_SOURCE
#include <millrace/net.h>

#include "io/address.h"
#include "io/attempt.h"
#include "io/call_net.h"
#include "io/option.h"

/* ---- Open --------------------------------------------------------------- */

static mr_handle open_by(const mr_address *address, unsigned flags,
                         int (*call)(int fd, const mri_address *a,
                                     unsigned flags))
{
    mri_strand *s;
    enum mr_family family = mr_address_family(address);
    const mri_address *a = mri_address_in(address);
    int rc = mri_caller(&s);
    if (rc == 0 && family != MR_IPV4 && family != MR_IPV6)
        rc = MR_EINVAL;
    int fd = rc < 0 ? rc : mri_call_socket(a->any.sa_family, SOCK_DGRAM);
    if (fd < 0)
        return fd;
    rc = call(fd, a, flags);
    if (rc == 0)
        return mri_desc_open(s, fd, MRI_DESC_DATAGRAM, MRI_DESC_SOCKET);
    mri_sys_close(fd);
    return rc;
}

static int bind_to(int fd, const mri_address *a, unsigned flags)
{
    int rc = 0;
    if (flags & MR_REUSE_ADDRESS)
        rc = mri_call_set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (rc == 0)
        rc = mri_option_shared(fd, a, flags);
    return rc < 0 ? rc : mri_call_bind(fd, &a->any, a->size);
}

mr_handle mr_udp_bind(const mr_address *at, unsigned flags)
{
    const unsigned known = MR_REUSE_PORT | MR_REUSE_ADDRESS | MR_BOTH_FAMILIES;
    return flags & ~known ? MR_EINVAL : open_by(at, flags, bind_to);
}

/* Without a wait: nothing is sent. */
static int connect_to(int fd, const mri_address *a, unsigned flags)
{
    (void)flags;
    return mri_call_connect(fd, &a->any, a->size);
}

mr_handle mr_udp_connect(const mr_address *to)
{
    return open_by(to, 0, connect_to);
}

/* ---- Send, receive ------------------------------------------------------ */

static int64_t send_one(const mri_desc *d, void *arg)
{
    return mri_call_sendmsg(d->fd, arg);
}

int64_t mr_udp_send(mr_handle socket, const void *buf, size_t size,
                    const mr_address *to)
{
    mri_strand *s;
    mri_desc *d;
    struct iovec part = {(void *)(uintptr_t)buf, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (to) {
        const mri_address *a = mri_address_in(to);
        message.msg_name = (void *)(uintptr_t)&a->any;
        message.msg_namelen = a->size;
    }
    int64_t n = mri_attempt_begin(socket, MRI_DESC_DATAGRAM, &s, &d);
    if (n < 0)
        return n;
    n = mri_attempt(s, d, MRI_DIR_WRITE, 0, send_one, &message);
    mri_desc_put(s, d);
    return n;
}

static int64_t receive_one(const mri_desc *d, void *arg)
{
    return mri_call_recvmsg(d->fd, arg, MSG_TRUNC);
}

int64_t mr_udp_receive(mr_handle socket, void *buf, size_t size,
                       mr_address *from)
{
    mri_strand *s;
    mri_desc *d;
    mri_address a;
    mri_address_room(&a);
    struct iovec part = {buf, size};
    struct msghdr message = {.msg_name = &a.any,
                             .msg_namelen = a.size,
                             .msg_iov = &part,
                             .msg_iovlen = 1};
    int64_t n = mri_attempt_begin(socket, MRI_DESC_DATAGRAM, &s, &d);
    if (n < 0)
        return n;
    n = mri_attempt(s, d, MRI_DIR_READ, 0, receive_one, &message);
    mri_desc_put(s, d);
    if (n >= 0 && from) {
        a.size = message.msg_namelen;
        mri_address_out(from, &a);
    }
    return n;
}
