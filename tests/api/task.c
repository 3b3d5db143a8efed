/* millrace/task.h: fork and join. */
#include <millrace.h>

#include "run.h"
#include "slow.h"
#include "test.h"

#include <signal.h>
#include <time.h>

static int64_t fib(void *arg)
{
    int64_t n = *(int64_t *)arg;
    if (n < 2)
        return n;
    int64_t less_one = n - 1, less_two = n - 2;
    mr_task other;
    mr_spawn(&other, fib, &less_one);
    int64_t sum = fib(&less_two);
    return sum + mr_await(&other);
}

TEST(task, fib_with_1_to_8_workers)
{
    int64_t n = 22;
    for (unsigned workers = 1; workers <= 8; workers++)
        EXPECT_EQ(run_with(workers, fib, &n), 17711);
}

TEST(task, a_task_function_is_an_ordinary_function)
{
    int64_t n = 1;
    EXPECT_EQ(fib(&n), 1);
}

/* ---- Order -------------------------------------------------------------- */

static int64_t square(void *arg)
{
    int64_t n = *(int64_t *)arg;
    return n * n;
}

enum { CHILDREN = 100 };

struct order {
    uint64_t seed;
    int64_t position[CHILDREN];
};

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static int64_t await_in_order(void *arg)
{
    struct order *o = arg;
    mr_task t[CHILDREN];
    int64_t n[CHILDREN];
    for (int64_t i = 0; i < CHILDREN; i++) {
        n[i] = i;
        mr_spawn(&t[i], square, &n[i]);
    }
    for (int i = 0; i < CHILDREN; i++) {
        int64_t which = o->position[i];
        if (mr_await(&t[which]) != which * which)
            return -1;
    }
    return 0;
}

static void shuffle(struct order *o)
{
    for (int i = CHILDREN - 1; i > 0; i--) {
        int j = (int)(next_random(&o->seed) % (unsigned)(i + 1));
        int64_t swap = o->position[i];
        o->position[i] = o->position[j];
        o->position[j] = swap;
    }
}

TEST(task, children_are_awaited_in_any_order)
{
    struct order o = {.seed = 4711};
    for (int64_t i = 0; i < CHILDREN; i++)
        o.position[i] = i;
    EXPECT_EQ(run_with(2, await_in_order, &o), 0);
    for (int round = 0; round < 30; round++) {
        shuffle(&o);
        EXPECT_EQ(run_with(1 + (unsigned)round % 4, await_in_order, &o), 0);
    }
}

/* ---- Many, and deep ----------------------------------------------------- */

static int64_t a_million(void *arg)
{
    int64_t n = *(int64_t *)arg, sum = 0;
    mr_task *t = malloc((size_t)n * sizeof *t);
    int64_t two = 2;
    for (int64_t i = 0; i < n; i++)
        mr_spawn(&t[i], square, &two);
    for (int64_t i = 0; i < n; i++)
        sum += mr_await(&t[i]);
    free(t);
    return sum;
}

TEST(task, one_parent_has_a_million_children)
{
    int64_t n = slow_scale(1000000);
    EXPECT_EQ(run_with(2, a_million, &n), 4 * n);
}

static int64_t chain(void *arg)
{
    int64_t n = *(int64_t *)arg;
    if (n == 0)
        return 0;
    int64_t less = n - 1;
    mr_task t;
    mr_spawn(&t, chain, &less);
    return 1 + mr_await(&t);
}

TEST(task, awaits_go_20000_deep_on_default_stacks)
{
    int64_t n = 20000;
    EXPECT_EQ(run_with(1, chain, &n), 20000);
    EXPECT_EQ(run_with(3, chain, &n), 20000);
}

static int64_t chain_out_of_order(void *arg)
{
    int64_t n = *(int64_t *)arg, less = n - 1, two = 2;
    mr_task deep, other;
    if (n == 0)
        return 0;
    mr_spawn(&deep, chain_out_of_order, &less);
    mr_spawn(&other, square, &two);
    int64_t below = mr_await(&deep);
    return below + mr_await(&other) - 3;
}

