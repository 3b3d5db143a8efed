/* A strand deque on the bench: children that say who they are, and after each
 * step every invariant looked at, those that mri_deque_check leaves out too.
 *
 * What decides between fast and slow here is only what the deque was mapped
 * with, so both are tested whether or not the kernel has membarrier.
 */
#ifndef TESTS_UNIT_DEQUE_SCENE_H
#define TESTS_UNIT_DEQUE_SCENE_H

#include "parts/strand_deque.h"
#include "test.h"

enum { SLOTS = 8, CHILDREN = 16 };

struct scene {
    mri_deque deque;
    mri_slot slot[SLOTS + 1]; /* the last not the deque's, but it looks live */
    mri_barrier barrier;      /* the machine's */
    int ran[CHILDREN];
};

/* A child. value[0]: which; result: which + 100. */
static inline MRI_SLOT_FN void leaf(mri_deque *d, mri_slot *head,
                                    mri_slot *slot)
{
    struct scene *s = slot->context;
    (void)d;
    (void)head;
    s->ran[slot->value[0]]++;
    slot->value[0] += 100;
}

static inline void open_scene(struct scene *s, bool membarrier)
{
    memset(s, 0, sizeof *s);
    mri_barrier_open(&s->barrier);
    mri_barrier mapped = {.membarrier = membarrier};
    mri_deque_map(&s->deque, s->slot, SLOTS, &mapped);
    mri_init(&s->slot[SLOTS].fn, (uintptr_t)leaf);
    s->deque.context = s;
    mri_init(&s->deque.task, &s->deque);
}

/* ---- What it looks like ------------------------------------------------- */

static inline uint32_t top_of(const struct scene *s)
{
    return (uint32_t)mri_load_relaxed(&s->deque.bounds);
}

static inline uint32_t split_of(const struct scene *s)
{
    return (uint32_t)(mri_load_relaxed(&s->deque.bounds) >> 32);
}

/* Outside there is no slot that is not in use. */
static inline int head_of(const struct scene *s)
{
    if (s->deque.outside)
        return SLOTS;
    return (int)(mri_load_relaxed(&s->deque.head) - s->slot);
}

static inline bool is_tomb(const mri_slot *slot)
{
    return mri_load_relaxed(&slot->fn) == MRI_TOMB;
}

/* Where the owner's fast awaits begin; -1: nowhere. */
static inline int floor_of(const struct scene *s)
{
    mri_slot *floor = mri_load_relaxed(&s->deque.floor);
    return floor == MRI_NO_FLOOR ? -1 : (int)(floor - s->slot);
}

static inline void look(struct scene *s)
{
    mri_deque *d = &s->deque;
    mri_deque_check(d);
    int settled = 0, split = (int)split_of(s);
    for (int i = 0; i < head_of(s); i++)
        if (is_tomb(&s->slot[i]))
            settled = i + 2;
    /* A child that runs apart has nothing to do with what lies below it. */
    if (d->bottom == 0 && !d->outside)
        EXPECT_EQ(d->settled, settled);
    settled = (int)d->settled;
    bool none = !d->membarrier || d->forcing || d->outside;
    EXPECT_EQ(floor_of(s), none ? -1 : split > settled ? split : settled);
    if (!d->membarrier)
        EXPECT_EQ(mri_load_relaxed(&d->want), 1);
}

/* ---- The owner --------------------------------------------------------- */

static inline mri_slot *spawn_fn(struct scene *s, int which, mri_slot_fn fn)
{
    mri_slot *head = mri_load_relaxed(&s->deque.head);
    EXPECT(mri_deque_has_room(&s->deque, head));
    head->value[0] = which;
    mri_deque_spawn(&s->deque, head, fn);
    EXPECT_EQ(head_of(s), head + 1 - s->slot);
    look(s);
    return head;
}

static inline mri_slot *spawn(struct scene *s, int which)
{
    return spawn_fn(s, which, leaf);
}

/* Children first ... first + count - 1. */
static inline void spawn_many(struct scene *s, int first, int count)
{
    for (int i = first; i < first + count; i++)
        spawn(s, i);
}

/* As the strand does, but for the wait for a thief. */
static inline mri_verdict await_fn(struct scene *s, mri_slot *slot,
                                   mri_slot_fn fn)
{
    mri_slot *head = mri_load_relaxed(&s->deque.head);
    mri_verdict verdict = mri_deque_await(&s->deque, slot, head, fn);
    if (verdict == MRI_MINE) {
        EXPECT(mri_load_relaxed(&s->deque.head) == slot);
        look(s);
        fn(&s->deque, slot, slot);
    }
    look(s);
    return verdict;
}

static inline mri_verdict await(struct scene *s, int slot)
{
    return await_fn(s, &s->slot[slot], leaf);
}

/* After MRI_TAKEN, the thief being done. */
static inline void settle(struct scene *s, int slot)
{
    EXPECT_EQ(mri_load_acquire(&s->slot[slot].done), 1);
    mri_deque_settle(&s->deque, &s->slot[slot],
                     mri_load_relaxed(&s->deque.head));
    look(s);
}

/* Nothing is left of any of them, and each of `count` has run once. */
static inline void expect_over(struct scene *s, int count)
{
    look(s);
    EXPECT(mri_deque_is_idle(&s->deque));
    EXPECT(!mri_deque_looks_live(&s->deque));
    EXPECT(mri_deque_steal(&s->deque) == NULL);
    EXPECT_EQ(s->deque.tombs, 0);
    for (int i = 0; i < CHILDREN; i++)
        EXPECT_EQ(s->ran[i], i < count ? 1 : 0);
}

/* ---- Others ------------------------------------------------------------- */

/* A thief from its CAS to its last touch. */
static inline void run_stolen(mri_slot *slot)
{
    mri_slot_function(slot)(NULL, NULL, slot);
    mri_store_release(&slot->done, 1);
}

/* Which child, run by a thief; -1: there was none. */
static inline int steal_and_run(struct scene *s)
{
    mri_slot *slot = mri_deque_steal(&s->deque);
    if (!slot)
        return -1;
    int which = (int)slot->value[0];
    run_stolen(slot);
    look(s);
    return which;
}

static inline uint32_t force(struct scene *s)
{
    uint32_t n = mri_deque_force(&s->deque, &s->barrier);
    look(s);
    return n;
}

#endif
