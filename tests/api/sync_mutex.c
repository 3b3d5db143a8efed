/* millrace/sync.h: the mutex. Who waits for whom in a circle: sync_cycle.c. */
#include <millrace.h>

#include "slow.h"
#include "sync.h"

/* ---- One at a time ------------------------------------------------------ */

struct crowd {
    mr_mutex mutex;
    int64_t inside; /* plain: the owner's */
    int rounds;
    bool yields;
};

static int64_t goes_in_and_out(void *arg)
{
    struct crowd *c = *(struct crowd **)arg;
    for (int i = 0; i < c->rounds; i++) {
        EXPECT_EQ(mr_mutex_lock(&c->mutex), 0);
        int64_t inside = c->inside;
        if (c->yields && i % 8 == 0)
            mr_yield();
        c->inside = inside + 1;
        EXPECT_EQ(mr_mutex_unlock(&c->mutex), 0);
    }
    return 0;
}

static int64_t many_go_in(void *arg)
{
    struct crowd *c = arg;
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < 20; i++)
        EXPECT_EQ(mr_scope_go(&scope, goes_in_and_out, &c, sizeof c), 0);
    return mr_scope_close(&scope);
}

static void crowd_of_tasks(bool yields)
{
    for (unsigned workers = 1; workers <= 4; workers *= 2) {
        struct crowd c = {.mutex = MR_MUTEX_INIT,
                          .rounds = slow_scale(500),
                          .yields = yields};
        EXPECT_EQ(run_with(workers, many_go_in, &c), 0);
        EXPECT_EQ(c.inside, 20 * c.rounds);
        EXPECT_EQ(mr_mutex_close(&c.mutex), 0);
    }
}

TEST(sync_mutex, tasks_own_it_one_at_a_time)
{
    crowd_of_tasks(false);
}

TEST(sync_mutex, an_owner_may_wait_for_other_things)
{
    crowd_of_tasks(true);
}

static int64_t runs_many(void *arg)
{
    return run_with(2, many_go_in, arg);
}

static int64_t outside_goes_in(void *arg)
{
    return goes_in_and_out(&arg);
}

TEST(sync_mutex, tasks_of_two_runtimes_and_threads_share_one)
{
    struct crowd c = {.mutex = MR_MUTEX_INIT, .rounds = slow_scale(500)};
    struct outside runtime[2], thread[4];
    for (int i = 0; i < 2; i++)
        outside_start(&runtime[i], runs_many, &c);
    for (int i = 0; i < 4; i++)
        outside_start(&thread[i], outside_goes_in, &c);
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(outside_join(&runtime[i]), 0);
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(outside_join(&thread[i]), 0);
    EXPECT_EQ(c.inside, 44 * c.rounds);
    EXPECT_EQ(mr_mutex_close(&c.mutex), 0);
}

/* ---- Whose it is -------------------------------------------------------- */

static int64_t breaks_rules(void *arg)
{
    mr_mutex mutex;
    (void)arg;
    memset(&mutex, 0, sizeof mutex);
    EXPECT_EQ(mr_mutex_unlock(&mutex), MR_EPERM);
    EXPECT_EQ(mr_mutex_lock(&mutex), 0);
    EXPECT_EQ(mr_mutex_lock(&mutex), MR_EDEADLK);
    EXPECT_EQ(mr_mutex_lock_until(&mutex, mr_now()), MR_EDEADLK);
    EXPECT_EQ(mr_mutex_trylock(&mutex), MR_EBUSY);
    EXPECT_EQ(mr_mutex_close(&mutex), MR_EBUSY);
    EXPECT_EQ(mr_mutex_unlock(&mutex), 0);
    EXPECT_EQ(mr_mutex_unlock(&mutex), MR_EPERM);
    EXPECT_EQ(mr_mutex_trylock(&mutex), 0);
    EXPECT_EQ(mr_mutex_unlock(&mutex), 0);
    EXPECT_EQ(mr_mutex_close(&mutex), 0);
    return 0;
}

TEST(sync_mutex, what_one_holds_is_not_locked_nor_what_one_does_not_unlocked)
{
    run_on_some(breaks_rules, NULL);
    EXPECT_EQ(breaks_rules(NULL), 0);
}

static int64_t is_another(void *arg)
{
    mr_mutex *mutex = *(mr_mutex **)arg;
    EXPECT_EQ(mr_mutex_unlock(mutex), MR_EPERM);
    EXPECT_EQ(mr_mutex_trylock(mutex), MR_EBUSY);
    EXPECT_EQ(mr_mutex_lock_until(mutex, mr_after(MR_MS)), MR_ETIMEDOUT);
    EXPECT_EQ(mr_mutex_unlock(mutex), MR_EPERM);
    return 0;
}

static int64_t holds_beside_others(void *arg)
{
    mr_mutex mutex = MR_MUTEX_INIT, *m = &mutex;
    struct outside outside;
    mr_scope scope;
    (void)arg;
    EXPECT_EQ(mr_mutex_lock(m), 0);
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(mr_scope_go(&scope, is_another, &m, sizeof m), 0);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    outside_start(&outside, is_another, &m);
    EXPECT_EQ(outside_join(&outside), 0);
    EXPECT_EQ(mr_mutex_unlock(m), 0);
    EXPECT_EQ(mr_mutex_close(m), 0);
    return 0;
}

