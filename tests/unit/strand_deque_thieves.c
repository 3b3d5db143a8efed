/* The strand deque and those who take from it: what is public and when, who
 * runs a child, what the owner finds after a thief. */
#include "deque_scene.h"

static struct scene s;

/* ---- Asked for more ----------------------------------------------------- */

TEST(strand_deque_thieves, nothing_is_public_before_somebody_is_hungry)
{
    open_scene(&s, true);
    EXPECT(mri_deque_steal(&s.deque) == NULL);
    spawn_many(&s, 0, 3);
    EXPECT(mri_deque_steal(&s.deque) == NULL);
    EXPECT_EQ(split_of(&s), 0);
}

TEST(strand_deque_thieves, without_membarrier_children_are_public_at_once)
{
    open_scene(&s, false);
    for (int i = 0; i < 4; i++) {
        spawn(&s, i);
        EXPECT_EQ(split_of(&s), i + 1);
    }
    EXPECT_EQ(steal_and_run(&s), 0);
}

TEST(strand_deque_thieves, hunger_is_answered_by_the_next_spawn_and_only_there)
{
    open_scene(&s, true);
    spawn_many(&s, 0, 3);
    mri_deque_hunger(&s.deque);
    EXPECT_EQ(mri_load_relaxed(&s.deque.want), 1);
    EXPECT_EQ(await(&s, 2), MRI_MINE);
    EXPECT(mri_deque_steal(&s.deque) == NULL);
    spawn(&s, 3);
    EXPECT_EQ(mri_load_relaxed(&s.deque.want), 0);
    EXPECT_EQ(steal_and_run(&s), 0);
    EXPECT_EQ(steal_and_run(&s), 1);
    EXPECT_EQ(steal_and_run(&s), -1);
    spawn(&s, 4); /* nobody has asked again */
    EXPECT_EQ(steal_and_run(&s), -1);
}

TEST(strand_deque_thieves, hunger_makes_the_older_half_public_rounded_up)
{
    for (int n = 1; n <= SLOTS; n++) {
        open_scene(&s, true);
        spawn_many(&s, 0, n - 1);
        mri_deque_hunger(&s.deque);
        spawn(&s, n - 1);
        EXPECT_EQ(top_of(&s), 0);
        EXPECT_EQ(split_of(&s), (n + 1) / 2);
    }
}

TEST(strand_deque_thieves, half_is_of_what_is_still_private)
{
    open_scene(&s, true);
    spawn_many(&s, 0, 3);
    mri_deque_hunger(&s.deque);
    spawn(&s, 3);
    EXPECT_EQ(split_of(&s), 2);
    mri_deque_hunger(&s.deque);
    spawn(&s, 4);
    EXPECT_EQ(split_of(&s), 2 + 2);
    mri_deque_hunger(&s.deque);
    spawn(&s, 5);
    EXPECT_EQ(split_of(&s), 2 + 2 + 1);
}

TEST(strand_deque_thieves, a_question_that_got_nothing_stands)
{
    open_scene(&s, true);
    mri_deque_hunger(&s.deque);
    spawn_many(&s, 0, 3); /* the first of them public */
    EXPECT_EQ(await(&s, 1), MRI_RAN);
    mri_deque_hunger(&s.deque);
    spawn(&s, 3);
    /* Publishing stops before a tombstone while thieves are below it. */
    EXPECT_EQ(split_of(&s), 1);
    EXPECT_EQ(mri_load_relaxed(&s.deque.want), 1);
    EXPECT_EQ(steal_and_run(&s), 0);
    spawn(&s, 4);
    EXPECT_EQ(mri_load_relaxed(&s.deque.want), 0);
    EXPECT_EQ(steal_and_run(&s), 2);
}

/* ---- Taken -------------------------------------------------------------- */

TEST(strand_deque_thieves, a_thief_takes_the_oldest)
{
    open_scene(&s, true);
    spawn_many(&s, 0, 4);
    EXPECT_EQ(force(&s), 4);
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(steal_and_run(&s), i);
    EXPECT_EQ(steal_and_run(&s), -1);
}

TEST(strand_deque_thieves, a_thief_gets_the_child_with_all_its_fields_pending)
{
    for (int membarrier = 0; membarrier < 2; membarrier++) {
        open_scene(&s, membarrier);
        mri_init(&s.slot[0].done, 77); /* of a life before */
        spawn(&s, 5);
        force(&s);
        mri_slot *slot = mri_deque_steal(&s.deque);
        EXPECT(slot == &s.slot[0]);
        EXPECT_EQ(mri_load_relaxed(&slot->done), 0);
        EXPECT_EQ(slot->value[0], 5);
        EXPECT(slot->context == &s && slot->parent == &s.deque);
        EXPECT(mri_slot_function(slot) == leaf);
    }
}

