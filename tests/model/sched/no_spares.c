/* Workers without spares. */
#include "sched/runtime.h"

#include "model.h"

void mri_monitor_start(mr_runtime *rt)
{
    (void)rt;
}

void mri_monitor_end(mr_runtime *rt)
{
    (void)rt;
}

void mri_monitor_join(mr_runtime *rt)
{
    (void)rt;
}

bool mri_spare_find(mri_worker *w, mri_work *work)
{
    (void)w;
    (void)work;
    model_assert(!"there is no spare");
    return false;
}
