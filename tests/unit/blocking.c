#define _GNU_SOURCE
#include "sched/blocking.h"

#include "os/clock.h"
#include "test.h"

#include <millrace/error.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#define MS INT64_C(1000000)

enum { MOST_JOBS = 16 };

/* A job that notes where and as which it ran, and may wait for a gate. */
struct work {
    mri_blocking_job job;
    mri_atomic_u32 *gate; /* NULL: open */
    mri_atomic_u32 *turn;
    mri_atomic_u32 order; /* 1 and up; 0: has not begun */
    mri_atomic_u32 runs;
    int thread, cpus;
    char name[MRI_THREAD_NAME];
};

static void work_run(mri_blocking_job *job)
{
    struct work *w = mri_container_of(job, struct work, job);
    cpu_set_t set;
    w->thread = mri_thread_id();
    EXPECT_EQ(pthread_getname_np(pthread_self(), w->name, sizeof w->name), 0);
    EXPECT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
    w->cpus = CPU_COUNT(&set);
    mri_store_release(&w->order, mri_add_acq_rel(w->turn, 1) + 1);
    while (w->gate && !mri_load_acquire(w->gate))
        usleep(100);
    mri_add_release(&w->runs, 1); /* LAST TOUCH */
}

static mri_blocking opened(uint32_t most, int64_t keep_ns)
{
    mri_blocking_config config = {.most = most, .keep_ns = keep_ns};
    mri_blocking pool;
    EXPECT_EQ(mri_blocking_open(&pool, &config), 0);
    return pool;
}

static mri_blocking_stats stats_of(mri_blocking *pool)
{
    mri_blocking_stats stats;
    mri_blocking_stats_get(pool, &stats);
    mri_blocking_check(pool);
    return stats;
}

static void submit(mri_blocking *pool, struct work *w, mri_atomic_u32 *turn,
                   mri_atomic_u32 *gate)
{
    *w = (struct work){.job.run = work_run, .turn = turn, .gate = gate};
    EXPECT_EQ(mri_blocking_submit(pool, &w->job), 0);
}

static void await_start(struct work *w)
{
    while (!mri_load_acquire(&w->order))
        usleep(100);
}

static void await_run(struct work *w)
{
    while (!mri_load_acquire(&w->runs))
        usleep(100);
}

static void await_idle(mri_blocking *pool, uint32_t count)
{
    while (stats_of(pool).idle != count)
        usleep(100);
}

static void await_threads(mri_blocking *pool, uint32_t count)
{
    while (stats_of(pool).threads != count)
        usleep(100);
}

/* So many threads that idle. */
static void fill(mri_blocking *pool, uint32_t count)
{
    struct work w[MOST_JOBS];
    mri_atomic_u32 turn = {0}, gate = {0};
    for (uint32_t i = 0; i < count; i++)
        submit(pool, &w[i], &turn, &gate);
    for (uint32_t i = 0; i < count; i++)
        await_start(&w[i]);
    mri_store_release(&gate, 1);
    for (uint32_t i = 0; i < count; i++)
        await_run(&w[i]);
    await_idle(pool, count);
}

static void close_now(mri_blocking *pool)
{
    EXPECT_EQ(mri_blocking_close(pool, MRI_NEVER), 0);
    EXPECT_EQ(stats_of(pool).threads, 0);
    EXPECT_EQ(stats_of(pool).queued, 0);
}

TEST(blocking, a_new_pool_has_no_threads_and_closes_at_once)
{
    mri_blocking pool;
    EXPECT_EQ(mri_blocking_open(&pool, NULL), 0);
    EXPECT_EQ(stats_of(&pool).threads, 0);
    EXPECT_EQ(pool.most, 512);
    EXPECT_EQ(pool.keep_ns, 10000 * MS);
    EXPECT_EQ(mri_blocking_close(&pool, 0), 0);
    EXPECT_EQ(mri_blocking_close(&pool, 0), 0);
    mri_blocking_check(&pool);
}

TEST(blocking, a_job_runs_once_on_a_thread_of_the_pools_name)
{
    mri_blocking_config config = {.name = "calls that block"};
    mri_blocking pool;
    struct work w;
    mri_atomic_u32 turn = {0};
    EXPECT_EQ(mri_blocking_open(&pool, &config), 0);
    submit(&pool, &w, &turn, NULL);
    await_run(&w);
    EXPECT(w.thread != mri_thread_id());
    EXPECT_STR(w.name, "calls that bloc");
    close_now(&pool);
    EXPECT_EQ(mri_load_relaxed(&w.runs), 1);
}

TEST(blocking, an_idle_thread_is_used_again)
{
    mri_blocking pool = opened(0, 0);
    struct work w;
    mri_atomic_u32 turn = {0};
    fill(&pool, 1);
    for (int i = 0; i < 20; i++) {
        submit(&pool, &w, &turn, NULL);
        await_run(&w);
        await_idle(&pool, 1);
    }
    EXPECT_EQ(stats_of(&pool).created, 1);
    close_now(&pool);
}

