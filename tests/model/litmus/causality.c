/* More than two threads, or more than one hop. */
#include "litmus.h"

/* ---- IRIW: do two readers agree on the order of two writers? ------------ */

THREAD(write_x)
{
    mri_store_release(&s->x, 1);
}

THREAD(write_y)
{
    mri_store_release(&s->y, 1);
}

#define READERS(name, between)                                                 \
    THREAD(name##_xy)                                                          \
    {                                                                          \
        s->r[0] = mri_load_acquire(&s->x);                                     \
        between;                                                               \
        s->r[1] = mri_load_acquire(&s->y);                                     \
    }                                                                          \
    THREAD(name##_yx)                                                          \
    {                                                                          \
        s->r[2] = mri_load_acquire(&s->y);                                     \
        between;                                                               \
        s->r[3] = mri_load_acquire(&s->x);                                     \
    }

READERS(acquire, (void)0)
READERS(fenced, mri_fence_seq_cst())

#define ALL_BUT_1010                                                           \
    "0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1011 1100 1101 1110 "   \
    "1111"

LITMUS(iriw_acquire, show4, ALL_BUT_1010 " 1010", write_x, write_y, acquire_xy,
       acquire_yx)
LITMUS(iriw_fences, show4, ALL_BUT_1010, write_x, write_y, fenced_xy, fenced_yx)
LITMUS(iriw_one_fence, show4, ALL_BUT_1010 " 1010", write_x, write_y, fenced_xy,
       acquire_yx)

/* ---- WRC: write, read, write; read it all ------------------------------- */

THREAD(wrc_write)
{
    mri_store_relaxed(&s->x, 1);
}

#define WRC(name, load, store)                                                 \
    THREAD(name##_pass)                                                        \
    {                                                                          \
        s->r[0] = mri_load_##load(&s->x);                                      \
        if (s->r[0])                                                           \
            mri_store_##store(&s->y, 1);                                       \
    }                                                                          \
    THREAD(name##_read)                                                        \
    {                                                                          \
        s->r[1] = mri_load_##load(&s->y);                                      \
        s->r[2] = mri_load_relaxed(&s->x);                                     \
    }

WRC(wrc_ordered, acquire, release)
WRC(wrc_relaxed, relaxed, relaxed)

/* x itself need not be released: having read it is enough (coherence). */
LITMUS(wrc, show3, "000 001 100 101 111", wrc_write, wrc_ordered_pass,
       wrc_ordered_read)
LITMUS(wrc_all_relaxed, show3, "000 001 100 101 110 111", wrc_write,
       wrc_relaxed_pass, wrc_relaxed_read)

/* ---- ISA2: three hops --------------------------------------------------- */

THREAD(isa2_start)
{
    s->data = 1;
    mri_store_release(&s->x, 1);
}

THREAD(isa2_pass)
{
    if (mri_load_acquire(&s->x))
        mri_store_release(&s->y, 1);
}

THREAD(isa2_pass_relaxed)
{
    if (mri_load_relaxed(&s->x))
        mri_store_release(&s->y, 1);
}

THREAD(isa2_end)
{
    s->r[0] = mri_load_acquire(&s->y);
    if (s->r[0])
        s->r[1] = s->data;
}

LITMUS(isa2, show2, "00 11", isa2_start, isa2_pass, isa2_end)
FAULT(isa2_relaxed, "data race on ", isa2_start, isa2_pass_relaxed, isa2_end)

/* ---- S and R: a write against a read, a write against a write ----------- */

THREAD(s_write)
{
    mri_store_relaxed(&s->x, 2);
    mri_store_release(&s->y, 1);
}

THREAD(s_read)
{
    s->r[0] = mri_load_acquire(&s->y);
    mri_store_relaxed(&s->x, 1);
}

THREAD(s_read_relaxed)
{
    s->r[0] = mri_load_relaxed(&s->y);
    mri_store_relaxed(&s->x, 1);
}

static void show_r0_x(void *state)
{
    struct state *s = state;
    model_outcome("%u%u", s->r[0], mri_load_relaxed(&s->x));
}

LITMUS(s_ordered, show_r0_x, "01 02 11", s_write, s_read)
LITMUS(s_relaxed, show_r0_x, "01 02 11 12", s_write, s_read_relaxed)

#define R(name, between)                                                       \
    THREAD(name##_a)                                                           \
    {                                                                          \
        mri_store_relaxed(&s->x, 1);                                           \
        between;                                                               \
        mri_store_relaxed(&s->y, 1);                                           \
    }                                                                          \
    THREAD(name##_b)                                                           \
    {                                                                          \
        mri_store_relaxed(&s->y, 2);                                           \
        between;                                                               \
        s->r[0] = mri_load_relaxed(&s->x);                                     \
    }

R(r_plain, (void)0)
R(r_fence, mri_fence_seq_cst())

static void show_r0_y(void *state)
{
    struct state *s = state;
    model_outcome("%u%u", s->r[0], mri_load_relaxed(&s->y));
}

/* y = 2 at the end: b's store came last, and yet x is read as 0. */
LITMUS(r_relaxed, show_r0_y, "01 02 11 12", r_plain_a, r_plain_b)
LITMUS(r_fences, show_r0_y, "01 11 12", r_fence_a, r_fence_b)

/* ---- RWC: read to write causality --------------------------------------- */

THREAD(rwc_write)
{
    mri_store_relaxed(&s->x, 1);
}

#define RWC(name, between)                                                     \
    THREAD(name##_read)                                                        \
    {                                                                          \
        s->r[0] = mri_load_relaxed(&s->x);                                     \
        between;                                                               \
        s->r[1] = mri_load_relaxed(&s->y);                                     \
    }                                                                          \
    THREAD(name##_both)                                                        \
    {                                                                          \
        mri_store_relaxed(&s->y, 1);                                           \
        between;                                                               \
        s->r[2] = mri_load_relaxed(&s->x);                                     \
    }

RWC(rwc_plain, (void)0)
RWC(rwc_fence, mri_fence_seq_cst())

LITMUS(rwc_relaxed, show3, "000 001 010 011 100 101 110 111", rwc_write,
       rwc_plain_read, rwc_plain_both)
LITMUS(rwc_fences, show3, "000 001 010 011 101 110 111", rwc_write,
       rwc_fence_read, rwc_fence_both)

/* ---- LB: the blind spot -------------------------------------------------- */

THREAD(lb_a)
{
    s->r[0] = mri_load_relaxed(&s->x);
    mri_store_relaxed(&s->y, 1);
}

THREAD(lb_b)
{
    s->r[1] = mri_load_relaxed(&s->y);
    mri_store_relaxed(&s->x, 1);
}

/* C11 allows "11"; RC11 and this checker do not. Code that needs it forbidden
 * must not lean on this checker (README, blind spots). */
LITMUS(lb_is_not_modelled, show2, "00 01 10", lb_a, lb_b)
