/* See turn.h. */
#include "sched/turn.h"

#include "sched/poll.h"
#include "sched/worker.h"

MRI_NOINLINE void mri_turn_end(mri_strand *s)
{
    mri_turn_begin(s);
    (void)!mri_poll_look(s->worker);
    mri_strand_yield(s);
}
