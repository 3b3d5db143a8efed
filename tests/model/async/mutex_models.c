/* What must hold of the mutex: one owner at a time, who sees what the last one
 * did; nobody waits while it is free; who gives up keeps it from nobody; no
 * more than so many go past who waits; the last owner may free it; and who
 * would wait for itself, and nobody else, is told. */
#include "async/mutex.h"
#include "async/scene.h"
#include "os/clock.h"

struct state {
    struct scene scene;
    mri_owner_registry registry;
    mri_mutex mutex[3];
    mri_mutex *freeable;
    uint32_t left; /* plain: under the one that is freed */
    int inside[3]; /* plain: the owners' */
    uint8_t holds[STRANDS];
    int gave_up, told;
    int since; /* plain: owners since the last one that had waited */
};

static struct state *state;

__attribute__((no_sanitize("thread"))) static void set_state(struct state *s)
{
    state = s;
}

__attribute__((no_sanitize("thread"))) static struct state *get_state(void)
{
    return state;
}

mri_owner_registry *mri_owner_registry_here(void)
{
    return &get_state()->registry;
}

static void open_with(struct state *s, unsigned foreign)
{
    set_state(s);
    scene_open(&s->scene, foreign);
    for (int i = 0; i < 3; i++) {
        model_name(&s->mutex[i].word, 8, "mutex");
        model_name(&s->mutex[i].lock, 4, "lock");
    }
    model_name(&s->registry.lock, 4, "registry");
}

static void open_tasks(void *a)
{
    open_with(a, 0);
}

static void open_threads(void *a)
{
    open_with(a, ~0U);
}

/* Thread 0 is one, the others are tasks. */
static void open_mixed(void *a)
{
    open_with(a, 1);
}

/* ---- As mutex_call.c ---------------------------------------------------- */

static mri_owner me(struct state *s)
{
    int i = model_thread();
    return (mri_owner){(uintptr_t)&s->scene.strand[i], &s->holds[i]};
}

static int lock_until(struct state *s, mri_mutex *m, int64_t deadline)
{
    if (mri_mutex_try(m, me(s)))
        return 0;
    return mri_mutex_lock_slow(m, me(s), deadline);
}

static void unlock(struct state *s, mri_mutex *m)
{
    if (!mri_mutex_release(m, me(s)))
        model_assert(mri_mutex_unlock_slow(m, me(s)) == 0);
}

/* ---- One mutex ---------------------------------------------------------- */

static void is_inside(struct state *s, int i)
{
    model_assert(mri_mutex_is_mine(&s->mutex[i], me(s)));
    s->inside[i]++;
    unlock(s, &s->mutex[i]);
}

static void locks(void *a)
{
    struct state *s = a;
    model_assert(lock_until(s, &s->mutex[0], MRI_NEVER) == 0);
    is_inside(s, 0);
    scene_done(&s->scene);
}

static void locks_twice(void *a)
{
    locks(a);
    locks(a);
}

static void locks_again(void *a)
{
    struct state *s = a;
    if (!mri_mutex_try(&s->mutex[0], me(s)))
        model_assert(mri_mutex_lock_again(&s->mutex[0], me(s)) == 0);
    is_inside(s, 0);
}

static void tries(void *a)
{
    struct state *s = a;
    mri_mutex *m = &s->mutex[0];
    if (mri_mutex_try(m, me(s)) || mri_mutex_try_slow(m, me(s)))
        is_inside(s, 0);
    else
        model_assert(mri_mutex_unlock_slow(m, me(s)) == MR_EPERM);
}

static void may_lock(void *a)
{
    struct state *s = a;
    int rc = lock_until(s, &s->mutex[0], 1);
    if (rc == 0) {
        is_inside(s, 0);
    } else {
        model_assert(rc == MR_ETIMEDOUT || rc == MR_ECANCELED);
        model_assert(!mri_mutex_is_mine(&s->mutex[0], me(s)));
        s->gave_up = 1;
    }
    scene_done(&s->scene);
}

static void cancels(void *a)
{
    struct state *s = a;
    scene_cancel(&s->scene, 0);
}

