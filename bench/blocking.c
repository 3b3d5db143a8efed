/* What handing a call to a thread that may block costs: the pool of
 * sched/blocking.h, a bare futex between two threads, and libuv's
 * uv_queue_work (where libuv was found).
 *
 *  start       from before the submit until the call is entered, by a thread
 *              that has gone to sleep; the submitter watches and does not sleep
 *  there and   the submitter sleeps until the call has been made. libuv tells
 *  back        its loop, as it has to
 *  crowd       many calls at once for 4 threads, all that libuv has
 */
#include "sched/blocking.h"

#include "bench.h"
#include "os/clock.h"
#include "os/futex.h"

#include <stdlib.h>

#ifdef BENCH_UV
#include <uv.h>
#endif

enum { CROWD = 256, FOUR = 4 };

/* Long enough for whoever was woken to be asleep again. */
static void let_sleep(void)
{
    int64_t end = bench_now() + 20000;
    while (bench_now() < end)
        mri_pause();
}

struct call {
    MRI_ALIGNED(MRI_CACHE_LINE) mri_blocking_job job;
    mri_atomic_u32 done;
    int64_t entered;
};

static void enter(struct call *c)
{
    c->entered = bench_now();
    mri_store_release(&c->done, 1);
    mri_futex_wake(&c->done, 1);
}

static void watch(struct call *c)
{
    while (!mri_load_acquire(&c->done))
        mri_pause();
}

static void await(struct call *c)
{
    while (!mri_load_acquire(&c->done))
        bench_keep(mri_futex_wait(&c->done, 0, MRI_NEVER));
}

/* ---- The pool ----------------------------------------------------------- */

static void job_run(mri_blocking_job *job)
{
    enter(mri_container_of(job, struct call, job));
}

static void must(int rc)
{
    if (rc < 0)
        abort();
}

static void pool_open(mri_blocking *pool, uint32_t most)
{
    must(mri_blocking_open(pool, &(mri_blocking_config){.most = most}));
}

static void pool_submit(mri_blocking *pool, struct call *c)
{
    c->job.run = job_run;
    mri_store_relaxed(&c->done, 0);
    must(mri_blocking_submit(pool, &c->job));
}

static double pool_start(uint64_t n)
{
    mri_blocking pool;
    struct call c;
    int64_t sum = 0;
    pool_open(&pool, 0);
    pool_submit(&pool, &c);
    watch(&c);
    for (uint64_t i = 0; i < n; i++) {
        let_sleep();
        int64_t begin = bench_now();
        pool_submit(&pool, &c);
        watch(&c);
        sum += c.entered - begin;
    }
    must(mri_blocking_close(&pool, MRI_NEVER));
    return (double)sum / (double)n;
}

static double pool_round_trip(uint64_t n)
{
    mri_blocking pool;
    struct call c;
    pool_open(&pool, 0);
    pool_submit(&pool, &c);
    await(&c);
    int64_t begin = bench_now();
    for (uint64_t i = 0; i < n; i++) {
        pool_submit(&pool, &c);
        await(&c);
    }
    double each = (double)(bench_now() - begin) / (double)n;
    must(mri_blocking_close(&pool, MRI_NEVER));
    return each;
}

/* The last of a crowd wakes who waits: libuv wakes its loop once, too. */
struct crowd {
    mri_blocking_job job[CROWD];
    MRI_ALIGNED(MRI_CACHE_LINE) mri_atomic_u32 left;
};

static struct crowd crowd;

static void crowd_run(mri_blocking_job *job)
{
    (void)job;
    if (mri_sub_acq_rel(&crowd.left, 1) == 1)
        mri_futex_wake(&crowd.left, 1);
}

static void crowd_await(void)
{
    for (uint32_t left; (left = mri_load_acquire(&crowd.left)) > 0;)
        bench_keep(mri_futex_wait(&crowd.left, left, MRI_NEVER));
}

static double pool_crowd(uint64_t n)
{
    mri_blocking pool;
    pool_open(&pool, FOUR);
    int64_t begin = 0;
    for (uint64_t i = 0; i <= n / CROWD; i++) {
        if (i == 1) /* the threads are there */
            begin = bench_now();
        mri_store_relaxed(&crowd.left, CROWD);
        for (int k = 0; k < CROWD; k++) {
            crowd.job[k].run = crowd_run;
            must(mri_blocking_submit(&pool, &crowd.job[k]));
        }
        crowd_await();
    }
    int64_t end = bench_now();
    must(mri_blocking_close(&pool, MRI_NEVER));
    return (double)(end - begin) / (double)n;
}

/* ---- A bare futex ------------------------------------------------------- */

struct bare {
    MRI_ALIGNED(MRI_CACHE_LINE) mri_atomic_u32 bell;
    struct call call;
    uint64_t n;
    bool tires; /* sleeps for 10 s at most, as a thread of the pool does */
};

