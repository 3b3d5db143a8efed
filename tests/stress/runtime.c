/* Whole runtimes through their public face: trees that wait and await in any
 * order, more workers than CPUs, several runtimes at once, threads of others
 * that put work in while somebody stops. Each task runs once, and is counted
 * where it runs. */
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

/* One step of a node: what it is, chance says. */
static int64_t step(struct family *f, struct node *me, uint64_t *seed)
{
    unsigned i = f->spawned;
    switch (below(seed, 8)) {
    case 0:
        mr_yield();
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

/* ---- Others put in while somebody stops --------------------------------- */

static int64_t counted(void *arg)
{
    int64_t *count = *(int64_t **)arg;
    add(count);
    return 1;
}

static int64_t yields_then_counts(void *arg)
{
    mr_yield();
    return counted(arg);
}

struct crowd {
    mr_runtime *rt;
    int64_t ran, accepted, refused;
    int released;
};

/* Until it is told that no more is taken. */
static void *puts_in(void *arg)
{
    struct crowd *c = arg;
    int64_t *count = &c->ran, accepted = 0, rc;
    for (uint64_t i = 0;; i++) {
        mr_fn fn = i % 2 ? counted : yields_then_counts;
        if (i % 8 == 0)
            rc = mr_run(c->rt, fn, &count);
        else
            rc = mr_submit(c->rt, fn, &count, sizeof count);
        if (rc < 0)
            break;
        accepted++;
    }
    __atomic_fetch_add(&c->accepted, accepted, __ATOMIC_RELAXED);
    __atomic_fetch_add(&c->refused, rc == MR_ECANCELED, __ATOMIC_RELAXED);
    return NULL;
}

/* Keeps the runtime alive until nobody puts in any more. */
static int64_t until_released(void *arg)
{
    struct crowd *c = *(struct crowd **)arg;
    while (!__atomic_load_n(&c->released, __ATOMIC_ACQUIRE))
        mr_yield();
    return 0;
}

static void crowd_once(unsigned workers, int threads, int64_t run_for)
{
    struct crowd c = {.rt = start(workers, 0)}, *self = &c;
    pthread_t thread[64];
    EXPECT_EQ(mr_submit(c.rt, until_released, &self, sizeof self), 0);
    for (int i = 0; i < threads; i++)
        EXPECT_EQ(pthread_create(&thread[i], NULL, puts_in, &c), 0);
    usleep((useconds_t)run_for);
    EXPECT_EQ(mr_stop(c.rt, mr_after(MR_MS)), MR_ETIMEDOUT);
    for (int i = 0; i < threads; i++)
        EXPECT_EQ(pthread_join(thread[i], NULL), 0);
    __atomic_store_n(&c.released, 1, __ATOMIC_RELEASE);
    EXPECT_EQ(mr_stop(c.rt, MR_NEVER), 0);
    EXPECT_EQ(c.refused, threads);
    EXPECT_EQ(c.ran, c.accepted);
}

TEST(stress_runtime, what_others_put_in_while_it_stops_runs_or_is_refused)
{
    int64_t until = stress_end();
    uint64_t seed = 11;
    do
        crowd_once(1 + below(&seed, 4), stress_crowd(8), below(&seed, 4000));
    while (mri_clock_now() < until);
}

/* ---- The last to touch it ----------------------------------------------- */

/* A thread puts in the task whose end somebody else takes as the sign to stop.
 * That thread may still be in its call then. */
struct last {
    mr_runtime *rt;
    int told, before;
    bool run;
};

static int64_t tells(void *arg)
{
    struct last *l = *(struct last **)arg;
    __atomic_store_n(&l->told, 1, __ATOMIC_RELEASE);
    return 0;
}

static void *puts_in_last(void *arg)
{
    struct last *l = arg;
    int64_t ran = 0, *count = &ran;
    /* So that a worker is awake and finds the last one by itself. */
    for (int i = 0; i < l->before; i++)
        EXPECT_EQ(mr_run(l->rt, counted, &count), 1);
    if (l->run)
        EXPECT_EQ(mr_run(l->rt, tells, &l), 0);
    else
        EXPECT_EQ(mr_submit(l->rt, tells, &l, sizeof l), 0);
    return NULL;
}

static void stop_at_once(struct last l)
{
    pthread_t thread;
    EXPECT_EQ(pthread_create(&thread, NULL, puts_in_last, &l), 0);
    while (!__atomic_load_n(&l.told, __ATOMIC_ACQUIRE))
        usleep(1);
    EXPECT_EQ(mr_stop(l.rt, MR_NEVER), 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
}

TEST(stress_runtime, a_stop_waits_for_calls_that_are_on_their_way_out)
{
    int64_t until = stress_end();
    for (int i = 0; mri_clock_now() < until; i++)
        stop_at_once(
            (struct last){.rt = start(2, 0), .run = i % 2, .before = i % 5});
}
