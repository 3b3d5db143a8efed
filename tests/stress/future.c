/* Futures through their public face: random programs of them, inside of tasks
 * and outside, against the values that they may have; the same with cancels at
 * random, of which all must end and nothing be left; and single futures, on
 * which everybody does something at once.
 *
 * The reference goes through a program once, in order: for each future the set
 * of values that some order of events would give it. FUTURE_SEED repeats a
 * program. */
#include <millrace.h>

#include "slow.h"
#include "stress.h"
#include "test.h"

#include <pthread.h>

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

/* ---- Memory ------------------------------------------------------------- */

static int64_t blocks;

static void *allocate(void *context, size_t size, size_t align)
{
    (void)context;
    __atomic_fetch_add(&blocks, 1, __ATOMIC_RELAXED);
    return aligned_alloc(align, (size + align - 1) & ~(align - 1));
}

static void release(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    __atomic_fetch_sub(&blocks, 1, __ATOMIC_RELAXED);
    free(memory);
}

static mr_runtime *start(unsigned workers)
{
    mr_config config = {.size = sizeof config,
                        .workers = workers,
                        .allocate = allocate,
                        .release = release};
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, &config), 0);
    return rt;
}

/* ---- Values that may be ------------------------------------------------- */

enum { MOST = 24 };

/* With n above MOST: any. */
typedef struct set {
    int n;
    int64_t value[MOST];
} set;

static bool has(const set *s, int64_t value)
{
    for (int i = 0; i < s->n && s->n <= MOST; i++)
        if (s->value[i] == value)
            return true;
    return s->n > MOST;
}

static void put(set *s, int64_t value)
{
    if (has(s, value))
        return;
    if (s->n < MOST)
        s->value[s->n] = value;
    s->n++;
}

static bool may(const set *s, bool fail)
{
    for (int i = 0; i < s->n && s->n <= MOST; i++)
        if ((s->value[i] < 0) == fail)
            return true;
    return s->n > MOST;
}

/* Those that are errors, or are not. */
static void put_all(set *to, const set *from, bool errors)
{
    if (from->n > MOST)
        to->n = MOST + 1;
    for (int i = 0; i < from->n && from->n <= MOST; i++)
        if ((from->value[i] < 0) == errors)
            put(to, from->value[i]);
}

/* ---- What programs are made of ------------------------------------------ */

static int64_t apply(int64_t value, int64_t k)
{
    int64_t x = ((value < 0 ? -value : value) * 7 + k) % 100;
    return x < 20 ? MR_EIO + x % 3 : x;
}

static void dawdle(int64_t k)
{
    if (k % 3 == 0)
        mr_yield();
    else if (k % 11 == 0)
        (void)mr_sleep(1000);
}

static int64_t begins(void *arg)
{
    int64_t k = *(int64_t *)arg;
    dawdle(k);
    return apply(k, k);
}

static int64_t handles(int64_t value, void *arg)
{
    int64_t k = *(int64_t *)arg;
    dawdle(k);
    return apply(value, k);
}

enum { NODES = 40, MEMBERS = 4 };

struct node {
    mr_future *f; /* the program's reference, or NULL */
    bool kept;    /* until the end, and got then: so what it borrows may go */
    set may;
};

struct program {
    mr_runtime *rt;
    uint64_t seed;
    int n;
    bool cancels;
    struct node node[NODES];
    mr_promise *promise[NODES];
    int64_t promised[NODES], settled[NODES][MEMBERS];
    int promises;
};

/* A reference to an earlier one, or NULL: all are used up. */
static mr_future *take(struct program *p, const set **may)
{
    for (int tries = 0; tries < 20 && p->n > 0; tries++) {
        struct node *m = &p->node[below(&p->seed, (unsigned)p->n)];
        if (!m->f)
            continue;
        mr_future *f = m->f;
        *may = &m->may;
        if (m->kept)
            return mr_retain(f);
        m->f = NULL;
        return f;
    }
    return NULL;
}

static void add_async(struct program *p, struct node *to)
{
    int64_t k = below(&p->seed, 1000);
    put(&to->may, apply(k, k));
    to->f = mr_async_in(p->rt, begins, &k, sizeof k);
}

