/* Many tasks, each marked in a bitmap where it begins: none is lost, none runs
 * twice. A range is halved until it is one number; the upper half is a child,
 * and marks its first: so each number but 0 is the mark of exactly one. Large
 * ranges are children by pointer, small ones typed. Now and then one waits.
 * TEST_TASKS says how many: a billion in the soak, and a bitmap of 120 MiB. */
#include <millrace.h>

#include "slow.h"
#include "test.h"

#include <stdlib.h>

enum { BITS = 64, WAITS = 1 << 17, SMALL = 1 << 10 };

static struct {
    int64_t tasks;
    uint64_t *marks;
    int64_t twice;
} all;

static int64_t tasks(void)
{
    const char *env = getenv("TEST_TASKS");
    return env ? atoll(env) : slow_scale(3000000);
}

/* That the child which begins at i has begun. */
static void mark(int64_t i)
{
    uint64_t bit = UINT64_C(1) << i % BITS;
    if (__atomic_fetch_or(&all.marks[i / BITS], bit, __ATOMIC_RELAXED) & bit)
        __atomic_fetch_add(&all.twice, 1, __ATOMIC_RELAXED);
    if (i % WAITS == 1)
        mr_sleep(i % 50 * MR_US);
    else if (i % WAITS == 2)
        mr_yield();
}

struct range {
    int64_t from, to;
};

static struct range lower(struct range r)
{
    return (struct range){r.from, r.from + (r.to - r.from) / 2};
}

static struct range upper(struct range r)
{
    return (struct range){r.from + (r.to - r.from) / 2, r.to};
}

/* Both: how many numbers it came to. */
MR_DECLARE_FORKABLE(int64_t, halve_child, struct range)

MR_FORKABLE(int64_t, halve, struct range, r)
{
    if (r.to - r.from == 1)
        return 1;
    MR_CHILD(halve_child, child);
    MR_SPAWN(halve_child, child, upper(r));
    int64_t sum = MR_CALL(halve, lower(r));
    return sum + MR_AWAIT(halve_child, child);
}

MR_DEFINE_FORKABLE(int64_t, halve_child, struct range, r)
{
    mark(r.from);
    return MR_CALL(halve, r);
}

static int64_t halve_by_pointer(struct range r);

static int64_t child_by_pointer(void *arg)
{
    struct range r = *(struct range *)arg;
    mark(r.from);
    return halve_by_pointer(r);
}

static int64_t halve_by_pointer(struct range r)
{
    if (r.to - r.from <= SMALL)
        return halve(r);
    struct range up = upper(r);
    mr_task child;
    mr_spawn(&child, child_by_pointer, &up);
    int64_t sum = halve_by_pointer(lower(r));
    return sum + mr_await(&child);
}

static int64_t root(void *arg)
{
    (void)arg;
    return halve_by_pointer((struct range){0, all.tasks});
}

static bool is_marked(int64_t i)
{
    return all.marks[i / BITS] >> i % BITS & 1;
}

static void run_all(unsigned workers)
{
    mr_config config = {.size = sizeof config, .workers = workers};
    int64_t lost = 0;
    all.tasks = tasks();
    all.twice = 0;
    all.marks = calloc((size_t)all.tasks / BITS + 1, sizeof *all.marks);
    EXPECT(all.marks != NULL);
    if (!all.marks)
        return;
    EXPECT_EQ(mr_main(&config, root, NULL), all.tasks);
    for (int64_t i = 1; i < all.tasks; i++)
        lost += !is_marked(i);
    EXPECT_EQ(lost, 0);
    EXPECT_EQ(all.twice, 0);
    EXPECT(!is_marked(0));
    free(all.marks);
}

TEST(stress_billion, on_every_core)
{
    run_all(0);
}

TEST(stress_billion, on_more_workers_than_cores)
{
    run_all(16);
}
