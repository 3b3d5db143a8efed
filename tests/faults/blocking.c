/* The pool for blocking calls where the system refuses threads and memory. */
#include "sched/blocking.h"

#include "faults.h"
#include "os/clock.h"
#include "slow.h"
#include "test.h"

#include <errno.h>
#include <millrace/error.h>
#include <unistd.h>

enum { JOBS = 6, MOST = 4 };

struct work {
    mri_blocking_job job;
    mri_atomic_u32 *gate, *begun, *done;
};

static void work_run(mri_blocking_job *job)
{
    struct work *w = mri_container_of(job, struct work, job);
    mri_add_release(w->begun, 1);
    while (w->gate && !mri_load_acquire(w->gate))
        usleep(100);
    mri_add_release(w->done, 1);
}

struct scene {
    mri_blocking pool;
    struct work w[JOBS];
    mri_atomic_u32 gate, begun, done;
};

static void open_scene(struct scene *s, uint32_t most)
{
    mri_blocking_config config = {.most = most};
    *s = (struct scene){.gate = {0}};
    EXPECT_EQ(mri_blocking_open(&s->pool, &config), 0);
    for (int i = 0; i < JOBS; i++)
        s->w[i] =
            (struct work){{.run = work_run}, &s->gate, &s->begun, &s->done};
}

static void close_scene(struct scene *s)
{
    mri_store_release(&s->gate, 1);
    EXPECT_EQ(mri_blocking_close(&s->pool, MRI_NEVER), 0);
    EXPECT_EQ(mri_load_relaxed(&s->done), JOBS);
    EXPECT_EQ(mri_load_relaxed(&s->begun), JOBS);
}

/* All submitted, those that are refused once more. How many were. */
static int submit_all(struct scene *s, int error)
{
    int refused = 0;
    for (int i = 0; i < JOBS;) {
        mri_blocking_job before = s->w[i].job;
        int rc = mri_blocking_submit(&s->pool, &s->w[i].job);
        mri_blocking_check(&s->pool);
        i += rc == 0;
        if (rc == 0)
            continue;
        EXPECT_EQ(rc, -error);
        EXPECT(memcmp(&before, &s->w[i].job, sizeof before) == 0);
        refused++;
    }
    return refused;
}

static int fail_each_creation(int error)
{
    int failures = 0;
    for (int n = 1;; n++) {
        struct scene s;
        mri_blocking_stats stats;
        open_scene(&s, MOST);
        faults_arm_call("pthread_create", n, error, false);
        int refused = submit_all(&s, error);
        bool hit = faults_disarm();
        /* The first has nobody to fall back on. */
        EXPECT_EQ(refused, n == 1);
        mri_blocking_stats_get(&s.pool, &stats);
        EXPECT_EQ(stats.refused, hit);
        EXPECT_EQ(stats.created, MOST);
        EXPECT_EQ(stats.threads, MOST);
        while (mri_load_acquire(&s.begun) < MOST)
            usleep(100);
        close_scene(&s);
        if (!hit)
            return failures;
        failures++;
    }
}

TEST(faults_blocking, each_creation_that_fails_is_an_error_or_made_up_for)
{
    EXPECT_EQ(fail_each_creation(EAGAIN), MOST);
    EXPECT_EQ(fail_each_creation(ENOMEM), MOST);
}

TEST(faults_blocking, without_any_thread_each_job_is_refused)
{
    struct scene s;
    mri_blocking_stats stats;
    open_scene(&s, MOST);
    faults_arm_call("pthread_create", 1, EAGAIN, true);
    for (int i = 0; i < JOBS; i++)
        EXPECT_EQ(mri_blocking_submit(&s.pool, &s.w[i].job), MR_EAGAIN);
    EXPECT(faults_disarm());
    mri_blocking_stats_get(&s.pool, &stats);
    EXPECT_EQ(stats.refused, JOBS);
    EXPECT_EQ(stats.threads, 0);
    EXPECT_EQ(stats.queued, 0);
    EXPECT_EQ(submit_all(&s, EAGAIN), 0);
    close_scene(&s);
}

