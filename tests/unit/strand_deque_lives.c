/* Whole lives of a strand deque: everything with everything, and with a thread
 * that takes from it while its owner works. */
#include "deque_scene.h"

#include <pthread.h>
#include <sched.h>

static struct scene s;

/* ---- Everything with everything ----------------------------------------- */

enum publication { NOT, BY_HUNGER, BY_FORCE, BY_PARKING, WAYS };

static void spawn_and_publish(int n, enum publication how)
{
    spawn_many(&s, 0, n - 1);
    if (how == BY_HUNGER)
        mri_deque_hunger(&s.deque);
    spawn(&s, n - 1);
    if (how == BY_FORCE)
        force(&s);
    if (how == BY_PARKING)
        EXPECT(mri_deque_park(&s.deque));
}

/* One life: n children, some stolen, which the thief has run before the await
 * or runs after it, awaited in one of the n! orders. */
static void live(int n, enum publication how, int most, bool early, int order)
{
    int left[SLOTS];
    memset(s.ran, 0, sizeof s.ran);
    spawn_and_publish(n, how);
    for (int i = 0; i < most; i++) {
        mri_slot *slot = mri_deque_steal(&s.deque);
        if (slot && early)
            run_stolen(slot);
    }
    if (how == BY_PARKING)
        mri_deque_resume(&s.deque);
    look(&s);
    for (int i = 0; i < n; i++)
        left[i] = i;
    for (int count = n; count > 0; count--) {
        int i = left[order % count];
        left[order % count] = left[count - 1];
        order /= count;
        if (await(&s, i) == MRI_TAKEN) {
            if (!early)
                run_stolen(&s.slot[i]);
            settle(&s, i);
        }
        EXPECT_EQ(s.slot[i].value[0], i + 100);
    }
    expect_over(&s, n);
}

static void live_in_all_orders(int n, bool membarrier, enum publication how)
{
    static const int factorial[] = {1, 1, 2, 6, 24};
    for (int most = 0; most <= n; most++)
        for (int order = 0; order < 2 * factorial[n]; order++) {
            open_scene(&s, membarrier);
            live(n, how, most, order % 2, order / 2);
            live(n, how, most, order % 2, order / 2);
        }
}

TEST(strand_deque_lives, a_child_runs_once_whoever_took_it_in_any_order)
{
    for (int n = 1; n <= 4; n++)
        for (int how = 0; how < WAYS; how++) {
            live_in_all_orders(n, true, how);
            live_in_all_orders(n, false, how);
        }
}

/* ---- A tombstone far below ----------------------------------------------- */

enum { FAR = 5 * MRI_DEQUE_LOOK };

static struct {
    mri_deque deque;
    mri_slot slot[FAR];
    int ran[FAR];
} tall;

static MRI_SLOT_FN void mark(mri_deque *d, mri_slot *head, mri_slot *slot)
{
    (void)d;
    (void)head;
    tall.ran[slot->value[0]]++;
}

static void spawn_tall(int which)
{
    tall.slot[which].value[0] = which;
    mri_deque_spawn(&tall.deque, &tall.slot[which], mark);
}

static mri_verdict await_tall(int i)
{
    mri_slot *slot = &tall.slot[i];
    mri_verdict verdict = mri_deque_await(
        &tall.deque, slot, mri_load_relaxed(&tall.deque.head), mark);
    if (verdict == MRI_MINE)
        mark(&tall.deque, slot, slot);
    mri_deque_check(&tall.deque);
    EXPECT_EQ(tall.ran[i], 1);
    return verdict;
}

/* Of those above it but a few are awaited fast, however often the deque has to
 * ask itself where it is. */
