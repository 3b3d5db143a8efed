/* Forcing a strand deque: what becomes public, and what the owner and others
 * may do in the meantime. The meantime is the heavy barrier, whose system call
 * the testing twin lets a test precede with steps of its own: so each of these
 * interleavings happens every time. */
#include "deque_scene.h"

#include "faults.h"

static struct scene s;

/* ---- What becomes public ------------------------------------------------ */

TEST(strand_deque_force, makes_all_children_public_and_counts_them)
{
    open_scene(&s, true);
    EXPECT_EQ(force(&s), 0);
    spawn_many(&s, 0, 5);
    EXPECT_EQ(force(&s), 5);
    EXPECT_EQ(split_of(&s), 5);
    EXPECT_EQ(force(&s), 0);
    spawn(&s, 5);
    EXPECT_EQ(force(&s), 1);
}

TEST(strand_deque_force, fills_a_whole_area)
{
    open_scene(&s, true);
    spawn_many(&s, 0, SLOTS);
    EXPECT_EQ(force(&s), SLOTS);
    for (int i = 0; i < SLOTS; i++)
        EXPECT_EQ(steal_and_run(&s), i);
    EXPECT_EQ(force(&s), 0);
    EXPECT(!mri_deque_looks_live(&s.deque));
}

TEST(strand_deque_force, stops_before_a_tombstone_until_all_below_is_taken)
{
    open_scene(&s, true);
    spawn_many(&s, 0, 5);
    EXPECT_EQ(await(&s, 2), MRI_RAN);
    EXPECT_EQ(force(&s), 2);
    EXPECT_EQ(steal_and_run(&s), 0);
    EXPECT_EQ(force(&s), 0);
    EXPECT_EQ(steal_and_run(&s), 1);
    EXPECT_EQ(force(&s), 2);
    EXPECT_EQ(top_of(&s), 3);
    EXPECT_EQ(steal_and_run(&s), 3);
    EXPECT_EQ(steal_and_run(&s), 4);
}

/* As the owner leaves it between its mark and its look at the floor. */
static void mark(int slot)
{
    mri_store_relaxed(&s.slot[slot].fn, (uintptr_t)leaf + 1);
}

TEST(strand_deque_force, stops_before_a_child_that_is_being_awaited)
{
    open_scene(&s, true);
    spawn_many(&s, 0, 3);
    mark(1);
    EXPECT_EQ(mri_deque_force(&s.deque, &s.barrier), 1);
    EXPECT_EQ(split_of(&s), 1);
    EXPECT_EQ(await(&s, 1), MRI_RAN);
    EXPECT_EQ(steal_and_run(&s), 0);
    EXPECT_EQ(steal_and_run(&s), -1);
}

TEST(strand_deque_force, passes_no_tombstone_towards_a_child_being_awaited)
{
    open_scene(&s, true);
    spawn_many(&s, 0, 2);
    EXPECT_EQ(await(&s, 0), MRI_RAN);
    mark(1);
    EXPECT_EQ(mri_deque_force(&s.deque, &s.barrier), 0);
    EXPECT_EQ(split_of(&s), 0);
    EXPECT_EQ(await(&s, 1), MRI_RAN);
    EXPECT(mri_deque_is_idle(&s.deque));
}

/* Runs where it lay, right above a tombstone that it must leave alone. */
static MRI_SLOT_FN void forced_inside(mri_deque *d, mri_slot *head,
                                      mri_slot *slot)
{
    (void)d;
    EXPECT_EQ(force(&s), 0);
    EXPECT_EQ(split_of(&s), 0);
    EXPECT(spawn(&s, 10) == head);
    EXPECT_EQ(force(&s), 1);
    EXPECT_EQ(top_of(&s), 1);
    EXPECT_EQ(await_fn(&s, head, leaf), MRI_RAN);
    slot->value[0] = 7;
}

TEST(strand_deque_force, passes_tombstones_only_towards_a_child)
{
    open_scene(&s, true);
    spawn(&s, 0);
    mri_slot *slot = spawn_fn(&s, 1, forced_inside);
    EXPECT_EQ(await(&s, 0), MRI_RAN);
    EXPECT_EQ(await_fn(&s, slot, forced_inside), MRI_RAN);
    EXPECT_EQ(slot->value[0], 7);
    EXPECT_EQ(s.ran[10], 1);
    EXPECT(mri_deque_is_idle(&s.deque));
}

