/* One location: coherence, and the atomicity of read-modify-writes. Two
 * locations written in opposite order: modification order is not the order in
 * which stores execute. */
#include "litmus.h"

THREAD(write_1)
{
    mri_store_relaxed(&s->x, 1);
}

THREAD(write_1_2)
{
    mri_store_relaxed(&s->x, 1);
    mri_store_relaxed(&s->x, 2);
}

THREAD(read_twice)
{
    s->r[0] = mri_load_relaxed(&s->x);
    s->r[1] = mri_load_relaxed(&s->x);
}

THREAD(read_twice_too)
{
    s->r[2] = mri_load_relaxed(&s->x);
    s->r[3] = mri_load_relaxed(&s->x);
}

/* CoRR: never back. */
LITMUS(corr, show2, "00 01 02 11 12 22", write_1_2, read_twice)

/* CoWW: what a thread wrote last is last of its own. */
static void show_x(void *state)
{
    model_outcome("%u", mri_load_relaxed(&((struct state *)state)->x));
}
LITMUS(coww, show_x, "2", write_1_2)

/* CoRW: what is read stands before what is written after. */
THREAD(read_then_write)
{
    s->r[0] = mri_load_relaxed(&s->x);
    mri_store_relaxed(&s->x, 2);
}
static void show_r0_x(void *state)
{
    struct state *s = state;
    model_outcome("%u%u", s->r[0], mri_load_relaxed(&s->x));
}
LITMUS(corw, show_r0_x, "01 02 12", write_1, read_then_write)

/* CoWR: after one's own store, no older one. */
THREAD(write_then_read)
{
    mri_store_relaxed(&s->x, 2);
    s->r[0] = mri_load_relaxed(&s->x);
}
LITMUS(cowr, show_r0_x, "11 21 22", write_1, write_then_read)

/* Two readers agree on the order of two writers. */
THREAD(write_2)
{
    mri_store_relaxed(&s->x, 2);
}
LITMUS(corr_two_readers, show4,
       "0000 0001 0002 0011 0012 0021 0022 0100 0101 0102 0111 0112 0121 0122 "
       "0200 0201 0202 0211 0212 0221 0222 1100 1101 1102 1111 1112 1121 1122 "
       "1200 1201 1202 1211 1212 1222 2100 2101 2102 2111 2121 2122 2200 2201 "
       "2202 2211 2212 2221 2222",
       write_1, write_2, read_twice, read_twice_too)

/* ---- Read-modify-writes ------------------------------------------------- */

THREAD(add_a)
{
    s->r[0] = mri_add_relaxed(&s->x, 1);
}

THREAD(add_b)
{
    s->r[1] = mri_add_relaxed(&s->x, 1);
}

LITMUS(rmw_no_update_is_lost, show2, "01 10", add_a, add_b)

THREAD(cas_a)
{
    uint32_t expected = 0;
    s->r[0] = mri_cas_relaxed(&s->x, &expected, 1);
}

THREAD(cas_b)
{
    uint32_t expected = 0;
    s->r[1] = mri_cas_relaxed(&s->x, &expected, 2);
}

LITMUS(cas_one_wins, show2, "01 10", cas_a, cas_b)

/* Nothing comes between what a read-modify-write reads and what it writes. */
THREAD(add_5)
{
    s->r[0] = mri_add_relaxed(&s->x, 5);
}
LITMUS(rmw_against_store, show_r0_x, "01 16", write_1, add_5)

THREAD(cas_weak)
{
    uint32_t expected = 0;
    s->r[0] = mri_cas_weak_relaxed(&s->x, &expected, 1);
}
LITMUS(cas_weak_may_fail_for_no_reason, show1, "0 1", cas_weak)
MODEL(cas_weak_without_spurious, .state_size = sizeof(struct state),
      .thread = {cas_weak}, .finish = show1, .outcomes = "1",
      .spurious = MODEL_NONE, .bound = MODEL_UNBOUNDED,
      .deep_bound = MODEL_UNBOUNDED)

/* ---- 2+2W --------------------------------------------------------------- */

#define CROSS(name, order, between)                                            \
    THREAD(name##_a)                                                           \
    {                                                                          \
        mri_store_relaxed(&s->x, 1);                                           \
        between;                                                               \
        mri_store_##order(&s->y, 2);                                           \
    }                                                                          \
    THREAD(name##_b)                                                           \
    {                                                                          \
        mri_store_relaxed(&s->y, 1);                                           \
        between;                                                               \
        mri_store_##order(&s->x, 2);                                           \
    }

CROSS(cross, relaxed, (void)0)
CROSS(cross_release, release, (void)0)
CROSS(cross_fence, relaxed, mri_fence_seq_cst())

LITMUS(two_plus_two_w, show_memory, "11 12 21 22", cross_a, cross_b)
LITMUS(two_plus_two_w_release, show_memory, "11 12 21 22", cross_release_a,
       cross_release_b)
LITMUS(two_plus_two_w_fences, show_memory, "12 21 22", cross_fence_a,
       cross_fence_b)
