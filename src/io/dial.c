/* Connecting by name: RFC 8305, "Happy Eyeballs", version 2.
 *
 * A name has several addresses, and some may not answer for minutes. So they
 * are tried one after the other (section 5): the next begins when the one
 * before has failed, or has not come to an end in 250 ms, the delay that the
 * RFC recommends; all that have begun go on, and the first that is connected is
 * taken, the rest closed. The order is that of section 4 (resolve.h). The
 * resolver asks for both families at once and waits for both answers, so there
 * is nothing of section 3 to be done here.
 *
 * One task does all of it, which waits for the sockets of all attempts at once:
 * they are in an epoll of their own, which is a descriptor that can be waited
 * for, as in fd_wait.c. It is opened when there is something to wait for.
 *
 *   attempt   i < begun; on its way: fd[i] >= 0, in the epoll; else it has
 *             failed, or it is the one that is connected
 *   running   how many are on their way
 */
#define _GNU_SOURCE
#include <millrace/net.h>

#include "io/address.h"
#include "io/attempt.h"
#include "io/call_net.h"
#include "io/call_poll.h"
#include "io/resolve.h"
#include "os/clock.h"

#include <netinet/tcp.h>

/* Of more addresses the rest is not tried. */
enum { MOST = 16 };

static const int64_t DELAY = 250 * 1000 * 1000;

typedef struct race {
    mri_strand *s;
    const mr_address *at;
    size_t n;
    size_t begun, running;
    int64_t due; /* when the next one begins */
    int error;   /* of the first attempt, once it has failed */
    int fd[MOST];
    mr_handle epoll; /* or negative: not opened */
    mri_desc *d;     /* of it; a user */
} race;

/* ---- An attempt --------------------------------------------------------- */

static int open_epoll(race *r)
{
    if (r->epoll >= 0)
        return 0;
    int fd = mri_call_epoll_create();
    if (fd < 0)
        return fd;
    r->epoll = mri_desc_open(r->s, fd, MRI_DESC_OTHER, 0);
    if (r->epoll < 0)
        return (int)r->epoll;
    int rc = mri_desc_get(r->s, r->epoll, MRI_DESC_OTHER, &r->d);
    if (rc < 0) {
        (void)!mri_desc_close(r->s, r->epoll);
        r->epoll = rc;
    }
    return rc;
}

/* It is on its way: into the epoll. */
static int follow(race *r, size_t i, int fd)
{
    int rc = open_epoll(r);
    if (rc == 0)
        rc = mri_call_epoll_add(r->d->fd, fd, EPOLLOUT, i);
    if (rc < 0)
        return rc;
    r->fd[i] = fd;
    r->running++;
    return -EINPROGRESS;
}

static void drop(race *r, size_t i)
{
    /* A child that was forked may have the open file for a moment more. */
    mri_call_epoll_remove(r->d->fd, r->fd[i]);
    mri_sys_close(r->fd[i]);
    r->fd[i] = -1;
    r->running--;
}

static void note(race *r, size_t i, int error)
{
    if (i == 0)
        r->error = error;
    r->due = 0;
}

/* Of a socket, and whose it is then: 0: it is connected; -EINPROGRESS: it is
 * followed. */
static int begin_with(race *r, size_t i, int fd)
{
    const mri_address *a = mri_address_in(&r->at[i]);
    int rc = mri_call_set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (rc == 0)
        rc = mri_call_connect(fd, &a->any, a->size);
    return rc == -EINPROGRESS || rc == MR_EINTR ? follow(r, i, fd) : rc;
}

/* The next one: the socket, which is connected; or MR_EAGAIN, it is on its way
 * or has failed. */
static int begin_next(race *r)
{
    size_t i = r->begun++;
    int fd =
        mri_call_socket(mri_address_in(&r->at[i])->any.sa_family, SOCK_STREAM);
    int rc = fd < 0 ? fd : begin_with(r, i, fd);
    if (rc == 0)
        return fd;
    if (rc == -EINPROGRESS) {
        r->due = mri_clock_now() + DELAY;
        return MR_EAGAIN;
    }
    if (fd >= 0)
        mri_sys_close(fd);
    note(r, i, rc);
    return MR_EAGAIN;
}

/* Attempt i has come to an end, as above. */
static int end_of(race *r, size_t i)
{
    int error, fd = r->fd[i];
    int rc = mri_call_get_option(fd, SOL_SOCKET, SO_ERROR, &error);
    if (rc == 0 && error == 0) {
        r->fd[i] = -1;
        return fd;
    }
    drop(r, i);
    note(r, i, rc < 0 ? rc : -error);
    return MR_EAGAIN;
}

/* ---- All of them -------------------------------------------------------- */

/* One that has come to an end: which. */
static int64_t look(const mri_desc *d, void *arg)
{
    struct epoll_event e;
    int n = mri_call_epoll_look(d->fd, &e);
    (void)arg;
    return n < 0 ? n : n == 0 ? MR_EAGAIN : (int64_t)e.data.u64;
}

/* The same as of one; MR_EAGAIN: the next may be due. */
static int wait_for_one(race *r)
{
    int64_t until = r->begun < r->n ? r->due : MRI_NEVER;
    int64_t i =
        mri_attempt_until(r->s, r->d, MRI_DIR_READ, 0, until, look, NULL);
    if (i == MR_ETIMEDOUT)
        return MR_EAGAIN;
    return i < 0 ? (int)i : end_of(r, (size_t)i);
}

/* The socket that is connected. */
static int run(race *r)
{
    int fd = MR_EAGAIN;
    while (fd == MR_EAGAIN) {
        bool is_due = r->running == 0 || mri_clock_now() >= r->due;
        if (r->begun < r->n && is_due)
            fd = begin_next(r);
        else if (r->running > 0)
            fd = wait_for_one(r);
        else
            return r->error;
    }
    return fd;
}

static void close_rest(race *r)
{
    for (size_t i = 0; i < r->begun; i++)
        if (r->fd[i] >= 0)
            drop(r, i);
    if (r->epoll < 0)
        return;
    mri_desc_put(r->s, r->d);
    (void)!mri_desc_close(r->s, r->epoll); /* nobody else knows it */
}

static mr_handle connect_to_one_of(mri_strand *s, const mr_address *at,
                                   size_t n)
{
    race r = {.s = s, .at = at, .n = n, .epoll = -1};
    for (size_t i = 0; i < MOST; i++)
        r.fd[i] = -1;
    int fd = run(&r);
    close_rest(&r);
    return fd < 0 ? fd
                  : mri_desc_open(s, fd, MRI_DESC_STREAM,
                                  MRI_DESC_SOCKET | MRI_DESC_SHORT_IS_ALL);
}

static mr_handle connect_by_name(const char *host, unsigned port)
{
    mri_strand *s;
    mr_address at[MOST];
    int n = mri_caller(&s);
    if (n == 0)
        n = mri_cancelable_pass(s);
    if (n == 0)
        n = mri_resolve_in_turns(s, host, port, at, MOST);
    if (n < 0)
        return n;
    return n == 1 ? mr_connect(at) : connect_to_one_of(s, at, (size_t)n);
}

mr_handle mr_tcp_connect(const char *host, unsigned port)
{
    mr_address to;
    int rc = mr_address_ip(&to, host, port);
    if (rc == MR_EINVAL && host && port <= UINT16_MAX)
        return connect_by_name(host, port);
    return rc < 0 ? rc : mr_connect(&to);
}
