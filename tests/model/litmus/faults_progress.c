/* Faults of waiting: futexes, loops that spin, events. */
#include "faults.h"

#include "os/clock.h"
#include "os/futex.h"

#include <millrace/error.h>

/* ---- Sleeping and waking ------------------------------------------------ */

static void sleeper(void *a)
{
    struct shared *s = a;
    while (!mri_load_acquire(&s->word))
        (void)!mri_futex_wait(&s->word, 0, MRI_NEVER);
}

static void waker(void *a)
{
    struct shared *s = a;
    mri_store_release(&s->word, 1);
    mri_futex_wake(&s->word, 1);
}

static void waker_of_all(void *a)
{
    struct shared *s = a;
    mri_store_release(&s->word, 1);
    mri_futex_wake(&s->word, 100);
}

static void wakes_too_early(void *a)
{
    struct shared *s = a;
    mri_futex_wake(&s->word, 1);
    mri_store_release(&s->word, 1);
}

/* Sleeps on another word than the one it looked at. */
static void looks_elsewhere(void *a)
{
    struct shared *s = a;
    if (!mri_load_acquire(&s->word))
        (void)!mri_futex_wait(&s->other, 0, MRI_NEVER);
}

static void wakes_elsewhere(void *a)
{
    struct shared *s = a;
    mri_store_release(&s->word, 1);
    mri_futex_wake(&s->other, 1);
}

static void timed_sleeper(void *a)
{
    struct shared *s = a;
    int rc = mri_futex_wait(&s->word, 0, 1);
    model_assert(rc == 0 || rc == MR_ETIMEDOUT || rc == MR_EAGAIN);
}

static void impatient(void *a)
{
    struct shared *s = a;
    model_assert(mri_futex_wait(&s->word, 0, MRI_NEVER) != MR_EINTR);
}

FINE(futex_wakes, sleeper, waker)
FINE(futex_wakes_all, sleeper, sleeper, waker_of_all)
FINE(futex_deadline, timed_sleeper)
BROKEN(futex_wakes_one_of_two, "lost wake-up", sleeper, sleeper, waker)
BROKEN(futex_woken_too_early, "lost wake-up", sleeper, wakes_too_early)
BROKEN(futex_word_not_the_condition, "lost wake-up", looks_elsewhere,
       wakes_elsewhere)
MODEL(futex_may_return_for_no_reason, .state_size = sizeof(struct shared),
      .thread = {impatient, waker}, .spurious = 1, .fails = "MR_EINTR",
      .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED)

/* A futex orders nothing: woken, one may still read old data. */
static void sleeper_then_reads(void *a)
{
    struct shared *s = a;
    if (mri_futex_wait(&s->word, 0, MRI_NEVER) == 0)
        model_assert(mri_load_relaxed(&s->other) == 1);
}

static void writes_then_wakes(void *a)
{
    struct shared *s = a;
    mri_store_relaxed(&s->other, 1);
    mri_store_relaxed(&s->word, 1);
    mri_futex_wake(&s->word, 1);
}
BROKEN(futex_orders_nothing, "mri_load_relaxed(&s->other) == 1",
       sleeper_then_reads, writes_then_wakes)

/* ---- Spinning ----------------------------------------------------------- */

static void spinner(void *a)
{
    struct shared *s = a;
    while (!mri_load_relaxed(&s->word))
        mri_pause();
}

static void storer(void *a)
{
    mri_store_relaxed(&((struct shared *)a)->word, 1);
}

static void nobody(void *a)
{
    (void)a;
}

static void hot_spinner(void *a)
{
    struct shared *s = a;
    while (!mri_load_relaxed(&s->word))
        ;
}

FINE(spin_sees_a_store, spinner, storer)
FINE(spin_of_two, spinner, spinner, storer)
BROKEN(spin_for_ever, "spins for ever", spinner, nobody)
BROKEN(spin_without_pause, "livelock", hot_spinner, nobody)