TEST(faults_blocking, with_one_thread_alone_all_jobs_run)
{
    struct scene s;
    mri_blocking_stats stats;
    open_scene(&s, MOST);
    faults_arm_call("pthread_create", 2, EAGAIN, true);
    EXPECT_EQ(submit_all(&s, EAGAIN), 0);
    mri_blocking_stats_get(&s.pool, &stats);
    EXPECT_EQ(stats.threads, 1);
    EXPECT_EQ(stats.refused, JOBS - 1);
    close_scene(&s);
    EXPECT(faults_disarm());
}

/* Threads that submit at once, while one creation fails. With `most` of 1,
 * some find a pool whose only thread may or may not come to be. */
struct rival {
    struct scene *scene;
    mri_atomic_u32 *start;
    struct work *w;
    int refused;
};

static void rival_submit(void *arg)
{
    struct rival *r = arg;
    while (!mri_load_acquire(r->start))
        mri_thread_yield();
    for (int rc; (rc = mri_blocking_submit(&r->scene->pool, &r->w->job)) < 0;) {
        EXPECT_EQ(rc, MR_EAGAIN);
        r->refused++;
    }
}

static void rivals_submit(uint32_t most, int nth)
{
    struct scene s;
    struct rival rival[JOBS];
    mri_thread t[JOBS];
    mri_atomic_u32 start = {0};
    int refused = 0;
    open_scene(&s, most);
    mri_store_release(&s.gate, 1);
    for (int i = 0; i < JOBS; i++) {
        rival[i] = (struct rival){&s, &start, &s.w[i], 0};
        EXPECT_EQ(mri_thread_start(&t[i], "rival", rival_submit, &rival[i], 0),
                  0);
    }
    faults_arm_call("pthread_create", nth, EAGAIN, false);
    mri_store_release(&start, 1);
    for (int i = 0; i < JOBS; i++) {
        mri_thread_join(&t[i]);
        refused += rival[i].refused;
    }
    EXPECT(refused <= faults_disarm());
    close_scene(&s);
}

TEST(faults_blocking, rivals_do_not_rely_on_a_thread_that_is_refused)
{
    int rounds = slow_is_emulated() ? 10 : slow_scale(300);
    for (int round = rounds; round > 0; round--)
        for (uint32_t most = 1; most <= 3; most++)
            for (int nth = 1; nth <= 3; nth++)
                rivals_submit(most, nth);
}

TEST(faults_blocking, refused_affinity_leaves_the_thread_where_it_is)
{
    struct scene s;
    open_scene(&s, MOST);
    faults_arm_call("sched_setaffinity", 1, EINVAL, true);
    EXPECT_EQ(submit_all(&s, EINVAL), 0);
    close_scene(&s);
    EXPECT(faults_disarm());
}

TEST(faults_blocking, failed_open_is_an_error)
{
    mri_blocking pool;
    faults_arm_call("sched_getaffinity", 1, EPERM, false);
    EXPECT_EQ(mri_blocking_open(&pool, NULL), MR_EPERM);
    EXPECT(faults_disarm());
    faults_arm_call("mmap", 1, ENOMEM, false);
    EXPECT_EQ(mri_blocking_open(&pool, NULL), MR_ENOMEM);
    EXPECT(faults_disarm());
}

TEST(faults_blocking, failed_close_is_an_error_and_can_be_made_again)
{
    struct scene s;
    open_scene(&s, MOST);
    EXPECT_EQ(submit_all(&s, EAGAIN), 0);
    mri_store_release(&s.gate, 1);
    faults_arm_call("munmap", 1, ENOMEM, false);
    EXPECT_EQ(mri_blocking_close(&s.pool, MRI_NEVER), MR_ENOMEM);
    EXPECT(faults_disarm());
    mri_blocking_check(&s.pool);
    close_scene(&s);
}
