/* See tidy.h. */
#include "sched/tidy.h"

#include "os/clock.h"
#include "sched/runtime.h"

/* The lock's holder. */
static bool step(mr_runtime *rt)
{
    mri_tidy *t = &rt->tidy;
    int64_t now = mri_clock_now();
    if (now - t->counted >= MRI_TIDY_REST) {
        t->counted = now;
        t->left = mri_strand_unneeded(&rt->pool);
    }
    if (t->left == 0)
        return false;
    uint32_t given = mri_strand_give_back(&rt->pool, t->left);
    t->left = given > 0 ? t->left - given : 0;
    return given > 0;
}

bool mri_tidy_step(mr_runtime *rt)
{
    if (!mri_strand_some_are_dirty(&rt->pool) || !mri_lock_try(&rt->tidy.lock))
        return false;
    bool given = step(rt);
    mri_lock_release(&rt->tidy.lock);
    return given;
}
