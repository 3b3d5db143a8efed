/* What must hold of the strand pool: a strand has one holder, it is mapped and
 * guarded before it has one, its control words survive, its stack is dropped
 * by nobody while it is in use, none is lost; also where those that are free
 * are being given back. Caches hold 2, a page 64 bytes (parts/pages.c). */
#include "parts/strand_pool.h"

#include "model.h"

#include <millrace/error.h>

enum { THREADS = 3 };

struct state {
    mri_strand_pool pool;
    mri_strand_cache cache[THREADS];
    uint32_t used[8];       /* plain: the holder's */
    mri_atomic_u32 current; /* a strand to look at, + 1 */
    uint32_t kept[THREADS]; /* plain: by whom */
};

static void open_with(struct state *s, mri_strand_config c)
{
    c.keep = 1;
    c.stack_size = c.slots_size = 64;
    c.control_size = 8;
    model_assert(mri_strand_pool_open(&s->pool, &c) == 0);
    model_name(&s->pool.warm, 8, "warm");
    model_name(&s->pool.cold, 8, "cold");
    model_name(&s->pool.lock, 4, "lock");
    model_name(s->pool.table, 16, "table");
    model_name(s->pool.links, 8 * s->pool.most, "links");
}

static void open_chunks_of_1(void *a)
{
    open_with(a, (mri_strand_config){.most = 4, .chunk = 1});
}

static void open_one_chunk(void *a)
{
    open_with(a, (mri_strand_config){.most = 2, .chunk = 2});
}

static void open_single(void *a)
{
    open_with(a, (mri_strand_config){.most = 1, .chunk = 1});
}

/* One guarded by mprotect, the others not at all. */
static void open_with_canaries(void *a)
{
    open_with(a, (mri_strand_config){.most = 4,
                                     .chunk = 1,
                                     .force_guard = true,
                                     .guard = MRI_GUARD_MPROTECT,
                                     .mappings = 3});
}

static void open_with_slots_dropped(void *a)
{
    open_with(a,
              (mri_strand_config){.most = 4, .chunk = 4, .drop_slots = true});
}

/* Neighbours and one apart: 0, 1 and 3 are dirty, 2 is warm. */
static void open_with_dirty(void *a)
{
    static const uint32_t dirty[] = {3, 0, 1}, warm[] = {2};
    struct state *s = a;
    mri_strand_cache cache = {0};
    open_with_slots_dropped(a);
    for (int n = 0; n < 4; n++) {
        cache.count = 0;
        model_assert(mri_strand_get(&s->pool, &cache) == n);
    }
    mri_free_list_put(&s->pool.dirty, s->pool.links, dirty, 3);
    mri_free_list_put(&s->pool.warm, s->pool.links, warm, 1);
}

static void use_strand(struct state *s, uint32_t i)
{
    uint64_t *stack = (void *)mri_strand_stack(&s->pool, i);
    uint64_t *control = mri_strand_control(&s->pool, i);
    uint64_t guard = *(uint64_t *)((char *)stack - 64);
    bool canary = i >= mri_load_relaxed(&s->pool.canary_from);
    model_assert(canary ? guard == MRI_GUARD_NONE : guard != MRI_GUARD_NONE);
    model_assert(mri_strand_canary_ok(&s->pool, i));
    model_assert(*control == s->used[i]); /* never given back */
    *stack = ++*control;
    s->used[i]++;
}

static int64_t get(struct state *s)
{
    int64_t i = mri_strand_get(&s->pool, &s->cache[model_thread()]);
    model_assert(i == MR_EAGAIN || (i >= 0 && i < s->pool.most));
    if (i >= 0)
        use_strand(s, (uint32_t)i);
    return i;
}

static void put(struct state *s, int64_t i)
{
    if (i < 0)
        return;
    use_strand(s, (uint32_t)i);
    mri_strand_put(&s->pool, &s->cache[model_thread()], (uint32_t)i);
}

static void flush(struct state *s)
{
    mri_strand_flush(&s->pool, &s->cache[model_thread()]);
}

static void give_back_two(void *a)
{
    struct state *s = a;
    (void)!mri_strand_unneeded(&s->pool);
    model_assert(mri_strand_give_back(&s->pool, 2) <= 2);
}

static void give_back_all(void *a)
{
    struct state *s = a;
    while (mri_strand_give_back(&s->pool, UINT32_MAX) > 0)
        continue;
}

static void use_one(void *a)
{
    put(a, get(a));
    flush(a);
}

static void use_two(void *a)
{
    int64_t i = get(a), j = get(a);
    put(a, i);
    put(a, j);
    flush(a);
}

/* One more than a cache holds. */
static void use_three(void *a)
{
    int64_t i = get(a), j = get(a), k = get(a);
    put(a, i);
    put(a, j);
    put(a, k);
    flush(a);
}

static void keep_one(void *a)
{
    model_assert(get(a) >= 0);
}

