/* Store buffering and what forbids it; asymmetric fences; mutual exclusion. */
#include "litmus.h"

/* ---- Store buffering ---------------------------------------------------- */

#define SIDES(name, order, before, between)                                    \
    THREAD(name##_a)                                                           \
    {                                                                          \
        mri_store_##before(&s->x, 1);                                          \
        between;                                                               \
        s->r[0] = mri_load_##order(&s->y);                                     \
    }                                                                          \
    THREAD(name##_b)                                                           \
    {                                                                          \
        mri_store_##before(&s->y, 1);                                          \
        between;                                                               \
        s->r[1] = mri_load_##order(&s->x);                                     \
    }

SIDES(relaxed, relaxed, relaxed, (void)0)
SIDES(ordered, acquire, release, (void)0)
SIDES(total, relaxed, relaxed, mri_fence_seq_cst())
SIDES(weak, relaxed, relaxed, (mri_fence_release(), mri_fence_acquire()))
SIDES(rmw, relaxed, relaxed, mri_add_acq_rel(&s->z, 0))
SIDES(light, relaxed, relaxed, mri_barrier_light(&s->barrier))
SIDES(heavy, relaxed, relaxed, mri_barrier_heavy(&s->barrier))

LITMUS(sb_relaxed, show2, "00 01 10 11", relaxed_a, relaxed_b)
LITMUS(sb_release_acquire, show2, "00 01 10 11", ordered_a, ordered_b)
LITMUS(sb_fences, show2, "01 10 11", total_a, total_b)
LITMUS(sb_one_fence, show2, "00 01 10 11", total_a, relaxed_b)
LITMUS(sb_weaker_fences, show2, "00 01 10 11", weak_a, weak_b)

/* oneTBB#2136: a read-modify-write is not a fence. Both add to z, so one
 * acquires what the other released: "00" is impossible here; of two different
 * words it is possible. */
LITMUS(sb_rmw_same_word, show2, "01 10 11", rmw_a, rmw_b)

THREAD(rmw_elsewhere_b)
{
    mri_store_relaxed(&s->y, 1);
    mri_add_acq_rel(&s->data_word, 0);
    s->r[1] = mri_load_relaxed(&s->x);
}
LITMUS(sb_rmw_other_word, show2, "00 01 10 11", rmw_a, rmw_elsewhere_b)

/* ---- The order of the fences is not the order of execution -------------- */

/* z is stored before one fence and read after another, and a chain of reads
 * makes the one execute first. A relaxed chain is no happens-before, so psc
 * does not care, and the read may miss the store. GenMC agrees. */
#define CHAIN(name, load, store)                                               \
    THREAD(name##_start)                                                       \
    {                                                                          \
        mri_store_relaxed(&s->z, 1);                                           \
        mri_fence_seq_cst();                                                   \
        mri_store_relaxed(&s->x, 1);                                           \
    }                                                                          \
    THREAD(name##_pass)                                                        \
    {                                                                          \
        if (mri_load_##load(&s->x))                                            \
            mri_store_##store(&s->y, 1);                                       \
    }                                                                          \
    THREAD(name##_end)                                                         \
    {                                                                          \
        s->r[0] = mri_load_relaxed(&s->y);                                     \
        mri_fence_seq_cst();                                                   \
        s->r[1] = mri_load_relaxed(&s->z);                                     \
    }

CHAIN(chain_relaxed, relaxed, relaxed)
CHAIN(chain_ordered, acquire, release)

LITMUS(fences_and_a_relaxed_chain, show2, "00 01 10 11", chain_relaxed_start,
       chain_relaxed_pass, chain_relaxed_end)
LITMUS(fences_and_an_ordered_chain, show2, "00 01 11", chain_ordered_start,
       chain_ordered_pass, chain_ordered_end)

/* ---- Light and heavy ---------------------------------------------------- */

static void with_membarrier(void *state)
{
    ((struct state *)state)->barrier.membarrier = true;
}

#define ASYMMETRIC(name_, setup_, outcomes_, a, b)                             \
    MODEL(name_, .state_size = sizeof(struct state), .setup = (setup_),        \
          .thread = {a, b}, .finish = show2, .outcomes = (outcomes_),          \
          .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED)

ASYMMETRIC(light_heavy, with_membarrier, "01 10 11", light_a, heavy_b)
ASYMMETRIC(heavy_heavy, with_membarrier, "01 10 11", heavy_a, heavy_b)
ASYMMETRIC(heavy_fence, with_membarrier, "01 10 11", heavy_a, total_b)
ASYMMETRIC(light_light, with_membarrier, "00 01 10 11", light_a, light_b)
ASYMMETRIC(light_fence, with_membarrier, "00 01 10 11", light_a, total_b)
ASYMMETRIC(nothing_heavy, with_membarrier, "00 01 10 11", relaxed_a, heavy_b)
ASYMMETRIC(light_light_denied, NULL, "01 10 11", light_a, light_b)
ASYMMETRIC(light_heavy_denied, NULL, "01 10 11", light_a, heavy_b)

/* Two light fences stay unordered when a heavy one passes by. */
THREAD(heavy_only)
{
    mri_barrier_heavy(&s->barrier);
}
MODEL(light_light_with_bystander, .state_size = sizeof(struct state),
      .setup = with_membarrier, .thread = {light_a, light_b, heavy_only},
      .finish = show2, .outcomes = "00 01 10 11", .bound = MODEL_UNBOUNDED,
      .deep_bound = MODEL_UNBOUNDED)

/* Nor does it pass on to the one what it took from the other: a heavy fence
 * may interrupt the last thread, between its light fence and its load, before
 * it interrupts the first. */
THREAD(relay_first)
{
    mri_store_relaxed(&s->x, 1);
    mri_barrier_light(&s->barrier);
    s->r[0] = mri_load_relaxed(&s->y);
}
THREAD(relay_heavy)
{
    mri_store_relaxed(&s->y, 1);
    mri_barrier_heavy(&s->barrier);
    mri_store_relaxed(&s->z, 1);
}
THREAD(relay_last)
{
    s->r[1] = mri_load_relaxed(&s->z);
    mri_barrier_light(&s->barrier);
    s->r[2] = mri_load_relaxed(&s->x);
}
MODEL(light_heavy_light, .state_size = sizeof(struct state),
      .setup = with_membarrier,
      .thread = {relay_first, relay_heavy, relay_last}, .finish = show3,
      .outcomes = "000 001 010 011 100 101 110 111", .bound = MODEL_UNBOUNDED,
      .deep_bound = MODEL_UNBOUNDED)

/* ---- Mutual exclusion --------------------------------------------------- */

/* Dekker's entry: each announces itself, then looks; who sees nobody enters
 * and writes plain data. */
#define DEKKER(name, mine, theirs, between)                                    \
    THREAD(name)                                                               \
    {                                                                          \
        mri_store_relaxed(&s->mine, 1);                                        \
        between;                                                               \
        if (!mri_load_acquire(&s->theirs))                                     \
            s->data++;                                                         \
    }

DEKKER(dekker_total_a, x, y, mri_fence_seq_cst())
DEKKER(dekker_total_b, y, x, mri_fence_seq_cst())
DEKKER(dekker_none_a, x, y, (void)0)
DEKKER(dekker_light_a, x, y, mri_barrier_light(&s->barrier))
DEKKER(dekker_heavy_b, y, x, mri_barrier_heavy(&s->barrier))

static void show_data(void *state)
{
    model_outcome("%u", ((struct state *)state)->data);
}

LITMUS(dekker_fences, show_data, "0 1", dekker_total_a, dekker_total_b)
FAULT(dekker_one_fence, "data race on ", dekker_none_a, dekker_total_b)
MODEL(dekker_heavy, .state_size = sizeof(struct state),
      .setup = with_membarrier, .thread = {dekker_light_a, dekker_heavy_b},
      .finish = show_data, .outcomes = "0 1", .bound = MODEL_UNBOUNDED,
      .deep_bound = MODEL_UNBOUNDED)
MODEL(dekker_heavy_without_light, .state_size = sizeof(struct state),
      .setup = with_membarrier, .thread = {dekker_none_a, dekker_heavy_b},
      .fails = "data race on ", .bound = MODEL_UNBOUNDED,
      .deep_bound = MODEL_UNBOUNDED)

/* Peterson's lock; x, y: interested, z: whose turn it is to wait. */
#define PETERSON(name, mine, theirs, me, fence)                                \
    THREAD(name)                                                               \
    {                                                                          \
        mri_store_relaxed(&s->mine, 1);                                        \
        mri_store_relaxed(&s->z, me);                                          \
        fence;                                                                 \
        while (mri_load_acquire(&s->theirs) && mri_load_relaxed(&s->z) == me)  \
            mri_pause();                                                       \
        s->data++;                                                             \
        mri_store_release(&s->mine, 0);                                        \
    }

/* The turn must be a swap: with plain stores each side may put its own store
 * behind the other's and both believe it is the other's turn to wait. */
#define PETERSON_SWAP(name, mine, theirs, me, fence)                           \
    THREAD(name)                                                               \
    {                                                                          \
        mri_store_relaxed(&s->mine, 1);                                        \
        mri_swap_acq_rel(&s->z, me);                                           \
        fence;                                                                 \
        while (mri_load_acquire(&s->theirs) && mri_load_acquire(&s->z) == me)  \
            mri_pause();                                                       \
        s->data++;                                                             \
        mri_store_release(&s->mine, 0);                                        \
    }

PETERSON(peterson_none_a, x, y, 1, (void)0)
PETERSON(peterson_none_b, y, x, 2, (void)0)
PETERSON_SWAP(peterson_swap_a, x, y, 1, mri_fence_seq_cst())
PETERSON_SWAP(peterson_swap_b, y, x, 2, mri_fence_seq_cst())

FAULT(peterson_without_fence, "data race on ", peterson_none_a, peterson_none_b)
LITMUS(peterson_swap_and_fence, show_data, "2", peterson_swap_a,
       peterson_swap_b)