TEST(strand_deque_thieves, a_stolen_child_is_taken_and_still_has_its_function)
{
    for (int membarrier = 0; membarrier < 2; membarrier++) {
        open_scene(&s, membarrier);
        spawn(&s, 0);
        force(&s);
        mri_slot *slot = mri_deque_steal(&s.deque);
        EXPECT_EQ(await(&s, 0), MRI_TAKEN);
        EXPECT(mri_slot_function(slot) == leaf);
        EXPECT_EQ(s.ran[0], 0);
        EXPECT(!mri_deque_is_idle(&s.deque));
        run_stolen(slot);
        settle(&s, 0);
        EXPECT_EQ(slot->value[0], 100);
        expect_over(&s, 1);
    }
}

TEST(strand_deque_thieves, a_taken_child_that_is_not_the_youngest_is_buried)
{
    for (int membarrier = 0; membarrier < 2; membarrier++) {
        open_scene(&s, membarrier);
        spawn_many(&s, 0, 2);
        force(&s);
        EXPECT_EQ(steal_and_run(&s), 0);
        EXPECT_EQ(await(&s, 0), MRI_TAKEN);
        settle(&s, 0);
        EXPECT(is_tomb(&s.slot[0]));
        EXPECT_EQ(head_of(&s), 2);
        EXPECT_EQ(await(&s, 1), MRI_RAN);
        expect_over(&s, 2);
    }
}

TEST(strand_deque_thieves, a_slot_below_what_was_stolen_is_the_owners_again)
{
    open_scene(&s, true);
    spawn_many(&s, 0, 3);
    EXPECT_EQ(force(&s), 3);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(steal_and_run(&s), i);
    EXPECT_EQ(await(&s, 2), MRI_TAKEN);
    settle(&s, 2);
    EXPECT_EQ(top_of(&s), 2);
    EXPECT_EQ(split_of(&s), 2);
    uint32_t generation = s.deque.generation;
    spawn(&s, 3);
    EXPECT_EQ(await(&s, 2), MRI_MINE);
    EXPECT_EQ(s.deque.generation, generation);
}

TEST(strand_deque_thieves, bounds_above_tombstones_come_down_with_the_head)
{
    open_scene(&s, true);
    spawn_many(&s, 0, 4);
    EXPECT_EQ(await(&s, 1), MRI_RAN);
    EXPECT_EQ(force(&s), 1);
    EXPECT_EQ(steal_and_run(&s), 0);
    EXPECT_EQ(force(&s), 2); /* past the tombstone */
    EXPECT_EQ(steal_and_run(&s), 2);
    EXPECT_EQ(await(&s, 3), MRI_MINE);
    EXPECT_EQ(top_of(&s), 3);
    EXPECT_EQ(await(&s, 2), MRI_TAKEN);
    settle(&s, 2);
    EXPECT_EQ(head_of(&s), 1); /* past the tombstone again */
    EXPECT_EQ(top_of(&s), 1);
    EXPECT_EQ(await(&s, 0), MRI_TAKEN);
    settle(&s, 0);
    expect_over(&s, 4);
}

/* ---- Taken back --------------------------------------------------------- */

TEST(strand_deque_thieves, an_await_takes_back_the_younger_half_of_the_public)
{
    open_scene(&s, true);
    spawn_many(&s, 0, 8);
    EXPECT_EQ(force(&s), 8);
    EXPECT_EQ(await(&s, 7), MRI_MINE);
    EXPECT_EQ(split_of(&s), 3);
    uint32_t generation = s.deque.generation;
    for (int i = 6; i >= 3; i--)
        EXPECT_EQ(await(&s, i), MRI_MINE);
    EXPECT_EQ(s.deque.generation, generation);
    EXPECT_EQ(await(&s, 2), MRI_MINE);
    EXPECT_EQ(s.deque.generation, generation + 1);
    EXPECT_EQ(split_of(&s), 1);
    EXPECT_EQ(await(&s, 1), MRI_MINE);
    EXPECT_EQ(await(&s, 0), MRI_MINE);
    expect_over(&s, 8);
}

TEST(strand_deque_thieves, half_is_of_what_thieves_have_left)
{
    open_scene(&s, true);
    spawn_many(&s, 0, 8);
    EXPECT_EQ(force(&s), 8);
    EXPECT_EQ(steal_and_run(&s), 0);
    EXPECT_EQ(steal_and_run(&s), 1);
    EXPECT_EQ(await(&s, 7), MRI_MINE);
    EXPECT_EQ(top_of(&s), 2);
    EXPECT_EQ(split_of(&s), 2 + (7 - 2) / 2);
}

TEST(strand_deque_thieves, a_child_taken_back_out_of_order_is_no_thiefs)
{
    open_scene(&s, true);
    spawn_many(&s, 0, 6);
    EXPECT_EQ(force(&s), 6);
    EXPECT_EQ(await(&s, 4), MRI_RAN);
    EXPECT_EQ(split_of(&s), 2);
    EXPECT_EQ(steal_and_run(&s), 0);
    EXPECT_EQ(steal_and_run(&s), 1);
    EXPECT_EQ(steal_and_run(&s), -1);
    EXPECT_EQ(await(&s, 2), MRI_RAN);
}