TEST(task, awaits_out_of_order_go_20000_deep)
{
    int64_t n = 20000;
    EXPECT_EQ(run_with(1, chain_out_of_order, &n), 20000);
    EXPECT_EQ(run_with(3, chain_out_of_order, &n), 20000);
}

/* ---- Waiting ------------------------------------------------------------ */

static int64_t yields(void *arg)
{
    int64_t n = *(int64_t *)arg;
    for (int64_t i = 0; i < n; i++)
        mr_yield();
    return n;
}

static int64_t parent_of_yielders(void *arg)
{
    int64_t n = *(int64_t *)arg, sum = 0;
    mr_task t[CHILDREN];
    for (int i = 0; i < CHILDREN; i++)
        mr_spawn(&t[i], yields, &n);
    /* Its own wait, with unstarted children. */
    mr_yield();
    for (int i = 0; i < CHILDREN; i++)
        sum += mr_await(&t[i]);
    return sum;
}

TEST(task, unstarted_children_survive_their_parents_wait)
{
    int64_t n = 100;
    for (unsigned workers = 1; workers <= 4; workers++)
        EXPECT_EQ(run_with(workers, parent_of_yielders, &n), CHILDREN * n);
}

static int told;

static int64_t tell(void *arg)
{
    (void)arg;
    __atomic_store_n(&told, 1, __ATOMIC_RELEASE);
    return 0;
}

static int64_t until_told(void *arg)
{
    (void)arg;
    while (!__atomic_load_n(&told, __ATOMIC_ACQUIRE))
        mr_yield();
    return 1;
}

/* Spawns one that waits for the third, with an awaited one between them. */
static int64_t waits_for_younger_sibling(void *arg)
{
    int64_t n = 2;
    mr_task t[3];
    (void)arg;
    told = 0;
    mr_spawn(&t[0], until_told, NULL);
    mr_spawn(&t[1], square, &n);
    mr_spawn(&t[2], tell, NULL);
    int64_t sum = mr_await(&t[1]);
    sum += mr_await(&t[0]);
    return sum + mr_await(&t[2]);
}

TEST(task, awaited_child_may_wait_for_an_unstarted_sibling)
{
    for (unsigned workers = 1; workers <= 4; workers++)
        for (int i = 0; i < 20; i++)
            EXPECT_EQ(run_with(workers, waits_for_younger_sibling, NULL), 5);
}

/* The same while the parent waits, and others run them. */
static int64_t yields_until_told(void *arg)
{
    int64_t n = 2;
    mr_task t[3];
    (void)arg;
    told = 0;
    mr_spawn(&t[0], until_told, NULL);
    mr_spawn(&t[1], square, &n);
    mr_spawn(&t[2], tell, NULL);
    int64_t sum = mr_await(&t[1]);
    sum += until_told(NULL);
    sum += mr_await(&t[2]);
    return sum + mr_await(&t[0]);
}

TEST(task, child_above_an_awaited_one_is_started_while_the_parent_waits)
{
    for (unsigned workers = 1; workers <= 4; workers++)
        for (int i = 0; i < 20; i++)
            EXPECT_EQ(run_with(workers, yields_until_told, NULL), 6);
}

/* A tree whose nodes spawn, wait and await at random. */
struct node {
    uint64_t seed;
    int depth;
};

static int64_t random_tree(void *arg)
{
    struct node me = *(struct node *)arg, child[4];
    mr_task t[4];
    bool awaited[4] = {false};
    if (me.depth == 0)
        return 1;
    int children = (int)(next_random(&me.seed) % 5);
    int64_t sum = 1;
    for (int i = 0; i < children; i++) {
        child[i] = (struct node){next_random(&me.seed), me.depth - 1};
        mr_spawn(&t[i], random_tree, &child[i]);
        if (next_random(&me.seed) % 4 == 0)
            mr_yield();
        int early = (int)(next_random(&me.seed) % 8);
        if (early <= i && !awaited[early]) {
            awaited[early] = true;
            sum += mr_await(&t[early]);
        }
    }
    for (int i = 0; i < children; i++)
        if (!awaited[i])
            sum += mr_await(&t[i]);
    return sum;
}

