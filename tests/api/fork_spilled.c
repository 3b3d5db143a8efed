/* millrace/fork.h: children for which a stack's deque has no slot. */
#undef NDEBUG /* its checks are tested too */
#include <millrace.h>

#include "slow.h"
#include "test.h"

static int64_t run_with(unsigned workers, mr_fn fn, void *arg)
{
    mr_config config;
    memset(&config, 0, sizeof config);
    config.size = sizeof config;
    config.workers = workers;
    config.stack_size = 1 << 20;
    return mr_main(&config, fn, arg);
}

enum { MANY = 6000 };

MR_FORKABLE(int64_t, echo, int64_t, n)
{
    return n;
}

/* More children than slots: the rest goes through the queue. */
MR_FORKABLE(int64_t, spawn_many, int, backwards)
{
    int64_t sum = 0;
    MR_CHILDREN(echo, child, MANY);
    for (int64_t i = 0; i < MANY; i++)
        MR_SPAWN_AT(echo, child, i, i);
    for (int i = 0; i < MANY; i++)
        sum += MR_AWAIT_AT(echo, child, backwards ? MANY - 1 - i : i);
    return sum;
}

static int64_t spawn_many_task(void *arg)
{
    return spawn_many(*(int *)arg);
}

TEST(fork_spilled, more_children_than_slots)
{
    int forwards = 0;
    EXPECT_EQ(spawn_many_task(&forwards), INT64_C(6000) * 5999 / 2);
    for (int backwards = 0; backwards < 2; backwards++)
        for (unsigned workers = 1; workers <= 3; workers++)
            EXPECT_EQ(run_with(workers, spawn_many_task, &backwards),
                      INT64_C(6000) * 5999 / 2);
}

/* ---- In every order, and within each other ------------------------------- */

enum { WIDE = 4200, FEW = 20 };

/* Children, awaited with a stride through them: 1 is oldest first. A few have
 * children of their own, awaited likewise, while the deque is full. */
struct tree {
    int depth, width, stride;
};

static int64_t count_task(void *arg);

MR_FORKABLE(int64_t, count, struct tree, t)
{
    int64_t sum = 1;
    int start = t.width - 1, width = t.width;
    if (t.depth == 0)
        return sum;
    MR_CHILDREN(count, child, WIDE);
    for (int i = 0; i < width; i++) {
        struct tree below = {i % FEW == 0 ? t.depth - 1 : 0, 3, t.stride};
        MR_SPAWN_AT(count, child, i, below);
    }
    for (int i = 0; i < width; i++) {
        start = (start + t.stride) % width;
        sum += MR_AWAIT_AT(count, child, start);
    }
    return sum;
}

static int64_t count_task(void *arg)
{
    return count(*(struct tree *)arg);
}

/* Strides that meet each child of 4200, and of 3, once. */
TEST(fork_spilled, awaits_in_any_order_with_children_of_their_own)
{
    static const int strides[] = {11, 4199, 1, 1999};
    for (int i = 0; i < (slow_is_sanitized() ? 2 : 4); i++) {
        struct tree t = {3, WIDE, strides[i]};
        /* Of three, the first has children: 1 + 3 + 3. */
        int64_t expected = 1 + WIDE + WIDE / FEW * 6;
        EXPECT_EQ(count_task(&t), expected);
        for (unsigned workers = 1; workers <= 3; workers++)
            EXPECT_EQ(run_with(workers, count_task, &t), expected);
    }
}

/* A task of the other kind while the deque is full and more, before the next
 * of these macros. */
static int64_t small_tree(void *arg)
{
    mr_task task;
    struct tree t = {2, 3, 1}; /* 1 + 3 + 3 */
    (void)arg;
    mr_spawn(&task, count_task, &t);
    mr_yield();
    return count(t) + mr_await(&task);
}

MR_FORKABLE(int64_t, both_kinds, int, n)
{
    mr_task task;
    int64_t sum = 0;
    MR_CHILDREN(echo, child, MANY);
    for (int i = 0; i < n; i++)
        MR_SPAWN_AT(echo, child, i, 1);
    mr_spawn(&task, small_tree, NULL);
    sum += small_tree(NULL);
    sum += mr_await(&task);
    for (int i = n; i-- > 0;) {
        sum += MR_AWAIT_AT(echo, child, i);
        if (i % 500 == 0)
            sum += MR_CALL(echo, small_tree(NULL));
    }
    return sum;
}

static int64_t both_kinds_task(void *arg)
{
    return both_kinds(*(int *)arg);
}

TEST(fork_spilled, mix_with_tasks_of_the_other_kind)
{
    int n = 5000;
    for (unsigned workers = 1; workers <= 3; workers++)
        EXPECT_EQ(run_with(workers, both_kinds_task, &n), 5000 + 12 * 14);
}

/* Nothing is left of them: what comes later is quick and in its slots. */
MR_FORKABLE(int64_t, twice, int, backwards)
{
    int64_t sum = MR_CALL(spawn_many, backwards);
    sum += MR_CALL(spawn_many, !backwards);
    MR_CHILD(echo, child);
    MR_SPAWN(echo, child, 1);
    bool in_slot = (uintptr_t)child - (uintptr_t)mr_deque_->slots < 65536;
    sum += MR_AWAIT(echo, child);
    return in_slot ? sum : -1;
}

static int64_t twice_task(void *arg)
{
    return twice(*(int *)arg);
}

TEST(fork_spilled, leave_the_slots_as_they_were)
{
    for (int backwards = 0; backwards < 2; backwards++)
        EXPECT_EQ(run_with(2, twice_task, &backwards),
                  INT64_C(6000) * 5999 + 1);
}

/* Outside of tasks nobody else runs a child: its spawner's await does. */
MR_FORKABLE(int64_t, notes_when, int *, when)
{
    return (*when)++;
}

MR_FORKABLE(int64_t, spawns_two, int *, when)
{
    MR_CHILD(notes_when, a);
    MR_CHILD(notes_when, b);
    MR_SPAWN(notes_when, a, when);
    MR_SPAWN(notes_when, b, when);
    int64_t sum = 100 * MR_CALL(notes_when, when);
    sum += 10 * MR_AWAIT(notes_when, a);
    return sum + MR_AWAIT(notes_when, b);
}

TEST(fork_spilled, run_in_their_awaits_outside_of_tasks)
{
    int when = 1;
    EXPECT_EQ(spawns_two(&when), 123);
}
