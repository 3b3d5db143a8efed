/* What must hold of the strand deque: every child runs exactly once, its await
 * returns after that and sees its result, the thief sees its fields, nobody
 * waits for a child that nobody runs, and at the end the deque is empty and
 * all its invariants hold. The owner's and the thieves' programs differ. */
#include "parts/strand_deque.h"

#include "model.h"

enum { SLOTS = 8, CHILDREN = 8 };

struct state {
    mri_deque deque;
    mri_slot slots[SLOTS];
    mri_barrier barrier;
    uint32_t ran[CHILDREN]; /* plain: who runs a child is alone with it */
    mri_atomic_u32 parked, resumed, asked, offered, taken;
};

/* ---- Children ----------------------------------------------------------- */

/* A child that spawns nothing. value[0]: which; result: which + 100. */
static MRI_SLOT_FN void leaf(mri_deque *d, mri_slot *head, mri_slot *slot)
{
    struct state *s = slot->context;
    (void)d;
    (void)head;
    model_assert(slot->parent == s);
    s->ran[slot->value[0]]++;
    slot->value[0] += 100;
}

static void spawn(mri_deque *d, uint32_t which, mri_slot_fn fn)
{
    mri_slot *head = mri_load_relaxed(&d->head);
    model_assert(mri_deque_has_room(d, head));
    head->value[0] = which;
    mri_deque_spawn(d, head, fn);
}

static void wait_done(mri_slot *slot)
{
    while (!mri_load_acquire(&slot->done))
        mri_pause();
}

static void wait_for(mri_atomic_u32 *word, uint32_t value)
{
    while (mri_load_acquire(word) < value)
        mri_pause();
}

/* Await the child in slot `i`; it must have run once by then. */
static void await(mri_deque *d, uint32_t i, mri_slot_fn fn)
{
    struct state *s = d->task;
    mri_slot *head = mri_load_relaxed(&d->head), *slot = &d->slots[i];
    switch (mri_deque_await(d, slot, head, fn)) {
    case MRI_MINE:
        fn(d, slot, slot);
        break;
    case MRI_RAN:
        break;
    case MRI_TAKEN:
        wait_done(slot);
        mri_deque_settle(d, slot, head);
        break;
    }
    model_assert(slot->value[0] >= 100);
    model_assert(s->ran[slot->value[0] - 100] == 1);
}

/* ---- Owners ------------------------------------------------------------- */

static void open(struct state *s, bool membarrier)
{
    s->barrier.membarrier = membarrier;
    mri_deque_map(&s->deque, s->slots, SLOTS, &s->barrier);
    s->deque.context = s->deque.task = s;
    model_name(&s->deque.bounds, 8, "bounds");
    model_name(&s->deque.floor, 8, "floor");
    model_name(&s->deque.head, 8, "head");
    model_name(&s->deque.want, 4, "want");
    model_name(&s->deque.lock, 4, "lock");
    static const char *const names[SLOTS] = {"slot 0", "slot 1", "slot 2",
                                             "slot 3", "slot 4", "slot 5",
                                             "slot 6", "slot 7"};
    for (unsigned i = 0; i < SLOTS; i++)
        model_name(&s->slots[i], sizeof s->slots[i], names[i]);
}

static void with_barrier(void *a)
{
    open(a, true);
}

static void without_barrier(void *a)
{
    open(a, false);
}

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

static bool steal(struct state *s)
{
    mri_slot *slot = mri_deque_steal(&s->deque);
    if (!slot)
        return false;
    mri_slot_function(slot)(NULL, NULL, slot);
    /* Last touch: the owner may use the slot again. */
    mri_store_release(&slot->done, 1);
    return true;
}

static void thief_1(void *a)
{
    struct state *s = a;
    mri_deque_hunger(&s->deque);
    steal(s);
}

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

/* As a sleeper's last look. */
static void looker(void *a)
{
    struct state *s = a;
    if (mri_deque_looks_live(&s->deque))
        mri_deque_force(&s->deque, &s->barrier);
    steal(s);
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

/* ---- Afterwards --------------------------------------------------------- */

static void all_ran(struct state *s, uint32_t n)
{
    for (uint32_t i = 0; i < CHILDREN; i++)
        model_assert(s->ran[i] == (i < n ? 1 : 0));
    mri_deque_check(&s->deque);
    model_assert(mri_deque_is_idle(&s->deque));
    model_assert(mri_deque_steal(&s->deque) == NULL);
    model_assert(s->deque.tombs == 0 && s->deque.settled == 0);
    model_assert(mri_load_relaxed(&s->deque.floor) ==
                 (s->barrier.membarrier ? s->slots : MRI_NO_FLOOR));
}

static void ran_2(void *a)
{
    all_ran(a, 2);
}

static void ran_3(void *a)
{
    all_ran(a, 3);
}

static void ran_4(void *a)
{
    all_ran(a, 4);
}

#define DEQUE(name_, setup_, finish_, bound_, deep_, ...)                      \
    MODEL(deque_##name_, .state_size = sizeof(struct state),                   \
          .setup = (setup_), .finish = (finish_), .bound = (bound_),           \
          .deep_bound = (deep_), .free_pauses = MODEL_NONE,                    \
          .thread = {__VA_ARGS__})

/* Too long for every day. */
#define DEEP(name_, setup_, finish_, ...)                                      \
    MODEL(deque_##name_, .state_size = sizeof(struct state),                   \
          .setup = (setup_), .finish = (finish_), .deep_only = true,           \
          .deep_bound = 2, .free_pauses = MODEL_NONE, .thread = {__VA_ARGS__})

static void ran_1(void *a)
{
    all_ran(a, 1);
}

DEQUE(alone, with_barrier, ran_3, 2, 3, flat_3_checked)
DEQUE(alone_without_membarrier, without_barrier, ran_3, 2, 3, flat_3_checked)
DEQUE(answers_hunger, with_barrier, ran_1, 2, 3, answers_hunger, hungry)
DEQUE(is_forced, with_barrier, ran_1, 2, 3, is_forced, starved)
DEQUE(parks, with_barrier, ran_2, 2, 3, parks, popper)
DEQUE(parks_over_tomb, with_barrier, ran_3, 2, 3, parks_over_tomb, popper)
DEQUE(parks_and_is_forced, with_barrier, ran_3, 2, 3, parks_and_goes_on,
      resumer_and_forcer)
DEQUE(stolen_twice, with_barrier, ran_2, 2, 3, stolen_twice, steals_twice)
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
DEQUE(parks_resumed_by_another, with_barrier, ran_2, 1, 2, parks, thief_1,
      resumer)

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