static void add_promise(struct program *p, struct node *to)
{
    int64_t k = below(&p->seed, 1000);
    int i = p->promises++;
    to->f = mr_promise_open_in(p->rt, &p->promise[i]);
    p->promised[i] = apply(k, k);
    put(&to->may, p->promised[i]);
}

static void complete(struct program *p)
{
    if (p->promises == 0)
        return;
    int i = --p->promises;
    (void)mr_promise_complete(p->promise[i], p->promised[i]);
    mr_promise_close(p->promise[i]);
}

static int64_t outcome(int kind, int64_t v, int64_t k)
{
    int64_t r = apply(v, k);
    switch (kind) {
    case 0:
        return v < 0 ? v : r;
    case 1:
        return v < 0 ? r : v;
    default:
        return v < 0 || r >= 0 ? v : r;
    }
}

static void add_link(struct program *p, struct node *to)
{
    const set *from;
    mr_future *f = take(p, &from);
    int64_t k = below(&p->seed, 1000);
    int kind = (int)below(&p->seed, 3);
    if (!f) {
        add_async(p, to);
        return;
    }
    to->f = kind == 0   ? mr_then(f, handles, &k, sizeof k)
            : kind == 1 ? mr_catch(f, handles, &k, sizeof k)
                        : mr_finally(f, handles, &k, sizeof k);
    if (from->n > MOST)
        to->may.n = MOST + 1;
    for (int i = 0; i < from->n && from->n <= MOST; i++)
        put(&to->may, outcome(kind, from->value[i], k));
}

static set several(int kind, const set *from[], int n)
{
    set to = {0};
    bool all_may[2] = {true, true};
    int failed = 0, most = 0;
    for (int i = 0; i < n; i++) {
        for (int fail = 0; fail < 2; fail++)
            all_may[fail] &= may(from[i], fail);
        failed += !may(from[i], false);
        most += may(from[i], true);
        if (kind != 1)
            put_all(&to, from[i], true);
        if (kind != 0)
            put_all(&to, from[i], false);
    }
    if (kind == 0 && all_may[0])
        put(&to, 0);
    for (int i = 0; kind == 1 && all_may[1] && i < n; i++)
        put_all(&to, from[i], true);
    if (kind == 3)
        for (to.n = 0; failed <= most; failed++)
            put(&to, failed);
    return to;
}

static void add_several(struct program *p, struct node *to)
{
    mr_future *f[MEMBERS];
    const set *from[MEMBERS];
    int n = 0, most = 1 + (int)below(&p->seed, MEMBERS);
    int kind = (int)below(&p->seed, 4);
    while (n < most && (f[n] = take(p, &from[n])))
        n++;
    if (n == 0) {
        add_async(p, to);
        return;
    }
    to->may = several(kind, from, n);
    to->f = kind == 0   ? mr_all(f, (size_t)n)
            : kind == 1 ? mr_any(f, (size_t)n)
            : kind == 2
                ? mr_race(f, (size_t)n)
                : mr_settled(f, (size_t)n, to->kept ? p->settled[p->n] : NULL);
}

static void cancel_one(struct program *p)
{
    const set *may;
    mr_future *f = take(p, &may);
    if (f)
        mr_cancel(f);
}

static void add(struct program *p)
{
    struct node *to = &p->node[p->n];
    *to = (struct node){.kept = below(&p->seed, 2) == 0};
    unsigned what = below(&p->seed, 10);
    if (what < 2)
        add_async(p, to);
    else if (what < 4)
        add_promise(p, to);
    else if (what < 7)
        add_link(p, to);
    else
        add_several(p, to);
    p->n++;
    if (below(&p->seed, 4) == 0)
        complete(p);
    if (p->cancels && below(&p->seed, 4) == 0)
        cancel_one(p);
}

static void check(struct program *p, uint64_t seed)
{
    for (int i = 0; i < p->n; i++) {
        struct node *m = &p->node[i];
        if (!m->f)
            continue;
        if (!m->kept && i % 2) {
            mr_drop(m->f);
            continue;
        }
        int64_t got = mr_get(m->f);
        EXPECT_MSG(p->cancels || has(&m->may, got),
                   "FUTURE_SEED=%" PRIu64 ": future %d has %" PRId64, seed, i,
                   got);
    }
}

