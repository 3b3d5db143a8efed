/* Fork and join beside the monitor: what it puts into queues calls in no spare,
 * and a request that awaits its own children is no less one for that. */
#include <millrace.h>

#include "sched/runtime.h"
#include "slow.h"
#include "test.h"

static mr_runtime *start(unsigned workers)
{
    mr_config config = {.size = sizeof config, .workers = workers};
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, &config), 0);
    return rt;
}

static uint64_t joins(mr_runtime *rt)
{
    return mri_load_relaxed(&rt->monitor.joins);
}

/* ---- Computations ---------------------------------------------------------
 */

static int64_t fib(void *arg)
{
    int64_t n = *(int64_t *)arg;
    if (n < 2)
        return n;
    int64_t one = n - 1, two = n - 2;
    mr_task other;
    mr_spawn(&other, fib, &one);
    int64_t sum = fib(&two);
    return sum + mr_await(&other);
}

static int64_t leaf(void *arg)
{
    int64_t until = mr_now() + *(int64_t *)arg;
    while (mr_now() < until)
        continue;
    return 0;
}

/* A wide one, whose parent parks with children that nobody has begun. */
static int64_t wide(void *arg)
{
    enum { WIDE = 10 };
    int64_t depth = *(int64_t *)arg - 1, of_leaf = 300 * MR_US;
    mr_task child[WIDE];
    for (int i = 0; i < WIDE; i++)
        mr_spawn(&child[i], depth > 0 ? wide : leaf,
                 depth > 0 ? &depth : &of_leaf);
    for (int i = 0; i < WIDE; i++)
        (void)mr_await(&child[i]);
    return 0;
}

static int64_t forks_for_a_second(void *arg)
{
    int64_t until = mr_after(MR_S), n = slow_is_sanitized() ? 16 : 27;
    int64_t depth = 3;
    (void)arg;
    while (mr_now() < until) {
        (void)fib(&n);
        (void)wide(&depth);
    }
    return 0;
}

static uint64_t joins_of(mr_fn fn, unsigned workers)
{
    mr_runtime *rt = start(workers);
    EXPECT_EQ(mr_run(rt, fn, NULL), 0);
    uint64_t called = joins(rt);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    return called;
}

/* Where others use the CPUs too, a worker may be off its CPU for milliseconds
 * just when a strand is ready: one time in five nothing like that happens; with
 * more workers than CPUs, nearly nothing. Tokens that counted were 9 to 16,
 * children without a slot some on each run. */
static void calls_in_none(mr_fn fn, unsigned workers)
{
    uint64_t least = joins_of(fn, workers);
    for (int i = 0; least > 0 && i < 4; i++) {
        uint64_t called = joins_of(fn, workers);
        least = called < least ? called : least;
    }
    /* Where all is 30 times slower, a millisecond is a few tasks. */
    EXPECT(slow_is_sanitized() ||
           least <= (workers > (unsigned)mr_usable_cpus() ? 2 : 0));
}

TEST(stress_monitor_forks, on_2_workers_call_in_none)
{
    calls_in_none(forks_for_a_second, 2);
}

TEST(stress_monitor_forks, on_4_workers_call_in_hardly_any)
{
    calls_in_none(forks_for_a_second, 4);
}

/* More children than a strand has slots: the others stand in the queue, where
 * their parent comes by as it awaits them. */
enum { CHILDREN = 5000 };

static int64_t forks_without_slots(void *arg)
{
    static mr_task child[CHILDREN];
    int64_t of_leaf = 50 * MR_US;
    (void)arg;
    for (int i = 0; i < CHILDREN; i++)
        mr_spawn(&child[i], leaf, &of_leaf);
    for (int i = CHILDREN; i-- > 0;)
        (void)mr_await(&child[i]);
    return 0;
}

TEST(stress_monitor_forks, children_without_a_slot_call_in_none)
{
    calls_in_none(forks_without_slots, 1);
    calls_in_none(forks_without_slots, 2);
}

/* ---- What is in hand ------------------------------------------------------
 */

/* How its parent's strand, which waits for it, looks to the monitor. */
struct looks {
    mri_strand *parent;
    bool waits, in_hand;
};

static int64_t looks_at_parent(void *arg)
{
    struct looks *l = arg;
    mri_strand *here = mri_strand_self();
    l->waits = here != l->parent;
    l->in_hand = mri_run_node_in_hand(&l->parent->node);
    return 0;
}

/* The youngest of more children than there are slots: it stands in the queue,
 * and on one worker its parent parks for it. */
