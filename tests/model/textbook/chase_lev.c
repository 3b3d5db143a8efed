/* See chase_lev.h.
 *
 * Invariant: top <= bottom + 1 at all times, top <= bottom when no take runs;
 * the values in the deque are those in slots [top, bottom).
 */
#include "textbook/chase_lev.h"

#include "model.h"

static struct chase_lev_array *array_open(uint64_t capacity)
{
    struct chase_lev_array *a =
        model_alloc(sizeof *a + capacity * sizeof a->slot[0]);
    a->capacity = capacity;
    a->smaller = NULL;
    return a;
}

static mri_atomic_u64 *slot_of(struct chase_lev_array *a, uint64_t index)
{
    return &a->slot[index & (a->capacity - 1)];
}

void chase_lev_open(struct chase_lev *d, uint64_t capacity)
{
    mri_init(&d->top, 0);
    mri_init(&d->bottom, 0);
    mri_init(&d->array, array_open(capacity));
}

void chase_lev_close(struct chase_lev *d)
{
    struct chase_lev_array *a = mri_load_relaxed(&d->array);
    while (a) {
        struct chase_lev_array *smaller = a->smaller;
        model_free(a);
        a = smaller;
    }
}

static struct chase_lev_array *grow(struct chase_lev *d,
                                    struct chase_lev_array *old, uint64_t top,
                                    uint64_t bottom)
{
    struct chase_lev_array *a = array_open(2 * old->capacity);
    a->smaller = old;
    for (uint64_t i = top; i != bottom; i++)
        mri_store_relaxed(slot_of(a, i), mri_load_relaxed(slot_of(old, i)));
    /* Pairs with the acquire in steal: the copies come before the array. */
    mri_store_release(&d->array, a);
    return a;
}

void chase_lev_push(struct chase_lev *d, uint64_t value)
{
    uint64_t bottom = mri_load_relaxed(&d->bottom);
    /* Pairs with the CAS of steal: a slot that looks free was read before. */
    uint64_t top = mri_load_acquire(&d->top);
    struct chase_lev_array *a = mri_load_relaxed(&d->array);
    if (bottom - top >= a->capacity)
        a = grow(d, a, top, bottom);
    mri_store_relaxed(slot_of(a, bottom), value);
    /* Pairs with the acquire of bottom in steal: the value comes first. */
    mri_fence_release();
    mri_store_relaxed(&d->bottom, bottom + 1);
}

uint64_t chase_lev_take(struct chase_lev *d)
{
    uint64_t bottom = mri_load_relaxed(&d->bottom) - 1;
    struct chase_lev_array *a = mri_load_relaxed(&d->array);
    mri_store_relaxed(&d->bottom, bottom);
    /* Pairs with the one in steal: either the thief sees the bottom that was
     * lowered, or the owner sees the top that was raised. */
    mri_fence_seq_cst();
    uint64_t top = mri_load_relaxed(&d->top);
    if ((int64_t)(bottom - top) < 0) {
        mri_store_relaxed(&d->bottom, bottom + 1);
        return CHASE_LEV_EMPTY;
    }
    uint64_t value = mri_load_relaxed(slot_of(a, bottom));
    if (top == bottom) {
        if (!mri_cas_relaxed(&d->top, &top, top + 1))
            value = CHASE_LEV_EMPTY;
        mri_store_relaxed(&d->bottom, bottom + 1);
    }
    return value;
}

uint64_t chase_lev_steal(struct chase_lev *d)
{
    uint64_t top = mri_load_acquire(&d->top);
    mri_fence_seq_cst();
    uint64_t bottom = mri_load_acquire(&d->bottom);
    if ((int64_t)(bottom - top) <= 0)
        return CHASE_LEV_EMPTY;
    struct chase_lev_array *a = mri_load_acquire(&d->array);
    uint64_t value = mri_load_relaxed(slot_of(a, top));
    /* Release: the slot is read before the owner may reuse it. */
    if (!mri_cas_release(&d->top, &top, top + 1))
        return CHASE_LEV_LOST;
    return value;
}