static void waits_for_done(void *a)
{
    struct shared *s = a;
    while (!mri_load_acquire(&s->done))
        mri_pause();
    mri_store_release(&s->word, 1);
}

static void waits_for_word(void *a)
{
    struct shared *s = a;
    while (!mri_load_acquire(&s->word))
        mri_pause();
    mri_store_release(&s->done, 1);
}
BROKEN(spin_for_each_other, "spins for ever", waits_for_done, waits_for_word)

/* A lock of swaps: one's own store is no news. */
static void swap_lock(void *a)
{
    struct shared *s = a;
    while (mri_swap_acquire(&s->word, 1))
        mri_pause();
    s->bytes[0]++;
    mri_store_release(&s->word, 0);
}

/* Two pauses in a row, and one before the first look. */
static void backs_off(void *a)
{
    struct shared *s = a;
    mri_pause();
    while (!mri_load_acquire(&s->word)) {
        mri_pause();
        mri_pause();
    }
}

/* Looks a few times, then announces itself and waits: correct, although the
 * other side waits for the announcement. */
static void spins_then_announces(void *a)
{
    struct shared *s = a;
    for (int i = 0; i < 3; i++) {
        if (mri_load_acquire(&s->word))
            return;
        mri_pause();
    }
    mri_store_release(&s->done, 1);
}

static void waits_for_announcement(void *a)
{
    struct shared *s = a;
    while (!mri_load_acquire(&s->done))
        mri_pause();
    mri_store_release(&s->word, 1);
}

/* Looks a few times, then sleeps without a second look: the classic. */
static void spins_then_sleeps(void *a)
{
    struct shared *s = a;
    for (int i = 0; i < 2; i++) {
        if (mri_load_acquire(&s->word))
            return;
        mri_pause();
    }
    mri_store_relaxed(&s->other, 1);
    (void)!mri_futex_wait(&s->other, 1, MRI_NEVER);
}

static void wakes_if_asleep(void *a)
{
    struct shared *s = a;
    mri_store_release(&s->word, 1);
    if (mri_load_relaxed(&s->other)) {
        mri_store_relaxed(&s->other, 0);
        mri_futex_wake(&s->other, 1);
    }
}

FINE(spin_lock_of_swaps, swap_lock, swap_lock)
FINE(spin_with_back_off, backs_off, storer)
FINE(spin_then_announce, spins_then_announces, waits_for_announcement)
MODEL(spin_then_sleep, .state_size = sizeof(struct shared),
      .thread = {spins_then_sleeps, wakes_if_asleep}, .free_pauses = 2,
      .fails = "lost wake-up", .bound = MODEL_UNBOUNDED,
      .deep_bound = MODEL_UNBOUNDED)

/* A word that is given a new life is not held to the wakes of the old one. */
static void initialises_again(void *a)
{
    struct shared *s = a;
    mri_store_relaxed(&s->word, 1);
    mri_futex_wake(&s->word, 1);
    mri_init(&s->word, 0);
    model_assert(mri_futex_wait(&s->word, 5, MRI_NEVER) == MR_EAGAIN);
}
FINE(futex_initialised_again, initialises_again)

/* ---- Events ------------------------------------------------------------- */

static void posts(void *a)
{
    ((struct shared *)a)->bytes[0] = 1;
    model_event_post(3);
}

static void polls(void *a)
{
    model_assert(model_event_wait(1u << 3) == 1u << 3);
    model_assert(((struct shared *)a)->bytes[0] == 1);
}

static void polls_twice(void *a)
{
    (void)a;
    model_event_wait(1u << 3);
    model_event_wait(1u << 3);
}

static void posts_twice(void *a)
{
    (void)a;
    model_event_post(3);
    model_event_post(3);
}

FINE(event_is_kept_until_taken, posts, polls)
BROKEN(event_is_taken_once, "waits for events", posts, polls_twice)
/* Edges that nobody took become one. */
BROKEN(event_edges_coalesce, "waits for events", posts_twice, polls_twice)
