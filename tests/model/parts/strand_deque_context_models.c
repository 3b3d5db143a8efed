/* What must hold of contexts: a child that its owner's await runs does so in
 * the context in which it was spawned, whatever the deque's is by then, and so
 * do its own children; afterwards the deque has its own again. Thieves find it
 * in the slot. The rest as in strand_deque_models.c. */
#include "parts/strand_deque_scene.h"

/* ---- Children ----------------------------------------------------------- */

static void check_context(mri_deque *d, const mri_slot *slot)
{
    struct state *s = slot->parent;
    if (d == &s->deque)
        model_assert(d->context == slot->context);
}

/* value[1]: the context it was spawned in. */
static MRI_SLOT_FN void child(mri_deque *d, mri_slot *head, mri_slot *slot)
{
    struct state *s = slot->parent;
    (void)head;
    model_assert((uintptr_t)slot->value[1] == (uintptr_t)slot->context);
    check_context(d, slot);
    s->ran[slot->value[0]]++;
    slot->value[0] += 100;
}

static void spawn_here(mri_deque *d, uint32_t which, mri_slot_fn fn)
{
    mri_load_relaxed(&d->head)->value[1] = (int64_t)(uintptr_t)d->context;
    spawn(d, which, fn);
}

/* It has a child in turn, and fences while it awaits that. */
static MRI_SLOT_FN void parent(mri_deque *d, mri_slot *head, mri_slot *slot)
{
    struct state *s = slot->parent;
    uint32_t which = (uint32_t)slot->value[0];
    check_context(d, slot);
    s->ran[which]++;
    if (d == &s->deque) {
        uint32_t i = (uint32_t)(head - d->slots);
        void *context = d->context;
        spawn_here(d, which + 2, child);
        uint32_t fence = mri_deque_fence(d);
        d->context = &s->ran[which];
        await(d, i, child);
        model_assert(!mri_deque_youngest_has(d, d->context));
        d->context = context;
        mri_deque_unfence(d, fence);
    } else {
        s->ran[which + 2]++;
    }
    slot->value[0] = which + 100;
}

/* ---- Owners ------------------------------------------------------------- */

/* One older than the context, one of it, awaited in both orders; then one more
 * of each, where the first ones were. */
static void two_contexts(void *a)
{
    struct state *s = a;
    mri_deque *d = &s->deque;
    spawn_here(d, 0, child);
    uint32_t fence = mri_deque_fence(d);
    d->context = &s->barrier;
    spawn_here(d, 1, child);
    model_assert(mri_deque_youngest_has(d, &s->barrier));
    uint32_t first = model_choose(2);
    await(d, first, child);
    await(d, 1 - first, child);
    model_assert(d->context == &s->barrier);
    spawn_here(d, 2, child);
    model_assert(mri_deque_youngest_has(d, &s->barrier));
    await(d, 0, child);
    model_assert(!mri_deque_youngest_has(d, &s->barrier));
    d->context = s;
    mri_deque_unfence(d, fence);
    spawn_here(d, 3, child);
    await(d, 0, child);
}

/* One awaited within, the other after. */
static void older_ones(void *a)
{
    struct state *s = a;
    mri_deque *d = &s->deque;
    spawn_here(d, 0, child);
    spawn_here(d, 1, child);
    uint32_t fence = mri_deque_fence(d);
    d->context = &s->barrier;
    uint32_t first = model_choose(2);
    await(d, first, child);
    model_assert(!mri_deque_youngest_has(d, &s->barrier));
    d->context = s;
    mri_deque_unfence(d, fence);
    await(d, 1 - first, child);
}

/* Two contexts, one within the other, and a child of each, run apart. */
static void nested(void *a)
{
    struct state *s = a;
    mri_deque *d = &s->deque;
    spawn_here(d, 0, parent);
    uint32_t outer = mri_deque_fence(d);
    d->context = &s->barrier;
    spawn_here(d, 1, parent);
    uint32_t inner = mri_deque_fence(d);
    d->context = &s->parked;
    uint32_t first = model_choose(2);
    await(d, first, parent);
    await(d, 1 - first, parent);
    model_assert(d->context == &s->parked);
    d->context = &s->barrier;
    mri_deque_unfence(d, inner);
    d->context = s;
    mri_deque_unfence(d, outer);
}

/* ---- The others --------------------------------------------------------- */

static void thief_2(void *a)
{
    thief_1(a);
    steal(a);
}

static void forcer(void *a)
{
    struct state *s = a;
    mri_deque_force(&s->deque, &s->barrier);
    steal(s);
}

/* ---- Models ------------------------------------------------------------- */

DEQUE(two_contexts, with_barrier, ran_4, 2, 3, two_contexts, thief_2)
DEQUE(two_contexts_forced, with_barrier, ran_4, 2, 2, two_contexts, forcer)
DEQUE(two_contexts_alone, without_barrier, ran_4, 2, 3, two_contexts)
DEQUE(older_ones, with_barrier, ran_2, 2, 3, older_ones, thief_2)
DEQUE(older_ones_forced, with_barrier, ran_2, 2, 3, older_ones, forcer)
DEQUE(nested_contexts, with_barrier, ran_4, 2, 3, nested, thief_2)
DEQUE(nested_contexts_forced, with_barrier, ran_4, 1, 2, nested, forcer)
