/* millrace/scope.h: what a scope waits for, what it returns, how many of its
 * children run at once, who may do what. Being cut short: scope_cut.c. */
#include <millrace.h>

#include "run.h"
#include "slow.h"
#include "test.h"

#include <pthread.h>
#include <signal.h>

static void add(int64_t *to, int64_t n)
{
    __atomic_fetch_add(to, n, __ATOMIC_RELAXED);
}

static int64_t look(int64_t *at)
{
    return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static int64_t echo(void *arg)
{
    return *(int64_t *)arg;
}

/* ---- Close waits for all, and says how it went -------------------------- */

enum { CHILDREN = 10000 };

static int64_t counted;

static int64_t counts(void *arg)
{
    if (*(int64_t *)arg % 7 == 0)
        mr_yield();
    add(&counted, 1);
    return *(int64_t *)arg;
}

static int64_t spawns_many(void *arg)
{
    mr_task *task = malloc(CHILDREN * sizeof *task);
    int64_t *n = malloc(CHILDREN * sizeof *n);
    mr_scope scope;
    (void)arg;
    counted = 0;
    mr_scope_open(&scope, MR_NEVER);
    for (int64_t i = 0; i < CHILDREN; i++) {
        n[i] = i;
        mr_scope_spawn(&scope, &task[i], counts, &n[i]);
    }
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(counted, CHILDREN);
    for (int64_t i = 0; i < CHILDREN; i++)
        EXPECT_EQ(mr_task_result(&task[i]), i);
    free(task);
    free(n);
    return 0;
}

TEST(scope, close_waits_for_10000_children_and_each_has_its_result)
{
    run_on_some(spawns_many, NULL);
}

struct payload {
    _Alignas(16) int64_t n;
    char text[40];
};

static int64_t checks_copy(void *arg)
{
    struct payload *p = arg;
    EXPECT_EQ((uintptr_t)p % 16, 0);
    mr_yield();
    EXPECT_STR(p->text, "copied");
    add(&counted, p->n);
    return p->n;
}

static int64_t adds_to(void *arg)
{
    add(arg, 1);
    return 0;
}

static int64_t goes(void *arg)
{
    mr_scope scope;
    int64_t shared = 0, sum = 0;
    (void)arg;
    counted = 0;
    mr_scope_open(&scope, MR_NEVER);
    for (int64_t i = 0; i < 1000; i++) {
        struct payload p = {.n = i, .text = "copied"};
        EXPECT_EQ(mr_scope_go(&scope, checks_copy, &p, sizeof p), 0);
        EXPECT_EQ(mr_scope_go(&scope, adds_to, &shared, 0), 0);
        memset(&p, 0, sizeof p);
        sum += i;
    }
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(counted, sum);
    EXPECT_EQ(shared, 1000);
    return 0;
}

TEST(scope, go_copies_the_argument_or_passes_the_pointer)
{
    run_on_some(goes, NULL);
}

static int64_t goes_too_large(void *arg)
{
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_go(&scope, echo, arg, SIZE_MAX), MR_ENOMEM);
    return mr_scope_close(&scope);
}

TEST(scope, go_of_what_fits_nowhere_is_refused_and_the_scope_goes_on)
{
    int64_t none = 0;
    EXPECT_EQ(run_with(1, goes_too_large, &none), 0);
}

static int64_t opens_and_closes(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++) {
        mr_scope scope;
        mr_scope_open(&scope, i % 2 ? MR_NEVER : mr_after(MR_S));
        EXPECT_EQ(mr_scope_close(&scope), 0);
    }
    return 0;
}

TEST(scope, one_without_children_closes_at_once)
{
    run_on_some(opens_and_closes, NULL);
}

