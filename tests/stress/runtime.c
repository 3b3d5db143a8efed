/* Whole runtimes through their public face: trees that wait and await in any
 * order, more workers than CPUs, several runtimes at once. Each task runs
 * once, and is counted where it runs. */
#include <millrace.h>

#include "slow.h"
#include "stress.h"
#include "test.h"

#include <pthread.h>

/* ---- Trees -------------------------------------------------------------- */

enum { MOST_CHILDREN = 6 };

struct node {
    uint64_t seed;
    int depth;
    int runs; /* its task alone, hence no atomic: the parent reads it after */
    struct tally *apart;
};

/* Detached tasks. */
struct tally {
    int64_t asked, ran;
};

static void add(int64_t *to)
{
    __atomic_fetch_add(to, 1, __ATOMIC_RELAXED);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static unsigned below(uint64_t *seed, unsigned n)
{
    return (unsigned)(next_random(seed) >> 33) % n;
}

static int64_t detached(void *arg)
{
    struct tally *t = *(struct tally **)arg;
    mr_yield();
    add(&t->ran);
    return 0;
}

static void detach(struct node *me)
{
    int rc = mr_submit(mr_self(), detached, &me->apart, sizeof me->apart);
    EXPECT_EQ(rc, 0);
    add(&me->apart->asked);
}

struct family {
    struct node node[MOST_CHILDREN];
    mr_task task[MOST_CHILDREN];
    unsigned spawned, left; /* left: awaited not yet, a bit each */
};

static int64_t tree(void *arg);

static int64_t await_one(struct family *f, unsigned i)
{
    f->left &= ~(1U << i);
    int64_t result = mr_await(&f->task[i]);
    return f->node[i].runs == 1 ? result : -1000000000;
}

static unsigned pick(const struct family *f, uint64_t *seed)
{
    unsigned i = below(seed, f->spawned);
    while (!(f->left >> i & 1))
        i = (i + 1) % f->spawned;
    return i;
}

static int64_t blocks(void *arg)
{
    return *(int64_t *)arg;
}

/* In one of three ways. It draws no lot: see count_alone. */
static void wait_a_little(const struct node *me)
{
    int64_t n = (int64_t)(me->seed >> 40) % 100;
    switch (me->depth % 3) {
    case 0:
        mr_yield();
        break;
    case 1:
        EXPECT_EQ(mr_sleep(n * MR_US), 0);
        break;
    default:
        EXPECT_EQ(mr_blocking(blocks, &n), n);
        break;
    }
}

/* One step of a node: what it is, chance says. */
static int64_t step(struct family *f, struct node *me, uint64_t *seed)
{
    unsigned i = f->spawned;
    switch (below(seed, 8)) {
    case 0:
        wait_a_little(me);
        return 0;
    case 1:
        return f->left ? await_one(f, pick(f, seed)) : 0;
    case 2:
        if (me->depth % 4 == 0)
            detach(me);
        return 0;
    default:
        f->node[i] =
            (struct node){next_random(seed), me->depth - 1, 0, me->apart};
        mr_spawn(&f->task[i], tree, &f->node[i]);
        f->left |= 1U << f->spawned++;
        return 0;
    }
}

/* How many tasks there were, itself and all below. */
static int64_t tree(void *arg)
{
    struct node *me = arg;
    struct family f = {.spawned = 0, .left = 0};
    uint64_t seed = me->seed | 1;
    int64_t sum = 1;
    me->runs++;
    unsigned most = me->depth > 0 ? below(&seed, MOST_CHILDREN + 1) : 0;
    while (f.spawned < most)
        sum += step(&f, me, &seed);
    while (f.left)
        sum += await_one(&f, pick(&f, &seed));
    return sum;
}

/* The same, alone: what chance says does not depend on who runs when. */
static int64_t count_alone(struct node me)
{
    struct node child[MOST_CHILDREN];
    uint64_t seed = me.seed | 1;
    unsigned spawned = 0, left = 0;
    int64_t sum = 1;
    unsigned most = me.depth > 0 ? below(&seed, MOST_CHILDREN + 1) : 0;
    while (spawned < most) {
        unsigned what = below(&seed, 8);
        if (what == 1 && left) {
            struct family f = {.spawned = spawned, .left = left};
            left &= ~(1U << pick(&f, &seed));
        } else if (what > 2) {
            child[spawned] =
                (struct node){next_random(&seed), me.depth - 1, 0, NULL};
            left |= 1U << spawned++;
        }
    }
    for (unsigned i = 0; i < spawned; i++)
        sum += count_alone(child[i]);
    return sum;
}

struct load {
    unsigned workers, strands;
    uint64_t seed;
    int64_t until, tasks;
};

static int depth_for(const struct load *l)
{
    return slow_scale(100) < 100 ? 4 : l->workers > 4 ? 6 : 8;
}

static mr_runtime *start(unsigned workers, unsigned strands)
{
    mr_config config = {
        .size = sizeof config, .workers = workers, .strands = strands};
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, &config), 0);
    return rt;
}