static int64_t same_tree_alone(struct node me)
{
    if (me.depth == 0)
        return 1;
    int children = (int)(next_random(&me.seed) % 5);
    int64_t sum = 1;
    for (int i = 0; i < children; i++) {
        struct node child = {next_random(&me.seed), me.depth - 1};
        next_random(&me.seed);
        next_random(&me.seed);
        sum += same_tree_alone(child);
    }
    return sum;
}

TEST(task, random_trees_with_waits_and_random_awaits)
{
    for (uint64_t seed = 1; seed <= (uint64_t)slow_scale(40); seed++) {
        struct node root = {seed * 7919, 9};
        unsigned workers = seed % 4 == 0 ? 64 : 1 + seed % 4;
        EXPECT_EQ(run_with(workers, random_tree, &root), same_tree_alone(root));
    }
}

/* ---- Blocking ----------------------------------------------------------- */

enum { SLEEPERS = 20 };

static int64_t sleeps(void *arg)
{
    struct timespec t = {.tv_nsec = 50000000};
    if (mr_self())
        return -1;
    nanosleep(&t, NULL);
    return *(int64_t *)arg;
}

static int64_t calls_blocking(void *arg)
{
    return mr_blocking(sleeps, arg);
}

/* One worker, and all of them sleep at the same time. */
static int64_t many_block(void *arg)
{
    mr_task t[SLEEPERS];
    int64_t sum = 0, start = mr_now();
    for (int i = 0; i < SLEEPERS; i++)
        mr_spawn(&t[i], calls_blocking, arg);
    mr_yield();
    for (int i = 0; i < SLEEPERS; i++)
        sum += mr_await(&t[i]);
    return mr_now() - start < SLEEPERS * 50 * MR_MS ? sum : -1;
}

TEST(task, blocking_calls_do_not_hold_the_worker)
{
    int64_t n = 3;
    EXPECT_EQ(run_with(1, many_block, &n), SLEEPERS * n);
    EXPECT_EQ(run_with(4, many_block, &n), SLEEPERS * n);
}

static int64_t returns_at_once(void *arg)
{
    return *(int64_t *)arg;
}

static int64_t blocks_often(void *arg)
{
    int64_t sum = 0;
    for (int i = 0; i < 1000; i++)
        sum += mr_blocking(returns_at_once, arg);
    return sum;
}

TEST(task, blocking_calls_that_return_at_once)
{
    int64_t n = 3;
    for (unsigned workers = 1; workers <= 3; workers++)
        EXPECT_EQ(run_with(workers, blocks_often, &n), 1000 * n);
}

TEST(task, blocking_outside_a_task_is_a_call)
{
    int64_t n = 3;
    EXPECT_EQ(mr_blocking(returns_at_once, &n), 3);
}

/* ---- Misuse ------------------------------------------------------------- */

TEST(task, spawn_outside_a_task_starts_nothing_and_its_await_says_so)
{
    int64_t n = 3;
    mr_task t;
    mr_spawn(&t, square, &n);
    EXPECT_EQ(mr_await(&t), MR_EPERM);
}

static int64_t await_twice(void *arg)
{
    mr_task t;
    mr_spawn(&t, square, arg);
    int64_t first = mr_await(&t);
    return mr_await(&t) == MR_EPERM ? first : -1;
}

TEST(task, second_await_is_an_error)
{
    int64_t n = 3;
    EXPECT_EQ(run_with(2, await_twice, &n), 9);
}

static mr_task abandoned;

static int64_t abandon(void *arg)
{
    mr_spawn(&abandoned, square, arg);
    return 0;
}

static void abandon_in_main(void *arg)
{
    run_with(1, abandon, arg);
}

TEST(task, returning_without_an_await_stops_the_program)
{
    int64_t n = 3;
    EXPECT(test_dies(abandon_in_main, &n, SIGABRT, "awaits its children"));
}

TEST(task, yield_outside_a_task_does_nothing)
{
    mr_yield();
}
