/* millrace/sync.h: event, latch, barrier, once. */
#include <millrace.h>

#include "slow.h"
#include "sync.h"

/* ---- Rules -------------------------------------------------------------- */

static int64_t breaks_rules(void *arg)
{
    mr_latch latch = MR_LATCH_INIT(2);
    mr_barrier barrier = MR_BARRIER_INIT(2);
    (void)arg;
    EXPECT_EQ(mr_latch_count_down(&latch, 3), MR_ERANGE);
    EXPECT_EQ(mr_latch_wait_until(&latch, mr_after(MR_MS)), MR_ETIMEDOUT);
    EXPECT_EQ(mr_latch_count_down(&latch, 1), 0);
    EXPECT_EQ(mr_latch_wait_until(&latch, 0), MR_ETIMEDOUT);
    EXPECT_EQ(mr_latch_count_down(&latch, 1), 0);
    EXPECT_EQ(mr_latch_count_down(&latch, 1), MR_ERANGE);
    EXPECT_EQ(mr_latch_count_down(&latch, 0), 0);
    EXPECT_EQ(mr_latch_wait(&latch), 0);
    EXPECT_EQ(mr_latch_wait_until(&latch, 0), 0);
    EXPECT_EQ(mr_latch_close(&latch), 0);
    mr_latch_open(&latch, 0);
    EXPECT_EQ(mr_latch_wait(&latch), 0);
    EXPECT_EQ(mr_barrier_wait_until(&barrier, mr_after(MR_MS)), MR_ETIMEDOUT);
    EXPECT_EQ(mr_barrier_wait_until(&barrier, 0), MR_ETIMEDOUT);
    EXPECT_EQ(mr_barrier_close(&barrier), 0);
    EXPECT_EQ(mr_barrier_open(&barrier, 0), MR_EINVAL);
    EXPECT_EQ(mr_barrier_wait(&barrier), MR_EINVAL);
    EXPECT_EQ(mr_barrier_open(&barrier, 1), 0);
    EXPECT_EQ(mr_barrier_wait(&barrier), MR_BARRIER_LAST);
    EXPECT_EQ(mr_barrier_wait_until(&barrier, 0), MR_BARRIER_LAST);
    return 0;
}

TEST(sync_gates, latches_and_barriers_count)
{
    run_on_some(breaks_rules, NULL);
    EXPECT_EQ(breaks_rules(NULL), 0);
}

static int64_t sets_and_clears(void *arg)
{
    mr_event event;
    (void)arg;
    memset(&event, 0, sizeof event);
    EXPECT_EQ(mr_event_is_set(&event), 0);
    EXPECT_EQ(mr_event_wait_until(&event, mr_after(MR_MS)), MR_ETIMEDOUT);
    mr_event_set(&event);
    mr_event_set(&event);
    EXPECT_EQ(mr_event_is_set(&event), 1);
    EXPECT_EQ(mr_event_wait(&event), 0);
    EXPECT_EQ(mr_event_wait_until(&event, 0), 0);
    mr_event_clear(&event);
    EXPECT_EQ(mr_event_wait_until(&event, 0), MR_ETIMEDOUT);
    EXPECT_EQ(mr_event_close(&event), 0);
    return 0;
}

TEST(sync_gates, an_event_stays_as_it_was_set)
{
    run_on_some(sets_and_clears, NULL);
    EXPECT_EQ(sets_and_clears(NULL), 0);
}

/* ---- Each gate, times how a wait ends, times who waits ------------------ */

enum kind { EVENT, LATCH, BARRIER, KINDS };
enum end { OPENED, CUT, LATE, ENDS };

enum { WAITING = 3 };

struct gate {
    enum kind kind;
    enum end end;
    bool outside;
    mr_event event;
    mr_latch latch;
    mr_barrier barrier; /* for one more than wait */
    int64_t through;
};

static int wait_until(struct gate *g, int64_t deadline)
{
    switch (g->kind) {
    case EVENT:
        return mr_event_wait_until(&g->event, deadline);
    case LATCH:
        return mr_latch_wait_until(&g->latch, deadline);
    default:
        return mr_barrier_wait_until(&g->barrier, deadline);
    }
}

static int wait(struct gate *g)
{
    switch (g->kind) {
    case EVENT:
        return mr_event_wait(&g->event);
    case LATCH:
        return mr_latch_wait(&g->latch);
    default:
        return mr_barrier_wait(&g->barrier);
    }
}

static int close_gate(struct gate *g)
{
    switch (g->kind) {
    case EVENT:
        return mr_event_close(&g->event);
    case LATCH:
        return mr_latch_close(&g->latch);
    default:
        return mr_barrier_close(&g->barrier);
    }
}

static void open_gate(struct gate *g)
{
    if (g->kind == EVENT)
        mr_event_set(&g->event);
    else if (g->kind == LATCH)
        EXPECT_EQ(mr_latch_count_down(&g->latch, 1), 0);
    else if (g->outside)
        EXPECT(mr_barrier_wait(&g->barrier) >= 0);
    else
        EXPECT_EQ(mr_barrier_wait(&g->barrier), MR_BARRIER_LAST);
}