TEST(sync_mutex, others_wait_until_a_deadline_and_unlock_nothing)
{
    run_on_some(holds_beside_others, NULL);
    EXPECT_EQ(run_with(2, is_another, &(mr_mutex *){&(mr_mutex){{8}}}), 0);
}

/* ---- How a wait ends, times who waits ----------------------------------- */

enum end { UNLOCKED, CUT, LATE, ENDS };

struct waiting {
    mr_mutex mutex;
    enum end end;
    bool outside;
    int64_t went; /* how many have got through */
};

static int64_t waits(void *arg)
{
    struct waiting *w = *(struct waiting **)arg;
    int64_t late = mr_after(20 * MR_MS);
    int rc = w->end == LATE ? mr_mutex_lock_until(&w->mutex, late)
                            : mr_mutex_lock(&w->mutex);
    if (w->end == UNLOCKED) {
        EXPECT_EQ(rc, 0);
        EXPECT_EQ(mr_mutex_unlock(&w->mutex), 0);
        add(&w->went, 1);
    } else {
        EXPECT_EQ(rc, w->end == CUT ? MR_ECANCELED : MR_ETIMEDOUT);
        EXPECT_EQ(mr_mutex_unlock(&w->mutex), MR_EPERM);
        EXPECT(w->end == CUT || mr_now() >= late);
    }
    return 0;
}

static int64_t is_waited_for(void *arg)
{
    struct waiting *w = arg;
    struct outside outside[3];
    mr_scope scope;
    EXPECT_EQ(mr_mutex_lock(&w->mutex), 0);
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < 3; i++)
        if (w->outside)
            outside_start(&outside[i], waits, &w);
        else
            EXPECT_EQ(mr_scope_go(&scope, waits, &w, sizeof w), 0);
    if (!w->outside && w->end != LATE)
        come_to_wait(3, "a mutex");
    if (w->end == CUT)
        mr_scope_cancel(&scope);
    if (w->end == UNLOCKED)
        EXPECT_EQ(mr_mutex_unlock(&w->mutex), 0);
    for (int i = 0; w->outside && i < 3; i++)
        EXPECT_EQ(outside_join(&outside[i]), 0);
    EXPECT_EQ(mr_scope_close(&scope), w->end == CUT ? MR_ECANCELED : 0);
    if (w->end != UNLOCKED)
        EXPECT_EQ(mr_mutex_unlock(&w->mutex), 0);
    EXPECT_EQ(w->went, w->end == UNLOCKED ? 3 : 0);
    EXPECT_EQ(mr_mutex_close(&w->mutex), 0);
    return 0;
}

TEST(sync_mutex, each_end_of_a_wait_of_a_task_and_a_thread)
{
    for (unsigned end = 0; end < ENDS; end++)
        for (int outside = 0; outside < 2; outside++)
            for (unsigned workers = 1; workers <= 4; workers *= 2) {
                if (outside && end == CUT)
                    continue; /* no scope reaches it */
                struct waiting w = {MR_MUTEX_INIT, (enum end)end, outside, 0};
                EXPECT_EQ(run_with(workers, is_waited_for, &w), 0);
            }
}

static int64_t locks_what_is_free(void *arg)
{
    mr_mutex mutex = MR_MUTEX_INIT, *m = &mutex;
    mr_scope scope, shield;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_cancel(&scope);
    EXPECT_EQ(mr_mutex_lock(m), 0);
    EXPECT_EQ(mr_mutex_unlock(m), 0);
    EXPECT_EQ(mr_mutex_lock_until(m, 0), 0);
    mr_scope_shield(&shield, MR_NEVER);
    EXPECT_EQ(mr_scope_go(&shield, is_another, &m, sizeof m), 0);
    EXPECT_EQ(mr_scope_close(&shield), 0);
    EXPECT_EQ(mr_mutex_unlock(m), 0);
    return mr_scope_close(&scope) == MR_ECANCELED ? 0 : -1;
}

TEST(sync_mutex, a_free_one_is_had_in_a_scope_that_was_cut_short)
{
    run_on_some(locks_what_is_free, NULL);
}

static int64_t cleans_up(void *arg)
{
    struct waiting *w = *(struct waiting **)arg;
    mr_scope shield;
    EXPECT_EQ(mr_mutex_lock(&w->mutex), MR_ECANCELED);
    mr_scope_shield(&shield, MR_NEVER);
    add(&w->went, 1);
    EXPECT_EQ(mr_mutex_lock(&w->mutex), 0);
    EXPECT_EQ(mr_mutex_unlock(&w->mutex), 0);
    return mr_scope_close(&shield);
}