/* A runtime's life: one to four trees, one after the other. */
static void grow_trees(struct load *l)
{
    struct tally apart = {0, 0};
    mr_runtime *rt = start(l->workers, l->strands);
    for (unsigned n = 1 + below(&l->seed, 4); n > 0; n--) {
        struct node root = {next_random(&l->seed), depth_for(l), 0, &apart};
        int64_t alone = count_alone(root);
        EXPECT_EQ(mr_run(rt, tree, &root), alone);
        EXPECT_EQ(root.runs, 1);
        l->tasks += alone;
    }
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    EXPECT_EQ(apart.ran, apart.asked);
}

static void *loaded(void *arg)
{
    struct load *l = arg;
    do
        grow_trees(l);
    while (mri_clock_now() < l->until);
    return NULL;
}

static void run_load(struct load l)
{
    l.until = stress_end();
    loaded(&l);
    EXPECT(l.tasks > 0);
}

TEST(stress_runtime, trees_on_1_worker)
{
    run_load((struct load){.workers = 1, .seed = 1});
}

TEST(stress_runtime, trees_on_2_workers)
{
    run_load((struct load){.workers = 2, .seed = 2});
}

TEST(stress_runtime, trees_on_4_workers)
{
    run_load((struct load){.workers = 4, .seed = 3});
}

TEST(stress_runtime, trees_on_64_workers)
{
    run_load((struct load){.workers = 64, .seed = 4});
}

TEST(stress_runtime, trees_on_few_strands)
{
    run_load((struct load){.workers = 3, .strands = 1, .seed = 5});
}

TEST(stress_runtime, several_runtimes_at_once)
{
    enum { RUNTIMES = 4 };
    struct load load[RUNTIMES];
    pthread_t thread[RUNTIMES];
    int64_t until = stress_end();
    for (unsigned i = 0; i < RUNTIMES; i++) {
        load[i] =
            (struct load){.workers = 1 + i, .seed = 6 + i, .until = until};
        EXPECT_EQ(pthread_create(&thread[i], NULL, loaded, &load[i]), 0);
    }
    for (int i = 0; i < RUNTIMES; i++)
        EXPECT_EQ(pthread_join(thread[i], NULL), 0);
    for (int i = 0; i < RUNTIMES; i++)
        EXPECT(load[i].tasks > 0);
}

/* ---- Nothing ready is hidden -------------------------------------------- */

/* A worker that has just ended a child goes on with the parent that waited for
 * it, except now and then, when the oldest in its queue has its turn. If that
 * one takes long, the parent must be where the other worker finds it. */
static int64_t awaiting, reached, held_up;

static int64_t spins_until_reached(void *arg)
{
    int64_t round = *(int64_t *)arg, until = mri_clock_now() + 5 * MR_S;
    while (__atomic_load_n(&reached, __ATOMIC_ACQUIRE) < round)
        if (mri_clock_now() > until) {
            add(&held_up);
            break;
        }
    return 0;
}

/* Its parent waits for it by the time that it ends, if it runs elsewhere. */
static int64_t leaves_a_spinner(void *arg)
{
    int64_t round = *(int64_t *)arg, until = mri_clock_now() + 100 * MR_US;
    while (__atomic_load_n(&awaiting, __ATOMIC_ACQUIRE) < round &&
           mri_clock_now() < until)
        continue;
    until = mri_clock_now() + 5 * MR_US;
    while (mri_clock_now() < until)
        continue;
    return mr_submit(mr_self(), spins_until_reached, &round, sizeof round);
}

static int64_t awaits_what_leaves_spinners(void *arg)
{
    int64_t until = *(int64_t *)arg, round = 0;
    do {
        mr_task child;
        round++;
        mr_spawn(&child, leaves_a_spinner, &round);
        mr_yield();
        __atomic_store_n(&awaiting, round, __ATOMIC_RELEASE);
        EXPECT_EQ(mr_await(&child), 0);
        __atomic_store_n(&reached, round, __ATOMIC_RELEASE);
    } while (mri_clock_now() < until);
    return round;
}

TEST(stress_runtime, a_parent_that_became_ready_is_not_kept_behind_others)
{
    int64_t until = stress_end();
    mr_runtime *rt = start(2, 0);
    awaiting = reached = held_up = 0;
    EXPECT(mr_run(rt, awaits_what_leaves_spinners, &until) > 0);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    EXPECT_EQ(held_up, 0);
}
