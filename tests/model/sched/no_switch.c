/* Fibers for models in which a thread that goes on with another strand stays
 * on the stack it has: what is left is never resumed. */
#include "model.h"
#include "os/fiber.h"
#include "parts/strand_pool.h"
#include "sched/strand.h"
#include <millrace/error.h>

void mri_fiber_of_thread(mri_fiber *fiber)
{
    (void)fiber;
}

void mri_fiber_open(mri_fiber *fiber, void *stack_low, size_t size,
                    mri_fiber_entry entry, void *arg)
{
    (void)fiber;
    (void)stack_low;
    (void)size;
    (void)entry;
    (void)arg;
}

void mri_fiber_switch(mri_fiber *from, mri_fiber *to)
{
    (void)from;
    (void)to;
}

void mri_fiber_close(mri_fiber *fiber)
{
    (void)fiber;
}

int mri_strand_refill(mri_strand_pool *pool, mri_strand_cache *cache)
{
    (void)pool;
    (void)cache;
    return MR_EAGAIN;
}

void mri_strand_spill(mri_strand_pool *pool, mri_strand_cache *cache)
{
    (void)pool;
    (void)cache;
}

bool mri_strand_canary_intact(const mri_strand_pool *pool, uint32_t index)
{
    (void)pool;
    (void)index;
    return true;
}

mri_strand *mri_strand_self(void)
{
    return NULL;
}

void mri_strand_set_self(mri_strand *s)
{
    (void)s;
}
