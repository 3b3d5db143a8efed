/* The strand deque and its owner, alone: what it spawns and awaits. */
#include "deque_scene.h"

#include <signal.h>

static struct scene s;

TEST(strand_deque, is_empty_once_mapped)
{
    for (int membarrier = 0; membarrier < 2; membarrier++) {
        open_scene(&s, membarrier);
        expect_over(&s, 0);
        EXPECT(mri_deque_has_room(&s.deque, s.slot));
        EXPECT(s.deque.context == &s &&
               mri_load_relaxed(&s.deque.task) == &s.deque);
    }
}

TEST(strand_deque, a_child_carries_what_its_parent_had)
{
    open_scene(&s, true);
    mri_slot *slot = spawn(&s, 7);
    EXPECT(slot == &s.slot[0]);
    EXPECT_EQ(slot->value[0], 7);
    EXPECT(slot->context == &s);
    EXPECT(slot->parent == &s.deque);
    EXPECT(mri_slot_function(slot) == leaf);
    EXPECT(!mri_deque_is_idle(&s.deque));
}

TEST(strand_deque, the_function_of_an_awaited_slot_is_still_there)
{
    for (int membarrier = 0; membarrier < 2; membarrier++) {
        open_scene(&s, membarrier);
        mri_slot *slot = spawn(&s, 0);
        EXPECT_EQ(mri_deque_await(&s.deque, slot, slot + 1, leaf), MRI_MINE);
        EXPECT_EQ(mri_load_relaxed(&slot->fn), (uintptr_t)leaf + 1);
        EXPECT(mri_slot_function(slot) == leaf);
    }
}

TEST(strand_deque, youngest_first_takes_no_slow_path)
{
    open_scene(&s, true);
    spawn_many(&s, 0, 3);
    for (int i = 2; i >= 0; i--) {
        EXPECT_EQ(await(&s, i), MRI_MINE);
        EXPECT_EQ(head_of(&s), i);
        EXPECT_EQ(s.slot[i].value[0], i + 100);
    }
    EXPECT_EQ(s.deque.generation, 0);
    expect_over(&s, 3);
}

TEST(strand_deque, without_membarrier_every_spawn_and_await_is_slow)
{
    open_scene(&s, false);
    spawn_many(&s, 0, 3);
    EXPECT_EQ(s.deque.generation, 3);
    for (int i = 2; i >= 0; i--)
        EXPECT_EQ(await(&s, i), MRI_MINE);
    EXPECT_EQ(s.deque.generation, 6);
    expect_over(&s, 3);
}

TEST(strand_deque, an_area_is_full_at_its_end_and_has_room_after_an_await)
{
    open_scene(&s, true);
    spawn_many(&s, 0, SLOTS);
    EXPECT(!mri_deque_has_room(&s.deque, s.slot + SLOTS));
    EXPECT_EQ(await(&s, SLOTS - 1), MRI_MINE);
    EXPECT(mri_deque_has_room(&s.deque, s.slot + SLOTS - 1));
    EXPECT(spawn(&s, SLOTS) == &s.slot[SLOTS - 1]);
    EXPECT(!mri_deque_has_room(&s.deque, s.slot + SLOTS));
}

/* ---- Out of order ------------------------------------------------------- */

TEST(strand_deque, an_await_out_of_order_runs_the_child_and_leaves_a_tombstone)
{
    for (int membarrier = 0; membarrier < 2; membarrier++) {
        open_scene(&s, membarrier);
        spawn_many(&s, 0, 4);
        EXPECT_EQ(await(&s, 1), MRI_RAN);
        EXPECT_EQ(s.slot[1].value[0], 101);
        EXPECT_EQ(s.ran[1], 1);
        EXPECT(is_tomb(&s.slot[1]));
        EXPECT_EQ(s.deque.tombs, 1);
        EXPECT_EQ(head_of(&s), 4);
        EXPECT(spawn(&s, 4) == &s.slot[4]);
    }
}

TEST(strand_deque, the_head_comes_down_past_all_tombstones_beneath_it)
{
    for (int membarrier = 0; membarrier < 2; membarrier++) {
        open_scene(&s, membarrier);
        spawn_many(&s, 0, 5);
        EXPECT_EQ(await(&s, 3), MRI_RAN);
        EXPECT_EQ(await(&s, 1), MRI_RAN);
        EXPECT_EQ(await(&s, 2), MRI_RAN);
        EXPECT_EQ(head_of(&s), 5);
        EXPECT_EQ(await(&s, 4), MRI_RAN);
        EXPECT_EQ(head_of(&s), 1);
        EXPECT_EQ(s.deque.tombs, 0);
        EXPECT_EQ(await(&s, 0), MRI_MINE);
        expect_over(&s, 5);
    }
}

