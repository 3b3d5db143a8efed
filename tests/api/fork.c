/* millrace/fork.h: typed fork and join. */
#undef NDEBUG /* its checks are tested too */
#include <millrace.h>

#include "run.h"
#include "slow.h"
#include "test.h"

#include <signal.h>

MR_FORKABLE(int64_t, fib, int64_t, n)
{
    if (n < 2)
        return n;
    MR_CHILD(fib, other);
    MR_SPAWN(fib, other, n - 1);
    int64_t sum = MR_CALL(fib, n - 2);
    return sum + MR_AWAIT(fib, other);
}

static int64_t fib_task(void *arg)
{
    return fib(*(int64_t *)arg);
}

TEST(fork, fib_with_1_to_8_workers)
{
    int64_t n = 22;
    for (unsigned workers = 1; workers <= 8; workers++)
        EXPECT_EQ(run_with(workers, fib_task, &n), 17711);
}

TEST(fork, outside_a_task_it_is_the_serial_program)
{
    EXPECT_EQ(fib(20), 6765);
}

/* ---- Types -------------------------------------------------------------- */

struct range {
    int from, to;
    double scale;
};

struct sums {
    double sum, squares;
};

MR_FORKABLE(struct sums, sum_range, struct range, r)
{
    struct sums left, right;
    if (r.to - r.from == 1) {
        double x = r.from * r.scale;
        left.sum = x;
        left.squares = x * x;
        return left;
    }
    struct range half = r;
    half.to = r.from = (r.from + r.to) / 2;
    MR_CHILD(sum_range, child);
    MR_SPAWN(sum_range, child, half);
    right = MR_CALL(sum_range, r);
    left = MR_AWAIT(sum_range, child);
    left.sum += right.sum;
    left.squares += right.squares;
    return left;
}

static int64_t sum_range_task(void *arg)
{
    struct sums *out = (struct sums *)arg;
    struct range all = {0, 10000, 0.5};
    *out = sum_range(all);
    return 0;
}

TEST(fork, arguments_and_results_are_structures)
{
    struct sums s;
    EXPECT_EQ(run_with(2, sum_range_task, &s), 0);
    EXPECT(s.sum == 10000.0 * 9999 / 4);
    EXPECT(s.squares == 10000.0 * 9999 * 19999 / 6 / 4);
}

/* More than a slot holds. */
struct matrix {
    int64_t m[4][4];
};

struct power {
    struct matrix base;
    unsigned exponent;
};

static struct matrix multiply(const struct matrix *a, const struct matrix *b)
{
    struct matrix c;
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            c.m[i][j] = 0;
            for (int k = 0; k < 4; k++)
                c.m[i][j] += a->m[i][k] * b->m[k][j];
        }
    return c;
}

MR_FORKABLE(struct matrix, raise_to, struct power, p)
{
    if (p.exponent == 1)
        return p.base;
    struct power half = p;
    half.exponent = p.exponent / 2;
    p.exponent -= half.exponent;
    MR_CHILD(raise_to, child);
    MR_SPAWN(raise_to, child, half);
    struct matrix right = MR_CALL(raise_to, p);
    struct matrix left = MR_AWAIT(raise_to, child);
    return multiply(&left, &right);
}

static int64_t raise_task(void *arg)
{
    struct power p;
    (void)arg;
    memset(&p, 0, sizeof p);
    p.base.m[0][0] = p.base.m[0][1] = p.base.m[1][0] = 1;
    p.exponent = 80;
    struct matrix m = raise_to(p);
    return m.m[0][1];
}

TEST(fork, values_larger_than_a_slot_travel_beside_it)
{
    for (unsigned workers = 1; workers <= 4; workers++)
        EXPECT_EQ(run_with(workers, raise_task, NULL),
                  INT64_C(23416728348467685));
    EXPECT_EQ(raise_task(NULL), INT64_C(23416728348467685));
}

/* Oldest first, with children of their own: the younger one runs above a
 * tombstone, in its own slot. */
MR_FORKABLE(struct matrix, grow, struct power, p)
{
    if (p.exponent == 0)
        return p.base;
    p.exponent--;
    MR_CHILD(grow, a);
    MR_CHILD(grow, b);
    MR_SPAWN(grow, a, p);
    MR_SPAWN(grow, b, p);
    struct matrix sum = MR_AWAIT(grow, a), other = MR_AWAIT(grow, b);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            sum.m[i][j] += other.m[i][j];
    return sum;
}

static int64_t grow_task(void *arg)
{
    struct power p;
    memset(&p, 0, sizeof p);
    p.base.m[3][2] = 1;
    p.exponent = *(unsigned *)arg;
    return grow(p).m[3][2];
}

TEST(fork, large_values_awaited_oldest_first)
{
    unsigned exponent = 10;
    for (unsigned workers = 1; workers <= 4; workers++)
        EXPECT_EQ(run_with(workers, grow_task, &exponent), 1024);
}

/* Live across spawns, and in what runs within them outside of tasks. */
MR_FORKABLE(long double, halves, int, depth)
{
    long double one = 1.0L, half = 0.5L;
    if (depth == 0)
        return one;
    MR_CHILD(halves, a);
    one *= half + depth;
    MR_SPAWN(halves, a, depth - 1);
    long double b = MR_CALL(halves, depth - 1);
    one /= half + depth;
    return one * half * (MR_AWAIT(halves, a) + b);
}

static int64_t halves_task(void *arg)
{
    return halves(*(int *)arg) == 1.0L;
}

TEST(fork, floating_point_of_any_kind_survives)
{
    int depth = 14;
    EXPECT_EQ(halves_task(&depth), 1);
    EXPECT_EQ(run_with(2, halves_task, &depth), 1);
}

/* ---- Loops -------------------------------------------------------------- */

