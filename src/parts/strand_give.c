/* Memory of free strands goes back to the kernel; see strand_pool.h. */
#include "parts/strand_pool.h"

/* Insertion: there are few, and mostly they were put in one order or the
 * other. */
static void sort(uint32_t *index, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        uint32_t one = index[i], at = i;
        for (; at > 0 && index[at - 1] > one; at--)
            index[at] = index[at - 1];
        index[at] = one;
    }
}

/* From `begin` on, as many as follow one another within a chunk: what lies
 * between the first one's slots and the last one's stack is theirs alone, or
 * guards, which stay. Where slots are kept, a strand is a run of its own. */
static uint32_t end_of_run(const mri_strand_pool *pool, const uint32_t *index,
                           uint32_t begin, uint32_t count)
{
    uint32_t end = begin + 1, within = (UINT32_C(1) << pool->chunk_shift) - 1;
    if (pool->drop_slots)
        while (end < count && index[end] == index[end - 1] + 1 &&
               (index[end] & within) != 0)
            end++;
    return end;
}

/* A run from strand `first` to strand `last`. */
static bool drop(const mri_strand_pool *pool, uint32_t first, uint32_t last)
{
    char *begin = pool->drop_slots ? mri_strand_slots(pool, first)
                                   : mri_strand_stack(pool, first);
    char *end = mri_strand_stack(pool, last) + pool->stack_size;
    return mri_pages_drop(begin, (size_t)(end - begin)) == 0;
}

/* What the kernel will not take back (locked memory) stays warm, beyond
 * `keep`. */
void mri_strand_put_cold(mri_strand_pool *pool, uint32_t *index, uint32_t count)
{
    sort(index, count);
    for (uint32_t begin = 0, end; begin < count; begin = end) {
        end = end_of_run(pool, index, begin, count);
        bool dropped = drop(pool, index[begin], index[end - 1]);
        /* Relaxed: statistics. */
        mri_add_relaxed(dropped ? &pool->drops : &pool->drops_refused,
                        end - begin);
        mri_free_list_put(dropped ? &pool->cold : &pool->warm, pool->links,
                          &index[begin], end - begin);
    }
}

uint32_t mri_strand_unneeded(mri_strand_pool *pool)
{
    uint32_t depth = mri_free_list_depth(&pool->dirty, pool->links);
    /* Relaxed: a hint; see `least` in the header. */
    uint32_t least = mri_swap_relaxed(&pool->least, depth);
    return least < depth ? least : depth;
}

uint32_t mri_strand_give_back(mri_strand_pool *pool, uint32_t most)
{
    uint32_t index[MRI_STRAND_GIVE];
    if (most > MRI_STRAND_GIVE)
        most = MRI_STRAND_GIVE;
    uint32_t count = mri_free_list_get(&pool->dirty, pool->links, index, most);
    mri_strand_put_cold(pool, index, count);
    return count;
}