static int64_t run_program(void *arg)
{
    struct program *p = arg;
    uint64_t seed = p->seed;
    int n = 1 + (int)below(&p->seed, NODES);
    while (p->n < n)
        add(p);
    while (p->promises > 0)
        complete(p);
    check(p, seed);
    return 0;
}

static uint64_t first_seed(bool *once)
{
    const char *env = getenv("FUTURE_SEED");
    *once = env != NULL;
    return env ? strtoull(env, NULL, 10) : (uint64_t)mri_clock_now() | 1;
}

static void run_programs(bool cancels, bool inside)
{
    int64_t end = stress_end();
    bool once;
    uint64_t seed = first_seed(&once);
    static struct program p;
    blocks = 0;
    mr_runtime *rt = start(2);
    do {
        memset(&p, 0, sizeof p);
        p.rt = rt;
        p.seed = seed;
        p.cancels = cancels;
        if (inside)
            EXPECT_EQ(mr_run(rt, run_program, &p), 0);
        else
            run_program(&p);
        next_random(&seed);
    } while (!once && mri_clock_now() < end);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    EXPECT_EQ(blocks, 0);
}

TEST(stress_future, random_programs_in_tasks_have_values_that_may_be)
{
    run_programs(false, true);
}

TEST(stress_future, random_programs_outside_have_values_that_may_be)
{
    run_programs(false, false);
}

TEST(stress_future, random_programs_that_are_cancelled_in_tasks_end)
{
    run_programs(true, true);
}

TEST(stress_future, random_programs_that_are_cancelled_outside_end)
{
    run_programs(true, false);
}

/* ---- One future, many hands --------------------------------------------- */

struct crowd {
    mr_future *f;
    mr_promise *p;
    int64_t go;
};

static int64_t sleeps(void *arg)
{
    (void)arg;
    return mr_sleep(MR_NEVER);
}

static int64_t passes(int64_t value, void *arg)
{
    (void)arg;
    return value;
}

/* Each has a reference, and gives it up in a way of its own. */
static void hand(struct crowd *c, int i)
{
    switch (i % 4) {
    case 0:
        mr_cancel(c->f);
        break;
    case 1: {
        int64_t got = mr_get(c->f);
        EXPECT(got == MR_ECANCELED || got == 5);
        break;
    }
    case 2:
        (void)mr_get_until(mr_then(c->f, passes, NULL, 0), mr_after(1000));
        break;
    default:
        mr_cancel(mr_finally(c->f, passes, NULL, 0));
    }
    if (c->p)
        (void)mr_promise_complete(c->p, 5);
}

struct one_hand {
    struct crowd *c;
    int i;
};

static void *lends(void *arg)
{
    struct one_hand *h = arg;
    while (!__atomic_load_n(&h->c->go, __ATOMIC_ACQUIRE))
        continue;
    hand(h->c, h->i);
    return NULL;
}

enum { HANDS = 4 };

static void crowd(mr_runtime *rt, bool promise)
{
    struct crowd c = {.p = NULL};
    struct one_hand h[HANDS];
    pthread_t thread[HANDS];
    c.f = promise ? mr_promise_open_in(rt, &c.p)
                  : mr_async_in(rt, sleeps, NULL, 0);
    for (int i = 0; i < HANDS; i++) {
        h[i] = (struct one_hand){&c, i};
        mr_retain(c.f);
        EXPECT_EQ(pthread_create(&thread[i], NULL, lends, &h[i]), 0);
    }
    __atomic_store_n(&c.go, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < HANDS; i++)
        EXPECT_EQ(pthread_join(thread[i], NULL), 0);
    mr_promise_close(c.p);
    mr_drop(c.f);
}

static void run_crowds(bool promise)
{
    int64_t end = stress_end();
    do {
        blocks = 0;
        mr_runtime *rt = start(2);
        for (int i = 0; i < 20; i++)
            crowd(rt, promise);
        EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
        EXPECT_EQ(blocks, 0);
    } while (mri_clock_now() < end);
}

TEST(stress_future, a_task_is_used_and_cancelled_by_many)
{
    run_crowds(false);
}

TEST(stress_future, a_promise_is_used_and_cancelled_by_many)
{
    run_crowds(true);
}
