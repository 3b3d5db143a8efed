/* See poller.h. */
#define _GNU_SOURCE
#include "io/poller.h"

#include "base/assert.h"
#include "io/call_poll.h"
#include <millrace/error.h>

#define KICK UINT64_MAX

static int epoll_wait_ms(int epoll, struct epoll_event *out, int most, int ms)
{
    int fault = mri_fault("epoll_wait");
    return fault ? -fault
                 : (int)mri_sys_result(epoll_wait(epoll, out, most, ms));
}

/* In milliseconds, rounded up: never early. */
static int epoll_wait_coarse(int epoll, struct epoll_event *out, int most,
                             int64_t left)
{
    int64_t ms = left / 1000000 + (left % 1000000 > 0);
    return epoll_wait_ms(epoll, out, most,
                         left < 0         ? -1
                         : ms > INT32_MAX ? INT32_MAX
                                          : (int)ms);
}

static int epoll_wait_fine(int epoll, struct epoll_event *out, int most,
                           int64_t left)
{
    struct timespec time = {left / 1000000000, left % 1000000000};
    int fault = mri_fault("epoll_pwait2");
    return fault ? -fault
                 : (int)mri_sys_result(epoll_pwait2(
                       epoll, out, most, left < 0 ? NULL : &time, NULL));
}

int mri_call_epoll_wait(int epoll, struct epoll_event *out, int most,
                        int64_t deadline)
{
    int64_t left = deadline == 0           ? 0
                   : deadline == MRI_NEVER ? -1
                                           : deadline - mri_clock_now();
    if (deadline != MRI_NEVER && left <= 0)
        return epoll_wait_ms(epoll, out, most, 0);
    int n = epoll_wait_fine(epoll, out, most, left);
    return n == MR_ENOSYS ? epoll_wait_coarse(epoll, out, most, left) : n;
}

int mri_poller_open(mri_poller *p)
{
    p->epoll = mri_call_epoll_create();
    if (p->epoll < 0)
        return p->epoll;
    p->kick = mri_call_eventfd();
    int rc = p->kick;
    if (rc >= 0)
        rc = mri_call_epoll_add(p->epoll, p->kick, EPOLLIN | EPOLLET, KICK);
    if (rc >= 0)
        return 0;
    if (p->kick >= 0)
        mri_sys_close(p->kick);
    mri_sys_close(p->epoll);
    return rc;
}

void mri_poller_close(mri_poller *p)
{
    mri_sys_close(p->kick);
    mri_sys_close(p->epoll);
}

int mri_poller_add(mri_poller *p, int fd, uint64_t data)
{
    return mri_call_epoll_add(
        p->epoll, fd, EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        data);
}

void mri_poller_remove(mri_poller *p, int fd)
{
    mri_call_epoll_remove(p->epoll, fd);
}

int mri_poller_wait(mri_poller *p, int64_t deadline, mri_poller_event *out)
{
    struct epoll_event got[MRI_POLLER_BATCH];
    int n = mri_call_epoll_wait(p->epoll, got, MRI_POLLER_BATCH, deadline);
    int events = 0;
    mri_require(n >= 0 || n == MR_EINTR, "our epoll can be waited for");
    for (int i = 0; i < n; i++)
        if (got[i].data.u64 != KICK)
            out[events++] = (mri_poller_event){got[i].events, got[i].data.u64};
    return events;
}

void mri_poller_kick(mri_poller *p)
{
    mri_call_eventfd_add(p->kick);
}
