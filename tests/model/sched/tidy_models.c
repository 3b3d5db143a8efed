/* What must hold of memory that is to be given back: somebody does it, though
 * whoever left it there sleeps or is in a leaf, and nobody calls. The pool is a
 * stand-in: a count in the place of its list, one of which is a batch, and as
 * many as each count finds. When the last is given back, the first job begins,
 * without which nothing ends; so a sleep that outlasts what is to be given back
 * is a deadlock.
 *
 * It is 0 when a thread looks at the clock for the first time, then 1. */
#include "sched/scene.h"

/* ---- The pool ------------------------------------------------------------ */

uint32_t mri_strand_unneeded(mri_strand_pool *pool)
{
    return mri_load_relaxed(&pool->dirty.head) > 0;
}

uint32_t mri_strand_give_back(mri_strand_pool *pool, uint32_t most)
{
    mr_runtime *rt = mri_container_of(pool, mr_runtime, pool);
    struct state *s = mri_container_of(rt, struct state, rt);
    model_assert(most > 0);
    model_assert(mri_lock_is_held(&rt->tidy.lock));
    uint64_t was = mri_sub_relaxed(&pool->dirty.head, 1);
    model_assert(was > 0);
    if (was == 1)
        mri_runtime_post(rt, &s->job[0].node);
    return 1;
}

static void leave_dirty(struct state *s, uint32_t count)
{
    mri_add_relaxed(&s->rt.pool.dirty.head, count);
}

/* ---- Setups -------------------------------------------------------------- */

static void open(void *a, uint32_t workers, unsigned expected)
{
    struct state *s = a;
    scene_open(s, workers, expected, false);
    for (uint32_t i = 0; i <= WORKERS; i++)
        mri_init(&s->strand[i].deque.want, 1);
    for (uint32_t i = 0; i < workers; i++)
        mri_init(&s->worker[i].idle, 1);
    mri_lock_init(&s->rt.tidy.lock);
    s->together = true;
    s->timed = true;
    model_name(&s->rt.pool.dirty.head, 8, "dirty");
    model_name(&s->rt.tidy.lock, 4, "tidy");
}

static void open_one(void *a)
{
    open(a, 1, 1);
}

static void open_two_and_a_leaf(void *a)
{
    open(a, 2, 2);
}

static void check(void *a)
{
    struct state *s = a;
    scene_check(a);
    model_assert(mri_load_relaxed(&s->rt.pool.dirty.head) == 0);
    model_assert(!mri_lock_is_held(&s->rt.tidy.lock));
}

/* ---- Threads ------------------------------------------------------------- */

static void put_two_and_sleep(void *a)
{
    leave_dirty(a, 2);
    scene_sleep_once(a, 0);
}

static void put_one_and_sleep(void *a)
{
    leave_dirty(a, 1);
    scene_sleep_once(a, 0);
}

static void sleep_1(void *a)
{
    scene_sleep_once(a, 1);
}

static void post_leaf(void *a)
{
    scene_post(a, 1, 2);
}

#define TIDY(name_, ...)                                                       \
    MODEL(tidy_##name_, .state_size = sizeof(struct state), .finish = check,   \
          .free_pauses = MODEL_NONE, __VA_ARGS__)
#define LONG .bound = MODEL_NO_PREEMPTION, .deep_bound = MODEL_NO_PREEMPTION

TIDY(who_puts_gives_back_before_it_sleeps_for_good, .setup = open_one,
     .thread = {put_two_and_sleep})
TIDY(the_watch_is_handed_over, .setup = open_two_and_a_leaf, LONG,
     .thread = {put_one_and_sleep, sleep_1, post_leaf})
