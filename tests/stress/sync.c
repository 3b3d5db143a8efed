/* Tasks of two runtimes and threads on the same locks for a while. What is
 * protected is seen to be: each lock's account is what was added to it; and of
 * what is waited for nothing is lost, though waits end early all the time. */
#include <millrace.h>

#include "stress.h"
#include "sync.h"

enum { LOCKS = 3, TASKS = 12, THREADS = 4 };

struct world {
    mr_mutex mutex[LOCKS];
    mr_rwlock rwlock;
    mr_semaphore sem;
    mr_condition turn;
    int64_t account[LOCKS + 2]; /* plain; under the locks, one each */
    int64_t added[LOCKS + 2];
    int64_t tokens; /* under mutex[0] */
    int64_t told, late;
    int64_t end;
};

static uint64_t next_of(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void change(struct world *w, int i, uint64_t n)
{
    int64_t was = w->account[i];
    if (n >> 30 & 1)
        mr_yield();
    w->account[i] = was + 1;
    add(&w->added[i], 1);
}

static void by_mutex(struct world *w, uint64_t n)
{
    int i = (int)((n >> 8) % LOCKS), j = (int)((n >> 12) % LOCKS);
    int rc = n & 1 << 16 ? mr_mutex_lock_until(&w->mutex[i], mr_after(20000))
                         : mr_mutex_lock(&w->mutex[i]);
    EXPECT(rc == 0 || rc == MR_ETIMEDOUT);
    if (rc < 0) {
        add(&w->late, 1);
        return;
    }
    rc = mr_mutex_lock(&w->mutex[j]);
    EXPECT(rc == 0 || rc == MR_EDEADLK);
    change(w, i, n);
    if (rc == 0) {
        change(w, j, n >> 1);
        EXPECT_EQ(mr_mutex_unlock(&w->mutex[j]), 0);
    } else {
        add(&w->told, 1);
    }
    EXPECT_EQ(mr_mutex_unlock(&w->mutex[i]), 0);
}

static void by_rwlock(struct world *w, uint64_t n)
{
    int64_t deadline = n & 1 << 16 ? mr_after(20000) : MR_NEVER;
    bool writes = (n >> 8) % 4 == 0;
    int rc = writes ? mr_rwlock_write_until(&w->rwlock, deadline)
                    : mr_rwlock_read_until(&w->rwlock, deadline);
    EXPECT(rc == 0 || rc == MR_ETIMEDOUT);
    if (rc < 0)
        return;
    int64_t seen = w->account[LOCKS];
    if (writes)
        change(w, LOCKS, n);
    else if (n >> 30 & 1)
        mr_yield();
    EXPECT_EQ(w->account[LOCKS], seen + writes);
    EXPECT_EQ(mr_rwlock_unlock(&w->rwlock), 0);
}

static void by_semaphore(struct world *w, uint64_t n)
{
    uint32_t units = 1 + (uint32_t)(n >> 8) % 3;
    int64_t deadline = n & 1 << 16 ? mr_after(20000) : MR_NEVER;
    int rc = mr_semaphore_acquire_until(&w->sem, units, deadline);
    EXPECT(rc == 0 || rc == MR_ETIMEDOUT);
    if (rc < 0)
        return;
    if (units == 3)
        change(w, LOCKS + 1, n); /* all of them: alone */
    EXPECT_EQ(mr_semaphore_release(&w->sem, units), 0);
}

/* Takes one of two tokens, and puts it back. */
static void by_condition(struct world *w, uint64_t n)
{
    EXPECT_EQ(mr_mutex_lock(&w->mutex[0]), 0);
    while (w->tokens == 0) {
        int64_t deadline = n & 1 << 16 ? mr_after(20000) : MR_NEVER;
        int rc = mr_condition_wait_until(&w->turn, &w->mutex[0], deadline);
        EXPECT(rc == 0 || rc == MR_ETIMEDOUT);
    }
    EXPECT(--w->tokens >= 0);
    EXPECT_EQ(mr_mutex_unlock(&w->mutex[0]), 0);
    mr_yield();
    EXPECT_EQ(mr_mutex_lock(&w->mutex[0]), 0);
    EXPECT(++w->tokens <= 2);
    mr_condition_signal(&w->turn);
    EXPECT_EQ(mr_mutex_unlock(&w->mutex[0]), 0);
}

struct doer {
    struct world *w;
    uint64_t seed;
};

static int64_t does(void *arg)
{
    struct doer *d = arg;
    uint64_t seed = d->seed;
    while (mr_now() < d->w->end)
        for (int i = 0; i < 20; i++) {
            uint64_t n = next_of(&seed);
            if (n % 4 == 0)
                by_rwlock(d->w, n);
            else if (n % 4 == 1)
                by_semaphore(d->w, n);
            else if (n % 4 == 2)
                by_condition(d->w, n);
            else
                by_mutex(d->w, n);
        }
    return 0;
}

/* And those whose waits are cut short. */
static int64_t is_cut_short(void *arg)
{
    struct world *w = arg;
    mr_scope scope;
    mr_scope_open(&scope, mr_after(500000));
    for (int rc = 0; rc == 0;) {
        rc = mr_mutex_lock(&w->mutex[1]);
        if (rc == 0) {
            change(w, 1, 1 << 30);
            EXPECT_EQ(mr_mutex_unlock(&w->mutex[1]), 0);
            rc = mr_cancelled() < 0 ? MR_ECANCELED : 0;
        }
        EXPECT(rc == 0 || rc == MR_ECANCELED);
    }
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    return 0;
}

static int64_t is_cut_short_over_and_over(void *arg)
{
    struct world *w = *(struct world **)arg;
    while (mr_now() < w->end)
        EXPECT_EQ(is_cut_short(w), 0);
    return 0;
}

static int64_t all_do(void *arg)
{
    struct doer d = *(struct doer *)arg;
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < TASKS; i++) {
        d.seed = next_of(&d.seed);
        EXPECT_EQ(mr_scope_go(&scope, does, &d, sizeof d), 0);
    }
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(
            mr_scope_go(&scope, is_cut_short_over_and_over, &d.w, sizeof d.w),
            0);
    return mr_scope_close(&scope);
}