/* Or fewer: others may have what is left in hand. */
static void keep_two(void *a)
{
    struct state *s = a;
    for (int n = 0; n < 2; n++)
        s->kept[model_thread()] += get(s) >= 0;
}

/* Two too many for the cache: the first is warm, the second dirty. */
static void spill_two(void *a)
{
    struct state *s = a;
    int64_t i[4];
    for (int n = 0; n < 4; n++)
        i[n] = get(s);
    for (int n = 0; n < 4; n++)
        put(s, i[n]);
}

static void keep_one_or_none(void *a)
{
    get(a);
}

static void show_one(void *a)
{
    struct state *s = a;
    int64_t i = get(s);
    mri_store_release(&s->current, (uint32_t)i + 1);
}

/* A late thief computes addresses from an index it acquired. */
static void look_at_shown(void *a)
{
    struct state *s = a;
    uint32_t shown = mri_load_acquire(&s->current), found;
    if (!shown)
        return;
    char *stack = mri_strand_stack(&s->pool, shown - 1);
    model_assert(mri_strand_find(&s->pool, stack, &found) == MRI_STRAND_STACK);
    model_assert(found == shown - 1);
    model_assert((shown - 1 == 0) ==
                 (shown - 1 < mri_load_relaxed(&s->pool.canary_from)));
}

static void count_guards(void *a)
{
    struct state *s = a;
    mri_strand_stats stats;
    mri_strand_pool_stats(&s->pool, &stats);
    model_assert(stats.by_madvise + stats.by_mprotect + stats.by_canary ==
                 stats.fresh);
    model_assert(stats.fresh <= stats.mapped);
}

/* Each strand that was ever taken is in use, free or in a cache. */
static void none_lost(struct state *s, uint32_t in_use)
{
    mri_strand_stats stats;
    mri_strand_pool_check(&s->pool);
    mri_strand_pool_stats(&s->pool, &stats);
    for (int t = 0; t < THREADS; t++)
        in_use += s->cache[t].count;
    model_assert(stats.warm + stats.dirty + stats.cold + in_use == stats.fresh);
    model_assert(mri_strand_pool_close(&s->pool) == 0);
}

static void finish_0(void *a)
{
    none_lost(a, 0);
}

static void finish_1(void *a)
{
    none_lost(a, 1);
}

static void finish_2(void *a)
{
    none_lost(a, 2);
}

static void finish_kept(void *a)
{
    struct state *s = a;
    none_lost(s, s->kept[0] + s->kept[1] + s->kept[2]);
}

#define POOL(name_, setup_, finish_, ...)                                      \
    MODEL(strand_pool_##name_, .state_size = sizeof(struct state),             \
          .setup = (setup_), .finish = (finish_), .thread = {__VA_ARGS__},     \
          .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED)

POOL(growth_against_growth, open_chunks_of_1, finish_2, keep_one, keep_one)
POOL(growth_against_use, open_chunks_of_1, finish_1, use_one, keep_one)
POOL(growth_within_a_chunk, open_one_chunk, finish_2, keep_one, keep_one)
POOL(drop_against_get, open_chunks_of_1, finish_1, use_two, keep_one)
POOL(spill_against_get, open_chunks_of_1, finish_1, use_three, keep_one)
POOL(last_one_for_two, open_single, finish_1, keep_one_or_none,
     keep_one_or_none)
POOL(use_against_use, open_one_chunk, finish_0, use_one, use_one)
POOL(late_look, open_with_canaries, finish_2, show_one, keep_one, look_at_shown)
POOL(stats_against_growth, open_with_canaries, finish_1, keep_one, count_guards)
MODEL(strand_pool_drop_against_use, .state_size = sizeof(struct state),
      .setup = open_chunks_of_1, .finish = finish_0,
      .thread = {use_two, use_two}, .deep_bound = 2, .deep_only = true)

#define GIVE(name_, bound_, setup_, finish_, ...)                              \
    MODEL(strand_pool_##name_, .state_size = sizeof(struct state),             \
          .setup = (setup_), .finish = (finish_), .thread = {__VA_ARGS__},     \
          .bound = (bound_), .deep_bound = (bound_) + 1)

GIVE(give_back_against_get, 2, open_with_dirty, finish_kept, give_back_two,
     keep_two)
GIVE(give_back_against_give_back, 1, open_with_dirty, finish_0, give_back_two,
     give_back_two)
GIVE(give_back_against_use, 1, open_with_dirty, finish_0, give_back_all,
     use_two)
GIVE(give_back_against_spill, 1, open_with_slots_dropped, finish_0,
     give_back_all, spill_two)
MODEL(strand_pool_two_give_back_against_get, .state_size = sizeof(struct state),
      .setup = open_with_dirty, .finish = finish_kept,
      .thread = {give_back_two, give_back_two, keep_two},
      .deep_bound = MODEL_NO_PREEMPTION, .deep_only = true)
