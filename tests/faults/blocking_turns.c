/* What may happen while a submit of the pool is creating a thread: each
 * creation is held until the test says how it ends. */
#include "sched/blocking.h"

#include "os/clock.h"
#include "test.h"

#include <errno.h>
#include <millrace/error.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

int __real_pthread_create(pthread_t *out, const pthread_attr_t *attr,
                          void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attr,
                          void *(*run)(void *), void *arg);

/* How the creation ends that a submitter is at. */
enum say { NOT_YET, REFUSE, CREATE, GO_ON };

struct submitter {
    mri_blocking *pool;
    mri_blocking_job job;
    pthread_t thread;
    atomic_int say, held, begun, done, rc;
    atomic_int *gate;
};

enum { NOT_BACK = 1 };

static _Thread_local struct submitter *me;

static int held_until(struct submitter *s, enum say least)
{
    s->held = 1;
    while (s->say < (int)least)
        usleep(100);
    s->held = 0;
    return s->say;
}

/* GO_ON alone lets a submit go on whose thread has been created. */
int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attr,
                          void *(*run)(void *), void *arg)
{
    if (!me)
        return __real_pthread_create(out, attr, run, arg);
    if (held_until(me, REFUSE) == REFUSE)
        return EAGAIN;
    int rc = __real_pthread_create(out, attr, run, arg);
    (void)held_until(me, GO_ON);
    return rc;
}

static void note_run(mri_blocking_job *job)
{
    struct submitter *s = mri_container_of(job, struct submitter, job);
    s->begun++;
    while (s->gate && !*s->gate)
        usleep(100);
    s->done++;
}

static void *submit(void *arg)
{
    struct submitter *s = arg;
    me = s;
    s->rc = mri_blocking_submit(s->pool, &s->job);
    return NULL;
}

static void start(struct submitter *s, mri_blocking *pool, enum say say)
{
    s->pool = pool;
    s->job.run = note_run;
    s->say = (int)say;
    s->rc = NOT_BACK;
    EXPECT_EQ(pthread_create(&s->thread, NULL, submit, s), 0);
}

static void await(atomic_int *what)
{
    while (!*what)
        usleep(100);
}

static void join(struct submitter *s, int rc)
{
    EXPECT_EQ(pthread_join(s->thread, NULL), 0);
    EXPECT_EQ(s->rc, rc);
}

static void start_held(struct submitter *s, mri_blocking *pool)
{
    start(s, pool, NOT_YET);
    await(&s->held);
}

static void let_go(struct submitter *s, enum say say, int rc)
{
    s->say = (int)say;
    join(s, rc);
}

static mri_blocking opened(uint32_t most, int64_t keep_ns)
{
    mri_blocking_config config = {.most = most, .keep_ns = keep_ns};
    mri_blocking pool;
    EXPECT_EQ(mri_blocking_open(&pool, &config), 0);
    return pool;
}

static void close_checked(mri_blocking *pool)
{
    mri_blocking_check(pool);
    EXPECT_EQ(mri_blocking_close(pool, MRI_NEVER), 0);
    mri_blocking_check(pool);
}

TEST(faults_blocking_turns, a_refused_job_is_queued_where_a_thread_lives)
{
    mri_blocking pool = opened(4, 0);
    struct submitter a = {0}, b = {0};
    atomic_int gate = 0;
    b.gate = &gate;
    start_held(&a, &pool);
    start(&b, &pool, GO_ON);
    await(&b.begun);
    join(&b, 0);
    let_go(&a, REFUSE, 0);
    EXPECT_EQ(a.begun, 0);
    EXPECT_EQ(pool.queued, 1);
    gate = 1;
    await(&a.done);
    close_checked(&pool);
    EXPECT_EQ(a.done + b.done, 2);
}

