/* The system calls of streams and sockets, each returning its result or a
 * negative code; the seam of tests, as os/sys.h.
 *
 * None waits: descriptors are non-blocking, or the call says so; where neither
 * can be, mri_call_poll has been asked before. None raises SIGPIPE: on sockets
 * the call says so; for others, workers have it blocked, and it stays pending
 * on that thread, which never takes it, nor does a child that it forks.
 */
#ifndef MRI_IO_CALL_NET_H
#define MRI_IO_CALL_NET_H

#include "os/sys.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* ---- Bytes -------------------------------------------------------------- */

/* glibc's calls are points where pthread_cancel ends the thread, for which each
 * pays two interlocked operations; nobody cancels threads of ours. Sanitizers
 * want to see the calls. */
#if MRI_ASAN || MRI_TSAN
#define mri_call_recv_raw_ recv
#define mri_call_send_raw_ send
#else
MRI_INLINE long mri_call_recv_raw_(int fd, void *buf, size_t size, int flags)
{
    return syscall(SYS_recvfrom, fd, buf, size, flags, NULL, NULL);
}
MRI_INLINE long mri_call_send_raw_(int fd, const void *buf, size_t size,
                                   int flags)
{
    return syscall(SYS_sendto, fd, buf, size, flags, NULL, 0);
}
#endif

MRI_INLINE long mri_call_recv(int fd, void *buf, size_t size)
{
    MRI_SYS_RETRIED(long, "recv",
                    mri_call_recv_raw_(fd, buf, size, MSG_DONTWAIT));
}

MRI_INLINE long mri_call_send(int fd, const void *buf, size_t size)
{
    MRI_SYS_RETRIED(
        long, "send",
        mri_call_send_raw_(fd, buf, size, MSG_DONTWAIT | MSG_NOSIGNAL));
}

MRI_INLINE long mri_call_recvmsg(int fd, struct msghdr *message, int flags)
{
    MRI_SYS_RETRIED(long, "recvmsg",
                    recvmsg(fd, message, MSG_DONTWAIT | flags));
}

MRI_INLINE long mri_call_sendmsg(int fd, const struct msghdr *message)
{
    MRI_SYS_RETRIED(long, "sendmsg",
                    sendmsg(fd, message, MSG_DONTWAIT | MSG_NOSIGNAL));
}

MRI_INLINE long mri_call_readv(int fd, const struct iovec *part, int n)
{
    MRI_SYS_RETRIED(long, "readv", readv(fd, part, n));
}

MRI_INLINE long mri_call_writev(int fd, const struct iovec *part, int n)
{
    MRI_SYS_RETRIED(long, "writev", writev(fd, part, n));
}

/* At the file's position, where that does not block. */
MRI_INLINE long mri_call_readv_cached(int fd, const struct iovec *part, int n)
{
    MRI_SYS_RETRIED(long, "preadv2", preadv2(fd, part, n, -1, RWF_NOWAIT));
}

MRI_INLINE long mri_call_writev_cached(int fd, const struct iovec *part, int n)
{
    MRI_SYS_RETRIED(long, "pwritev2", pwritev2(fd, part, n, -1, RWF_NOWAIT));
}

/* ---- Sockets ------------------------------------------------------------ */

MRI_INLINE int mri_call_socket(int family, int type)
{
    int fault = mri_fault("socket");
    return fault ? -fault
                 : (int)mri_sys_result(
                       socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

MRI_INLINE int mri_call_socketpair(int fd[2])
{
    int fault = mri_fault("socketpair");
    const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    return fault ? -fault
                 : (int)mri_sys_result(socketpair(AF_UNIX, type, 0, fd));
}

MRI_INLINE int mri_call_bind(int fd, const void *address, socklen_t size)
{
    int fault = mri_fault("bind");
    return fault ? -fault : (int)mri_sys_result(bind(fd, address, size));
}

MRI_INLINE int mri_call_listen(int fd, int backlog)
{
    int fault = mri_fault("listen");
    return fault ? -fault : (int)mri_sys_result(listen(fd, backlog));
}

/* Not retried: an interrupted one goes on, and a second says MR_EALREADY. */
MRI_INLINE int mri_call_connect(int fd, const void *address, socklen_t size)
{
    int fault = mri_fault("connect");
    return fault ? -fault : (int)mri_sys_result(connect(fd, address, size));
}

MRI_INLINE long mri_call_accept(int fd)
{
    MRI_SYS_RETRIED(long, "accept4",
                    accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

MRI_INLINE int mri_call_shutdown(int fd, int how)
{
    int fault = mri_fault("shutdown");
    return fault ? -fault : (int)mri_sys_result(shutdown(fd, how));
}

MRI_INLINE int mri_call_set_option(int fd, int level, int name, int value)
{
    int fault = mri_fault("setsockopt");
    return fault ? -fault
                 : (int)mri_sys_result(
                       setsockopt(fd, level, name, &value, sizeof value));
}

MRI_INLINE int mri_call_get_option(int fd, int level, int name, int *value)
{
    int fault = mri_fault("getsockopt");
    socklen_t size = sizeof *value;
    return fault
               ? -fault
               : (int)mri_sys_result(getsockopt(fd, level, name, value, &size));
}

MRI_INLINE int mri_call_local_name(int fd, void *address, socklen_t *size)
{
    int fault = mri_fault("getsockname");
    return fault ? -fault : (int)mri_sys_result(getsockname(fd, address, size));
}

MRI_INLINE int mri_call_peer_name(int fd, void *address, socklen_t *size)
{
    int fault = mri_fault("getpeername");
    return fault ? -fault : (int)mri_sys_result(getpeername(fd, address, size));
}

/* ---- Descriptors -------------------------------------------------------- */

MRI_INLINE int mri_call_pipe(int fd[2])
{
    int fault = mri_fault("pipe2");
    return fault ? -fault
                 : (int)mri_sys_result(pipe2(fd, O_NONBLOCK | O_CLOEXEC));
}

/* A signal interrupts it too, though it does not wait. */
MRI_INLINE int mri_call_poll_once(struct pollfd *p)
{
    MRI_SYS_RETRIED(int, "poll", poll(p, 1, 0));
}

/* Which of `events` there are now, POLLERR, POLLHUP and POLLNVAL too. */
MRI_INLINE int mri_call_poll(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    int rc = mri_call_poll_once(&p);
    return rc < 0 ? rc : p.revents;
}

MRI_INLINE int mri_call_duplicate(int fd)
{
    int fault = mri_fault("fcntl");
    return fault ? -fault : (int)mri_sys_result(fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

/* Its open file's flags: O_ACCMODE, O_NONBLOCK, ... */
MRI_INLINE int mri_call_flags(int fd)
{
    int fault = mri_fault("fcntl");
    return fault ? -fault : (int)mri_sys_result(fcntl(fd, F_GETFL));
}

MRI_INLINE int mri_call_set_flags(int fd, int flags)
{
    int fault = mri_fault("fcntl");
    return fault ? -fault : (int)mri_sys_result(fcntl(fd, F_SETFL, flags));
}

MRI_INLINE int mri_call_status(int fd, struct stat *out)
{
    int fault = mri_fault("fstat");
    return fault ? -fault : (int)mri_sys_result(fstat(fd, out));
}

#endif