static int64_t comes(void *arg)
{
    static const int codes[] = {0, MR_ECANCELED, MR_ETIMEDOUT};
    struct gate *g = *(struct gate **)arg;
    int64_t late = mr_after(20 * MR_MS);
    int rc = g->end == LATE ? wait_until(g, late) : wait(g);
    /* Of those outside of tasks any may be the last at a barrier. */
    bool last = rc == MR_BARRIER_LAST && g->kind == BARRIER && g->outside;
    EXPECT_EQ(last ? 0 : rc, codes[g->end]);
    EXPECT(g->end != LATE || mr_now() >= late);
    add(&g->through, 1);
    return 0;
}

static const char *waits_for(const struct gate *g)
{
    static const char *const text[] = {"an event", "a latch", "a barrier"};
    return text[g->kind];
}

/* A thread's wait is seen by the close alone. */
static void all_wait(struct gate *g, int n)
{
    if (!g->outside)
        come_to_wait(n, waits_for(g));
    else
        while (close_gate(g) != MR_EBUSY)
            mr_sleep(MR_MS);
}

static void end_waits(struct gate *g, mr_scope *scope)
{
    if (g->end == LATE)
        return;
    all_wait(g, WAITING);
    EXPECT_EQ(look(&g->through), 0);
    EXPECT_EQ(close_gate(g), MR_EBUSY);
    if (g->end == CUT)
        mr_scope_cancel(scope);
    else
        open_gate(g);
}

static int64_t are_waited_for(void *arg)
{
    struct gate *g = arg;
    struct outside outside[WAITING];
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < WAITING; i++)
        if (g->outside)
            outside_start(&outside[i], comes, &g);
        else
            EXPECT_EQ(mr_scope_go(&scope, comes, &g, sizeof g), 0);
    end_waits(g, &scope);
    for (int i = 0; g->outside && i < WAITING; i++)
        EXPECT_EQ(outside_join(&outside[i]), 0);
    EXPECT_EQ(mr_scope_close(&scope), g->end == CUT ? MR_ECANCELED : 0);
    EXPECT_EQ(g->through, WAITING);
    EXPECT_EQ(close_gate(g), 0);
    return 0;
}

static void each_wait(enum kind kind, enum end end, bool outside)
{
    for (unsigned workers = 1; workers <= 4; workers *= 2) {
        struct gate g = {kind,
                         end,
                         outside,
                         MR_EVENT_INIT,
                         MR_LATCH_INIT(1),
                         MR_BARRIER_INIT(WAITING + 1),
                         0};
        EXPECT_EQ(run_with(workers, are_waited_for, &g), 0);
    }
}

TEST(sync_gates, each_kind_times_each_end_of_a_wait_of_tasks_and_threads)
{
    for (unsigned kind = 0; kind < KINDS; kind++)
        for (unsigned end = 0; end < ENDS; end++)
            for (int outside = 0; outside < 2; outside++)
                if (!outside || end != CUT) /* no scope reaches a thread */
                    each_wait((enum kind)kind, (enum end)end, outside);
}

static int64_t goes_through(void *arg)
{
    mr_event event = MR_EVENT_INIT;
    mr_latch latch = MR_LATCH_INIT(0);
    mr_barrier barrier = MR_BARRIER_INIT(1);
    mr_scope scope;
    (void)arg;
    mr_event_set(&event);
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_cancel(&scope);
    EXPECT_EQ(mr_event_wait(&event), 0);
    EXPECT_EQ(mr_latch_wait(&latch), 0);
    EXPECT_EQ(mr_barrier_wait(&barrier), MR_BARRIER_LAST);
    mr_event_clear(&event);
    EXPECT_EQ(mr_event_wait(&event), MR_ECANCELED);
    return mr_scope_close(&scope) == MR_ECANCELED ? 0 : -1;
}

TEST(sync_gates, an_open_one_is_passed_in_a_scope_that_was_cut_short)
{
    run_on_some(goes_through, NULL);
}

/* ---- They may go with who came through ---------------------------------- */

static int64_t sets(void *arg)
{
    mr_event_set(arg);
    return 0;
}

static int64_t asks_outside(void *arg)
{
    (void)arg;
    for (int i = 0; i < slow_scale(300); i++) {
        mr_event *done = calloc(1, sizeof *done);
        struct outside outside;
        outside_start(&outside, sets, done);
        EXPECT_EQ(mr_event_wait(done), 0);
        memset(done, 0xff, sizeof *done);
        free(done);
        EXPECT_EQ(outside_join(&outside), 0);
    }
    return 0;
}

TEST(sync_gates, who_waited_for_an_event_may_free_it)
{
    run_on_some(asks_outside, NULL);
    EXPECT_EQ(asks_outside(NULL), 0);
}

/* ---- Rounds at a barrier ------------------------------------------------ */

enum { MEMBERS = 5 };

struct meeting {
    mr_barrier barrier;
    int rounds;
    int64_t came, last;
};

