/* See io.h. */
#include "io/io.h"

#include <millrace/error.h>

/* ---- For the role of waiting (sched/poll.h) ----------------------------- */

/* They go on soon, and nobody else has them yet: what each touches first. With
 * many connections none of that is in a near cache, and one after the other
 * would wait for it line by line. */
static void expect(const mri_run_list *ready)
{
    const mri_run_node *node = ready->first;
    for (uint64_t i = 0; i < ready->count; i++, node = node->next)
        mri_strand_expect(mri_container_of(node, mri_strand, node));
}

static void wait_for_events(mr_runtime *rt, int64_t deadline,
                            mri_run_list *ready)
{
    mri_io *io = mri_io_of(rt);
    mri_poller_event event[MRI_POLLER_BATCH];
    int n = mri_poller_wait(&io->poller, deadline, event);
    for (int i = 0; i < n; i++)
        mri_handles_expect(&io->handles, event[i].data);
    for (int i = 0; i < n; i++)
        mri_handles_tell(rt, &io->handles, event[i].data, event[i].events,
                         ready);
    expect(ready);
}

static void kick(mr_runtime *rt)
{
    mri_poller_kick(&mri_io_of(rt)->poller);
}

static const mri_poll_ops poll_ops = {wait_for_events, kick};

/* ---- Open, close -------------------------------------------------------- */

static void close_io(mr_runtime *rt, mri_io *io)
{
    mri_handles_close(rt, &io->handles);
    mri_poller_close(&io->poller);
    mri_runtime_release(rt, io, sizeof *io);
}

static void end(mr_runtime *rt)
{
    close_io(rt, mri_io_of(rt));
}

static int make(mr_runtime *rt, mri_io **out)
{
    mri_io *io = mri_runtime_allocate(rt, sizeof *io, _Alignof(mri_io));
    if (!io)
        return MR_ENOMEM;
    int rc = mri_poller_open(&io->poller);
    if (rc < 0) {
        mri_runtime_release(rt, io, sizeof *io);
        return rc;
    }
    mri_handles_open(&io->handles);
    io->loop = (mri_loop_place){.loop = {NULL}};
    *out = io;
    return 0;
}

/* Of two that open it at the same time one is first. */
static void install(mr_runtime *rt, mri_io *io, mri_io **out)
{
    void *none = NULL;
    /* Release: what was made. Acquire: what another has. */
    if (!mri_cas_acq_rel(&rt->io, &none, io)) {
        close_io(rt, io);
        *out = none;
        return;
    }
    rt->end_io = end;
    mri_poll_open(rt, &poll_ops);
    *out = io;
}

int mri_io_open(mr_runtime *rt, mri_io **out)
{
    mri_io *io;
    if (!mri_runtime_is_here(rt))
        return MR_EPERM;
    *out = mri_io_of(rt);
    if (mri_likely(*out))
        return 0;
    int rc = make(rt, &io);
    if (rc == 0)
        install(rt, io, out);
    return rc;
}