static int64_t is_looked_at(void *arg)
{
    static mr_task child[CHILDREN];
    struct looks *l = arg;
    int64_t of_leaf = 0;
    l->parent = mri_strand_self();
    for (int i = 0; i < CHILDREN - 1; i++)
        mr_spawn(&child[i], leaf, &of_leaf);
    mr_spawn(&child[CHILDREN - 1], looks_at_parent, l);
    for (int i = CHILDREN; i-- > 0;)
        (void)mr_await(&child[i]);
    EXPECT(!mri_run_node_in_hand(&mri_strand_self()->node));
    return 0;
}

static int64_t child_is_looked_at(void *arg)
{
    static mr_task child[CHILDREN];
    int64_t of_leaf = 0;
    for (int i = 0; i < CHILDREN - 1; i++)
        mr_spawn(&child[i], leaf, &of_leaf);
    mr_spawn(&child[CHILDREN - 1], is_looked_at, arg);
    for (int i = CHILDREN; i-- > 0;)
        (void)mr_await(&child[i]);
    return 0;
}

static int64_t in_a_scope(void *arg)
{
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_go(&scope, is_looked_at, arg, 0), 0);
    return mr_scope_close(&scope);
}

static int64_t submits(void *arg)
{
    EXPECT_EQ(
        mr_submit(mri_strand_self()->worker->runtime, is_looked_at, arg, 0), 0);
    return 0;
}

static void expect_in_hand(mr_fn fn, bool in_hand)
{
    struct looks l = {NULL, false, !in_hand};
    mr_runtime *rt = start(1);
    EXPECT_EQ(mr_run(rt, fn, &l), 0);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    EXPECT(l.waits);
    EXPECT_EQ(l.in_hand, in_hand);
}

TEST(stress_monitor_forks, who_awaits_a_child_in_a_computation_is_in_hand)
{
    expect_in_hand(is_looked_at, true);
    expect_in_hand(child_is_looked_at, true);
}

TEST(stress_monitor_forks, who_awaits_a_child_in_a_request_is_not)
{
    expect_in_hand(in_a_scope, false);
    expect_in_hand(submits, false);
}

/* ---- A request behind a hog -----------------------------------------------
 */

/* The handler awaits one child after the other; what stands behind the child
 * in the queue finds the handler, which is ready by then, behind itself once in
 * 61 picks, and then holds the only worker until somebody runs it. */
struct request {
    int64_t until;
    int awaits, ended; /* children */
    bool held, relieved;
};

static int64_t may_hold(void *arg)
{
    struct request *r = *(struct request **)arg;
    if (__atomic_load_n(&r->ended, __ATOMIC_ACQUIRE) <
            __atomic_load_n(&r->awaits, __ATOMIC_ACQUIRE) ||
        r->held)
        return 0;
    r->held = true;
    int awaits = __atomic_load_n(&r->awaits, __ATOMIC_RELAXED);
    while (!r->relieved && mr_now() < r->until)
        r->relieved = __atomic_load_n(&r->awaits, __ATOMIC_ACQUIRE) > awaits;
    return 0;
}

static int64_t ends(void *arg)
{
    struct request *r = arg;
    EXPECT_EQ(
        mr_submit(mri_strand_self()->worker->runtime, may_hold, &r, sizeof r),
        0);
    __atomic_fetch_add(&r->ended, 1, __ATOMIC_RELEASE);
    return 0;
}

static int64_t handles(void *arg)
{
    static mr_task child[CHILDREN];
    struct request *r = *(struct request **)arg;
    int64_t of_leaf = 0;
    for (int i = 0; i < CHILDREN; i++)
        mr_spawn(&child[i], leaf, &of_leaf);
    for (int i = 0; i < 1000; i++) {
        mr_task one;
        mr_spawn(&one, ends, r);
        __atomic_fetch_add(&r->awaits, 1, __ATOMIC_RELEASE);
        (void)mr_await(&one);
    }
    __atomic_fetch_add(&r->awaits, 1, __ATOMIC_RELEASE);
    for (int i = CHILDREN; i-- > 0;)
        (void)mr_await(&child[i]);
    return 0;
}

TEST(stress_monitor_forks, request_that_awaits_its_child_is_relieved)
{
    struct request r = {.until = mr_after(60 * MR_S)}, *self = &r;
    mr_runtime *rt = start(1);
    EXPECT_EQ(mr_submit(rt, handles, &self, sizeof self), 0);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    EXPECT(r.held);
    EXPECT(r.relieved);
}
