/* See process_streams.h. */
#define _GNU_SOURCE
#include "io/process_streams.h"

#include "io/call_net.h"
#include "io/call_process.h"
#include <millrace/error.h>

#include <stdio.h>

/* Another descriptor of it for the child, or a negative code. */
static int source_of(int fd)
{
    return mri_call_duplicate_high(fd);
}

/* The same, and it is closed. */
static int source_from(int fd)
{
    int source = fd < 0 || fd > 2 ? fd : source_of(fd);
    if (fd >= 0 && source != fd)
        mri_sys_close(fd);
    return source;
}

/* A pipe's end of ours does not wait, and that belongs to the open file: the
 * child gets another one of the same pipe. Opening it does not wait either;
 * where that is refused (no /proc) it has the one that there is. */
static int source_of_handle(mri_strand *s, mr_handle h)
{
    const uint32_t kinds =
        MRI_DESC_STREAM | MRI_DESC_LISTENER | MRI_DESC_DATAGRAM | MRI_DESC_FILE;
    struct stat st;
    char path[32];
    mri_desc *d;
    int rc = mri_desc_get(s, h, kinds, &d);
    if (rc < 0)
        return rc;
    int flags = mri_call_flags(d->fd);
    rc = flags < 0 ? flags : mri_call_status(d->fd, &st);
    int fd = MR_EINVAL;
    if (rc == 0 && S_ISFIFO(st.st_mode) && flags & O_NONBLOCK) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", d->fd);
        fd = mri_sys_open(path, (flags & O_ACCMODE) | O_NONBLOCK | O_NOCTTY);
        if (fd >= 0)
            rc = mri_call_set_flags(fd, flags & ~O_NONBLOCK);
    }
    if (rc == 0 && fd < 0)
        fd = source_of(d->fd);
    mri_desc_put(s, d);
    if (rc < 0 && fd >= 0)
        mri_sys_close(fd);
    return rc < 0 ? rc : source_from(fd);
}

/* Ours does not wait, the child's does. */
static int source_of_pipe(mri_strand *s, int which, mr_handle *ours)
{
    int fd[2];
    int rc = mri_call_pipe_blocking(fd);
    if (rc < 0)
        return rc;
    int theirs = fd[which != 0], mine = fd[which == 0];
    int flags = mri_call_flags(mine);
    rc = flags < 0 ? flags : mri_call_set_flags(mine, flags | O_NONBLOCK);
    if (rc < 0) {
        mri_sys_close(mine);
        mri_sys_close(theirs);
        return rc;
    }
    mr_handle h = mri_desc_open(s, mine, MRI_DESC_STREAM, 0);
    if (h < 0) {
        mri_sys_close(theirs);
        return (int)h;
    }
    *ours = h; /* closed by who cleans up, whatever happens now */
    return source_from(theirs);
}

static int prepare(mri_strand *s, const mr_process_io *io, int which,
                   mri_process_streams *p)
{
    int fd;
    switch (io->how) {
    case MR_PROCESS_INHERIT:
        return 0;
    case MR_PROCESS_NULL:
        fd = source_from(mri_sys_open("/dev/null", O_RDWR));
        break;
    case MR_PROCESS_PIPE:
        fd = source_of_pipe(s, which, &p->ours[which]);
        break;
    case MR_PROCESS_HANDLE:
        fd = source_of_handle(s, io->handle);
        break;
    case MR_PROCESS_FD:
        fd = source_of(io->fd);
        break;
    default:
        return MR_EINVAL;
    }
    if (fd < 0)
        return fd;
    p->source[which] = fd;
    return 0;
}

int mri_process_streams_open(mri_strand *s, const mr_process_io io[3],
                             mri_process_streams *p)
{
    int rc = 0;
    for (int i = 0; i < 3; i++) {
        p->source[i] = -1;
        p->ours[i] = -1;
    }
    for (int i = 0; i < 3 && rc == 0; i++)
        rc = prepare(s, &io[i], i, p);
    return rc;
}

void mri_process_streams_close_sources(const mri_process_streams *p)
{
    for (int i = 0; i < 3; i++)
        if (p->source[i] >= 0)
            mri_sys_close(p->source[i]);
}

void mri_process_streams_close_ours(mri_strand *s, const mri_process_streams *p)
{
    for (int i = 0; i < 3; i++)
        if (p->ours[i] >= 0) /* nobody else knows it */
            (void)!mri_desc_close(s, p->ours[i]);
}