static void bare_serve(void *arg)
{
    struct bare *b = arg;
    for (uint32_t i = 0; i < b->n; i++) {
        int64_t deadline = MRI_NEVER;
        if (b->tires)
            deadline = mri_clock_now() + INT64_C(10000000000);
        while (mri_load_acquire(&b->bell) == i)
            bench_keep(mri_futex_wait(&b->bell, i, deadline));
        enter(&b->call);
    }
}

static void bare_submit(struct bare *b, uint64_t i)
{
    mri_store_relaxed(&b->call.done, 0);
    mri_store_release(&b->bell, (uint32_t)i + 1);
    mri_futex_wake(&b->bell, 1);
}

static double start_bare(uint64_t n, bool tires)
{
    struct bare b = {.n = n, .tires = tires};
    mri_thread t;
    int64_t sum = 0;
    must(mri_thread_start(&t, "bare", bare_serve, &b, 0));
    for (uint64_t i = 0; i < n; i++) {
        let_sleep();
        int64_t begin = bench_now();
        bare_submit(&b, i);
        watch(&b.call);
        sum += b.call.entered - begin;
    }
    mri_thread_join(&t);
    return (double)sum / (double)n;
}

static double round_trip_bare(uint64_t n, bool tires)
{
    struct bare b = {.n = n, .tires = tires};
    mri_thread t;
    must(mri_thread_start(&t, "bare", bare_serve, &b, 0));
    let_sleep();
    int64_t begin = bench_now();
    for (uint64_t i = 0; i < n; i++) {
        bare_submit(&b, i);
        await(&b.call);
    }
    double each = (double)(bench_now() - begin) / (double)n;
    mri_thread_join(&t);
    return each;
}

static double bare_start(uint64_t n)
{
    return start_bare(n, false);
}

static double bare_start_tires(uint64_t n)
{
    return start_bare(n, true);
}

static double bare_round_trip(uint64_t n)
{
    return round_trip_bare(n, false);
}

static double bare_round_trip_tires(uint64_t n)
{
    return round_trip_bare(n, true);
}

/* ---- libuv -------------------------------------------------------------- */

#ifdef BENCH_UV
struct uv_call {
    uv_work_t work;
    struct call call;
    bool told;
};

static void uv_enter(uv_work_t *work)
{
    struct uv_call *c = mri_container_of(work, struct uv_call, work);
    c->call.entered = bench_now();
    mri_store_release(&c->call.done, 1);
}

static void uv_tell(uv_work_t *work, int status)
{
    (void)status;
    mri_container_of(work, struct uv_call, work)->told = true;
}

static void uv_submit(struct uv_call *c)
{
    c->told = false;
    mri_store_relaxed(&c->call.done, 0);
    must(uv_queue_work(uv_default_loop(), &c->work, uv_enter, uv_tell));
}

static void uv_await(struct uv_call *c)
{
    while (!c->told)
        uv_run(uv_default_loop(), UV_RUN_ONCE);
}

static double uv_start(uint64_t n)
{
    struct uv_call c;
    int64_t sum = 0;
    uv_submit(&c);
    uv_await(&c);
    for (uint64_t i = 0; i < n; i++) {
        let_sleep();
        int64_t begin = bench_now();
        uv_submit(&c);
        watch(&c.call);
        sum += c.call.entered - begin;
        uv_await(&c);
    }
    return (double)sum / (double)n;
}

static double uv_round_trip(uint64_t n)
{
    struct uv_call c;
    uv_submit(&c);
    uv_await(&c);
    int64_t begin = bench_now();
    for (uint64_t i = 0; i < n; i++) {
        uv_submit(&c);
        uv_await(&c);
    }
    return (double)(bench_now() - begin) / (double)n;
}

static double uv_crowd(uint64_t n)
{
    static struct uv_call c[CROWD];
    int64_t begin = 0;
    for (uint64_t i = 0; i <= n / CROWD; i++) {
        if (i == 1)
            begin = bench_now();
        for (int k = 0; k < CROWD; k++)
            uv_submit(&c[k]);
        for (int k = 0; k < CROWD; k++)
            uv_await(&c[k]);
    }
    return (double)(bench_now() - begin) / (double)n;
}
#else
static double not_here(uint64_t n)
{
    (void)n;
    return -1;
}
#define uv_start not_here
#define uv_round_trip not_here
#define uv_crowd not_here
#endif

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"start, bare futex", 500, bare_start},
        {"start, bare futex with a deadline", 500, bare_start_tires},
        {"start, pool", 500, pool_start},
        {"start, uv_queue_work", 500, uv_start},
        {"there and back, bare futex", 2000, bare_round_trip},
        {"there and back, bare futex with a deadline", 2000,
         bare_round_trip_tires},
        {"there and back, pool", 2000, pool_round_trip},
        {"there and back, uv_queue_work", 2000, uv_round_trip},
        {"crowd, pool", 8 * CROWD, pool_crowd},
        {"crowd, uv_queue_work", 8 * CROWD, uv_crowd},
    };
    return bench_main(argc, argv, "blocking", cases, MRI_ARRAY_LEN(cases));
}