TEST(strand_deque_force, finds_nothing_in_the_tombstones_of_a_life_before)
{
    open_scene(&s, true);
    spawn_many(&s, 0, 3);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(await(&s, i), MRI_RAN);
    EXPECT(is_tomb(&s.slot[0]) && is_tomb(&s.slot[1]));
    EXPECT_EQ(force(&s), 0);
    EXPECT_EQ(split_of(&s), 0);
    spawn(&s, 3);
    EXPECT_EQ(force(&s), 1);
    EXPECT_EQ(steal_and_run(&s), 3);
    EXPECT_EQ(force(&s), 0);
    EXPECT_EQ(split_of(&s), 1);
}

TEST(strand_deque_force, leaves_the_owner_its_fast_path)
{
    open_scene(&s, true);
    spawn_many(&s, 0, 2);
    EXPECT_EQ(force(&s), 2);
    EXPECT_EQ(floor_of(&s), 2);
    uint32_t generation = s.deque.generation;
    spawn(&s, 2);
    EXPECT_EQ(await(&s, 2), MRI_MINE);
    EXPECT_EQ(s.deque.generation, generation);
}

TEST(strand_deque_force, does_not_miss_when_the_generation_wraps)
{
    for (uint32_t before = 3; before > 0; before--) {
        open_scene(&s, true);
        s.deque.generation = UINT32_MAX - before + 1;
        spawn_many(&s, 0, 1);
        EXPECT_EQ(force(&s), 1);
        spawn(&s, 1);
        EXPECT_EQ(force(&s), 1);
        spawn(&s, 2);
        EXPECT_EQ(force(&s), 1);
    }
}

/* ---- In the meantime ---------------------------------------------------- */

static void (*meanwhile)(void);
static int barriers;

static void before_call(const char *call)
{
    if (strcmp(call, "membarrier") != 0)
        return;
    if (barriers++ == 0)
        meanwhile();
}

static uint32_t force_while(void (*step)(void))
{
    meanwhile = step;
    barriers = 0;
    faults_before(before_call);
    uint32_t n = mri_deque_force(&s.deque, &s.barrier);
    faults_before(NULL);
    look(&s);
    return n;
}

#define OPEN_OR_SKIP()                                                         \
    do {                                                                       \
        open_scene(&s, true);                                                  \
        if (!s.barrier.membarrier)                                             \
            SKIP("no membarrier here");                                        \
    } while (0)

static void nothing(void)
{
}

TEST(strand_deque_force, needs_a_barrier_only_where_the_owner_may_be_fast)
{
    OPEN_OR_SKIP();
    spawn_many(&s, 0, 2);
    EXPECT_EQ(force_while(nothing), 2);
    EXPECT_EQ(barriers, 1);
    EXPECT(mri_deque_park(&s.deque));
    EXPECT_EQ(force_while(nothing), 0);
    EXPECT_EQ(barriers, 0);
    mri_deque_resume(&s.deque);
    EXPECT_EQ(force_while(nothing), 0);
    EXPECT_EQ(barriers, 1);
}

TEST(strand_deque_force, needs_no_barrier_without_membarrier)
{
    open_scene(&s, false);
    spawn_many(&s, 0, 3);
    EXPECT_EQ(await(&s, 1), MRI_RAN); /* took 0 back too */
    EXPECT_EQ(force_while(nothing), 1);
    EXPECT_EQ(steal_and_run(&s), 0);
    EXPECT_EQ(force_while(nothing), 1);
    EXPECT_EQ(steal_and_run(&s), 2);
    EXPECT_EQ(barriers, 0);
}

static void see_the_barrier(void)
{
    EXPECT_EQ(floor_of(&s), -1);
    EXPECT(!mri_lock_is_held(&s.deque.lock));
    EXPECT(s.deque.forcing);
    EXPECT(mri_deque_steal(&s.deque) == NULL);
    look(&s);
}