TEST(faults_blocking_turns, a_refused_job_is_handed_to_a_thread_that_idles)
{
    mri_blocking pool = opened(4, 0);
    struct submitter a = {0}, b = {0};
    mri_blocking_stats stats;
    start_held(&a, &pool);
    start(&b, &pool, GO_ON);
    join(&b, 0);
    do
        mri_blocking_stats_get(&pool, &stats);
    while (stats.idle == 0);
    let_go(&a, REFUSE, 0);
    await(&a.done);
    close_checked(&pool);
}

TEST(faults_blocking_turns, nobody_relies_on_a_thread_that_only_may_come_to_be)
{
    mri_blocking pool = opened(4, 0);
    struct submitter a = {0}, b = {0};
    start_held(&a, &pool);
    start_held(&b, &pool);
    let_go(&a, REFUSE, MR_EAGAIN);
    let_go(&b, REFUSE, MR_EAGAIN);
    EXPECT_EQ(pool.count, 0);
    EXPECT_EQ(pool.refused, 2);
    close_checked(&pool);
    EXPECT_EQ(a.begun + b.begun, 0);
}

/* With `most` threads on their way and none alive, submit waits to see. */
static void wait_and_see(enum say say, int rc)
{
    mri_blocking pool = opened(1, 0);
    struct submitter a = {0}, b = {0};
    start_held(&a, &pool);
    start(&b, &pool, GO_ON);
    usleep(20000);
    EXPECT_EQ(b.rc, NOT_BACK);
    EXPECT_EQ(pool.queued, 0);
    let_go(&a, say, rc);
    join(&b, 0);
    await(&b.done);
    close_checked(&pool);
    EXPECT_EQ(a.done, rc == 0);
    EXPECT_EQ(b.done, 1);
}

TEST(faults_blocking_turns, submit_waits_for_the_last_creation_it_depends_on)
{
    wait_and_see(GO_ON, 0);
    wait_and_see(REFUSE, MR_EAGAIN);
}

TEST(faults_blocking_turns, close_ends_the_wait_for_a_creation)
{
    mri_blocking pool = opened(1, 0);
    struct submitter a = {0}, b = {0};
    start_held(&a, &pool);
    start(&b, &pool, GO_ON);
    usleep(20000);
    EXPECT_EQ(mri_blocking_close(&pool, 0), MR_ETIMEDOUT);
    let_go(&a, GO_ON, 0);
    join(&b, MR_ECANCELED);
    close_checked(&pool);
    EXPECT_EQ(a.done, 1);
    EXPECT_EQ(b.begun, 0);
}

TEST(faults_blocking_turns, a_thread_may_have_left_before_it_is_counted)
{
    mri_blocking pool = opened(1, 1);
    struct submitter a = {0};
    mri_blocking_stats stats;
    bool left;
    start_held(&a, &pool);
    a.say = CREATE;
    do { /* under the lock, as `done` is */
        mri_lock_acquire(&pool.lock);
        left = pool.records[0].done;
        mri_lock_release(&pool.lock);
    } while (!left);
    mri_blocking_stats_get(&pool, &stats);
    EXPECT_EQ(stats.threads, 1);
    EXPECT_EQ(mri_blocking_close(&pool, 0), MR_ETIMEDOUT);
    EXPECT_EQ(a.rc, NOT_BACK);
    let_go(&a, GO_ON, 0);
    mri_blocking_stats_get(&pool, &stats);
    EXPECT_EQ(stats.threads, 0);
    EXPECT_EQ(stats.created, 1);
    close_checked(&pool);
    EXPECT_EQ(a.done, 1);
}

TEST(faults_blocking_turns, close_waits_for_a_thread_that_may_come_to_be)
{
    for (int say = REFUSE; say <= GO_ON; say += GO_ON - REFUSE) {
        mri_blocking pool = opened(4, 0);
        struct submitter a = {0};
        start_held(&a, &pool);
        EXPECT_EQ(mri_blocking_close(&pool, 0), MR_ETIMEDOUT);
        let_go(&a, (enum say)say, say == REFUSE ? MR_EAGAIN : 0);
        close_checked(&pool);
        EXPECT_EQ(a.done, say == GO_ON);
    }
}
