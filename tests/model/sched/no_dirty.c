/* A pool in which nothing is to be given back. */
#include "model.h"
#include "parts/strand_pool.h"

uint32_t mri_strand_unneeded(mri_strand_pool *pool)
{
    (void)pool;
    model_assert(!"nothing is dirty");
    return 0;
}

uint32_t mri_strand_give_back(mri_strand_pool *pool, uint32_t most)
{
    (void)pool;
    (void)most;
    model_assert(!"nothing is dirty");
    return 0;
}
