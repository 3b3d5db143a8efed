/* See poll.h. */
#include "sched/poll.h"

#include "sched/runtime.h"

void mri_poll_open(mr_runtime *rt, const mri_poll_ops *ops)
{
    /* Release: all that the poller needs; pairs with mri_poll_ops_of. */
    mri_store_release(&rt->poll.ops, ops);
    mri_fence_seq_cst(); /* with the one in mri_monitor_doze */
    mri_monitor_wake(&rt->monitor);
}

static bool take(mri_poll *p)
{
    uint32_t vacant = MRI_POLL_VACANT;
    if (!mri_poll_is_vacant(p))
        return false;
    /* Acquire: what the holder before has done; pairs with leave. */
    return mri_cas_acquire(&p->state, &vacant, MRI_POLL_HELD);
}

/* True: it was kicked. */
static bool leave(mr_runtime *rt)
{
    /* One exchange, so that each kick is either seen here or finds the role
     * left. Release: for the next holder. */
    uint32_t was = mri_swap_release(&rt->poll.state, MRI_POLL_VACANT);
    mri_fence_seq_cst(); /* with the one in mri_monitor_doze */
    mri_monitor_wake(&rt->monitor);
    return was == MRI_POLL_KICKED;
}

static void count(mri_poll *p)
{
    mri_store_relaxed(&p->taken, mri_load_relaxed(&p->taken) + 1);
}

bool mri_poll_leave(mr_runtime *rt)
{
    return leave(rt);
}

bool mri_poll_doze(mr_runtime *rt)
{
    if (!take(&rt->poll))
        return false;
    count(&rt->poll);
    mri_store_relaxed(&rt->poll.state, MRI_POLL_ASLEEP);
    mri_fence_seq_cst(); /* with the one in mri_runtime_wake */
    return true;
}

static void push(mri_worker *w, const mri_run_list *ready)
{
    if (ready->count > 0)
        mri_run_queue_push_list(&w->queue, ready->first, ready->last,
                                ready->count);
}

bool mri_poll_wait(mri_worker *w, int64_t deadline)
{
    mr_runtime *rt = w->runtime;
    mri_run_list ready = MRI_RUN_LIST_EMPTY;
    mri_poll_ops_of(&rt->poll)->wait(rt, deadline, &ready);
    push(w, &ready);
    return leave(rt);
}

bool mri_poll_look(mri_worker *w)
{
    mr_runtime *rt = w->runtime;
    mri_run_list ready = MRI_RUN_LIST_EMPTY;
    if (mri_likely(!take(&rt->poll)))
        return false;
    count(&rt->poll);
    mri_poll_ops_of(&rt->poll)->wait(rt, 0, &ready);
    push(w, &ready);
    (void)leave(rt); /* nobody kicks who is awake */
    /* The first is the caller's. */
    if (ready.count > 1)
        mri_runtime_wake(rt);
    return ready.count > 0;
}

void mri_poll_fetch(mr_runtime *rt, mri_run_list *ready)
{
    *ready = MRI_RUN_LIST_EMPTY;
    if (!take(&rt->poll))
        return;
    mri_poll_ops_of(&rt->poll)->wait(rt, 0, ready);
    (void)leave(rt);
}

bool mri_poll_kick(mr_runtime *rt)
{
    uint32_t asleep = MRI_POLL_ASLEEP;
    if (mri_likely(!mri_poll_is_asleep(&rt->poll)))
        return false;
    /* Relaxed: what is to be seen was pushed before a fence. */
    if (!mri_cas_relaxed(&rt->poll.state, &asleep, MRI_POLL_KICKED))
        return asleep == MRI_POLL_KICKED; /* by another; or it has left */
    mri_poll_ops_of(&rt->poll)->kick(rt);
    return true;
}