TEST(strand_deque_force, raises_the_floor_and_lets_go_of_the_lock_meanwhile)
{
    OPEN_OR_SKIP();
    spawn_many(&s, 0, 2);
    EXPECT_EQ(force_while(see_the_barrier), 2);
    EXPECT_EQ(barriers, 1);
    EXPECT(!s.deque.forcing);
}

static void await_youngest(void)
{
    EXPECT_EQ(await(&s, 2), MRI_MINE);
}

static void await_oldest(void)
{
    EXPECT_EQ(await(&s, 0), MRI_RAN);
}

static void answer_hunger(void)
{
    mri_deque_hunger(&s.deque);
    spawn(&s, 3);
}

static void park(void)
{
    EXPECT(mri_deque_park(&s.deque));
}

static void park_and_resume(void)
{
    EXPECT(mri_deque_park(&s.deque));
    mri_deque_resume(&s.deque);
}

TEST(strand_deque_force, gives_up_when_the_owner_took_a_slow_path_meanwhile)
{
    static const struct {
        void (*step)(void);
        uint32_t split; /* the owner's doing alone */
    } moves[] = {{await_youngest, 0},
                 {await_oldest, 0},
                 {answer_hunger, 2},
                 {park, 3},
                 {park_and_resume, 3}};
    for (size_t i = 0; i < MRI_ARRAY_LEN(moves); i++) {
        OPEN_OR_SKIP();
        spawn_many(&s, 0, 3);
        EXPECT_EQ(force_while(moves[i].step), 0);
        EXPECT_EQ(split_of(&s), moves[i].split);
        EXPECT(!s.deque.forcing);
    }
}

static void settle_first(void)
{
    settle(&s, 0);
}

TEST(strand_deque_force, gives_up_when_the_owner_settled_meanwhile)
{
    OPEN_OR_SKIP();
    spawn(&s, 0);
    EXPECT_EQ(force(&s), 1);
    EXPECT_EQ(steal_and_run(&s), 0);
    spawn(&s, 1);
    EXPECT_EQ(await(&s, 0), MRI_TAKEN);
    EXPECT_EQ(force_while(settle_first), 0);
    EXPECT_EQ(split_of(&s), 1);
    EXPECT_EQ(force(&s), 1);
}

static void spawn_two(void)
{
    spawn_many(&s, 3, 2);
}

TEST(strand_deque_force, takes_along_what_was_spawned_meanwhile)
{
    OPEN_OR_SKIP();
    spawn_many(&s, 0, 3);
    EXPECT_EQ(force_while(spawn_two), 5);
}

static void steal_two(void)
{
    EXPECT_EQ(steal_and_run(&s), 0);
    EXPECT_EQ(steal_and_run(&s), 1);
}

TEST(strand_deque_force, goes_on_beside_thieves)
{
    OPEN_OR_SKIP();
    spawn_many(&s, 0, 2);
    EXPECT_EQ(force(&s), 2);
    spawn_many(&s, 2, 2);
    EXPECT_EQ(force_while(steal_two), 2);
    EXPECT_EQ(top_of(&s), 2);
    EXPECT_EQ(split_of(&s), 4);
}

static void force_too(void)
{
    EXPECT_EQ(force(&s), 0);
    EXPECT_EQ(barriers, 1);
    EXPECT_EQ(floor_of(&s), -1);
}

TEST(strand_deque_force, there_is_one_forcer_at_a_time)
{
    OPEN_OR_SKIP();
    spawn_many(&s, 0, 3);
    EXPECT_EQ(force_while(force_too), 3);
}

static void await_and_force(void)
{
    EXPECT_EQ(await(&s, 2), MRI_MINE);
    EXPECT_EQ(force(&s), 2);
    EXPECT_EQ(barriers, 2);
    spawn(&s, 3);
}

TEST(strand_deque_force, that_was_overtaken_by_another_gives_up)
{
    OPEN_OR_SKIP();
    spawn_many(&s, 0, 3);
    EXPECT_EQ(force_while(await_and_force), 0);
    EXPECT_EQ(split_of(&s), 2);
    EXPECT_EQ(force(&s), 1);
}