static int64_t is_cleaned_up_beside(void *arg)
{
    struct waiting w = {.mutex = MR_MUTEX_INIT}, *at = &w;
    mr_scope scope;
    (void)arg;
    EXPECT_EQ(mr_mutex_lock(&w.mutex), 0);
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_go(&scope, cleans_up, &at, sizeof at), 0);
    come_to_wait(1, "a mutex");
    mr_scope_cancel(&scope);
    until(&w.went, 1);
    EXPECT_EQ(mr_mutex_unlock(&w.mutex), 0);
    return mr_scope_close(&scope) == MR_ECANCELED ? 0 : -1;
}

static int64_t is_cleaned_up_in_shield(void *arg)
{
    mr_scope shield;
    mr_scope_shield(&shield, MR_NEVER);
    int64_t rc = is_cleaned_up_beside(arg);
    return mr_scope_close(&shield) < 0 ? -1 : rc;
}

TEST(sync_mutex, who_is_shielded_waits_though_its_scope_was_cut_short)
{
    run_on_some(is_cleaned_up_in_shield, NULL);
}

/* ---- Nobody starves ----------------------------------------------------- */

enum { PASSES = 64 };

struct greed {
    mr_mutex mutex;
    int64_t waits, over, most, since; /* the last two: the owner's */
};

/* Takes it again and again, and counts how often somebody else was passed. */
static int64_t is_greedy(void *arg)
{
    struct greed *g = arg;
    while (!look(&g->over)) {
        EXPECT_EQ(mr_mutex_lock(&g->mutex), 0);
        if (look(&g->waits) && ++g->since > g->most)
            g->most = g->since;
        EXPECT_EQ(mr_mutex_unlock(&g->mutex), 0);
        if (!look(&g->waits))
            mr_yield();
    }
    return 0;
}

static int64_t is_modest(void *arg)
{
    struct greed *g = arg;
    for (int i = 0; i < 50; i++) {
        EXPECT_EQ(mr_mutex_lock(&g->mutex), 0);
        g->since = 0;
        EXPECT_EQ(mr_mutex_unlock(&g->mutex), 0);
        mr_yield();
    }
    put(&g->over, 1);
    return 0;
}

static int64_t both(void *arg)
{
    struct greed *g = arg;
    mr_task greedy[3];
    for (int i = 0; i < 3; i++)
        mr_spawn(&greedy[i], is_greedy, g);
    int64_t rc = is_modest(g);
    for (int i = 0; i < 3; i++)
        rc |= mr_await(&greedy[i]);
    return rc;
}

TEST(sync_mutex, who_waits_gets_it_however_greedy_the_others_are)
{
    for (unsigned workers = 1; workers <= 4; workers *= 2) {
        struct greed g = {.mutex = MR_MUTEX_INIT};
        EXPECT_EQ(run_with(workers, both, &g), 0);
    }
}

/* One waits, seen to; one takes it over and over. */
static int64_t is_passed(void *arg)
{
    struct greed *g = *(struct greed **)arg;
    EXPECT_EQ(mr_mutex_lock(&g->mutex), 0);
    put(&g->over, 1);
    EXPECT_EQ(mr_mutex_unlock(&g->mutex), 0);
    return 0;
}

static int64_t counts_passes(void *arg)
{
    struct greed greed = {.mutex = MR_MUTEX_INIT}, *g = &greed;
    int64_t n = 0;
    mr_scope scope;
    (void)arg;
    EXPECT_EQ(mr_mutex_lock(&g->mutex), 0);
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_go(&scope, is_passed, &g, sizeof g), 0);
    come_to_wait(1, "a mutex");
    do {
        EXPECT_EQ(mr_mutex_unlock(&g->mutex), 0);
        EXPECT_EQ(mr_mutex_lock(&g->mutex), 0); /* waits at the latest then */
        n++;
    } while (!look(&g->over));
    EXPECT_EQ(mr_mutex_unlock(&g->mutex), 0);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT(n <= PASSES + 1);
    return 0;
}

TEST(sync_mutex, no_more_than_64_go_past_who_waits_longest)
{
    run_on_some(counts_passes, NULL);
}

/* ---- It may go with its last owner -------------------------------------- */

struct shared {
    mr_mutex mutex;
    int64_t left;
};

static int64_t leaves(void *arg)
{
    struct shared *s = *(struct shared **)arg;
    EXPECT_EQ(mr_mutex_lock(&s->mutex), 0);
    bool last = --s->left == 0;
    EXPECT_EQ(mr_mutex_unlock(&s->mutex), 0);
    if (last) {
        memset(s, 0xff, sizeof *s);
        free(s);
    }
    return 0;
}

static int64_t all_leave(void *arg)
{
    (void)arg;
    for (int round = 0; round < slow_scale(500); round++) {
        struct shared *s = calloc(1, sizeof *s);
        struct outside outside;
        mr_scope scope;
        s->left = 4;
        mr_scope_open(&scope, MR_NEVER);
        outside_start(&outside, leaves, &s);
        for (int i = 0; i < 3; i++)
            EXPECT_EQ(mr_scope_go(&scope, leaves, &s, sizeof s), 0);
        EXPECT_EQ(mr_scope_close(&scope), 0);
        EXPECT_EQ(outside_join(&outside), 0);
    }
    return 0;
}

TEST(sync_mutex, the_last_owner_may_free_it)
{
    run_on_some(all_leave, NULL);
}
