/* The system calls by which io/ waits, each returning its result or a negative
 * code; the seam of tests, as os/sys.h. */
#ifndef MRI_IO_CALL_POLL_H
#define MRI_IO_CALL_POLL_H

#include "os/clock.h"
#include "os/sys.h"
#include <millrace/error.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>

MRI_INLINE int mri_call_epoll_create(void)
{
    int fault = mri_fault("epoll_create");
    return fault ? -fault : (int)mri_sys_result(epoll_create1(EPOLL_CLOEXEC));
}

MRI_INLINE int mri_call_eventfd(void)
{
    int fault = mri_fault("eventfd");
    return fault ? -fault
                 : (int)mri_sys_result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

MRI_INLINE int mri_call_epoll_add(int epoll, int fd, uint32_t events,
                                  uint64_t data)
{
    int fault = mri_fault("epoll_ctl");
    struct epoll_event e = {.events = events, .data.u64 = data};
    return fault ? -fault
                 : (int)mri_sys_result(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e));
}

/* It was added, so this does not fail. */
MRI_INLINE void mri_call_epoll_remove(int epoll, int fd)
{
    (void)epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* Until `deadline` on the monotonic clock; 0: at once; how many. A system
 * without epoll_pwait2 (Linux before 5.11) wakes up to a millisecond late. */
int mri_call_epoll_wait(int epoll, struct epoll_event *out, int most,
                        int64_t deadline);

/* One that is there already: 1; 0: none. Interrupted, it has not looked, and
 * the edge that says so would be lost: again. */
MRI_INLINE int mri_call_epoll_look(int epoll, struct epoll_event *out)
{
    int n;
    do
        n = mri_call_epoll_wait(epoll, out, 1, 0);
    while (n == MR_EINTR);
    return n;
}

/* Not retried where it would block: then the counter is not 0. */
MRI_INLINE void mri_call_eventfd_add(int fd)
{
    uint64_t one = 1;
    ssize_t n;
    do
        n = write(fd, &one, sizeof one);
    while (n < 0 && errno == EINTR);
}

#endif
