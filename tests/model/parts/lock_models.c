/* What must hold of the lock: one holder at a time, who sees what the one
 * before did; nobody sleeps for ever; the last holder may free it. */
#include "parts/lock.h"

#include "model.h"

struct state {
    mri_lock *lock; /* in a block of its own, which can die */
    uint32_t data;  /* plain: the holder's */
    uint32_t users; /* plain: the holder's; who are not done */
};

static void open_n(struct state *s, uint32_t users)
{
    s->lock = model_alloc(sizeof *s->lock);
    mri_lock_init(s->lock);
    model_name(&s->lock->word, 4, "lock");
    s->users = users;
}

static void open_2(void *a)
{
    open_n(a, 2);
}

static void open_3(void *a)
{
    open_n(a, 3);
}

static void use(struct state *s)
{
    mri_lock_acquire(s->lock);
    s->data++;
    mri_lock_release(s->lock);
}

/* Whoever is last frees the lock right after its release, while the one before
 * may not have returned from its own. */
static void use_and_leave(void *a)
{
    struct state *s = a;
    mri_lock *lock = s->lock;
    mri_lock_acquire(lock);
    s->data++;
    bool last = --s->users == 0;
    mri_lock_release(lock);
    if (last)
        model_free(lock);
}

static void use_twice_and_leave(void *a)
{
    use(a);
    use_and_leave(a);
}

static void finish_2(void *a)
{
    model_assert(((struct state *)a)->data == 2);
}

static void finish_3(void *a)
{
    model_assert(((struct state *)a)->data == 3);
}

static void finish_4(void *a)
{
    model_assert(((struct state *)a)->data == 4);
}

MODEL(lock_1_and_1, .state_size = sizeof(struct state), .setup = open_2,
      .finish = finish_2, .thread = {use_and_leave, use_and_leave},
      .spurious = 1, .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED)
MODEL(lock_2_and_2, .state_size = sizeof(struct state), .setup = open_2,
      .finish = finish_4, .thread = {use_twice_and_leave, use_twice_and_leave},
      .bound = 3, .deep_bound = MODEL_UNBOUNDED)
MODEL(lock_1_and_1_and_1, .state_size = sizeof(struct state), .setup = open_3,
      .finish = finish_3,
      .thread = {use_and_leave, use_and_leave, use_and_leave}, .bound = 3,
      .deep_bound = 4)