static void at_rest(struct state *s)
{
    scene_check(&s->scene);
    for (int i = 0; i < 3; i++) {
        mri_mutex_check(&s->mutex[i]);
        model_assert(mri_load_relaxed(&s->mutex[i].word) == 0);
        model_assert(!s->mutex[i].bids.first);
    }
    for (int i = 0; i < STRANDS; i++)
        model_assert(s->holds[i] == 0);
    for (int i = 0; i < MRI_OWNER_BUCKETS; i++)
        model_assert(!s->registry.bucket[i]);
}

static void were_inside(struct state *s, int n)
{
    at_rest(s);
    model_assert(s->inside[0] + s->gave_up == n);
}

static void two_were_in(void *a)
{
    were_inside(a, 2);
}

static void three_were_in(void *a)
{
    were_inside(a, 3);
}

static void four_were_in(void *a)
{
    were_inside(a, 4);
}

static void one_or_two_were_in(void *a)
{
    struct state *s = a;
    at_rest(s);
    model_assert(s->inside[0] == 1 || s->inside[0] == 2);
}

static void two_or_three_were_in(void *a)
{
    struct state *s = a;
    at_rest(s);
    model_assert(s->inside[0] == 2 || s->inside[0] == 3);
}

#define MUTEX(name_, ...)                                                      \
    MODEL(mutex_##name_, .state_size = sizeof(struct state), __VA_ARGS__)
/* Of more than two threads. */
#define THREE .bound = MODEL_NO_PREEMPTION, .deep_bound = 1

MUTEX(of_2_tasks, .setup = open_tasks, .thread = {locks, locks},
      .finish = two_were_in)
MUTEX(of_2_threads, .setup = open_threads, .thread = {locks, locks},
      .finish = two_were_in, .bound = 1, .deep_bound = 2)
MUTEX(of_a_thread_and_a_task, .setup = open_mixed, .thread = {locks, locks},
      .finish = two_were_in)
MUTEX(of_2_again, .setup = open_tasks, .thread = {locks_twice, locks_twice},
      .finish = four_were_in, .bound = 1, .deep_bound = 2)
MUTEX(of_3, .setup = open_tasks, .thread = {locks, locks, locks},
      .finish = three_were_in, THREE)
MUTEX(of_3_mixed, .setup = open_mixed, .thread = {locks, locks, locks},
      .finish = three_were_in, THREE)
MUTEX(of_1_and_try, .setup = open_tasks, .thread = {locks, tries},
      .finish = one_or_two_were_in)
MUTEX(of_2_and_try, .setup = open_tasks, .thread = {locks, locks, tries},
      .finish = two_or_three_were_in, THREE)
MUTEX(again_without_end, .setup = open_tasks, .thread = {locks_again, locks},
      .finish = two_were_in)
MUTEX(again_without_end_of_threads, .setup = open_threads,
      .thread = {locks_again, locks}, .finish = two_were_in)
MUTEX(cancelled, .setup = open_tasks, .thread = {may_lock, locks, cancels},
      .finish = two_were_in, .bound = 1, .deep_bound = 2)
MUTEX(cancelled_among_3, .setup = open_tasks,
      .thread = {may_lock, locks, locks, cancels}, .finish = three_were_in,
      THREE)
MUTEX(late, .setup = open_mixed, .thread = {may_lock, locks},
      .finish = two_were_in)
MUTEX(late_among_3, .setup = open_mixed, .thread = {may_lock, locks, locks},
      .finish = three_were_in, THREE)

/* ---- How many go past --------------------------------------------------- */

static bool somebody_waits(struct state *s)
{
    /* Relaxed: what is not seen does not count. */
    return mri_load_relaxed(&s->scene.cancelable[0]) != 0;
}

static void goes_past(void *a)
{
    struct state *s = a;
    for (int i = 0; i < 3; i++) {
        model_assert(lock_until(s, &s->mutex[0], MRI_NEVER) == 0);
        if (somebody_waits(s))
            s->since++;
        /* And the one that had it as the wait began. */
        model_assert(s->since <= MRI_MUTEX_PASSES + 1);
        unlock(s, &s->mutex[0]);
    }
}

static void is_passed(void *a)
{
    struct state *s = a;
    model_assert(lock_until(s, &s->mutex[0], MRI_NEVER) == 0);
    mri_store_relaxed(&s->scene.cancelable[0], 0);
    s->since = 0;
    unlock(s, &s->mutex[0]);
}

static void rests(void *a)
{
    at_rest(a);
}

MUTEX(passes, .setup = open_tasks, .thread = {is_passed, goes_past},
      .finish = rests, .bound = 1, .deep_bound = 2)
MUTEX(passes_of_2, .setup = open_tasks,
      .thread = {is_passed, goes_past, goes_past}, .finish = rests,
      .deep_only = true, .deep_bound = MODEL_NO_PREEMPTION)

/* ---- The last owner frees it -------------------------------------------- */

static void open_freeable(void *a)
{
    struct state *s = a;
    open_with(s, 1);
    s->freeable = model_alloc(sizeof *s->freeable);
    model_name(&s->freeable->word, 8, "mutex");
}

static void leaves(void *a)
{
    struct state *s = a;
    mri_mutex *m = s->freeable;
    model_assert(lock_until(s, m, MRI_NEVER) == 0);
    bool last = --s->left == 0;
    unlock(s, m);
    if (last)
        model_free(m);
}

static void open_freeable_of_2(void *a)
{
    struct state *s = a;
    open_freeable(s);
    s->left = 2;
}

static void open_freeable_of_3(void *a)
{
    struct state *s = a;
    open_freeable(s);
    s->left = 3;
}

MUTEX(of_2_dies, .setup = open_freeable_of_2, .thread = {leaves, leaves},
      .finish = rests)
MUTEX(of_3_dies, .setup = open_freeable_of_3,
      .thread = {leaves, leaves, leaves}, .finish = rests, THREE)

/* ---- Who would wait for itself ------------------------------------------ */

static void lock_two(struct state *s, int first, int second)
{
    model_assert(lock_until(s, &s->mutex[first], MRI_NEVER) == 0);
    int rc = lock_until(s, &s->mutex[second], MRI_NEVER);
    if (rc == 0) {
        is_inside(s, second);
    } else {
        model_assert(rc == MR_EDEADLK);
        s->told++; /* plain: one at most is */
    }
    is_inside(s, first);
}

static void in_order(void *a)
{
    lock_two(a, 0, 1);
}

static void in_reverse(void *a)
{
    lock_two(a, 1, 0);
}

static void second_and_third(void *a)
{
    lock_two(a, 1, 2);
}

static void third_and_first(void *a)
{
    lock_two(a, 2, 0);
}

static void nobody_was_told(void *a)
{
    struct state *s = a;
    at_rest(s);
    model_assert(s->told == 0);
}

static void one_at_most_was_told(void *a)
{
    struct state *s = a;
    at_rest(s);
    model_assert(s->told <= 1);
}

static void holds_one(void *a)
{
    struct state *s = a;
    model_assert(lock_until(s, &s->mutex[0], MRI_NEVER) == 0);
    model_assert(lock_until(s, &s->mutex[0], MRI_NEVER) == MR_EDEADLK);
    is_inside(s, 0);
}

MUTEX(held_twice, .setup = open_tasks, .thread = {holds_one, locks},
      .finish = two_were_in)
MUTEX(two_in_order, .setup = open_tasks, .thread = {in_order, in_order},
      .finish = nobody_was_told)
MUTEX(chain, .setup = open_tasks, .thread = {in_order, second_and_third, locks},
      .finish = nobody_was_told, THREE)
MUTEX(circle_of_2, .setup = open_tasks, .thread = {in_order, in_reverse},
      .finish = one_at_most_was_told)
/* Tasks alone: the checker loses its way where a thread sleeps twice on a word
 * at the same place of its stack. */
MUTEX(circle_of_3, .setup = open_tasks,
      .thread = {in_order, second_and_third, third_and_first},
      .finish = one_at_most_was_told, THREE)