static int64_t runs_all(void *arg)
{
    return run_with(2, all_do, arg);
}

static void is_at_rest(struct world *w)
{
    for (int i = 0; i < LOCKS + 2; i++)
        EXPECT_EQ(w->account[i], w->added[i]);
    for (int i = 0; i < LOCKS; i++)
        EXPECT_EQ(mr_mutex_close(&w->mutex[i]), 0);
    EXPECT_EQ(mr_rwlock_close(&w->rwlock), 0);
    EXPECT_EQ(mr_semaphore_tryacquire(&w->sem, 3), 0);
    EXPECT_EQ(mr_condition_close(&w->turn), 0);
    EXPECT_EQ(w->tokens, 2);
}

TEST(stress_sync, runtimes_and_threads_on_the_same_locks)
{
    struct world w = {
        .sem = MR_SEMAPHORE_INIT(3), .tokens = 2, .end = stress_end()};
    struct outside outside[2 + THREADS];
    struct doer d[2 + THREADS];
    uint64_t seed = (uint64_t)mr_now() | 1;
    fprintf(stderr, "stress_sync: seed %" PRIu64 "\n", seed);
    for (int i = 0; i < 2 + THREADS; i++) {
        d[i] = (struct doer){&w, next_of(&seed)};
        outside_start(&outside[i], i < 2 ? runs_all : does, &d[i]);
    }
    for (int i = 0; i < 2 + THREADS; i++)
        EXPECT_EQ(outside_join(&outside[i]), 0);
    is_at_rest(&w);
}
