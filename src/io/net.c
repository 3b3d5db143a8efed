/* Stream sockets of millrace/net.h: listening, connecting, their options. */
#define _GNU_SOURCE
#include <millrace/net.h>

#include "io/address.h"
#include "io/begin.h"
#include "io/call_net.h"
#include "io/option.h"
#include "io/stream.h"
#include <millrace/time.h>

enum { BACKLOG = 4096 };

/* How a stream of this family behaves. */
static uint32_t traits_of(const mri_address *a)
{
    bool tcp = a->any.sa_family != AF_UNIX;
    return MRI_DESC_SOCKET | (tcp ? MRI_DESC_SHORT_IS_ALL : 0);
}

/* ---- Listening ---------------------------------------------------------- */

/* What is accepted has the options of the listener. */
static int prepare(int fd, const mri_address *a, unsigned flags)
{
    if (a->any.sa_family == AF_UNIX)
        return 0;
    int rc = mri_call_set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (rc == 0)
        rc = mri_option_shared(fd, a, flags);
    return rc < 0 ? rc : mri_option_nodelay(fd, 1);
}

mr_handle mr_listen(const mr_address *at, int backlog, unsigned flags)
{
    mri_strand *s;
    const mri_address *a = mri_address_in(at);
    int rc = mri_caller(&s);
    if (rc == 0 && (mr_address_family(at) == MR_NO_FAMILY || backlog < 0 ||
                    flags & ~(unsigned)(MR_REUSE_PORT | MR_BOTH_FAMILIES)))
        rc = MR_EINVAL;
    int fd = rc < 0 ? rc : mri_call_socket(a->any.sa_family, SOCK_STREAM);
    if (fd < 0)
        return fd;
    rc = prepare(fd, a, flags);
    if (rc == 0)
        rc = mri_call_bind(fd, &a->any, a->size);
    if (rc == 0)
        rc = mri_call_listen(fd, backlog > 0 ? backlog : BACKLOG);
    if (rc == 0)
        return mri_desc_open(s, fd, MRI_DESC_LISTENER, traits_of(a));
    mri_sys_close(fd);
    return rc;
}

/* IPv6 may have been left out of this system. */
static mr_handle listen_everywhere(unsigned port, int backlog, unsigned flags)
{
    mr_address at;
    if (port > UINT16_MAX)
        return MR_EINVAL;
    mri_address_every(&at, MR_IPV6, port);
    mr_handle h = mr_listen(&at, backlog, flags | MR_BOTH_FAMILIES);
    if (h != MR_EAFNOSUPPORT && h != MR_EADDRNOTAVAIL)
        return h;
    mri_address_every(&at, MR_IPV4, port);
    return mr_listen(&at, backlog, flags);
}

mr_handle mr_tcp_listen(const char *host, unsigned port, int backlog,
                        unsigned flags)
{
    mr_address at;
    if (!host)
        return listen_everywhere(port, backlog, flags);
    int rc = mr_address_ip(&at, host, port);
    return rc < 0 ? rc : mr_listen(&at, backlog, flags);
}

mr_handle mr_unix_listen(const char *path, int backlog)
{
    mr_address at;
    int rc = mr_address_unix(&at, path);
    return rc < 0 ? rc : mr_listen(&at, backlog, 0);
}

/* ---- Accepting ---------------------------------------------------------- */

/* What is told of a peer that has gone meanwhile: the next may be there. */
static bool is_of_peer(long rc)
{
    switch (rc) {
    case MR_ECONNABORTED:
    case MR_EPROTO:
    case MR_ENOPROTOOPT:
    case MR_ENETDOWN:
    case MR_ENETUNREACH:
    case MR_EHOSTDOWN:
    case MR_EHOSTUNREACH:
    case MR_ENONET:
        return true;
    default:
        return false;
    }
}

/* Nothing is left to have a peer with. The last: epoll has no room. */
static bool is_want(int64_t rc)
{
    return rc == MR_EMFILE || rc == MR_ENFILE || rc == MR_ENOBUFS ||
           rc == MR_ENOMEM || rc == MR_ENOSPC;
}

