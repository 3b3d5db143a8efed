/* What must hold of the strand deque: every child runs exactly once, its await
 * returns after that and sees its result, the thief sees its fields, nobody
 * waits for a child that nobody runs, and at the end the deque is empty and
 * all its invariants hold. The owner's and the thieves' programs differ.
 * Here: children awaited in all orders while others pass by. What waits for
 * the owner, and what the owner waits for: strand_deque_asked_models.c. */
#include "parts/strand_deque_scene.h"

/* ---- Owners ------------------------------------------------------------- */

/* Spawn n, then await them in every order there is. */
static void flat(struct state *s, uint32_t n)
{
    mri_deque *d = &s->deque;
    uint32_t left[4];
    for (uint32_t i = 0; i < n; i++) {
        left[i] = i;
        spawn(d, i, leaf);
    }
    while (n > 0) {
        unsigned pick = model_choose(n);
        uint32_t i = left[pick];
        left[pick] = left[--n];
        await(d, i, leaf);
    }
}

/* The same, every invariant looked at after each step. */
static void flat_3_checked(void *a)
{
    struct state *s = a;
    mri_deque *d = &s->deque;
    uint32_t order[3] = {0, 1, 2};
    for (uint32_t i = 0; i < 3; i++) {
        spawn(d, i, leaf);
        mri_deque_check(d);
    }
    for (uint32_t left = 3; left > 0;) {
        unsigned pick = model_choose(left);
        uint32_t i = order[pick];
        order[pick] = order[--left];
        await(d, i, leaf);
        mri_deque_check(d);
    }
}

static void flat_2(void *a)
{
    flat(a, 2);
}

static void flat_3(void *a)
{
    flat(a, 3);
}

/* The natural loop, whose children spawn in turn while tombstones lie below
 * them. Which: 0 and 1; their children 2 and 3. */
static MRI_SLOT_FN void family(mri_deque *d, mri_slot *head, mri_slot *slot)
{
    struct state *s = slot->context;
    uint32_t which = (uint32_t)slot->value[0];
    s->ran[which]++;
    if (d == &s->deque) {
        /* On the owner's strand: have a child there. */
        uint32_t i = (uint32_t)(head - d->slots);
        spawn(d, which + 2, leaf);
        await(d, i, leaf);
    } else {
        s->ran[which + 2]++;
    }
    slot->value[0] = which + 100;
}

static void natural_loop(void *a)
{
    struct state *s = a;
    mri_deque *d = &s->deque;
    spawn(d, 0, family);
    spawn(d, 1, family);
    await(d, 0, family);
    await(d, 1, family);
}

/* As nested code does: the youngest first, and spawn again in its place. */
static void spawn_await_spawn(void *a)
{
    struct state *s = a;
    mri_deque *d = &s->deque;
    spawn(d, 0, leaf);
    spawn(d, 1, leaf);
    await(d, 1, leaf);
    spawn(d, 2, leaf);
    await(d, 1, leaf);
    await(d, 0, leaf);
}

/* Over an old tombstone new children are spawned. */
static void spawn_over_tomb(void *a)
{
    struct state *s = a;
    mri_deque *d = &s->deque;
    spawn(d, 0, leaf);
    spawn(d, 1, leaf);
    await(d, 0, leaf);
    await(d, 1, leaf);
    spawn(d, 2, leaf);
    spawn(d, 3, leaf);
    await(d, 1, leaf);
    await(d, 0, leaf);
}

/* Two lives of a strand, with thieves that may be late. */
static void two_lives(void *a)
{
    struct state *s = a;
    mri_deque *d = &s->deque;
    spawn(d, 0, leaf);
    await(d, 0, leaf);
    model_assert(mri_deque_is_idle(d));
    spawn(d, 1, leaf);
    spawn(d, 2, leaf);
    await(d, 1, leaf);
    await(d, 0, leaf);
}

/* The deque is full and the head goes outside, to a child whose await must not
 * be fast, whatever others do; both slots are awaited in either order, one of
 * them meanwhile. */