TEST(blocking, jobs_that_wait_for_each_other_all_run)
{
    mri_blocking pool = opened(MOST_JOBS, 0);
    fill(&pool, MOST_JOBS);
    mri_blocking_stats stats = stats_of(&pool);
    EXPECT_EQ(stats.threads, MOST_JOBS);
    EXPECT_EQ(stats.most_ever, MOST_JOBS);
    EXPECT_EQ(stats.created, MOST_JOBS);
    fill(&pool, MOST_JOBS); /* with threads that are there */
    EXPECT_EQ(stats_of(&pool).created, MOST_JOBS);
    close_now(&pool);
}

TEST(blocking, with_most_threads_busy_jobs_wait_in_order)
{
    mri_blocking pool = opened(2, 0);
    struct work w[MOST_JOBS];
    mri_atomic_u32 turn = {0}, gate = {0};
    submit(&pool, &w[0], &turn, &gate);
    await_start(&w[0]);
    submit(&pool, &w[1], &turn, &gate);
    await_start(&w[1]);
    mri_atomic_u32 gates[MOST_JOBS] = {{0}};
    for (uint32_t i = 2; i < MOST_JOBS; i++)
        submit(&pool, &w[i], &turn, i == MOST_JOBS - 1 ? NULL : &gates[i]);
    EXPECT_EQ(stats_of(&pool).threads, 2);
    EXPECT_EQ(stats_of(&pool).queued, MOST_JOBS - 2);
    /* One at a time, so that the order is the queue's and not the kernel's. */
    mri_store_release(&gate, 1);
    await_start(&w[3]);
    for (uint32_t i = 2; i < MOST_JOBS - 1; i++) {
        mri_store_release(&gates[i], 1);
        if (i + 2 < MOST_JOBS)
            await_start(&w[i + 2]);
    }
    close_now(&pool);
    for (uint32_t i = 4; i < MOST_JOBS; i++)
        EXPECT_EQ(mri_load_relaxed(&w[i].order), i + 1);
    EXPECT_EQ(stats_of(&pool).most_ever, 2);
}

TEST(blocking, the_thread_that_idles_the_shortest_is_woken)
{
    mri_blocking pool = opened(0, 0);
    struct work w;
    mri_atomic_u32 turn = {0};
    fill(&pool, 4);
    submit(&pool, &w, &turn, NULL);
    await_run(&w);
    int thread = w.thread;
    for (int i = 0; i < 10; i++) {
        await_idle(&pool, 4);
        submit(&pool, &w, &turn, NULL);
        await_run(&w);
        EXPECT_EQ(w.thread, thread);
    }
    close_now(&pool);
}

TEST(blocking, threads_that_are_not_needed_leave_and_come_back)
{
    mri_blocking pool = opened(4, 5 * MS);
    for (int i = 0; i < 3; i++) {
        struct work w[4];
        mri_atomic_u32 turn = {0}, gate = {0};
        for (int k = 0; k < 4; k++)
            submit(&pool, &w[k], &turn, &gate);
        for (int k = 0; k < 4; k++)
            await_start(&w[k]);
        EXPECT_EQ(stats_of(&pool).threads, 4);
        mri_store_release(&gate, 1);
        await_threads(&pool, 0);
    }
    EXPECT_EQ(stats_of(&pool).created, 3 * 4);
    EXPECT_EQ(stats_of(&pool).most_ever, 4);
    close_now(&pool);
}

TEST(blocking, surplus_threads_leave_while_one_works)
{
    mri_blocking pool = opened(0, 300 * MS);
    struct work w;
    mri_atomic_u32 turn = {0};
    fill(&pool, 3);
    uint64_t jobs = 0;
    for (; stats_of(&pool).threads > 1; jobs++) {
        submit(&pool, &w, &turn, NULL);
        await_run(&w);
        usleep(1000);
    }
    /* Not because all have left again and again. */
    EXPECT(stats_of(&pool).created <= 3 + jobs / 2);
    close_now(&pool);
}

TEST(blocking, who_keeps_threads_for_ever_has_them_until_close)
{
    mri_blocking pool = opened(0, INT64_MAX);
    fill(&pool, 2);
    usleep(20000);
    EXPECT_EQ(stats_of(&pool).idle, 2);
    close_now(&pool);
}

/* ---- What a job may do -------------------------------------------------- */

struct chain {
    mri_blocking_job job;
    mri_blocking *pool;
    mri_atomic_u32 *freed;
    int left;
};

static void chain_run(mri_blocking_job *job)
{
    struct chain *c = mri_container_of(job, struct chain, job);
    mri_atomic_u32 *freed = c->freed;
    if (c->left-- > 0) {
        EXPECT_EQ(mri_blocking_submit(c->pool, job), 0);
        return;
    }
    free(c);
    mri_store_release(freed, 1);
}

