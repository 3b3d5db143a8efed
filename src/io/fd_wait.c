/* Waiting for descriptors that belong to somebody else.
 *
 * Nothing is known of them: their owner closes them when he likes, and then the
 * number is another's, one of ours maybe. So they do not come into our epoll,
 * where a registration is named by its number, but each wait has an epoll of
 * its own, which is itself a descriptor of ours that can be waited for: nothing
 * that is done to the foreign one, or its number, concerns others. Two system
 * calls and a registration more than with one of our own, some microseconds;
 * none of them where it is ready already.
 *
 * An open file that is closed leaves an epoll by itself, without a word: who
 * waits for it does so until he is told by others.
 */
#define _GNU_SOURCE
#include <millrace/io.h>

#include "io/begin.h"
#include "io/call_net.h"
#include "io/call_poll.h"

enum { ALL = MR_READABLE | MR_WRITABLE | MR_PRIORITY };

/* poll's and epoll's numbers are the same. */
static uint32_t asked(unsigned events)
{
    return (events & MR_READABLE ? (uint32_t)EPOLLIN : 0) |
           (events & MR_WRITABLE ? (uint32_t)EPOLLOUT : 0) |
           (events & MR_PRIORITY ? (uint32_t)EPOLLPRI : 0);
}

static unsigned told(uint32_t got, unsigned events)
{
    if (got & (EPOLLERR | EPOLLHUP))
        return events;
    return (got & EPOLLIN ? MR_READABLE : 0U) |
           (got & EPOLLOUT ? MR_WRITABLE : 0U) |
           (got & EPOLLPRI ? MR_PRIORITY : 0U);
}

/* What there is in our epoll, d. */
static int64_t look(const mri_desc *d, void *arg)
{
    struct epoll_event e;
    int n = mri_call_epoll_look(d->fd, &e);
    (void)arg;
    return n == 0 ? MR_EAGAIN : n < 0 ? n : (int64_t)e.events;
}

static int64_t wait_on(mri_strand *s, mr_handle h)
{
    mri_desc *d;
    int64_t rc = mri_desc_get(s, h, MRI_DESC_OTHER, &d);
    if (rc < 0)
        return rc;
    rc = mri_attempt(s, d, MRI_DIR_READ, 0, look, NULL);
    mri_desc_put(s, d);
    return rc;
}

static int64_t wait_for(mri_strand *s, int fd, uint32_t events)
{
    int epoll = mri_call_epoll_create();
    if (epoll < 0)
        return epoll;
    int rc = mri_call_epoll_add(epoll, fd, events, 0);
    if (rc < 0) {
        mri_sys_close(epoll);
        return rc;
    }
    mr_handle h = mri_desc_open(s, epoll, MRI_DESC_OTHER, 0);
    if (h < 0)
        return h;
    int64_t got = wait_on(s, h);
    (void)!mri_desc_close(s, h); /* nobody else knows it */
    return got;
}

int64_t mr_fd_wait(int fd, unsigned events)
{
    mri_strand *s;
    int64_t rc = mri_caller_begin(&s);
    if (rc < 0)
        return rc;
    if (events == 0 || events & ~(unsigned)ALL)
        return MR_EINVAL;
    mri_turn_take(s, MRI_TURN_SYSTEM);
    rc = mri_call_poll(fd, (short)asked(events));
    if (rc == 0)
        rc = wait_for(s, fd, asked(events));
    if (rc < 0)
        return rc;
    if (rc & POLLNVAL)
        return MR_EBADF;
    return told((uint32_t)rc, events);
}
