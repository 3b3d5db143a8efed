/* What a socket is asked for or told, without a wait: millrace/net.h and
 * option.h. */
#define _GNU_SOURCE
#include <millrace/net.h>

#include "io/address.h"
#include "io/attempt.h"
#include "io/call_net.h"
#include "io/option.h"
#include <millrace/time.h>

#include <netinet/tcp.h>

enum { KINDS = MRI_DESC_STREAM | MRI_DESC_LISTENER | MRI_DESC_DATAGRAM };

/* User of a socket, or MR_EINVAL. */
static int get_socket(mr_handle h, mri_strand **s, mri_desc **d)
{
    *s = mri_strand_self();
    int rc = mri_desc_get(*s, h, KINDS, d);
    if (rc < 0 || (*d)->traits & MRI_DESC_SOCKET)
        return rc;
    mri_desc_put(*s, *d);
    return MR_EINVAL;
}

static int name_of(mr_handle h, int (*call)(int, void *, socklen_t *),
                   mr_address *out)
{
    mri_strand *s;
    mri_desc *d;
    mri_address a;
    int rc = get_socket(h, &s, &d);
    if (rc < 0)
        return rc;
    mri_address_room(&a);
    rc = call(d->fd, &a.any, &a.size);
    mri_desc_put(s, d);
    if (rc == 0)
        mri_address_out(out, &a);
    return rc;
}

int mr_local_address(mr_handle socket, mr_address *out)
{
    return name_of(socket, mri_call_local_name, out);
}

int mr_peer_address(mr_handle socket, mr_address *out)
{
    return name_of(socket, mri_call_peer_name, out);
}

/* ---- Before it is bound ------------------------------------------------- */

int mri_option_shared(int fd, const mri_address *a, unsigned flags)
{
    int rc = 0;
    if (flags & MR_REUSE_PORT)
        rc = mri_call_set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (rc == 0 && a->any.sa_family == AF_INET6)
        rc = mri_call_set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY,
                                 !(flags & MR_BOTH_FAMILIES));
    return rc;
}

/* ---- TCP ---------------------------------------------------------------- */

/* With `value`, on a stream of TCP alone. */
static int with_tcp(mr_handle h, int (*set)(int fd, int value), int value)
{
    mri_strand *s;
    mri_desc *d;
    int rc = get_socket(h, &s, &d);
    if (rc < 0)
        return rc;
    bool tcp = d->kind & MRI_DESC_STREAM && d->traits & MRI_DESC_SHORT_IS_ALL;
    rc = tcp ? set(d->fd, value) : MR_EINVAL;
    mri_desc_put(s, d);
    return rc;
}

int mri_option_nodelay(int fd, int on)
{
    return mri_call_set_option(fd, IPPROTO_TCP, TCP_NODELAY, on);
}

int mr_tcp_nodelay(mr_handle stream, int on)
{
    return with_tcp(stream, mri_option_nodelay, on != 0);
}

static int set_keepalive(int fd, int idle)
{
    if (idle == 0)
        return mri_call_set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 0);
    int rc = mri_call_set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle);
    if (rc == 0)
        rc = mri_call_set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
    if (rc == 0)
        rc = mri_call_set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 10);
    return rc < 0 ? rc : mri_call_set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

int mr_tcp_keepalive(mr_handle stream, int64_t idle)
{
    const int64_t most = 32767; /* of the kernel */
    int64_t seconds = idle / MR_S + (idle % MR_S > 0);
    if (idle < 0)
        return MR_EINVAL;
    return with_tcp(stream, set_keepalive,
                    (int)(seconds < most ? seconds : most));
}
