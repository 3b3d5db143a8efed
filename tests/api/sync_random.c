/* millrace/sync.h: random programs of locks, semaphores and conditions, of
 * tasks and threads, against what the same steps come to one after the other.
 *
 * Each step adds to accounts under a lock of its choice; the sums do not depend
 * on the order, so a step that two made at a time, or a wait that was lost, is
 * seen. TEST_SEED says with which numbers; it is printed where it fails. */
#include <millrace.h>

#include "slow.h"
#include "sync.h"

enum { LOCKS = 3, ACCOUNTS = LOCKS + 2, ACTORS = 7 };

struct world {
    mr_mutex mutex[LOCKS];
    mr_rwlock rwlock;
    mr_semaphore sem; /* of 1: a lock by another name */
    mr_condition turn;
    mr_mutex order; /* of `next` */
    int64_t next;
    int64_t account[ACCOUNTS]; /* plain: each under its own lock */
    int64_t skipped;           /* what was not had in time */
    int steps;
};

static uint64_t next_of(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

struct step {
    unsigned what;
    int64_t amount;
    bool yields;
};

static struct step step_of(uint64_t *seed)
{
    uint64_t n = next_of(seed);
    return (struct step){(unsigned)(n >> 8) % 9, (int64_t)(n >> 20 & 1023),
                         n % 8 == 0};
}

static void change(struct world *w, int i, struct step s)
{
    int64_t was = w->account[i];
    if (s.yields)
        mr_yield();
    w->account[i] = was + s.amount;
}

/* Two locks in any order: who would wait for itself gives way, and tries again.
 */
static void transfer(struct world *w, int from, int to, struct step s)
{
    for (;;) {
        EXPECT_EQ(mr_mutex_lock(&w->mutex[from]), 0);
        int rc = mr_mutex_lock(&w->mutex[to]);
        EXPECT(rc == 0 || rc == MR_EDEADLK);
        if (rc == 0)
            break;
        EXPECT_EQ(mr_mutex_unlock(&w->mutex[from]), 0);
        mr_yield();
    }
    change(w, to, s);
    s.amount = -s.amount;
    change(w, from, s);
    EXPECT_EQ(mr_mutex_unlock(&w->mutex[from]), 0);
    EXPECT_EQ(mr_mutex_unlock(&w->mutex[to]), 0);
}

static void under_deadline(struct world *w, struct step s)
{
    int rc = mr_mutex_lock_until(&w->mutex[0], mr_after(s.amount));
    EXPECT(rc == 0 || rc == MR_ETIMEDOUT);
    if (rc < 0) {
        add(&w->skipped, s.amount);
        return;
    }
    change(w, 0, s);
    EXPECT_EQ(mr_mutex_unlock(&w->mutex[0]), 0);
}

static void by_semaphore(struct world *w, struct step s)
{
    EXPECT_EQ(mr_semaphore_acquire(&w->sem, 1), 0);
    change(w, LOCKS + 1, s);
    EXPECT_EQ(mr_semaphore_release(&w->sem, 1), 0);
}

static void by_rwlock(struct world *w, struct step s)
{
    EXPECT_EQ(mr_rwlock_read(&w->rwlock), 0);
    int64_t seen = w->account[LOCKS];
    if (s.yields)
        mr_yield();
    EXPECT_EQ(w->account[LOCKS], seen);
    EXPECT_EQ(mr_rwlock_unlock(&w->rwlock), 0);
    EXPECT_EQ(mr_rwlock_write(&w->rwlock), 0);
    change(w, LOCKS, s);
    EXPECT_EQ(mr_rwlock_unlock(&w->rwlock), 0);
}

static void act(struct world *w, struct step s)
{
    int i = (int)(s.amount % LOCKS), j = (i + 1 + (s.yields ? 1 : 0)) % LOCKS;
    switch (s.what) {
    case 0:
    case 1:
    case 2:
    case 3:
        transfer(w, i, j, s);
        break;
    case 4:
        under_deadline(w, s);
        break;
    case 5:
        by_semaphore(w, s);
        break;
    case 6:
        by_rwlock(w, s);
        break;
    default:
        EXPECT_EQ(mr_mutex_lock(&w->mutex[i]), 0);
        change(w, i, s);
        EXPECT_EQ(mr_mutex_unlock(&w->mutex[i]), 0);
    }
}

/* The same, one after the other. */
static void reckon(struct world *w, struct step s)
{
    int i = (int)(s.amount % LOCKS), j = (i + 1 + (s.yields ? 1 : 0)) % LOCKS;
    switch (s.what) {
    case 0:
    case 1:
    case 2:
    case 3:
        w->account[i] -= s.amount;
        w->account[j] += s.amount;
        break;
    case 4:
        w->account[0] += s.amount;
        break;
    case 5:
        w->account[LOCKS + 1] += s.amount;
        break;
    case 6:
        w->account[LOCKS] += s.amount;
        break;
    default:
        w->account[i] += s.amount;
    }
}

struct actor {
    struct world *w;
    uint64_t seed;
    int64_t number;
};

/* All take turns at last, in the order of their numbers. */
static void take_turn(struct world *w, int64_t number)
{
    EXPECT_EQ(mr_mutex_lock(&w->order), 0);
    while (w->next != number)
        EXPECT_EQ(mr_condition_wait(&w->turn, &w->order), 0);
    w->next++;
    mr_condition_broadcast(&w->turn);
    EXPECT_EQ(mr_mutex_unlock(&w->order), 0);
}

static int64_t acts(void *arg)
{
    struct actor *a = arg;
    uint64_t seed = a->seed;
    for (int i = 0; i < a->w->steps; i++)
        act(a->w, step_of(&seed));
    take_turn(a->w, a->number);
    return 0;
}

static int64_t all_act(void *arg)
{
    struct actor *a = arg;
    struct outside outside[2];
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < 2; i++)
        outside_start(&outside[i], acts, &a[i]);
    for (int i = 2; i < ACTORS; i++)
        EXPECT_EQ(mr_scope_go(&scope, acts, &a[i], sizeof a[i]), 0);
    int64_t rc = mr_scope_close(&scope);
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(outside_join(&outside[i]), 0);
    return rc;
}

static void same_sums(const struct world *w, const struct world *reference)
{
    for (int i = 0; i < ACCOUNTS; i++)
        EXPECT_EQ(w->account[i] + (i == 0 ? w->skipped : 0),
                  reference->account[i]);
    EXPECT_EQ(w->next, ACTORS);
}

static void run_program(uint64_t seed, unsigned workers)
{
    struct world w, reference;
    struct actor a[ACTORS];
    memset(&w, 0, sizeof w);
    memset(&reference, 0, sizeof reference);
    mr_semaphore_open(&w.sem, 1);
    w.steps = slow_scale(300);
    for (int i = 0; i < ACTORS; i++) {
        uint64_t own = next_of(&seed);
        a[i] = (struct actor){&w, own, i};
        for (int n = 0; n < w.steps; n++)
            reckon(&reference, step_of(&own));
    }
    EXPECT_EQ(run_with(workers, all_act, a), 0);
    same_sums(&w, &reference);
}

TEST(sync_random, programs_come_to_the_same_as_one_step_after_the_other)
{
    const char *env = getenv("TEST_SEED");
    uint64_t seed = env ? strtoull(env, NULL, 0) : (uint64_t)mr_now() | 1;
    fprintf(stderr, "sync_random: TEST_SEED=%" PRIu64 "\n", seed);
    for (unsigned workers = 1; workers <= 4; workers++)
        for (int i = 0; i < slow_scale(20); i++)
            run_program(next_of(&seed), workers);
}
