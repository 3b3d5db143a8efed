/* Message passing: data, then a flag. And release sequences. */
#include "litmus.h"

/* ---- Both relaxed, one side, both sides --------------------------------- */

THREAD(send_relaxed)
{
    mri_store_relaxed(&s->x, 1);
    mri_store_relaxed(&s->y, 1);
}

THREAD(send_release)
{
    mri_store_relaxed(&s->x, 1);
    mri_store_release(&s->y, 1);
}

THREAD(send_fence)
{
    mri_store_relaxed(&s->x, 1);
    mri_fence_release();
    mri_store_relaxed(&s->y, 1);
}

THREAD(send_acquire_fence)
{
    mri_store_relaxed(&s->x, 1);
    mri_fence_acquire();
    mri_store_relaxed(&s->y, 1);
}

THREAD(receive_relaxed)
{
    s->r[0] = mri_load_relaxed(&s->y);
    s->r[1] = mri_load_relaxed(&s->x);
}

THREAD(receive_acquire)
{
    s->r[0] = mri_load_acquire(&s->y);
    s->r[1] = mri_load_relaxed(&s->x);
}

THREAD(receive_fence)
{
    s->r[0] = mri_load_relaxed(&s->y);
    mri_fence_acquire();
    s->r[1] = mri_load_relaxed(&s->x);
}

LITMUS(mp_relaxed, show2, "00 01 10 11", send_relaxed, receive_relaxed)
LITMUS(mp_release_relaxed, show2, "00 01 10 11", send_release, receive_relaxed)
LITMUS(mp_relaxed_acquire, show2, "00 01 10 11", send_relaxed, receive_acquire)
LITMUS(mp_release_acquire, show2, "00 01 11", send_release, receive_acquire)
LITMUS(mp_fences, show2, "00 01 11", send_fence, receive_fence)
LITMUS(mp_fence_acquire, show2, "00 01 11", send_fence, receive_acquire)
LITMUS(mp_release_fence, show2, "00 01 11", send_release, receive_fence)
LITMUS(mp_wrong_fence, show2, "00 01 10 11", send_acquire_fence,
       receive_acquire)

/* The fence must stand between: after the store it is too late. */
THREAD(send_fence_late)
{
    mri_store_relaxed(&s->x, 1);
    mri_store_relaxed(&s->y, 1);
    mri_fence_release();
}
LITMUS(mp_fence_late, show2, "00 01 10 11", send_fence_late, receive_acquire)

/* ---- The same with plain data ------------------------------------------- */

THREAD(send_data)
{
    s->data = 1;
    mri_store_release(&s->y, 1);
}

THREAD(receive_data)
{
    s->r[0] = mri_load_acquire(&s->y);
    if (s->r[0])
        s->r[1] = s->data;
}

THREAD(receive_data_relaxed)
{
    s->r[0] = mri_load_relaxed(&s->y);
    if (s->r[0])
        s->r[1] = s->data;
}

THREAD(receive_data_fence)
{
    s->r[0] = mri_load_relaxed(&s->y);
    if (s->r[0]) {
        mri_fence_acquire();
        s->r[1] = s->data;
    }
}

LITMUS(mp_data, show2, "00 11", send_data, receive_data)
LITMUS(mp_data_fence, show2, "00 11", send_data, receive_data_fence)
FAULT(mp_data_races, "data race on ", send_data, receive_data_relaxed)

/* ---- Release sequences -------------------------------------------------- */

THREAD(add_relaxed)
{
    mri_add_relaxed(&s->y, 1);
}

THREAD(receive_two)
{
    s->r[0] = mri_load_acquire(&s->y);
    s->r[1] = mri_load_relaxed(&s->x);
}

/* y = 2: the sender's store, then the relaxed read-modify-write of another
 * thread; reading its value still acquires what the sender released. */
LITMUS(release_sequence_rmw, show2, "00 01 10 11 21", send_release, add_relaxed,
       receive_two)

THREAD(send_then_store)
{
    mri_store_relaxed(&s->x, 1);
    mri_store_release(&s->y, 1);
    mri_store_relaxed(&s->y, 2);
}

/* C11 lets a later store of the same thread continue the sequence; C++20 no
 * longer does, and this checker follows C++20: "20" is reached. */
LITMUS(release_sequence_same_thread, show2, "00 01 11 20 21", send_then_store,
       receive_two)

THREAD(overwrite)
{
    if (mri_load_relaxed(&s->y) == 1)
        mri_store_relaxed(&s->y, 2);
}

/* A plain store of another thread breaks it. */
LITMUS(release_sequence_broken, show2, "00 01 11 20 21", send_release,
       overwrite, receive_two)

/* A swap reads and writes, so it continues the sequence whatever its value. */
THREAD(swap_relaxed)
{
    if (mri_load_relaxed(&s->y) == 1)
        mri_swap_relaxed(&s->y, 2);
}
LITMUS(release_sequence_swap, show2, "00 01 11 21", send_release, swap_relaxed,
       receive_two)

/* ---- What a failed CAS acquires ----------------------------------------- */

THREAD(cas_acquire_fails)
{
    uint32_t expected = 7;
    mri_cas_acquire(&s->y, &expected, 9);
    s->r[0] = expected;
    s->r[1] = mri_load_relaxed(&s->x);
}

THREAD(cas_release_fails)
{
    uint32_t expected = 7;
    mri_cas_release(&s->y, &expected, 9);
    s->r[0] = expected;
    s->r[1] = mri_load_relaxed(&s->x);
}

LITMUS(cas_failure_acquires, show2, "00 01 11", send_release, cas_acquire_fails)
LITMUS(cas_failure_of_release_does_not, show2, "00 01 10 11", send_release,
       cas_release_fails)
