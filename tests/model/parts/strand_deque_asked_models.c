/* More of what must hold of the strand deque, where threads wait for each
 * other: the hungry are answered, whoever waits for a child that nobody offers
 * can force it, and a strand that parks leaves all of its children to others.
 */
#include "parts/strand_deque_scene.h"

/* ---- Owners ------------------------------------------------------------- */

/* Spawns once it was asked for more, then works in a leaf until the child has
 * been taken: so it must have been offered. */
static void answers_hunger(void *a)
{
    struct state *s = a;
    mri_deque *d = &s->deque;
    wait_for(&s->parked, 1);
    spawn(d, 0, leaf);
    wait_for(&s->resumed, 1);
    await(d, 0, leaf);
}

/* Spawns and works in a leaf until the child has been taken, without ever
 * being asked: it must have been forced. */
static void is_forced(void *a)
{
    struct state *s = a;
    mri_deque *d = &s->deque;
    spawn(d, 0, leaf);
    mri_store_release(&s->parked, 1);
    wait_for(&s->resumed, 1);
    await(d, 0, leaf);
}

/* Parks with two unstarted children; somebody else lets it go on. */
static void parks(void *a)
{
    struct state *s = a;
    mri_deque *d = &s->deque;
    spawn(d, 0, leaf);
    spawn(d, 1, leaf);
    model_assert(mri_deque_park(d));
    mri_store_release(&s->parked, 1);
    wait_for(&s->resumed, 1);
    mri_deque_resume(d);
    await(d, 1, leaf);
    await(d, 0, leaf);
}

static void parks_and_goes_on(void *a)
{
    struct state *s = a;
    parks(a);
    spawn(&s->deque, 2, leaf);
    await(&s->deque, 0, leaf);
}

/* One slot, twice asked for, offered and taken. */
static void stolen_twice(void *a)
{
    struct state *s = a;
    mri_deque *d = &s->deque;
    for (uint32_t life = 0; life < 2; life++) {
        wait_for(&s->asked, life + 1);
        spawn(d, life, leaf);
        mri_store_release(&s->offered, life + 1);
        wait_for(&s->taken, life + 1);
        await(d, 0, leaf);
    }
}

/* The same with a tombstone between the children. */
static void parks_over_tomb(void *a)
{
    struct state *s = a;
    mri_deque *d = &s->deque;
    for (uint32_t i = 0; i < 3; i++)
        spawn(d, i, leaf);
    await(d, 1, leaf);
    model_assert(mri_deque_park(d));
    mri_store_release(&s->parked, 1);
    wait_for(&s->resumed, 1);
    mri_deque_resume(d);
    await(d, 2, leaf);
    await(d, 0, leaf);
}

/* ---- The others --------------------------------------------------------- */

static void steals_twice(void *a)
{
    struct state *s = a;
    for (uint32_t i = 1; i <= 2; i++) {
        mri_store_relaxed(&s->deque.want, 1);
        mri_store_release(&s->asked, i);
        wait_for(&s->offered, i);
        mri_slot *slot = mri_deque_steal(&s->deque);
        model_assert(slot != NULL);
        mri_store_release(&s->taken, i);
        mri_slot_function(slot)(NULL, NULL, slot);
        mri_store_release(&slot->done, 1);
    }
}

static void hungry(void *a)
{
    struct state *s = a;
    mri_deque_hunger(&s->deque);
    mri_store_release(&s->parked, 1);
    while (!steal(s))
        mri_pause();
    mri_store_release(&s->resumed, 1);
}

static void starved(void *a)
{
    struct state *s = a;
    wait_for(&s->parked, 1);
    mri_deque_force(&s->deque, &s->barrier);
    model_assert(steal(s));
    mri_store_release(&s->resumed, 1);
}

/* As the popper of a parked strand's token: takes all there is, then lets the
 * strand go on. Every child that was unstarted must be there to be taken. */
static void popper(void *a)
{
    struct state *s = a;
    int taken = 0;
    wait_for(&s->parked, 1);
    do
        while (steal(s))
            taken++;
    while (mri_deque_force(&s->deque, &s->barrier) > 0);
    model_assert(taken == 2);
    mri_store_release(&s->resumed, 1);
}

/* Forces a strand that was parked and goes on. */
static void resumer_and_forcer(void *a)
{
    struct state *s = a;
    wait_for(&s->parked, 1);
    steal(s);
    mri_store_release(&s->resumed, 1);
    mri_deque_force(&s->deque, &s->barrier);
    steal(s);
}

static void resumer(void *a)
{
    struct state *s = a;
    wait_for(&s->parked, 1);
    mri_store_release(&s->resumed, 1);
}

/* ---- Models ------------------------------------------------------------- */

DEQUE(answers_hunger, with_barrier, ran_1, 2, 3, answers_hunger, hungry)
DEQUE(is_forced, with_barrier, ran_1, 2, 3, is_forced, starved)
DEQUE(parks, with_barrier, ran_2, 2, 3, parks, popper)
DEQUE(parks_over_tomb, with_barrier, ran_3, 2, 3, parks_over_tomb, popper)
DEQUE(parks_and_is_forced, with_barrier, ran_3, 2, 3, parks_and_goes_on,
      resumer_and_forcer)
DEQUE(stolen_twice, with_barrier, ran_2, 2, 3, stolen_twice, steals_twice)
DEQUE(parks_resumed_by_another, with_barrier, ran_2, 1, 2, parks, thief_1,
      resumer)
