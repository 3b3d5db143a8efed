/* A monitor that is always awake, which nobody sees. */
#include "model.h"
#include "sched/runtime.h"

void mri_monitor_wake_slow(mri_monitor *m)
{
    (void)m;
    model_assert(!"the monitor is awake");
}