static void out_and_back(void *a)
{
    struct state *s = a;
    mri_deque *d = &s->deque;
    spawn(d, 0, leaf);
    spawn(d, 1, leaf);
    mri_slot *head = &s->elsewhere + 1;
    mri_deque_go_outside(d, head);
    uint32_t first = model_choose(2);
    await(d, first, leaf);
    model_assert(!mri_deque_has_room(d, mri_load_relaxed(&d->head)));
    model_assert(!mri_deque_await_fast(d, &s->elsewhere, head, leaf));
    mri_deque_come_inside(d);
    mri_deque_check(d);
    await(d, 1 - first, leaf);
}

/* ---- The others --------------------------------------------------------- */

static void thief_2(void *a)
{
    struct state *s = a;
    mri_deque_hunger(&s->deque);
    steal(s);
    steal(s);
}

static void forcer(void *a)
{
    struct state *s = a;
    mri_deque_force(&s->deque, &s->barrier);
    steal(s);
}

/* As a sleeper's last look. */
static void looker(void *a)
{
    struct state *s = a;
    if (mri_deque_looks_live(&s->deque))
        mri_deque_force(&s->deque, &s->barrier);
    steal(s);
}

/* ---- Models ------------------------------------------------------------- */

DEQUE(alone, with_barrier, ran_3, 2, 3, flat_3_checked)
DEQUE(alone_without_membarrier, without_barrier, ran_3, 2, 3, flat_3_checked)
DEQUE(two_lives, with_barrier, ran_3, 2, 3, two_lives, thief_2)
DEQUE(spawn_again, with_barrier, ran_3, 2, 3, spawn_await_spawn, thief_2)
DEQUE(natural_loop, with_barrier, ran_4, 2, 3, natural_loop, thief_1)
DEQUE(every_order_of_2, with_barrier, ran_2, 2, 3, flat_2, thief_2)
DEQUE(every_order_of_3, with_barrier, ran_3, 2, 3, flat_3, thief_2)
DEQUE(spawn_over_tomb, with_barrier, ran_4, 2, 3, spawn_over_tomb, thief_2)
DEQUE(every_order_of_2_forced, with_barrier, ran_2, 2, 3, flat_2, forcer)
DEQUE(spawn_again_forced, with_barrier, ran_3, 2, 3, spawn_await_spawn, forcer)
DEQUE(two_lives_forced, with_barrier, ran_3, 2, 3, two_lives, forcer)
DEQUE(natural_loop_forced, with_barrier, ran_4, 2, 3, natural_loop, forcer)
DEQUE(spawn_over_tomb_forced, with_barrier, ran_4, 2, 2, spawn_over_tomb,
      forcer)
DEQUE(without_membarrier, without_barrier, ran_2, 2, 3, flat_2, thief_2)
DEQUE(without_membarrier_forced, without_barrier, ran_2, 2, 3, flat_2, forcer)
DEQUE(every_order_of_2_looked_at, with_barrier, ran_2, 1, 2, flat_2, looker)

DEEP(every_order_of_3_two_thieves, with_barrier, ran_3, flat_3, thief_2,
     thief_2)
DEEP(every_order_of_3_forced, with_barrier, ran_3, flat_3, forcer)
DEEP(every_order_of_2_thief_and_forcer, with_barrier, ran_2, flat_2, thief_2,
     forcer)
DEEP(spawn_again_two_forcers, with_barrier, ran_3, spawn_await_spawn, forcer,
     forcer)
DEEP(two_lives_two_thieves, with_barrier, ran_3, two_lives, thief_2, thief_2)
DEEP(natural_loop_two_thieves, with_barrier, ran_4, natural_loop, thief_2,
     thief_2)
DEEP(without_membarrier_two, without_barrier, ran_2, flat_2, thief_2, forcer)
DEQUE(out_and_back_and_a_forcer, with_two_slots, ran_2, 2, 3, out_and_back,
      forcer)
DEQUE(out_and_back_and_a_thief, with_two_slots, ran_2, 2, 3, out_and_back,
      thief_1)