static int64_t fails_in_turn(void *arg)
{
    int64_t result[4] = {5, MR_ECANCELED, MR_EIO, MR_EPIPE};
    mr_task task[4];
    mr_scope scope;
    int64_t first = *(int64_t *)arg;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < 4; i++) {
        int64_t which = (first + i) % 4;
        mr_scope_spawn(&scope, &task[which], echo, &result[which]);
        while (mr_task_result(&task[which]) == MR_EBUSY)
            mr_yield();
    }
    int64_t rc = mr_scope_close(&scope);
    for (int i = 0; i < 4; i++) {
        int64_t n = mr_task_result(&task[i]);
        EXPECT(n == result[i] || n == MR_ECANCELED);
    }
    return rc;
}

TEST(scope, close_returns_the_first_error)
{
    int64_t expected[4] = {MR_ECANCELED, MR_ECANCELED, MR_EIO, MR_EPIPE};
    for (int64_t first = 0; first < 4; first++)
        EXPECT_EQ(run_with(2, fails_in_turn, &first), expected[first]);
}

struct meeting {
    int64_t here;
    int64_t result;
};

/* All have begun before the first ends. */
static int64_t meets(void *arg)
{
    struct meeting *m = *(struct meeting **)arg;
    int64_t ticket = __atomic_fetch_add(&m->here, 1, __ATOMIC_ACQ_REL);
    while (look(&m->here) < 3)
        mr_yield();
    return ticket == m->result ? MR_EIO : MR_ECANCELED;
}

static int64_t fails_for_a_reason(void *arg)
{
    struct meeting m = {0, *(int64_t *)arg}, *p = &m;
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(mr_scope_go(&scope, meets, &p, sizeof p), 0);
    return mr_scope_close(&scope);
}

TEST(scope, what_was_cancelled_never_hides_the_cause)
{
    for (int64_t who = 0; who < 3; who++)
        for (unsigned workers = 1; workers <= 4; workers++)
            EXPECT_EQ(run_with(workers, fails_for_a_reason, &who), MR_EIO);
}

/* ---- At most so many at once -------------------------------------------- */

struct gauge {
    int64_t now, most, ran;
    int64_t order[200];
};

static int64_t is_gauged(void *arg)
{
    struct gauge *g = *(struct gauge **)arg;
    int64_t now = __atomic_add_fetch(&g->now, 1, __ATOMIC_ACQ_REL);
    int64_t most = look(&g->most);
    while (now > most &&
           !__atomic_compare_exchange_n(&g->most, &most, now, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        continue;
    add(&g->ran, 1);
    if (now % 2)
        mr_yield();
    else
        EXPECT_EQ(mr_sleep(100 * MR_US), 0);
    add(&g->now, -1);
    return 0;
}

static int64_t limits(void *arg)
{
    int64_t limit = *(int64_t *)arg;
    struct gauge g = {0}, *p = &g;
    mr_scope scope;
    int children = slow_scale(1000);
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_limit(&scope, (size_t)limit), 0);
    for (int i = 0; i < children; i++)
        EXPECT_EQ(mr_scope_go(&scope, is_gauged, &p, sizeof p), 0);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(g.ran, children);
    EXPECT(g.most <= limit);
    EXPECT_EQ(g.now, 0);
    return 0;
}

TEST(scope, no_more_children_run_at_once_than_the_limit)
{
    int64_t limit[] = {1, 2, 7, 5000};
    for (unsigned i = 0; i < 4; i++)
        run_on_some(limits, &limit[i]);
}

struct numbered {
    struct gauge *gauge;
    int64_t number;
};

static int64_t notes_order(void *arg)
{
    struct numbered *n = arg;
    mr_yield();
    n->gauge->order[n->gauge->ran++] = n->number;
    return 0;
}

static int64_t limits_to_one(void *arg)
{
    struct gauge g = {0};
    mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_limit(&scope, 1), 0);
    for (int64_t i = 0; i < 200; i++) {
        struct numbered n = {&g, i};
        EXPECT_EQ(mr_scope_go(&scope, notes_order, &n, sizeof n), 0);
    }
    EXPECT_EQ(mr_scope_close(&scope), 0);
    for (int64_t i = 0; i < 200; i++)
        EXPECT_EQ(g.order[i], i);
    return 0;
}

TEST(scope, with_a_limit_children_begin_in_order)
{
    run_on_some(limits_to_one, NULL);
}

