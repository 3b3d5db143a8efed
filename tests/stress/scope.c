/* Scopes through their public face: random trees of them that are cut short in
 * every way at random moments, against what the same tree comes to alone; and
 * the ends of scopes against those who cut them short just then. */
#include <millrace.h>

#include "slow.h"
#include "stress.h"
#include "test.h"

#include <pthread.h>

static void put(int64_t *to, int64_t n)
{
    __atomic_store_n(to, n, __ATOMIC_RELEASE);
}

static int64_t look(int64_t *at)
{
    return __atomic_load_n(at, __ATOMIC_ACQUIRE);
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

static mr_runtime *start(unsigned workers)
{
    mr_config config = {.size = sizeof config, .workers = workers};
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, &config), 0);
    return rt;
}

/* ---- A thread that cancels on request ----------------------------------- */

static mr_scope *request;
static int64_t leaving;

static void *cancels_on_request(void *arg)
{
    (void)arg;
    while (!look(&leaving)) {
        mr_scope *scope = __atomic_load_n(&request, __ATOMIC_ACQUIRE);
        if (!scope)
            continue;
        mr_scope_cancel(scope);
        __atomic_store_n(&request, NULL, __ATOMIC_RELEASE);
    }
    return NULL;
}

/* The scope stays until it has been cancelled. */
static void have_cancelled(mr_scope *scope)
{
    mr_scope *none = NULL;
    while (!__atomic_compare_exchange_n(&request, &none, scope, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        none = NULL;
        mr_yield();
    }
    while (__atomic_load_n(&request, __ATOMIC_ACQUIRE) == scope)
        mr_yield();
}

/* ---- Trees -------------------------------------------------------------- */

enum { MOST = 6 };

/* By what a scope is cut short, if by anything of its own. */
enum cause { NONE, OPENER, CHILD, FAILURE, STRANGER, DEADLINE, CAUSES };

struct node {
    uint64_t seed;
    int depth;
    bool exposed; /* a scope around it may be cut short */
    int64_t runs; /* its task alone; read after the close */
};

struct plan {
    uint64_t seed;
    enum cause cause;
    bool shielded;
    unsigned children, limit;
};

static struct plan plan_of(const struct node *me)
{
    struct plan p = {.seed = me->seed | 1};
    p.cause = below(&p.seed, 2) ? NONE : (enum cause)below(&p.seed, CAUSES);
    p.shielded = below(&p.seed, 6) == 0;
    p.children = me->depth > 0 ? below(&p.seed, MOST + 1) : 0;
    p.limit = p.cause == NONE ? below(&p.seed, 4) : 0;
    return p;
}

static int64_t tree(void *arg);

static int64_t sleeps_for_ever(void *arg)
{
    EXPECT_EQ(mr_sleep(below(arg, 2) ? MR_NEVER : 1000 * MR_S), MR_ECANCELED);
    EXPECT(mr_cancelled() < 0);
    return mr_sleep(0);
}

static int64_t fails(void *arg)
{
    if (*(uint64_t *)arg % 2)
        mr_yield();
    return MR_EIO;
}

static int64_t cancels(void *arg)
{
    mr_yield();
    mr_scope_cancel(*(mr_scope **)arg);
    return 0;
}

/* Somebody or something that ends the wait of the others; not before all have
 * been spawned, or that would be another child's failure to start. */
static void bring_about(const struct plan *p, mr_scope *scope)
{
    switch (p->cause) {
    case OPENER:
        mr_scope_cancel(scope);
        break;
    case CHILD:
        EXPECT_EQ(mr_scope_go(scope, cancels, &scope, sizeof scope), 0);
        break;
    case FAILURE:
        EXPECT_EQ(mr_scope_go(scope, fails, &p->seed, sizeof p->seed), 0);
        break;
    case STRANGER:
        have_cancelled(scope);
        break;
    default:
        break;
    }
}

static void open(struct plan *p, mr_scope *scope)
{
    int64_t at = MR_NEVER;
    if (p->cause == DEADLINE)
        at = mr_after(below(&p->seed, 300) * MR_US);
    if (p->shielded)
        mr_scope_shield(scope, at);
    else
        mr_scope_open(scope, at);
    EXPECT_EQ(mr_scope_limit(scope, p->limit), 0);
}

static void check_result(const struct plan *p, int64_t rc, bool around)
{
    static const int64_t own[CAUSES] = {0,      MR_ECANCELED, MR_ECANCELED,
                                        MR_EIO, MR_ECANCELED, MR_ETIMEDOUT};
    if (around && !p->shielded)
        EXPECT(rc == own[p->cause] || rc == MR_ECANCELED || rc == MR_ETIMEDOUT);
    else
        EXPECT_EQ(rc, own[p->cause]);
}

/* Of one child: what it came to, if that is certain. */
static int64_t check_child(const struct node *child, const mr_task *task,
                           int64_t rc)
{
    int64_t result = mr_task_result(task);
    EXPECT(child->runs == 1 || (child->runs == 0 && rc < 0));
    EXPECT(child->runs == 1 ? result > 0 : result == MR_ECANCELED);
    return result;
}

static void rest(uint64_t *seed, bool exposed)
{
    switch (below(seed, 4)) {
    case 0:
        mr_yield();
        break;
    case 1: {
        int64_t rc = mr_sleep(below(seed, 20) * MR_US);
        EXPECT(rc == 0 || (exposed && rc == MR_ECANCELED));
        break;
    }
    default:
        break;
    }
}

/* One, and what its children come to if nothing of its own cuts them short. */
static int64_t tree(void *arg)
{
    struct node *me = arg, child[MOST], before;
    struct plan p = plan_of(me);
    bool exposed = p.cause != NONE || (me->exposed && !p.shielded);
    mr_scope scope;
    mr_task task[MOST], older;
    int64_t sum = 1;
    me->runs++;
    before = (struct node){next_random(&p.seed), -1, me->exposed, 0};
    if (me->depth >= 0)
        mr_spawn(&older, tree, &before);
    open(&p, &scope);
    for (unsigned i = 0; i < p.children; i++) {
        child[i] =
            (struct node){next_random(&p.seed), me->depth - 1, exposed, 0};
        mr_scope_spawn(&scope, &task[i], tree, &child[i]);
        rest(&p.seed, exposed);
    }
    for (unsigned i = 0; p.cause != NONE && i < 2; i++)
        EXPECT_EQ(mr_scope_go(&scope, sleeps_for_ever, &p.seed, sizeof p.seed),
                  0);
    bring_about(&p, &scope);
    if (me->depth >= 0)
        EXPECT_EQ(mr_await(&older), 1);
    rest(&p.seed, exposed);
    int64_t rc = mr_scope_close(&scope);
    check_result(&p, rc, me->exposed);
    for (unsigned i = 0; i < p.children; i++) {
        int64_t result = check_child(&child[i], &task[i], rc);
        sum += p.cause == NONE && result > 0 ? result : 0;
    }
    return sum;
}

static int64_t count_alone(const struct node *me)
{
    struct plan p = plan_of(me);
    int64_t sum = 1;
    next_random(&p.seed); /* the older one's */
    for (unsigned i = 0; p.cause == NONE && i < p.children; i++) {
        struct node child = {next_random(&p.seed), me->depth - 1, false, 0};
        sum += count_alone(&child);
        if (below(&p.seed, 4) == 1) /* as in rest */
            below(&p.seed, 20);
    }
    return sum;
}

static void grow_trees(unsigned workers, uint64_t seed)
{
    int64_t until = stress_end(), trees = 0;
    pthread_t thread;
    leaving = 0;
    EXPECT_EQ(pthread_create(&thread, NULL, cancels_on_request, NULL), 0);
    mr_runtime *rt = start(workers);
    do {
        int depth = slow_scale(100) < 100 ? 3 : 5;
        struct node root = {next_random(&seed), depth, false, 0};
        EXPECT_EQ(mr_run(rt, tree, &root), count_alone(&root));
        trees++;
    } while (mri_clock_now() < until);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    put(&leaving, 1);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT(trees > 0);
}

TEST(stress_scope, trees_on_1_worker)
{
    grow_trees(1, 1);
}

TEST(stress_scope, trees_on_2_workers)
{
    grow_trees(2, 2);
}

TEST(stress_scope, trees_on_5_workers)
{
    grow_trees(5, 3);
}

TEST(stress_scope, trees_on_32_workers)
{
    grow_trees(32, 4);
}

/* ---- The end of all against who brings it about ------------------------- */

static mr_scope *doomed;

static void *cancels_the_doomed(void *arg)
{
    mr_scope *scope;
    (void)arg;
    while (!(scope = __atomic_load_n(&doomed, __ATOMIC_ACQUIRE)))
        continue;
    mr_scope_cancel(scope);
    return NULL;
}

static int64_t is_doomed(void *arg)
{
    mr_scope scope;
    uint64_t seed = 1;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(mr_scope_go(&scope, sleeps_for_ever, &seed, sizeof seed), 0);
    __atomic_store_n(&doomed, &scope, __ATOMIC_RELEASE);
    return mr_scope_close(&scope);
}

/* The stop comes while the other thread may not have returned yet. */
TEST(stress_scope, a_runtime_stops_after_its_last_scope_was_cancelled)
{
    int64_t until = stress_end();
    for (int i = 0; mri_clock_now() < until; i++) {
        pthread_t thread;
        doomed = NULL;
        mr_runtime *rt = start(1 + i % 2);
        EXPECT_EQ(pthread_create(&thread, NULL, cancels_the_doomed, NULL), 0);
        EXPECT_EQ(mr_run(rt, is_doomed, NULL), MR_ECANCELED);
        EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
        EXPECT_EQ(pthread_join(thread, NULL), 0);
    }
}

/* ---- A deadline against the last child ---------------------------------- */

static int64_t sleeps_a_little(void *arg)
{
    int64_t rc = mr_sleep_until(*(int64_t *)arg);
    return rc == MR_ECANCELED ? 1 : rc;
}

static int64_t ends_about_in_time(void *arg)
{
    int64_t until = *(int64_t *)arg, late = 0, in_time = 0;
    uint64_t seed = 88172645463325252;
    do {
        int64_t at = mr_after(30 * MR_US), cut[4];
        mr_scope scope;
        mr_task task[4];
        mr_scope_open(&scope, at);
        for (int i = 0; i < 4; i++) {
            cut[i] = at - 10 * MR_US + below(&seed, 11) * MR_US;
            mr_scope_spawn(&scope, &task[i], sleeps_a_little, &cut[i]);
        }
        int64_t rc = mr_scope_close(&scope);
        EXPECT(rc == 0 || rc == MR_ETIMEDOUT);
        for (int i = 0; i < 4; i++)
            EXPECT(mr_task_result(&task[i]) == 0 || rc == MR_ETIMEDOUT);
        *(rc == 0 ? &in_time : &late) += 1;
    } while (mri_clock_now() < until);
    return late + in_time;
}

TEST(stress_scope, a_deadline_and_the_last_child_at_once)
{
    for (unsigned workers = 1; workers <= 4; workers *= 2) {
        mr_runtime *rt = start(workers);
        int64_t until = stress_end();
        EXPECT(mr_run(rt, ends_about_in_time, &until) > 0);
        EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    }
}
