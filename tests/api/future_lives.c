/* millrace/future.h: lives of futures, enumerated. What becomes of one (it has
 * a value, fails, is cancelled, or is pending until the end), times what is
 * done with it, times whether that comes before, while, or after it is decided;
 * of promises and of tasks. */
#include <millrace.h>

#include "run.h"
#include "slow.h"
#include "test.h"

#include <pthread.h>

enum fate { PENDING, DONE, FAILED, CANCELLED, FATES };
enum use {
    GET,
    THEN,
    CATCH,
    FINALLY,
    ON,
    DROP,
    CANCEL,
    ALL,
    ANY,
    RACE,
    SETTLED,
    USES
};
enum when { BEFORE, DURING, AFTER, WHENS };
enum origin { PROMISE, TASK, ORIGINS };

struct life {
    enum fate fate;
    enum use use;
    enum when when;
    enum origin origin;
    mr_promise *promise; /* of the future, or what its task waits for */
    mr_future *f;        /* the test's own reference */
    mr_future *out;      /* what the use made, or NULL */
    int64_t go, begun, settled[2], called;
};

static void put(int64_t *to, int64_t n)
{
    __atomic_store_n(to, n, __ATOMIC_RELEASE);
}

static int64_t look(int64_t *at)
{
    return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static void until(int64_t *word)
{
    while (!look(word))
        mr_yield();
}

/* ---- What becomes of it ------------------------------------------------- */

static int64_t value_of(enum fate fate)
{
    static const int64_t value[FATES] = {
        [PENDING] = MR_ECANCELED, /* its promise was closed */
        [DONE] = 5,
        [FAILED] = MR_EIO,
        [CANCELLED] = MR_ECANCELED};
    return value[fate];
}

static int64_t awaits(void *arg)
{
    struct life *l = *(struct life **)arg;
    mr_future *gate = mr_promise_open(&l->promise);
    put(&l->begun, 1);
    return mr_get(gate);
}

static void begin(struct life *l)
{
    if (l->origin == PROMISE) {
        l->f = mr_promise_open(&l->promise);
        return;
    }
    l->f = mr_async(awaits, &l, sizeof l);
    until(&l->begun);
}

static void decide(struct life *l)
{
    if (l->fate == CANCELLED)
        mr_cancel(mr_retain(l->f));
    else if (l->fate != PENDING)
        (void)mr_promise_complete(l->promise, value_of(l->fate));
}

static void *decides(void *arg)
{
    struct life *l = arg;
    while (!look(&l->go))
        continue;
    decide(l);
    return NULL;
}

/* ---- What is done with it ----------------------------------------------- */

static int64_t adds_one(int64_t value, void *arg)
{
    struct life *l = *(struct life **)arg;
    put(&l->called, 1);
    return value >= 0 ? value + 1 : 9;
}

static void notes(int64_t value, void *arg)
{
    put(arg, value ? value : 1);
}

/* The other member, where there is one. */
static mr_future *other(int64_t value)
{
    mr_promise *p;
    mr_future *f = mr_promise_open(&p);
    EXPECT_EQ(mr_promise_complete(p, value), 0);
    mr_promise_close(p);
    return f;
}

static int64_t gets(void *arg)
{
    return mr_get(*(mr_future **)arg);
}

static void use_several(struct life *l)
{
    mr_future *f[2] = {mr_retain(l->f), NULL};
    switch (l->use) {
    case ALL:
        f[1] = other(3);
        l->out = mr_all(f, 2);
        break;
    case ANY:
        f[1] = other(MR_EPIPE);
        l->out = mr_any(f, 2);
        break;
    case RACE:
        l->out = mr_race(f, 1);
        break;
    default:
        f[1] = other(3);
        l->out = mr_settled(f, 2, l->settled);
    }
}

static void use(struct life *l)
{
    mr_future *f = l->f;
    switch (l->use) {
    case GET:
        mr_retain(f);
        l->out = mr_async(gets, &f, sizeof f);
        break;
    case THEN:
        l->out = mr_then(mr_retain(f), adds_one, &l, sizeof l);
        break;
    case CATCH:
        l->out = mr_catch(mr_retain(f), adds_one, &l, sizeof l);
        break;
    case FINALLY:
        l->out = mr_finally(mr_retain(f), adds_one, &l, sizeof l);
        break;
    case ON:
        EXPECT_EQ(mr_on(mr_retain(f), notes, &l->called), 0);
        break;
    case DROP:
        mr_drop(mr_retain(f));
        break;
    case CANCEL:
        mr_cancel(mr_retain(f));
        break;
    default:
        use_several(l);
    }
}

/* ---- What must come of it ----------------------------------------------- */

static void expect_several(struct life *l, int64_t v, int64_t got)
{
    switch (l->use) {
    case ALL:
        EXPECT_EQ(got, v < 0 ? v : 0);
        break;
    case ANY:
        /* Either may have failed first. */
        EXPECT(v < 0 ? got == v || got == MR_EPIPE : got == v);
        break;
    case RACE:
        EXPECT_EQ(got, v);
        break;
    default:
        EXPECT_EQ(got, v < 0);
        EXPECT_EQ(l->settled[0], v);
        EXPECT_EQ(l->settled[1], 3);
    }
}

static void expect(struct life *l, int64_t v)
{
    int64_t got = l->out ? mr_get(l->out) : 0;
    switch (l->use) {
    case GET:
    case FINALLY:
        EXPECT_EQ(got, v);
        break;
    case THEN:
        EXPECT_EQ(got, v < 0 ? v : v + 1);
        break;
    case CATCH:
        EXPECT_EQ(got, v < 0 ? 9 : v);
        break;
    case ON:
        until(&l->called);
        EXPECT_EQ(l->called, v);
        return;
    case DROP:
    case CANCEL:
        return;
    default:
        expect_several(l, v, got);
        return;
    }
    bool calls = l->use == FINALLY || (l->use == THEN && v >= 0) ||
                 (l->use == CATCH && v < 0);
    EXPECT_EQ(look(&l->called), calls);
}

/* Where it is cancelled by its use as well, either may come first. */
static int64_t expect_value(const struct life *l)
{
    int64_t v = value_of(l->fate);
    int64_t got = mr_get(mr_retain(l->f));
    bool free = l->use == CANCEL && l->when != AFTER;
    EXPECT(got == v || (free && got == MR_ECANCELED));
    return got;
}

static int64_t lives(void *arg)
{
    struct life *l = arg;
    pthread_t thread;
    begin(l);
    if (l->when == AFTER)
        decide(l);
    if (l->when == AFTER && l->fate != PENDING)
        EXPECT_EQ(mr_get(mr_retain(l->f)), value_of(l->fate));
    if (l->when == DURING) {
        EXPECT_EQ(pthread_create(&thread, NULL, decides, l), 0);
        put(&l->go, 1);
    }
    use(l);
    if (l->when == BEFORE)
        decide(l);
    if (l->when == DURING)
        EXPECT_EQ(pthread_join(thread, NULL), 0);
    if (l->fate == PENDING && l->use != CANCEL)
        EXPECT_EQ(mr_is_done(l->f), 0);
    mr_promise_close(l->promise);
    expect(l, expect_value(l));
    mr_drop(l->f);
    return 0;
}

static void live(enum origin origin, enum when when)
{
    int rounds = when == DURING ? slow_scale(20) : 1;
    for (int fate = 0; fate < FATES; fate++)
        for (int use = 0; use < USES; use++)
            for (int round = 0; round < rounds; round++) {
                struct life l = {.fate = (enum fate)fate,
                                 .use = (enum use)use,
                                 .when = when,
                                 .origin = origin};
                EXPECT_EQ(run_with(1 + (unsigned)round % 2, lives, &l), 0);
            }
}

TEST(future_lives, promises_that_are_used_before_they_are_decided)
{
    live(PROMISE, BEFORE);
}

TEST(future_lives, promises_that_are_used_while_they_are_decided)
{
    live(PROMISE, DURING);
}

TEST(future_lives, promises_that_are_used_after_they_were_decided)
{
    live(PROMISE, AFTER);
}

TEST(future_lives, tasks_that_are_used_before_they_are_decided)
{
    live(TASK, BEFORE);
}

TEST(future_lives, tasks_that_are_used_while_they_are_decided)
{
    live(TASK, DURING);
}

TEST(future_lives, tasks_that_are_used_after_they_were_decided)
{
    live(TASK, AFTER);
}

/* ---- Cancelling what follows -------------------------------------------- */

enum stage { UNSTARTED, RUNNING, STAGES };
enum kind { AFTER_THEN, AFTER_CATCH, AFTER_FINALLY, KINDS };

struct chain {
    int64_t begun, called, over;
    bool shared;
};

static int64_t sleeps(void *arg)
{
    struct chain *c = *(struct chain **)arg;
    put(&c->begun, 1);
    int64_t rc = mr_sleep(MR_NEVER);
    put(&c->over, 1);
    return rc;
}

static int64_t is_called(int64_t value, void *arg)
{
    struct chain *c = *(struct chain **)arg;
    put(&c->called, 1);
    EXPECT_EQ(look(&c->over), 1);
    return value < 0 ? 9 : value;
}

static mr_future *follow(struct chain *c, mr_future *f, enum kind kind)
{
    return kind == AFTER_THEN    ? mr_then(f, is_called, &c, sizeof c)
           : kind == AFTER_CATCH ? mr_catch(f, is_called, &c, sizeof c)
                                 : mr_finally(f, is_called, &c, sizeof c);
}

/* It reaches the task through two that follow; only mr_finally is called, and
 * after the task has ended. */
static int64_t cancels_chain(void *arg)
{
    for (int kind = 0; kind < KINDS; kind++) {
        struct chain c = {0}, *pointer = &c;
        mr_future *f = mr_async(sleeps, &pointer, sizeof pointer);
        until(&c.begun);
        f = follow(&c, f, (enum kind)kind);
        f = mr_then(f, is_called, &pointer, sizeof pointer);
        mr_cancel(mr_retain(f));
        EXPECT_EQ(mr_get(f), MR_ECANCELED);
        EXPECT_EQ(look(&c.over), 1);
        EXPECT_EQ(look(&c.called), kind == AFTER_FINALLY);
    }
    (void)arg;
    return 0;
}

TEST(future_lives, a_cancel_reaches_the_task_at_the_head_of_a_chain)
{
    run_on_some(cancels_chain, NULL);
}

static int64_t cancels_branch(void *arg)
{
    (void)arg;
    for (int kind = 0; kind < KINDS; kind++) {
        struct chain c = {.over = 1};
        mr_promise *p;
        mr_future *f = mr_promise_open(&p);
        mr_future *g = follow(&c, mr_retain(f), (enum kind)kind);
        mr_cancel(mr_retain(g));
        EXPECT_EQ(mr_is_done(g), kind != AFTER_FINALLY);
        EXPECT_EQ(mr_promise_complete(p, 4), 0);
        EXPECT_EQ(mr_get(g), kind == AFTER_FINALLY ? 4 : MR_ECANCELED);
        EXPECT_EQ(mr_get(f), 4);
        EXPECT_EQ(look(&c.called), kind == AFTER_FINALLY);
        mr_promise_close(p);
    }
    return 0;
}

TEST(future_lives, a_cancel_stops_before_what_somebody_else_holds)
{
    run_on_some(cancels_branch, NULL);
}

static int64_t never_runs(void *arg)
{
    (void)arg;
    EXPECT(!"cancelled before it began");
    return 0;
}

/* One worker: what was begun by the caller has not run before it waits. */
static int64_t cancels_unstarted(void *arg)
{
    (void)arg;
    mr_future *f = mr_async(never_runs, NULL, 0);
    mr_cancel(mr_retain(f));
    EXPECT_EQ(mr_get(f), MR_ECANCELED);
    return 0;
}

TEST(future_lives, what_has_not_begun_never_does)
{
    EXPECT_EQ(run_with(1, cancels_unstarted, NULL), 0);
}

static int64_t cancels_gathering(void *arg)
{
    (void)arg;
    int64_t value[2] = {1, 1};
    struct chain c[2] = {{0}, {0}}, *at[2] = {&c[0], &c[1]};
    mr_future *f[2];
    for (int i = 0; i < 2; i++) {
        f[i] = mr_async(sleeps, &at[i], sizeof at[i]);
        until(&c[i].begun);
    }
    mr_future *g = mr_settled(f, 2, value);
    mr_cancel(mr_retain(g));
    EXPECT_EQ(mr_get(g), 2);
    EXPECT_EQ(value[0], MR_ECANCELED);
    EXPECT_EQ(value[1], MR_ECANCELED);
    return 0;
}

TEST(future_lives, a_cancel_reaches_all_members)
{
    run_on_some(cancels_gathering, NULL);
}