static int64_t waits_for(void *arg)
{
    while (!look(*(int64_t **)arg))
        mr_yield();
    return 0;
}

static int64_t limits_late(void *arg)
{
    int64_t go_on = 0, *p = &go_on;
    mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_limit(&scope, 3), 0);
    EXPECT_EQ(mr_scope_limit(&scope, 0), 0);
    EXPECT_EQ(mr_scope_go(&scope, waits_for, &p, sizeof p), 0);
    EXPECT_EQ(mr_scope_limit(&scope, 3), MR_EBUSY);
    __atomic_store_n(&go_on, 1, __ATOMIC_RELEASE);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    return 0;
}

TEST(scope, a_limit_is_set_before_there_are_children)
{
    run_on_some(limits_late, NULL);
}

/* ---- Nesting, handing down ---------------------------------------------- */

static int64_t nests(void *arg)
{
    int64_t n = *(int64_t *)arg, less = n - 1;
    mr_scope scope;
    mr_task child;
    if (n == 0)
        return mr_cancelled();
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_spawn(&scope, &child, nests, &less);
    int64_t rc = mr_scope_close(&scope);
    return rc < 0 ? rc : 1 + mr_task_result(&child);
}

static int64_t nests_by_calls(void *arg)
{
    int64_t n = *(int64_t *)arg, less = n - 1;
    mr_scope scope;
    mr_task child;
    if (n == 0)
        return 0;
    mr_scope_open(&scope, MR_NEVER);
    mr_spawn(&child, nests_by_calls, &less);
    int64_t below = mr_await(&child);
    int64_t rc = mr_scope_close(&scope);
    return rc < 0 ? rc : 1 + below;
}

TEST(scope, scopes_go_20000_deep)
{
    int64_t n = slow_is_sanitized() ? 2000 : 20000;
    for (unsigned workers = 1; workers <= 3; workers += 2) {
        EXPECT_EQ(run_with(workers, nests, &n), n);
        EXPECT_EQ(run_with(workers, nests_by_calls, &n), n);
    }
}

struct handed {
    mr_scope *scope;
    int64_t depth;
    int64_t *ran;
};

static int64_t spawns_further(void *arg)
{
    struct handed *h = arg, next = {h->scope, h->depth - 1, h->ran};
    add(h->ran, 1);
    for (int i = 0; h->depth > 0 && i < 2; i++)
        EXPECT_EQ(mr_scope_go(h->scope, spawns_further, &next, sizeof next), 0);
    return 0;
}

static int64_t hands_down(void *arg)
{
    int64_t ran = 0;
    mr_scope scope;
    struct handed h = {&scope, 10, &ran};
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_limit(&scope, *(size_t *)arg), 0);
    EXPECT_EQ(mr_scope_go(&scope, spawns_further, &h, sizeof h), 0);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(ran, 2047);
    return 0;
}

TEST(scope, children_spawn_into_the_scope_they_were_handed)
{
    for (size_t limit = 0; limit < 4; limit += 3)
        run_on_some(hands_down, &limit);
}

/* A child of the inner scope's that spawns into the outer one. */
static int64_t spawns_outward(void *arg)
{
    struct handed *h = *(struct handed **)arg;
    return mr_scope_go(h->scope, adds_to, h->ran, 0);
}

static int64_t hands_outward(void *arg)
{
    int64_t ran = 0;
    mr_scope outer, inner;
    struct handed h = {&outer, 0, &ran}, *p = &h;
    (void)arg;
    mr_scope_open(&outer, MR_NEVER);
    mr_scope_open(&inner, MR_NEVER);
    for (int i = 0; i < 100; i++)
        EXPECT_EQ(mr_scope_go(&inner, spawns_outward, &p, sizeof p), 0);
    EXPECT_EQ(mr_scope_close(&inner), 0);
    EXPECT_EQ(mr_scope_close(&outer), 0);
    EXPECT_EQ(ran, 100);
    return 0;
}

TEST(scope, a_child_spawns_into_the_scope_around_its_own)
{
    run_on_some(hands_outward, NULL);
}
