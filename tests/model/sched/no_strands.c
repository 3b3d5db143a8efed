/* Strands for models that leave none. */
#include "model.h"
#include "sched/strand.h"

mri_strand *mri_strand_self(void)
{
    return NULL;
}

mri_strand *mri_strand_take(mri_worker *w)
{
    (void)w;
    return NULL;
}

void mri_strand_drop(mri_worker *w, mri_strand *s)
{
    (void)w;
    (void)s;
}

static void never(void)
{
    model_assert(!"this model leaves no strand");
}

void mri_strand_switch(mri_strand *from, mri_strand *to, mri_after after)
{
    (void)from;
    (void)to;
    (void)after;
    never();
}

void mri_strand_enter(mri_worker *w, mri_strand *first)
{
    (void)w;
    (void)first;
    never();
}

MRI_NORETURN void mri_strand_leave(mri_strand *s)
{
    (void)s;
    never();
    __builtin_trap();
}

void mri_strand_park(mri_strand *s, uint64_t count)
{
    (void)s;
    (void)count;
    never();
}

void mri_strand_park_into(mri_strand *s, uint64_t count, mri_strand *next)
{
    (void)s;
    (void)count;
    (void)next;
    never();
}
