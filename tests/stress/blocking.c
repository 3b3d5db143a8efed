#include "sched/blocking.h"

#include "os/futex.h"
#include "stress.h"
#include "test.h"

#include <millrace/error.h>

enum { MOST = 16 };

/* A call that somebody waits for: it lives on the caller's stack, which is
 * used for the next as soon as done is set. */
struct call {
    mri_blocking_job job;
    mri_atomic_u32 *done;
    mri_atomic_u64 *ran;
    uint32_t naps;
};

static void call_run(mri_blocking_job *job)
{
    struct call *c = mri_container_of(job, struct call, job);
    mri_atomic_u32 *done = c->done;
    if (c->naps)
        usleep(c->naps);
    mri_add_relaxed(c->ran, 1);
    mri_store_release(done, 1); /* LAST TOUCH of the call */
    mri_futex_wake(done, 1);
}

static void await(mri_atomic_u32 *done)
{
    while (!mri_load_acquire(done))
        (void)!mri_futex_wait(done, 0, MRI_NEVER);
}

struct office {
    mri_blocking pool;
    mri_atomic_u64 ran, accepted;
    mri_atomic_u32 refused;
    int64_t end;
    uint32_t most_naps;
};

/* Calls of its own, several at a time, until the end or until refused. */
static void make_calls(void *arg)
{
    struct office *o = arg;
    uint64_t accepted = 0;
    uint32_t seed = (uint32_t)mri_thread_id() * 2654435761u;
    do {
        struct call c[4];
        mri_atomic_u32 done[4] = {{0}};
        int made = 0, rc = 0;
        seed = seed * 1664525u + 1013904223u;
        while (made < 1 + (int)(seed >> 30) && rc == 0) {
            bool naps = o->most_naps && seed >> 20 & 1;
            c[made] = (struct call){.job.run = call_run,
                                    .done = &done[made],
                                    .ran = &o->ran,
                                    .naps = naps ? seed % o->most_naps : 0};
            rc = mri_blocking_submit(&o->pool, &c[made].job);
            made += rc == 0;
        }
        accepted += (uint64_t)made;
        for (int i = 0; i < made; i++)
            await(&done[i]);
        if (rc < 0) {
            EXPECT_EQ(rc, MR_ECANCELED);
            mri_add_relaxed(&o->refused, 1);
            break;
        }
    } while (mri_clock_now() < o->end);
    mri_add_relaxed(&o->accepted, accepted);
}

static void run_office(uint32_t most, int64_t keep_ns, uint32_t naps,
                       bool close_early)
{
    mri_blocking_config config = {.most = most, .keep_ns = keep_ns};
    struct office o = {.end = stress_end(), .most_naps = naps};
    mri_thread t[MOST];
    mri_blocking_stats stats;
    int callers = stress_crowd(MOST);
    EXPECT_EQ(mri_blocking_open(&o.pool, &config), 0);
    if (close_early)
        o.end += INT64_C(3600) * 1000000000;
    for (int i = 0; i < callers; i++)
        EXPECT_EQ(mri_thread_start(&t[i], "caller", make_calls, &o, 0), 0);
    if (close_early) {
        usleep(20000);
        while (mri_load_relaxed(&o.ran) == 0)
            mri_thread_yield();
        EXPECT_EQ(mri_blocking_close(&o.pool, MRI_NEVER), 0);
    }
    for (int i = 0; i < callers; i++)
        mri_thread_join(&t[i]);
    EXPECT_EQ(mri_load_relaxed(&o.refused), close_early ? callers : 0);
    mri_blocking_check(&o.pool);
    EXPECT_EQ(mri_blocking_close(&o.pool, MRI_NEVER), 0);
    mri_blocking_stats_get(&o.pool, &stats);
    EXPECT_EQ(stats.threads, 0);
    EXPECT(stats.most_ever <= most);
    EXPECT(mri_load_relaxed(&o.ran) == mri_load_relaxed(&o.accepted));
    EXPECT(mri_load_relaxed(&o.ran) > 0);
}

TEST(stress_blocking, one_thread_for_all)
{
    run_office(1, 0, 0, false);
}

TEST(stress_blocking, a_few_threads_for_all)
{
    run_office(3, 0, 50, false);
}

TEST(stress_blocking, a_thread_for_everyone)
{
    run_office(4 * MOST, 0, 200, false);
}

TEST(stress_blocking, threads_that_leave_at_once)
{
    run_office(1, 1, 0, false);
    run_office(8, 1, 20, false);
}

TEST(stress_blocking, threads_that_leave_soon)
{
    run_office(4 * MOST, 30000, 100, false);
}

TEST(stress_blocking, close_amid_calls)
{
    int64_t end = stress_end();
    do {
        run_office(4, 0, 20, true);
        run_office(8, 1, 0, true);
    } while (mri_clock_now() < end);
}

/* ---- Closed as soon as the job has run ---------------------------------- */

struct hasty {
    mri_blocking pool;
    struct call call;
    mri_atomic_u32 done;
    mri_atomic_u64 ran;
};

static void submit_one(void *arg)
{
    struct hasty *h = arg;
    EXPECT_EQ(mri_blocking_submit(&h->pool, &h->call.job), 0);
}

/* With a thread to be created, or with one that idles. */
static void close_behind(bool idle)
{
    mri_blocking_config config = {.most = 2};
    struct hasty h = {.done = {0}};
    mri_thread t;
    EXPECT_EQ(mri_blocking_open(&h.pool, &config), 0);
    for (int jobs = idle ? 2 : 1; jobs > 0; jobs--) {
        mri_store_relaxed(&h.done, 0);
        h.call =
            (struct call){.job.run = call_run, .done = &h.done, .ran = &h.ran};
        EXPECT_EQ(mri_thread_start(&t, "hasty", submit_one, &h, 0), 0);
        await(&h.done);
        if (jobs > 1)
            mri_thread_join(&t);
    }
    EXPECT_EQ(mri_blocking_close(&h.pool, MRI_NEVER), 0);
    mri_thread_join(&t);
}

TEST(stress_blocking, close_before_submit_has_returned)
{
    int64_t end = stress_end();
    do {
        close_behind(false);
        close_behind(true);
    } while (mri_clock_now() < end);
}
