/* What must hold of the semaphore: units are neither lost nor made; nobody
 * waits for what is there, though others give up in front; and who got what it
 * waited for may free it. */
#include "async/scene.h"
#include "os/clock.h"
#include <millrace/sync.h>

struct state {
    struct scene scene;
    mr_semaphore sem;
    mr_semaphore *freeable;
    int data; /* plain: handed on by the semaphore */
    int got, gave_up;
};

static void open_with(struct state *s, unsigned foreign, uint32_t units)
{
    scene_open(&s->scene, foreign);
    mr_semaphore_open(&s->sem, units);
}

static void open_empty(void *a)
{
    open_with(a, 0, 0);
}

static void open_empty_mixed(void *a)
{
    open_with(a, 1, 0);
}

static void open_one(void *a)
{
    open_with(a, 0, 1);
}

static void open_two(void *a)
{
    open_with(a, 0, 2);
}

/* ---- As a lock ---------------------------------------------------------- */

static void uses(void *a)
{
    struct state *s = a;
    model_assert(mr_semaphore_acquire(&s->sem, 1) == 0);
    s->data++;
    model_assert(mr_semaphore_release(&s->sem, 1) == 0);
}

static void tries(void *a)
{
    struct state *s = a;
    int rc = mr_semaphore_tryacquire(&s->sem, 1);
    model_assert(rc == 0 || rc == MR_EBUSY);
    if (rc == 0) {
        s->data++;
        model_assert(mr_semaphore_release(&s->sem, 1) == 0);
    } else {
        s->gave_up = 1;
    }
}

static void at_rest(struct state *s, uint32_t units)
{
    scene_check(&s->scene);
    model_assert(mr_semaphore_close(&s->sem) == 0);
    if (units > 0)
        model_assert(mr_semaphore_tryacquire(&s->sem, units) == 0);
    model_assert(mr_semaphore_tryacquire(&s->sem, 1) == MR_EBUSY);
}

static void two_used_it(void *a)
{
    struct state *s = a;
    at_rest(s, 1);
    model_assert(s->data + s->gave_up == 2);
}

static void three_used_it(void *a)
{
    struct state *s = a;
    at_rest(s, 1);
    model_assert(s->data == 3);
}

#define SEMAPHORE(name_, ...)                                                  \
    MODEL(semaphore_##name_, .state_size = sizeof(struct state), __VA_ARGS__)

SEMAPHORE(of_2, .setup = open_one, .thread = {uses, uses},
          .finish = two_used_it)
SEMAPHORE(of_3, .setup = open_one, .thread = {uses, uses, uses},
          .finish = three_used_it, .bound = MODEL_NO_PREEMPTION,
          .deep_bound = 1)
SEMAPHORE(of_1_and_try, .setup = open_one, .thread = {uses, tries},
          .finish = two_used_it)

/* ---- Several units ------------------------------------------------------ */

static void takes_two(void *a)
{
    struct state *s = a;
    model_assert(mr_semaphore_acquire(&s->sem, 2) == 0);
    model_assert(mr_semaphore_release(&s->sem, 2) == 0);
}

static void takes_one(void *a)
{
    struct state *s = a;
    model_assert(mr_semaphore_acquire(&s->sem, 1) == 0);
    model_assert(mr_semaphore_release(&s->sem, 1) == 0);
}

static void two_are_there(void *a)
{
    at_rest(a, 2);
}

SEMAPHORE(of_units, .setup = open_two,
          .thread = {takes_two, takes_one, takes_one}, .finish = two_are_there,
          .bound = 1, .deep_bound = 2)

/* ---- Handed on ---------------------------------------------------------- */

static void gets(void *a)
{
    struct state *s = a;
    model_assert(mr_semaphore_acquire(&s->sem, 1) == 0);
    model_assert(s->data == 7);
    s->got++;
}

static void posts(void *a)
{
    struct state *s = a;
    s->data = 7;
    model_assert(mr_semaphore_release(&s->sem, 1) == 0);
}

static void one_got_it(void *a)
{
    struct state *s = a;
    at_rest(s, 0);
    model_assert(s->got == 1);
}

SEMAPHORE(hands_on, .setup = open_empty, .thread = {gets, posts},
          .finish = one_got_it)
SEMAPHORE(hands_on_to_a_thread, .setup = open_empty_mixed,
          .thread = {gets, posts}, .finish = one_got_it)

/* ---- Giving up ---------------------------------------------------------- */

static void may_get(struct state *s, uint32_t units)
{
    int rc = mr_semaphore_acquire_until(&s->sem, units, 1);
    model_assert(rc == 0 || rc == MR_ECANCELED || rc == MR_ETIMEDOUT);
    if (rc == 0)
        model_assert(mr_semaphore_release(&s->sem, units) == 0);
    scene_done(&s->scene);
}

static void may_get_one(void *a)
{
    may_get(a, 1);
}

static void may_get_two(void *a)
{
    may_get(a, 2);
}

static void cancels(void *a)
{
    struct state *s = a;
    scene_cancel(&s->scene, 0);
}

static void posts_one(void *a)
{
    struct state *s = a;
    model_assert(mr_semaphore_release(&s->sem, 1) == 0);
}

static void one_is_there(void *a)
{
    at_rest(a, 1);
}

SEMAPHORE(cancelled, .setup = open_empty,
          .thread = {may_get_one, posts_one, cancels}, .finish = one_is_there,
          .bound = 1, .deep_bound = 2)
SEMAPHORE(late, .setup = open_empty_mixed, .thread = {may_get_one, posts_one},
          .finish = one_is_there)
/* There is one; the second gets it if the first gives up, or never comes. */
SEMAPHORE(cancelled_in_front, .setup = open_one,
          .thread = {may_get_two, takes_one, cancels}, .finish = one_is_there,
          .bound = 1, .deep_bound = 2)

/* ---- Freed by who got it ------------------------------------------------ */

static void open_freeable(void *a)
{
    struct state *s = a;
    scene_open(&s->scene, 0);
    s->freeable = model_alloc(sizeof *s->freeable);
}

static void open_freeable_mixed(void *a)
{
    struct state *s = a;
    open_freeable(s);
    s->scene.foreign = 1;
}

static void frees(void *a)
{
    struct state *s = a;
    model_assert(mr_semaphore_acquire(s->freeable, 1) == 0);
    model_free(s->freeable);
}

static void posts_freeable(void *a)
{
    struct state *s = a;
    model_assert(mr_semaphore_release(s->freeable, 1) == 0);
}

static void rests(void *a)
{
    struct state *s = a;
    scene_check(&s->scene);
}

SEMAPHORE(dies, .setup = open_freeable, .thread = {frees, posts_freeable},
          .finish = rests)
SEMAPHORE(dies_by_a_thread, .setup = open_freeable_mixed,
          .thread = {frees, posts_freeable}, .finish = rests)
