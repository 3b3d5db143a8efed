/* Transitions of the event count's state; the protocol is in event_count.h. */
#include "parts/event_count.h"

#include "os/clock.h"
#include "os/futex.h"

#include <millrace/error.h>

static uint64_t waiters_of(uint64_t state)
{
    return state & MRI_EVENT_MOST;
}

static uint64_t signals_of(uint64_t state)
{
    return state >> 16 & MRI_EVENT_MOST;
}

static mri_event_key generation_of(uint64_t state)
{
    return (mri_event_key)(state >> 32);
}

void mri_event_count_init(mri_event_count *e)
{
    mri_init(&e->state, 0);
    mri_init(&e->bell, 0);
}

mri_event_key mri_event_count_prepare(mri_event_count *e)
{
    /* Relaxed: the fence makes it an acquire, as the caller's look wants. */
    uint64_t before = mri_add_relaxed(&e->state, MRI_EVENT_WAITER);
    mri_require(waiters_of(before) < MRI_EVENT_MOST,
                "at most 65535 wait on one event count");
    mri_fence_seq_cst(); /* with notify's: count myself, then look */
    return generation_of(before);
}

/* One waiter less, and no more signals than waiters. */
static uint64_t without_waiter(uint64_t state)
{
    bool all_signalled = signals_of(state) == waiters_of(state);
    return state - MRI_EVENT_WAITER - (all_signalled ? MRI_EVENT_SIGNAL : 0);
}

void mri_event_count_cancel(mri_event_count *e)
{
    /* Relaxed, both: nothing is read or handed on by leaving. */
    uint64_t state = mri_load_relaxed(&e->state);
    while (!mri_cas_relaxed(&e->state, &state, without_waiter(state)))
        ;
}

/* Leave if there is a reason to. Relaxed load: a guess for the compare-and-
 * swap, as new as the bell that the caller acquired. Acquire: what notifiers
 * did; each change of the state is a read-modify-write, so that all of them
 * are acquired. */
static bool released(mri_event_count *e, mri_event_key key)
{
    uint64_t state = mri_load_relaxed(&e->state);
    for (;;) {
        uint64_t left;
        if (generation_of(state) != key)
            left = without_waiter(state);
        else if (signals_of(state) > 0)
            left = state - MRI_EVENT_WAITER - MRI_EVENT_SIGNAL;
        else
            return false;
        if (mri_cas_acquire(&e->state, &state, left))
            return true;
    }
}

/* The deadline has passed: leave, unless there is a better reason. */
static int give_up(mri_event_count *e, mri_event_key key)
{
    uint64_t state = mri_load_relaxed(&e->state);
    /* Relaxed: as in cancel; it fails when there is news. */
    while (generation_of(state) == key && signals_of(state) == 0)
        if (mri_cas_relaxed(&e->state, &state, state - MRI_EVENT_WAITER))
            return MR_ETIMEDOUT;
    return 0;
}

int mri_event_count_commit(mri_event_count *e, mri_event_key key,
                           int64_t deadline)
{
    for (;;) {
        /* Acquire: pairs with ring; who sees the ring sees its reason. */
        uint32_t bell = mri_load_acquire(&e->bell);
        if (released(e, key))
            return 0;
        /* Woken, too late to sleep, a signal: look again. */
        if (mri_futex_wait(&e->bell, bell, deadline) == MR_ETIMEDOUT &&
            give_up(e, key) == MR_ETIMEDOUT)
            return MR_ETIMEDOUT;
    }
}

static void ring(mri_event_count *e, int count)
{
    /* Release: the change of the state; pairs with the load in commit. */
    mri_add_release(&e->bell, 1);
    mri_futex_wake(&e->bell, count);
}

MRI_NOINLINE void mri_event_count_notify_one_slow(mri_event_count *e)
{
    uint64_t state = mri_load_relaxed(&e->state);
    while (signals_of(state) < waiters_of(state))
        /* Relaxed: notify's fence makes it a release. */
        if (mri_cas_relaxed(&e->state, &state, state + MRI_EVENT_SIGNAL)) {
            ring(e, 1);
            return;
        }
}

MRI_NOINLINE void mri_event_count_notify_all_slow(mri_event_count *e)
{
    uint64_t state = mri_load_relaxed(&e->state);
    while (waiters_of(state) > 0)
        /* Relaxed: notify's fence makes it a release. */
        if (mri_cas_relaxed(&e->state, &state, state + MRI_EVENT_GENERATION)) {
            ring(e, INT32_MAX);
            return;
        }
}

void mri_event_count_check(mri_event_count *e)
{
    /* Relaxed: the value alone is looked at. */
    uint64_t state = mri_load_relaxed(&e->state);
    mri_require(signals_of(state) <= waiters_of(state),
                "an event count has no more signals than waiters");
}
