/* Streams that were there before: descriptors from elsewhere, the standard
 * ones; and pipes.
 *
 * O_NONBLOCK belongs to the open file, which others have too: a shell goes on
 * with the terminal that its child made non-blocking, and its next read fails.
 * So the standard streams are
 *   a socket            asked not to wait call by call (MSG_DONTWAIT)
 *   a pipe, terminal    opened again through /proc: the same pipe or terminal,
 *                       another open file. Not what is made anew by each open,
 *                       a terminal's master for one
 *   that in vain        a duplicate: poll before each call
 *   a file              a duplicate, never waited for
 */
#define _GNU_SOURCE
#include <millrace/io.h>

#include "io/attempt.h"
#include "io/call_net.h"
#include "io/call_poll.h"
#include "io/stream.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/sysmacros.h>

/* What a descriptor is. */
typedef struct nature {
    uint32_t kind, traits;
    bool shared; /* may be opened again, and is the same then */
} nature;

static int of_socket(int fd, nature *out)
{
    int type, listens, protocol;
    int rc = mri_call_get_option(fd, SOL_SOCKET, SO_TYPE, &type);
    if (rc == 0)
        rc = mri_call_get_option(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens);
    if (rc == 0)
        rc = mri_call_get_option(fd, SOL_SOCKET, SO_PROTOCOL, &protocol);
    if (rc < 0)
        return rc;
    bool bytes = type == SOCK_STREAM || type == SOCK_SEQPACKET;
    *out = (nature){.kind = listens ? MRI_DESC_LISTENER
                            : bytes ? MRI_DESC_STREAM
                                    : MRI_DESC_DATAGRAM,
                    .traits =
                        MRI_DESC_SOCKET |
                        (protocol == IPPROTO_TCP ? MRI_DESC_SHORT_IS_ALL : 0)};
    return 0;
}

/* Whether epoll takes it: some devices are always ready, and it does not. 1, 0
 * or a negative code. */
static int can_be_waited_for(int fd)
{
    int epoll = mri_call_epoll_create();
    if (epoll < 0)
        return epoll;
    int rc = mri_call_epoll_add(epoll, fd, EPOLLIN, 0);
    mri_sys_close(epoll);
    return rc == MR_EPERM ? 0 : rc < 0 ? rc : 1;
}

static int of_device(int fd, dev_t device, nature *out)
{
    const dev_t master = makedev(5, 2);
    int rc = can_be_waited_for(fd);
    *out = (nature){.kind = MRI_DESC_STREAM | (rc == 0 ? MRI_DESC_FILE : 0),
                    .shared = device != master && isatty(fd)};
    return rc < 0 ? rc : 0;
}

static int nature_of(int fd, nature *out)
{
    struct stat st;
    int rc = mri_call_status(fd, &st);
    if (rc < 0)
        return rc;
    switch (st.st_mode & S_IFMT) {
    case S_IFSOCK:
        return of_socket(fd, out);
    case S_IFCHR:
        return of_device(fd, st.st_rdev, out);
    case S_IFREG:
    case S_IFBLK:
        *out = (nature){.kind = MRI_DESC_STREAM | MRI_DESC_FILE};
        return 0;
    case S_IFDIR:
        return MR_EINVAL;
    default: /* and those that only the kernel names, of an event say */
        *out =
            (nature){.kind = MRI_DESC_STREAM, .shared = S_ISFIFO(st.st_mode)};
        return 0;
    }
}

/* ---- Somebody's that becomes ours --------------------------------------- */

static int make_nonblocking(int fd)
{
    int flags = mri_call_flags(fd);
    if (flags < 0 || flags & O_NONBLOCK)
        return flags < 0 ? flags : 0;
    return mri_call_set_flags(fd, flags | O_NONBLOCK);
}

mr_handle mr_fd_adopt(int fd)
{
    nature n;
    mri_strand *s;
    int rc = mri_caller(&s);
    if (rc == 0)
        rc = nature_of(fd, &n);
    if (rc == 0 && !(n.kind & MRI_DESC_FILE))
        rc = make_nonblocking(fd);
    if (rc == 0)
        return mri_desc_open(s, fd, n.kind, n.traits);
    if (rc != MR_EBADF)
        mri_sys_close(fd);
    return rc;
}

/* ---- The standard streams ----------------------------------------------- */

/* Another open file of the same pipe or terminal. */
static int open_again(int fd, int flags)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return mri_sys_open(path, (flags & O_ACCMODE) | O_NONBLOCK | O_NOCTTY);
}

/* A descriptor of ours for it. */
static int own(int fd, int flags, nature *n)
{
    int rc = n->shared ? open_again(fd, flags) : MR_EINVAL;
    if (rc >= 0)
        return rc;
    if (!(n->kind & MRI_DESC_FILE) && !(n->traits & MRI_DESC_SOCKET))
        n->traits |= MRI_DESC_MAY_BLOCK;
    return mri_call_duplicate(fd);
}

mr_handle mr_stdio(int which)
{
    nature n;
    mri_strand *s;
    int fd = mri_caller(&s);
    if (fd < 0 || which < 0 || which > 2)
        return fd < 0 ? fd : MR_EINVAL;
    int flags = mri_call_flags(which);
    fd = flags < 0 ? flags : nature_of(which, &n);
    if (fd == 0)
        fd = n.kind & MRI_DESC_STREAM ? own(which, flags, &n) : MR_EINVAL;
    return fd < 0 ? fd : mri_desc_open(s, fd, n.kind, n.traits);
}

/* ---- Two at once -------------------------------------------------------- */

int mri_stream_pair(mri_strand *s, const int fd[2], uint32_t traits,
                    mr_handle out[2])
{
    mr_handle first = mri_desc_open(s, fd[0], MRI_DESC_STREAM, traits);
    if (first < 0) {
        mri_sys_close(fd[1]);
        return (int)first;
    }
    mr_handle second = mri_desc_open(s, fd[1], MRI_DESC_STREAM, traits);
    if (second < 0) {
        (void)!mri_desc_close(s, first); /* nobody else knows it */
        return (int)second;
    }
    out[0] = first;
    out[1] = second;
    return 0;
}

int mr_pipe_open(mr_handle end[2])
{
    int fd[2];
    mri_strand *s;
    int rc = mri_caller(&s);
    if (rc == 0)
        rc = mri_call_pipe(fd);
    return rc < 0 ? rc : mri_stream_pair(s, fd, 0, end);
}