TEST(strand_deque, only_the_child_right_above_a_tombstone_is_awaited_slowly)
{
    open_scene(&s, true);
    spawn_many(&s, 0, 5);
    EXPECT_EQ(await(&s, 1), MRI_RAN);
    EXPECT_EQ(s.deque.settled, 1 + 2);
    uint32_t generation = s.deque.generation;
    EXPECT_EQ(await(&s, 4), MRI_MINE);
    EXPECT_EQ(await(&s, 3), MRI_MINE);
    EXPECT_EQ(s.deque.generation, generation);
    EXPECT_EQ(await(&s, 2), MRI_RAN);
    EXPECT(s.deque.generation != generation);
    EXPECT_EQ(head_of(&s), 1);
    EXPECT_EQ(s.deque.settled, 0);
    EXPECT_EQ(await(&s, 0), MRI_MINE);
    expect_over(&s, 5);
}

TEST(strand_deque, a_lower_tombstone_takes_over_when_the_highest_is_popped)
{
    open_scene(&s, true);
    spawn_many(&s, 0, 6);
    EXPECT_EQ(await(&s, 0), MRI_RAN);
    EXPECT_EQ(await(&s, 4), MRI_RAN);
    EXPECT_EQ(s.deque.settled, 4 + 2);
    EXPECT_EQ(await(&s, 5), MRI_RAN);
    EXPECT_EQ(head_of(&s), 4);
    EXPECT_EQ(s.deque.settled, 0 + 2);
    EXPECT_EQ(await(&s, 3), MRI_MINE);
    EXPECT_EQ(await(&s, 2), MRI_MINE);
    EXPECT_EQ(await(&s, 1), MRI_RAN);
    expect_over(&s, 6);
}

/* `order` of n!: which of those left comes next. */
static void await_in_order(int n, int order)
{
    int left[SLOTS];
    for (int i = 0; i < n; i++)
        left[i] = i;
    for (; n > 0; n--) {
        int pick = order % n;
        order /= n;
        EXPECT(await(&s, left[pick]) != MRI_TAKEN);
        EXPECT_EQ(s.slot[left[pick]].value[0], left[pick] + 100);
        memmove(&left[pick], &left[pick + 1],
                (size_t)(n - pick - 1) * sizeof *left);
    }
}

TEST(strand_deque, each_child_runs_once_in_any_order_of_awaits)
{
    for (int order = 0; order < 2 * 120; order++) {
        open_scene(&s, order % 2);
        spawn_many(&s, 0, 5);
        await_in_order(5, order / 2);
        expect_over(&s, 5);
    }
}

TEST(strand_deque, slots_serve_life_after_life)
{
    for (int membarrier = 0; membarrier < 2; membarrier++) {
        open_scene(&s, membarrier);
        for (int life = 0; life < 24; life++) {
            memset(s.ran, 0, sizeof s.ran);
            spawn_many(&s, 0, 4);
            await_in_order(4, life);
            expect_over(&s, 4);
        }
    }
}

TEST(strand_deque, is_idle_only_without_children_and_tombstones)
{
    open_scene(&s, true);
    spawn_many(&s, 0, 2);
    EXPECT(!mri_deque_is_idle(&s.deque));
    EXPECT_EQ(await(&s, 0), MRI_RAN);
    EXPECT(!mri_deque_is_idle(&s.deque));
    EXPECT_EQ(await(&s, 1), MRI_RAN);
    EXPECT(mri_deque_is_idle(&s.deque));
}

/* ---- Children of children ----------------------------------------------- */

static bool oldest_first;

static int64_t await_tree(mri_slot *slot);

/* value[0]: the depth below; result: how many ran. Its children lie where it
 * lay, so that is read before they are spawned. */
static MRI_SLOT_FN void tree(mri_deque *d, mri_slot *head, mri_slot *slot)
{
    int64_t depth = slot->value[0], ran = 1;
    EXPECT(mri_load_relaxed(&d->head) == head);
    if (depth > 0) {
        mri_slot *a = spawn_fn(&s, (int)depth - 1, tree);
        mri_slot *b = spawn_fn(&s, (int)depth - 1, tree);
        EXPECT(a == head && b == head + 1);
        ran += await_tree(oldest_first ? a : b);
        ran += await_tree(oldest_first ? b : a);
    }
    EXPECT(mri_load_relaxed(&d->head) == head);
    slot->value[0] = ran;
}

static int64_t await_tree(mri_slot *slot)
{
    EXPECT(await_fn(&s, slot, tree) != MRI_TAKEN);
    return slot->value[0];
}

static void grow_tree(bool membarrier)
{
    open_scene(&s, membarrier);
    mri_slot root = {.value = {3}};
    tree(&s.deque, s.slot, &root);
    EXPECT_EQ(root.value[0], 15);
    expect_over(&s, 0);
}