/* All that came before the barrier came before anybody is behind it. */
static int64_t meets(void *arg)
{
    struct meeting *m = *(struct meeting **)arg;
    for (int round = 1; round <= m->rounds; round++) {
        add(&m->came, 1);
        int rc = mr_barrier_wait(&m->barrier);
        EXPECT(rc == 0 || rc == MR_BARRIER_LAST);
        EXPECT(look(&m->came) >= (int64_t)round * MEMBERS);
        if (rc == MR_BARRIER_LAST)
            add(&m->last, 1);
    }
    return 0;
}

static int64_t outside_meets(void *arg)
{
    return meets(&arg);
}

static int64_t all_meet(void *arg)
{
    struct meeting *m = arg;
    struct outside outside[2];
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < 2; i++)
        outside_start(&outside[i], outside_meets, m);
    for (int i = 2; i < MEMBERS; i++)
        EXPECT_EQ(mr_scope_go(&scope, meets, &m, sizeof m), 0);
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(outside_join(&outside[i]), 0);
    return mr_scope_close(&scope);
}

TEST(sync_gates, a_barrier_holds_all_back_and_one_is_the_last_each_time)
{
    for (unsigned workers = 1; workers <= 4; workers *= 2) {
        struct meeting m = {MR_BARRIER_INIT(MEMBERS), slow_scale(300), 0, 0};
        EXPECT_EQ(run_with(workers, all_meet, &m), 0);
        EXPECT_EQ(m.last, m.rounds);
        EXPECT_EQ(m.came, (int64_t)m.rounds * MEMBERS);
        EXPECT_EQ(mr_barrier_close(&m.barrier), 0);
    }
}

/* ---- Once --------------------------------------------------------------- */

struct deed {
    mr_once once;
    int64_t tries, fails_until, value, may_end;
    int64_t failed; /* callers that were told so */
};

static int64_t does(void *arg)
{
    struct deed *d = arg;
    int64_t n = add(&d->tries, 1);
    mr_yield();
    until(&d->may_end, 1);
    if (n <= d->fails_until)
        return MR_EIO;
    d->value = 42; /* plain: seen by all that come later */
    return 7;
}

static int64_t calls(void *arg)
{
    struct deed *d = *(struct deed **)arg;
    int64_t rc = mr_once_call(&d->once, does, d);
    EXPECT(rc == 7 || rc == MR_EIO);
    if (rc == MR_EIO)
        add(&d->failed, 1);
    else
        EXPECT_EQ(d->value, 42);
    return 0;
}

static int64_t outside_calls(void *arg)
{
    return calls(&arg);
}

static int64_t all_call(void *arg)
{
    struct deed *d = arg;
    struct outside outside[3];
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < 3; i++)
        outside_start(&outside[i], outside_calls, d);
    for (int i = 0; i < 5; i++)
        EXPECT_EQ(mr_scope_go(&scope, calls, &d, sizeof d), 0);
    until(&d->tries, 1);
    put(&d->may_end, 1);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(outside_join(&outside[i]), 0);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(mr_once_call(&d->once, does, d), 7);
    return 0;
}

TEST(sync_gates, once_is_once_and_each_failure_is_told_to_who_ran_it)
{
    for (int64_t fails = 0; fails <= 4; fails++)
        for (unsigned workers = 1; workers <= 4; workers *= 2) {
            struct deed d = {.once = MR_ONCE_INIT, .fails_until = fails};
            EXPECT_EQ(run_with(workers, all_call, &d), 0);
            EXPECT_EQ(d.tries, fails + 1);
            EXPECT_EQ(d.failed, fails);
        }
}

static int64_t calls_itself(void *arg)
{
    return mr_once_call(arg, calls_itself, arg);
}

static int64_t is_called_by_itself(void *arg)
{
    mr_once once;
    (void)arg;
    memset(&once, 0, sizeof once);
    EXPECT_EQ(mr_once_call(&once, calls_itself, &once), MR_EDEADLK);
    return 0;
}

TEST(sync_gates, once_within_itself_is_told_so)
{
    run_on_some(is_called_by_itself, NULL);
    EXPECT_EQ(is_called_by_itself(NULL), 0);
}

static int64_t is_cancelled(void *arg)
{
    struct deed *d = *(struct deed **)arg;
    EXPECT_EQ(mr_once_call(&d->once, does, d), MR_ECANCELED);
    return 0;
}

static int64_t cancels_who_waits(void *arg)
{
    struct deed deed = {.once = MR_ONCE_INIT}, *d = &deed;
    mr_scope scope, within;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_go(&scope, calls, &d, sizeof d), 0);
    until(&d->tries, 1);
    mr_scope_open(&within, MR_NEVER);
    EXPECT_EQ(mr_scope_go(&within, is_cancelled, &d, sizeof d), 0);
    come_to_wait(1, "a call once");
    mr_scope_cancel(&within);
    EXPECT_EQ(mr_scope_close(&within), MR_ECANCELED);
    EXPECT_EQ(look(&d->tries), 1);
    put(&d->may_end, 1);
    return mr_scope_close(&scope);
}

TEST(sync_gates, who_waits_for_once_may_be_cancelled)
{
    run_on_some(cancels_who_waits, NULL);
}
