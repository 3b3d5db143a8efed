#include "parts/strand_deque_scene.h"

/* ---- Children ----------------------------------------------------------- */

MRI_SLOT_FN void leaf(mri_deque *d, mri_slot *head, mri_slot *slot)
{
    struct state *s = slot->context;
    (void)d;
    (void)head;
    model_assert(slot->parent == s);
    s->ran[slot->value[0]]++;
    slot->value[0] += 100;
}

void spawn(mri_deque *d, uint32_t which, mri_slot_fn fn)
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

void wait_for(mri_atomic_u32 *word, uint32_t value)
{
    while (mri_load_acquire(word) < value)
        mri_pause();
}

void await(mri_deque *d, uint32_t i, mri_slot_fn fn)
{
    struct state *s = mri_load_relaxed(&d->task);
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

/* ---- Setups ------------------------------------------------------------- */

static void open(struct state *s, bool membarrier, uint32_t slots)
{
    s->barrier.membarrier = membarrier;
    mri_deque_map(&s->deque, s->slots, slots, &s->barrier);
    s->deque.context = s;
    mri_init(&s->deque.task, s);
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

void with_barrier(void *a)
{
    open(a, true, SLOTS);
}

void without_barrier(void *a)
{
    open(a, false, SLOTS);
}

void with_two_slots(void *a)
{
    open(a, true, 2);
}

/* ---- A thief ------------------------------------------------------------ */

bool steal(struct state *s)
{
    mri_slot *slot = mri_deque_steal(&s->deque);
    if (!slot)
        return false;
    mri_slot_function(slot)(NULL, NULL, slot);
    /* Last touch: the owner may use the slot again. */
    mri_store_release(&slot->done, 1);
    return true;
}

void thief_1(void *a)
{
    struct state *s = a;
    mri_deque_hunger(&s->deque);
    steal(s);
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

void ran_1(void *a)
{
    all_ran(a, 1);
}

void ran_2(void *a)
{
    all_ran(a, 2);
}

void ran_3(void *a)
{
    all_ran(a, 3);
}

void ran_4(void *a)
{
    all_ran(a, 4);
}