TEST(strand_deque, children_spawn_where_their_parent_lay)
{
    oldest_first = false;
    grow_tree(true);
    EXPECT_EQ(s.deque.generation, 0);
    grow_tree(false);
}

TEST(strand_deque, children_spawn_above_tombstones)
{
    oldest_first = true;
    grow_tree(true);
    grow_tree(false);
}

/* A child with two of its own, which it awaits in the natural order; result:
 * where the head was then. */
static MRI_SLOT_FN void pair(mri_deque *d, mri_slot *head, mri_slot *slot)
{
    int first = (int)(head - s.slot);
    EXPECT_EQ(d->bottom, first);
    spawn_many(&s, 10, 2);
    EXPECT_EQ(await(&s, first), MRI_RAN);
    EXPECT_EQ(await(&s, first + 1), MRI_RAN);
    slot->value[0] = mri_load_relaxed(&d->head) - s.slot;
}

TEST(strand_deque, a_child_run_above_a_tombstone_pops_none_below_its_start)
{
    for (int membarrier = 0; membarrier < 2; membarrier++) {
        open_scene(&s, membarrier);
        spawn_many(&s, 0, 2);
        mri_slot *slot = spawn_fn(&s, 2, pair);
        EXPECT_EQ(await(&s, 1), MRI_RAN);
        EXPECT_EQ(await_fn(&s, slot, pair), MRI_RAN);
        EXPECT_EQ(slot->value[0], 2); /* in its own slot's place */
        EXPECT_EQ(s.deque.bottom, 0);
        EXPECT_EQ(head_of(&s), 1);
    }
}

TEST(strand_deque, a_child_run_out_of_order_spawns_above_what_is_in_use)
{
    for (int membarrier = 0; membarrier < 2; membarrier++) {
        open_scene(&s, membarrier);
        mri_slot *slot = spawn_fn(&s, 0, pair);
        spawn_many(&s, 1, 2);
        EXPECT_EQ(await_fn(&s, slot, pair), MRI_RAN);
        EXPECT_EQ(slot->value[0], 3);
        EXPECT_EQ(s.deque.bottom, 0);
        EXPECT_EQ(await(&s, 2), MRI_MINE);
        EXPECT_EQ(await(&s, 1), MRI_RAN);
        EXPECT(mri_deque_is_idle(&s.deque));
    }
}

static MRI_SLOT_FN void asks_for_room(mri_deque *d, mri_slot *head,
                                      mri_slot *slot)
{
    slot->value[0] = mri_deque_has_room(d, head);
}

TEST(strand_deque, a_full_area_has_no_room_for_children_run_out_of_order)
{
    open_scene(&s, true);
    mri_slot *slot = spawn_fn(&s, 0, asks_for_room);
    spawn_many(&s, 1, SLOTS - 1);
    EXPECT_EQ(await_fn(&s, slot, asks_for_room), MRI_RAN);
    EXPECT_EQ(slot->value[0], 0);
    for (int i = SLOTS - 1; i > 0; i--)
        EXPECT_EQ(await(&s, i), i > 1 ? MRI_MINE : MRI_RAN);
    EXPECT(mri_deque_is_idle(&s.deque));
}

/* ---- The audit ---------------------------------------------------------- */

static void check_with_top_beyond_split(void *arg)
{
    (void)arg;
    open_scene(&s, true);
    mri_init(&s.deque.bounds, 1);
    mri_deque_check(&s.deque);
}

static void check_with_an_awaited_child(void *arg)
{
    (void)arg;
    open_scene(&s, true);
    spawn_many(&s, 0, 2);
    mri_init(&s.slot[0].fn, (uintptr_t)leaf + 1);
    mri_deque_check(&s.deque);
}

static void check_with_a_tombstone_too_many(void *arg)
{
    (void)arg;
    open_scene(&s, true);
    spawn_many(&s, 0, 2);
    mri_init(&s.slot[0].fn, MRI_TOMB);
    mri_deque_check(&s.deque);
}

static void check_with_a_child_above_the_head(void *arg)
{
    (void)arg;
    open_scene(&s, true);
    spawn_many(&s, 0, 2);
    mri_init(&s.deque.head, &s.slot[1]);
    mri_deque_check(&s.deque);
}

TEST(strand_deque, broken_rules_stop_the_program)
{
    EXPECT(test_dies(check_with_top_beyond_split, NULL, SIGABRT,
                     "top <= split <= head"));
    EXPECT(test_dies(check_with_an_awaited_child, NULL, SIGABRT,
                     "a slot below head is live or a tombstone"));
    EXPECT(test_dies(check_with_a_tombstone_too_many, NULL, SIGABRT,
                     "tombstones are counted"));
    EXPECT(test_dies(check_with_a_child_above_the_head, NULL, SIGABRT,
                     "no slot at or above head is live"));
}