static int64_t accept_one(const mri_desc *d, void *arg)
{
    long rc;
    (void)arg;
    do
        rc = mri_call_accept(d->fd);
    while (is_of_peer(rc)); /* each is one fewer */
    return rc;
}

mr_handle mr_accept(mr_handle listener)
{
    mri_strand *s;
    mri_desc *d;
    int64_t fd = mri_attempt_begin(listener, MRI_DESC_LISTENER, &s, &d);
    if (fd < 0)
        return fd;
    fd = mri_attempt(s, d, MRI_DIR_READ, 0, accept_one, NULL);
    uint32_t traits = d->traits;
    mri_desc_put(s, d);
    mr_handle h =
        fd < 0 ? fd : mri_desc_open(s, (int)fd, MRI_DESC_STREAM, traits);
    if (mri_likely(!is_want(h)))
        return h;
    int64_t rc = mr_sleep(10 * MR_MS);
    return rc < 0 ? rc : h;
}

/* ---- Connecting --------------------------------------------------------- */

static int64_t is_connected(const mri_desc *d, void *arg)
{
    int error;
    (void)arg;
    int rc = mri_call_poll(d->fd, POLLOUT);
    if (rc <= 0)
        return rc == 0 ? MR_EAGAIN : rc;
    rc = mri_call_get_option(d->fd, SOL_SOCKET, SO_ERROR, &error);
    return rc < 0 ? rc : -error;
}

static int64_t until_connected(mri_strand *s, mr_handle h)
{
    mri_desc *d;
    int64_t rc = mri_desc_get(s, h, MRI_DESC_STREAM, &d);
    if (rc < 0)
        return rc;
    rc = mri_attempt(s, d, MRI_DIR_WRITE, 0, is_connected, NULL);
    mri_desc_put(s, d);
    return rc;
}

/* A unix socket says MR_EAGAIN while no peer more may wait, and nobody says
 * when one may. */
static int begin(int fd, const mri_address *a)
{
    int64_t pause = MR_MS, most = 16 * MR_MS;
    for (;;) {
        int rc = mri_call_connect(fd, &a->any, a->size);
        if (rc != MR_EAGAIN || a->any.sa_family != AF_UNIX)
            return rc;
        int64_t cut = mr_sleep(pause);
        if (cut < 0)
            return (int)cut;
        pause = pause < most ? 2 * pause : most;
    }
}

/* Registered once it is on its way: the kernel says of a socket that is not
 * that it was hung up. */
static mr_handle connect_by(mri_strand *s, int fd, const mri_address *a)
{
    int rc = a->any.sa_family == AF_UNIX ? 0 : mri_option_nodelay(fd, 1);
    if (rc == 0)
        rc = begin(fd, a);
    if (rc < 0 && rc != -EINPROGRESS && rc != MR_EINTR) {
        mri_sys_close(fd);
        return rc;
    }
    mr_handle h = mri_desc_open(s, fd, MRI_DESC_STREAM, traits_of(a));
    if (h < 0 || rc == 0)
        return h;
    int64_t end = until_connected(s, h);
    if (end == 0)
        return h;
    (void)!mri_desc_close(s, h); /* nobody else knows it */
    return end;
}

mr_handle mr_connect(const mr_address *to)
{
    mri_strand *s;
    const mri_address *a = mri_address_in(to);
    int rc = mri_caller_begin(&s);
    if (rc == 0 && mr_address_family(to) == MR_NO_FAMILY)
        rc = MR_EINVAL;
    int fd = rc < 0 ? rc : mri_call_socket(a->any.sa_family, SOCK_STREAM);
    return fd < 0 ? fd : connect_by(s, fd, a);
}

mr_handle mr_unix_connect(const char *path)
{
    mr_address to;
    int rc = mr_address_unix(&to, path);
    return rc < 0 ? rc : mr_connect(&to);
}

int mr_unix_pair(mr_handle end[2])
{
    int fd[2];
    mri_strand *s;
    int rc = mri_caller(&s);
    if (rc == 0)
        rc = mri_call_socketpair(fd);
    return rc < 0 ? rc : mri_stream_pair(s, fd, MRI_DESC_SOCKET, end);
}