TEST(strand_deque, a_tombstone_far_below_slows_down_one_of_many)
{
    mri_barrier barrier = {.membarrier = true};
    int slow = 0;
    memset(&tall, 0, sizeof tall);
    mri_deque_map(&tall.deque, tall.slot, FAR, &barrier);
    for (int i = 0; i < FAR; i++)
        spawn_tall(i);
    EXPECT_EQ(await_tall(0), MRI_RAN);
    EXPECT_EQ(await_tall(FAR - 2), MRI_RAN);
    EXPECT_EQ(await_tall(FAR - 1), MRI_RAN);
    for (int i = FAR - 3; i > 0; i--)
        slow += await_tall(i) != MRI_MINE;
    EXPECT(slow >= 1 && slow <= FAR / MRI_DEQUE_LOOK + 1);
    EXPECT(mri_deque_is_idle(&tall.deque));
    EXPECT_EQ(tall.deque.settled, 0);
}

/* ---- With the head outside ----------------------------------------------- */

/* Where children without a slot lie. */
static mri_slot elsewhere[2];

static void expect_no_room(void)
{
    EXPECT(!mri_deque_has_room(&s.deque, mri_load_relaxed(&s.deque.head)));
    look(&s);
}

/* A full deque, out and back, `inner` awaited while it is outside. */
static void live_outside(bool membarrier, int inner, bool forced)
{
    open_scene(&s, membarrier);
    spawn_many(&s, 0, SLOTS);
    for (int i = 0; i < 2; i++) {
        mri_deque_go_outside(&s.deque, &elsewhere[i] + 1);
        expect_no_room();
    }
    if (forced) {
        force(&s);
        EXPECT_EQ(steal_and_run(&s), 0);
    }
    EXPECT_EQ(await(&s, inner), MRI_RAN);
    mri_deque_go_outside(&s.deque, &elsewhere[0] + 1);
    expect_no_room();
    mri_deque_come_inside(&s.deque);
    look(&s);
    EXPECT_EQ(head_of(&s), inner == SLOTS - 1 ? inner : SLOTS);
    for (int i = SLOTS; i-- > 0;)
        if (i != inner && await(&s, i) == MRI_TAKEN)
            settle(&s, i);
    expect_over(&s, SLOTS);
}

TEST(strand_deque, comes_back_from_outside_to_what_is_left)
{
    for (int inner = 1; inner < SLOTS; inner++)
        for (int way = 0; way < 4; way++)
            live_outside(way % 2, inner, way / 2);
}

/* ---- A thief of flesh and blood ----------------------------------------- */

static bool forces;
static int64_t saw;

static void *thief(void *arg)
{
    mri_slot *slot;
    (void)arg;
    while (!(slot = mri_deque_steal(&s.deque))) {
        if (forces)
            mri_deque_force(&s.deque, &s.barrier);
        else
            mri_deque_hunger(&s.deque);
        sched_yield();
    }
    saw = slot->value[0];
    run_stolen(slot);
    return NULL;
}

/* The owner spawns once it was asked, or without, then works until the child
 * is done by another: so that one must have got it. */
static void is_helped(bool membarrier)
{
    pthread_t thread;
    open_scene(&s, membarrier);
    if (membarrier && !s.barrier.membarrier)
        SKIP("no membarrier here");
    EXPECT_EQ(pthread_create(&thread, NULL, thief, NULL), 0);
    while (!forces && !mri_load_relaxed(&s.deque.want))
        sched_yield();
    s.slot[0].value[0] = 9;
    mri_deque_spawn(&s.deque, &s.slot[0], leaf);
    while (!mri_load_acquire(&s.slot[0].done))
        sched_yield();
    EXPECT_EQ(await(&s, 0), MRI_TAKEN);
    settle(&s, 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT_EQ(saw, 9);
    EXPECT_EQ(s.slot[0].value[0], 109);
    EXPECT_EQ(s.ran[9], 1);
    EXPECT(mri_deque_is_idle(&s.deque));
}

TEST(strand_deque_lives, a_hungry_thread_gets_a_child_from_a_busy_owner)
{
    forces = false;
    is_helped(true);
}

TEST(strand_deque_lives, a_thread_forces_a_child_from_a_busy_owner)
{
    forces = true;
    is_helped(true);
}

TEST(strand_deque_lives, a_thread_gets_a_child_without_membarrier)
{
    forces = false;
    is_helped(false);
    forces = true;
    is_helped(false);
}
