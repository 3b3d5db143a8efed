/* What must hold of the lock: one holder at a time, who sees what the last one
 * did; nobody sleeps while it is free; the last holder may free it. */
#include "parts/lock.h"

#include "model.h"

struct state {
    mri_lock lock;
    int inside;         /* plain: the holder's */
    mri_lock *freeable; /* of the last of two holders */
    uint32_t left;      /* plain: under the lock that is freed */
};

static void open(void *a)
{
    struct state *s = a;
    mri_lock_init(&s->lock);
    model_name(&s->lock, 4, "lock");
    model_name(&s->inside, 4, "inside");
}

static void in_and_out(struct state *s)
{
    model_assert(mri_lock_is_held(&s->lock));
    mri_lock_check(&s->lock);
    s->inside++;
    mri_lock_release(&s->lock);
}

static void acquires(void *a)
{
    struct state *s = a;
    mri_lock_acquire(&s->lock);
    in_and_out(s);
}

static void acquires_twice(void *a)
{
    acquires(a);
    acquires(a);
}

static void tries(void *a)
{
    struct state *s = a;
    if (mri_lock_try(&s->lock))
        in_and_out(s);
}

static void free_and(struct state *s, int least, int most)
{
    model_assert(!mri_lock_is_held(&s->lock));
    model_assert(mri_lock_try(&s->lock));
    model_assert(s->inside >= least && s->inside <= most);
    mri_lock_release(&s->lock);
}

static void two_were_in(void *a)
{
    free_and(a, 2, 2);
}

static void three_were_in(void *a)
{
    free_and(a, 3, 3);
}

static void four_were_in(void *a)
{
    free_and(a, 4, 4);
}

static void two_or_three_were_in(void *a)
{
    free_and(a, 2, 3);
}

#define LOCK(name_, ...)                                                       \
    MODEL(lock_##name_, .state_size = sizeof(struct state), .setup = open,     \
          .spurious = 1, __VA_ARGS__)
#define EXHAUST .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED

LOCK(of_2, .thread = {acquires, acquires}, .finish = two_were_in, EXHAUST)
LOCK(of_2_again, .thread = {acquires_twice, acquires_twice},
     .finish = four_were_in, .bound = 2, .deep_bound = 4)
LOCK(of_3, .thread = {acquires, acquires, acquires}, .finish = three_were_in,
     .bound = 2)
LOCK(of_2_and_try, .thread = {acquires, acquires, tries},
     .finish = two_or_three_were_in)
LOCK(of_4, .thread = {acquires, acquires, acquires, acquires},
     .finish = four_were_in, .bound = 1, .deep_bound = 2)

/* ---- The last holder frees the lock ------------------------------------- */

static void open_freeable(void *a)
{
    struct state *s = a;
    s->freeable = model_alloc(sizeof *s->freeable);
    mri_lock_init(s->freeable);
    s->left = 2;
    model_name(s->freeable, 4, "lock");
}

static void leaves(void *a)
{
    struct state *s = a;
    mri_lock *lock = s->freeable;
    mri_lock_acquire(lock);
    bool last = --s->left == 0;
    mri_lock_release(lock);
    if (last)
        model_free(lock);
}

MODEL(lock_of_2_dies, .state_size = sizeof(struct state),
      .setup = open_freeable, .thread = {leaves, leaves}, EXHAUST)
