/* Whether workers are held up, or merely off their CPUs: what waits behind one
 * that the kernel has put aside for others goes on as soon as it runs again,
 * and one thread more would only be one more to be put aside. It is held up
 * by what it computes, or by a call that blocks. The monitor asks before it
 * calls in the first spare; while some are joined already, they compete with
 * the workers themselves, and whatever waits counts.
 *
 * Computing is told by CPU time: since it was last seen to have begun something
 * the worker has used half a millisecond, half of the time between two looks
 * where no spare was needed of late. That costs a call of some 300 ns a worker
 * and look, also where nothing is late: who asks then needs to know what the
 * worker had used before. One that has used less than that sleeps in the
 * kernel, or is runnable: /proc tells, at 10 us, and only for a worker behind
 * which something is late. Where either says nothing, it is taken for held up.
 *
 * Must not know: what waits.
 */
#include "sched/monitor.h"
#include "sched/runtime.h"

enum { COMPUTES = 500000 /* ns of CPU */, UNKNOWN = -1 };

void mri_held_look(mri_worker *w, bool moved)
{
    uint32_t tid = mri_load_relaxed(&w->tid);
    /* Who is idle may have begun something and ended it. */
    if (moved)
        w->seen_begin = UNKNOWN;
    if (tid == 0 || mri_load_relaxed(&w->idle))
        return;
    w->seen_cpu = mri_thread_cpu_time_of((int)tid);
    if (w->seen_begin < 0)
        w->seen_begin = w->seen_cpu;
}

static bool computes(const mri_worker *w)
{
    return w->seen_begin >= 0 && w->seen_cpu - w->seen_begin >= COMPUTES;
}

bool mri_held_is(const mri_worker *w)
{
    return w->seen_cpu < 0 || computes(w) ||
           mri_thread_is_runnable((int)mri_load_relaxed(&w->tid)) != 1;
}

bool mri_held_are_all(const mr_runtime *rt)
{
    for (uint32_t i = 0; i < rt->workers; i++)
        if (!mri_held_is(&rt->worker[i]))
            return false;
    return true;
}