/* ---- Parked ------------------------------------------------------------- */

TEST(strand_deque_thieves, parking_makes_all_children_public_and_says_so)
{
    for (int membarrier = 0; membarrier < 2; membarrier++) {
        open_scene(&s, membarrier);
        spawn_many(&s, 0, 3);
        EXPECT(mri_deque_park(&s.deque));
        EXPECT_EQ(split_of(&s), 3);
        for (int i = 0; i < 3; i++)
            EXPECT_EQ(steal_and_run(&s), i);
        mri_deque_resume(&s.deque);
        look(&s);
        for (int i = 2; i >= 0; i--) {
            EXPECT_EQ(await(&s, i), MRI_TAKEN);
            settle(&s, i);
        }
        expect_over(&s, 3);
    }
}

TEST(strand_deque_thieves, parking_without_unstarted_children_says_so)
{
    for (int membarrier = 0; membarrier < 2; membarrier++) {
        open_scene(&s, membarrier);
        EXPECT(!mri_deque_park(&s.deque));
        mri_deque_resume(&s.deque);
        spawn(&s, 0);
        force(&s);
        EXPECT_EQ(steal_and_run(&s), 0);
        EXPECT_EQ(await(&s, 0), MRI_TAKEN);
        EXPECT(!mri_deque_park(&s.deque));
        mri_deque_resume(&s.deque);
        settle(&s, 0);
        expect_over(&s, 1);
    }
}

TEST(strand_deque_thieves, a_resumed_strand_awaits_what_nobody_took)
{
    for (int membarrier = 0; membarrier < 2; membarrier++) {
        open_scene(&s, membarrier);
        spawn_many(&s, 0, 4);
        EXPECT(mri_deque_park(&s.deque));
        EXPECT_EQ(steal_and_run(&s), 0);
        mri_deque_resume(&s.deque);
        look(&s);
        EXPECT_EQ(await(&s, 3), MRI_MINE);
        EXPECT_EQ(await(&s, 1), MRI_RAN);
        EXPECT_EQ(await(&s, 0), MRI_TAKEN);
        settle(&s, 0);
        EXPECT_EQ(await(&s, 2), MRI_RAN);
        expect_over(&s, 4);
    }
}

/* Children above a tombstone become public when a forcer finds those below it
 * gone: whoever holds the parked strand's token must force until it gets 0. */
TEST(strand_deque_thieves, what_a_parked_strand_has_above_tombstones_is_forced)
{
    for (int membarrier = 0; membarrier < 2; membarrier++) {
        open_scene(&s, membarrier);
        spawn_many(&s, 0, 4);
        EXPECT_EQ(await(&s, 1), MRI_RAN);
        EXPECT(mri_deque_park(&s.deque));
        EXPECT_EQ(force(&s), 0);
        EXPECT_EQ(steal_and_run(&s), 0);
        EXPECT_EQ(steal_and_run(&s), -1);
        EXPECT(mri_deque_looks_live(&s.deque));
        EXPECT_EQ(force(&s), 2);
        EXPECT_EQ(steal_and_run(&s), 2);
        EXPECT_EQ(steal_and_run(&s), 3);
        EXPECT_EQ(force(&s), 0);
        EXPECT(!mri_deque_looks_live(&s.deque));
    }
}

/* ---- A sleeper's last look ---------------------------------------------- */

TEST(strand_deque_thieves, private_and_public_children_look_live)
{
    open_scene(&s, true);
    EXPECT(!mri_deque_looks_live(&s.deque));
    spawn(&s, 0);
    EXPECT(mri_deque_looks_live(&s.deque));
    EXPECT_EQ(force(&s), 1);
    EXPECT(mri_deque_looks_live(&s.deque));
    EXPECT_EQ(steal_and_run(&s), 0);
    EXPECT(!mri_deque_looks_live(&s.deque));
    spawn(&s, 1);
    EXPECT(mri_deque_looks_live(&s.deque));
}

TEST(strand_deque_thieves, tombstones_do_not_look_live_but_what_they_hide_does)
{
    open_scene(&s, true);
    spawn_many(&s, 0, 3);
    EXPECT_EQ(await(&s, 0), MRI_RAN);
    EXPECT_EQ(await(&s, 1), MRI_RAN);
    EXPECT(mri_deque_looks_live(&s.deque));
    EXPECT_EQ(force(&s), 1);
    EXPECT_EQ(steal_and_run(&s), 2);
    EXPECT(!mri_deque_looks_live(&s.deque));
}

TEST(strand_deque_thieves, an_awaited_child_does_not_look_live)
{
    open_scene(&s, true);
    mri_slot *slot = spawn(&s, 0);
    EXPECT_EQ(mri_deque_await(&s.deque, slot, slot + 1, leaf), MRI_MINE);
    EXPECT(!mri_deque_looks_live(&s.deque));
}
