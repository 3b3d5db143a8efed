/* Threads of others that put work in while somebody stops the runtime: what is
 * accepted runs once, and nothing is freed under anybody's feet. */
#include <millrace.h>

#include "stress.h"
#include "test.h"

#include <pthread.h>

static mr_runtime *start(unsigned workers)
{
    mr_config config = {.size = sizeof config, .workers = workers};
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, &config), 0);
    return rt;
}

/* ---- Others put in while somebody stops --------------------------------- */

static int64_t counted(void *arg)
{
    int64_t *count = *(int64_t **)arg;
    __atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
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
    struct crowd c = {.rt = start(workers)}, *self = &c;
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

TEST(stress_runtime_stop, what_others_put_in_while_it_stops_runs_or_is_refused)
{
    int64_t until = stress_end();
    unsigned i = 0;
    do {
        i++;
        crowd_once(1 + i % 4, stress_crowd(8), i * 797 % 4000);
    } while (mri_clock_now() < until);
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

TEST(stress_runtime_stop, a_stop_waits_for_calls_that_are_on_their_way_out)
{
    int64_t until = stress_end();
    for (int i = 0; mri_clock_now() < until; i++)
        stop_at_once(
            (struct last){.rt = start(2), .run = i % 2, .before = i % 5});
}