struct node {
    int64_t first, leaves;
};

MR_FORKABLE(int64_t, skynet, struct node, n)
{
    if (n.leaves == 1)
        return n.first;
    int64_t sum = 0;
    MR_CHILDREN(skynet, child, 10);
    for (int i = 0; i < 10; i++) {
        struct node part = {n.first + i * (n.leaves / 10), n.leaves / 10};
        MR_SPAWN_AT(skynet, child, i, part);
    }
    for (int i = 10; i-- > 0;)
        sum += MR_AWAIT_AT(skynet, child, i);
    return sum;
}

static int64_t skynet_task(void *arg)
{
    struct node root = {0, *(int64_t *)arg};
    return skynet(root);
}

TEST(fork, loops_of_children)
{
    int64_t n = 100000;
    for (unsigned workers = 1; workers <= 4; workers++)
        EXPECT_EQ(run_with(workers, skynet_task, &n), n * (n - 1) / 2);
}

/* Oldest first: out of order to the deque. */
MR_FORKABLE(int64_t, oldest_first, int, depth)
{
    if (depth == 0)
        return 1;
    int64_t sum = 1;
    MR_CHILDREN(oldest_first, child, 4);
    for (int i = 0; i < 4; i++)
        MR_SPAWN_AT(oldest_first, child, i, depth - 1);
    for (int i = 0; i < 4; i++)
        sum += MR_AWAIT_AT(oldest_first, child, i);
    return sum;
}

static int64_t oldest_first_task(void *arg)
{
    return oldest_first(*(int *)arg);
}

TEST(fork, children_are_awaited_in_any_order)
{
    int depth = 7;
    for (unsigned workers = 1; workers <= 4; workers++)
        EXPECT_EQ(run_with(workers, oldest_first_task, &depth), 21845);
}

MR_FORKABLE(int64_t, echo, int64_t, n)
{
    return n;
}

/* ---- Mixing ------------------------------------------------------------- */

static int64_t plain(void *arg)
{
    int64_t n = *(int64_t *)arg;
    mr_yield();
    return n < 2 ? n : fib(n);
}

MR_FORKABLE(int64_t, mixed, int64_t, n)
{
    int64_t m = n / 2;
    mr_task task;
    if (n < 2)
        return n;
    MR_CHILD(mixed, child);
    MR_SPAWN(mixed, child, n - 1);
    mr_spawn(&task, plain, &m);
    mr_yield();
    int64_t sum = mr_await(&task);
    return sum + MR_AWAIT(mixed, child);
}

static int64_t mixed_task(void *arg)
{
    return mixed(*(int64_t *)arg);
}

TEST(fork, mixes_with_tasks_and_waits)
{
    int64_t n = 24, expected = 1;
    for (int64_t i = 2; i <= n; i++)
        expected += fib(i / 2);
    for (unsigned workers = 1; workers <= 4; workers++)
        EXPECT_EQ(run_with(workers, mixed_task, &n), expected);
}

MR_FORKABLE(int64_t, deep, int64_t, n)
{
    if (n == 0)
        return 0;
    MR_CHILD(deep, child);
    MR_SPAWN(deep, child, n - 1);
    int64_t below = MR_AWAIT(deep, child);
    /* Something to do after the await, so that it is no loop. */
    mr_detail1_deque();
    return below + 1;
}

static int64_t deep_task(void *arg)
{
    return deep(*(int64_t *)arg);
}

TEST(fork, awaits_go_20000_deep_on_default_stacks)
{
    int64_t n = 20000;
    for (unsigned workers = 1; workers <= 3; workers++)
        EXPECT_EQ(run_with(workers, deep_task, &n), n);
}

/* The deep one first, the other above it: out of order. */
MR_FORKABLE(int64_t, deep_first, int64_t, n)
{
    if (n == 0)
        return 0;
    MR_CHILD(deep_first, below);
    MR_CHILD(echo, one);
    MR_SPAWN(deep_first, below, n - 1);
    MR_SPAWN(echo, one, 1);
    int64_t sum = MR_AWAIT(deep_first, below);
    return sum + MR_AWAIT(echo, one);
}

static int64_t deep_first_task(void *arg)
{
    return deep_first(*(int64_t *)arg);
}

TEST(fork, awaits_out_of_order_go_deep)
{
    int64_t n = 20000;
    for (unsigned workers = 1; workers <= 3; workers++)
        EXPECT_EQ(run_with(workers, deep_first_task, &n), n);
}

/* A task of the other kind, awaited after the next of these. */
MR_FORKABLE(int64_t, interleaves, int64_t, n)
{
    mr_task task;
    mr_spawn(&task, plain, &n);
    MR_CHILD(echo, child);
    MR_SPAWN(echo, child, n);
    int64_t sum = MR_AWAIT(echo, child);
    return sum + mr_await(&task);
}

static int64_t interleaves_task(void *arg)
{
    return interleaves(*(int64_t *)arg);
}

static void interleave(void *arg)
{
    run_with(1, interleaves_task, arg);
}

TEST(fork, kinds_interleaved_in_one_body_stop_the_program)
{
    int64_t n = 3;
    EXPECT(test_dies(interleave, &n, SIGABRT, "echo"));
}

MR_FORKABLE(int64_t, abandons, int64_t, n)
{
    MR_CHILD(echo, child);
    MR_SPAWN(echo, child, n);
    return 0;
}

static int64_t abandons_task(void *arg)
{
    return abandons(*(int64_t *)arg);
}

static void abandon(void *arg)
{
    run_with(1, abandons_task, arg);
}

TEST(fork, returning_without_an_await_stops_the_program_by_name)
{
    int64_t n = 3;
    EXPECT(test_dies(abandon, &n, SIGABRT, "abandons"));
}