TEST(blocking, a_job_may_submit_itself_and_free_itself)
{
    mri_blocking pool = opened(2, 0);
    mri_atomic_u32 freed = {0};
    struct chain *c = malloc(sizeof *c);
    EXPECT(c);
    *c = (struct chain){{.run = chain_run}, &pool, &freed, 100};
    EXPECT_EQ(mri_blocking_submit(&pool, &c->job), 0);
    while (!mri_load_acquire(&freed))
        usleep(100);
    close_now(&pool);
}

struct pinned {
    mri_blocking *pool;
    struct work w;
    mri_atomic_u32 turn;
};

static void submit_pinned(void *arg)
{
    struct pinned *p = arg;
    cpu_set_t set;
    int cpu = 0;
    EXPECT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
    while (!CPU_ISSET(cpu, &set))
        cpu++;
    EXPECT_EQ(mri_thread_pin(cpu), 0);
    submit(p->pool, &p->w, &p->turn, NULL);
    await_run(&p->w);
}

TEST(blocking, threads_are_not_pinned_with_who_submits)
{
    mri_blocking pool = opened(0, 0);
    struct pinned p = {.pool = &pool};
    mri_thread t;
    cpu_set_t set;
    EXPECT_EQ(mri_thread_start(&t, "pinned", submit_pinned, &p, 0), 0);
    mri_thread_join(&t);
    EXPECT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
    EXPECT_EQ(p.w.cpus, CPU_COUNT(&set));
    close_now(&pool);
}

/* ---- Close -------------------------------------------------------------- */

TEST(blocking, close_does_not_wait_for_idle_threads_to_tire)
{
    mri_blocking pool = opened(0, 3600 * 1000 * MS);
    fill(&pool, MOST_JOBS);
    int64_t begin = mri_clock_now();
    close_now(&pool);
    EXPECT(mri_clock_now() - begin < 30000 * MS);
}

TEST(blocking, close_that_times_out_refuses_jobs_and_is_called_again)
{
    mri_blocking pool = opened(2, 0);
    struct work w[6];
    mri_atomic_u32 turn = {0}, gate = {0};
    for (int i = 0; i < 5; i++)
        submit(&pool, &w[i], &turn, &gate);
    await_start(&w[0]);
    await_start(&w[1]);
    EXPECT_EQ(mri_blocking_close(&pool, 0), MR_ETIMEDOUT);
    int64_t deadline = mri_clock_now() + 5 * MS;
    EXPECT_EQ(mri_blocking_close(&pool, deadline), MR_ETIMEDOUT);
    EXPECT(mri_clock_now() >= deadline);
    EXPECT_EQ(stats_of(&pool).queued, 3);
    w[5] = (struct work){.job = {.next = &w[0].job, .run = work_run}};
    EXPECT_EQ(mri_blocking_submit(&pool, &w[5].job), MR_ECANCELED);
    EXPECT(w[5].job.next == &w[0].job && w[5].job.run == work_run);
    mri_store_release(&gate, 1);
    close_now(&pool);
    for (int i = 0; i < 5; i++)
        EXPECT_EQ(mri_load_relaxed(&w[i].runs), 1);
    EXPECT_EQ(mri_blocking_submit(&pool, &w[5].job), MR_ECANCELED);
    EXPECT_EQ(mri_load_relaxed(&w[5].runs), 0);
}

/* ---- What is told ------------------------------------------------------- */

TEST(blocking, a_config_that_makes_no_sense_is_refused)
{
    mri_blocking pool;
    mri_blocking_config many = {.most = MRI_BLOCKING_MOST + 1};
    mri_blocking_config early = {.keep_ns = -1};
    EXPECT_EQ(mri_blocking_open(&pool, &many), MR_EINVAL);
    EXPECT_EQ(mri_blocking_open(&pool, &early), MR_EINVAL);
    many.most--;
    EXPECT_EQ(mri_blocking_open(&pool, &many), 0);
    close_now(&pool);
}

static void check_broken(void *arg)
{
    mri_blocking pool = {.most = 4, .records = NULL};
    struct mri_blocking_thread b[2] = {{.job = NULL}, {.job = NULL}};
    struct work w = {.job.next = &w.job};
    switch (*(int *)arg) {
    case 0:
        pool.count = 1;
        break;
    case 1:
        pool.queued = 1;
        break;
    case 2:
        pool.count = pool.used = pool.most_ever = pool.idle = 1;
        break;
    case 3:
        pool.count = pool.used = pool.most_ever = 2;
        pool.idle = 2;
        pool.top = &b[0];
        b[0].below = &b[1];
        break;
    case 4:
        pool.count = pool.used = pool.most_ever = 1;
        pool.queued = 5;
        pool.first = pool.last = &w.job;
        break;
    case 5:
        pool.used = 1;
        break;
    default:
        return;
    }
    mri_blocking_check(&pool);
}

TEST(blocking, check_finds_pools_that_cannot_be)
{
    static const char *const text[] = {
        "threads are counted",      "has somebody who will come",
        "idle threads are counted", "linked both ways",
        "queued jobs are counted",  "free or a thread's",
    };
    for (int i = 0; i < (int)MRI_ARRAY_LEN(text); i++)
        EXPECT(test_dies(check_broken, &i, SIGABRT, text[i]));
}
