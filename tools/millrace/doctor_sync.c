/* Barriers, fences, and the way to sleep. */
#include "base/atomic.h"
#include "doctor.h"
#include "measure.h"
#include "os/barrier.h"
#include "os/clock.h"
#include "os/futex.h"

#include <millrace.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define FENCES 100000
#define BARRIERS 300
#define SAMPLES 200
#define SAMPLING 400000000 /* ns at most, for all of them */
#define MOMENT 2000        /* ns in which a running thread makes a step */
#define ROUND_TRIPS 1000

/* Longer than any scheduler lets a thread wait that can run. */
#define PATIENCE INT64_C(10000000000)

static int fences(void *arg, int steps)
{
    (void)arg;
    for (int i = 0; i < steps; i++)
        mri_fence_seq_cst();
    return 0;
}

static int barriers(void *arg, int steps)
{
    for (int i = 0; i < steps; i++)
        mri_barrier_heavy(arg);
    return 0;
}

/* A thread that runs, without system calls, and counts while it does. */
struct sibling {
    mri_atomic_u32 steps, stop;
};

static void *count_steps(void *arg)
{
    struct sibling *sibling = arg;
    for (uint32_t steps = 0; !mri_load_relaxed(&sibling->stop); steps++)
        mri_store_relaxed(&sibling->steps, steps);
    return NULL;
}

/* Whether it runs at this moment on another CPU: on a busy machine it often
 * does not, and a barrier then costs no more than one alone. */
static bool runs_now(struct sibling *sibling)
{
    int64_t start = mri_clock_now();
    uint32_t before = mri_load_relaxed(&sibling->steps);
    while (mri_clock_now() - start < MOMENT)
        if (mri_load_relaxed(&sibling->steps) != before)
            return mri_clock_now() - start < MOMENT;
    return false;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The median of barriers that interrupted the sibling; 0: it never ran. */
static int64_t cost_beside(struct sibling *sibling, const mri_barrier *barrier)
{
    int64_t cost[SAMPLES];
    int taken = 0;
    int64_t end = mri_clock_now() + SAMPLING;
    while (taken < SAMPLES && mri_clock_now() < end) {
        if (!runs_now(sibling)) {
            usleep(100); /* a wake-up moves a thread to a free CPU */
            continue;
        }
        int64_t start = mri_clock_now();
        mri_barrier_heavy(barrier);
        cost[taken++] = mri_clock_now() - start;
    }
    qsort(cost, (size_t)taken, sizeof *cost, by_size);
    return taken > 0 ? cost[taken / 2] : 0;
}

static void add_busy_barrier(report *r, const mri_barrier *barrier)
{
    struct sibling sibling;
    pthread_t thread;
    mri_init(&sibling.steps, 0);
    mri_init(&sibling.stop, 0);
    int rc = -pthread_create(&thread, NULL, count_steps, &sibling);
    if (rc < 0) {
        report_failed(r, "barrier_busy_ns", rc);
        return;
    }
    int64_t ns = cost_beside(&sibling, barrier);
    mri_store_relaxed(&sibling.stop, 1);
    pthread_join(thread, NULL);
    if (ns > 0)
        report_item(r, "barrier_busy_ns", json_integer(ns), "%lld ns",
                    (long long)ns);
    else
        report_item(r, "barrier_busy_ns", NULL, "not seen: too busy");
    report_means(r, "The same beside a thread that runs and is interrupted. "
                    "Paid by a thief that forces work out of a busy owner.");
}

static void add_barrier_cost(report *r, mri_barrier *barrier)
{
    double ns;
    int rc = measure(&ns, barriers, barrier, BARRIERS);
    if (rc < 0) {
        report_failed(r, "barrier_ns", rc);
        return;
    }
    report_item(r, "barrier_ns", json_real(ns), "%.0f ns", ns);
    report_means(r, "A heavy barrier while no other thread of the process "
                    "runs.");
    add_busy_barrier(r, barrier);
}

static void add_barrier(report *r)
{
    mri_barrier barrier;
    mri_barrier_open(&barrier);
    report_item(r, "membarrier", json_boolean(barrier.membarrier), "%s",
                barrier.membarrier ? "used" : "denied");
    if (barrier.membarrier) {
        report_means(r, "Spawn and await execute no fence; the rare other "
                        "side pays for both.");
        add_barrier_cost(r, &barrier);
        return;
    }
    report_means(r,
                 "The kernel or a filter denies membarrier(2) (%s): each "
                 "await pays a fence.",
                 mr_strerror(barrier.denied));
    report_degraded(r);
}

static void add_fence(report *r)
{
    double ns;
    int rc = measure(&ns, fences, NULL, FENCES);
    if (rc < 0) {
        report_failed(r, "fence_ns", rc);
        return;
    }
    report_item(r, "fence_ns", json_real(ns), "%.1f ns", ns);
    report_means(r, "A full fence: what an await saves where membarrier is "
                    "used.");
}

/* Whose turn it is; who sees QUIT leaves. */
enum turn { MINE, YOURS, QUIT };

struct rally {
    mri_atomic_u32 turn;
};

/* Sleep until it is `turn`. 0; MR_ECANCELED: QUIT; or the futex's code. */
static int await_turn(struct rally *rally, uint32_t turn)
{
    int64_t deadline = mri_clock_now() + PATIENCE;
    for (;;) {
        uint32_t seen = mri_load_acquire(&rally->turn);
        if (seen == turn || seen == QUIT)
            return seen == turn ? 0 : MR_ECANCELED;
        int rc = mri_futex_wait(&rally->turn, seen, deadline);
        if (rc < 0 && rc != MR_EAGAIN && rc != MR_EINTR)
            return rc;
    }
}

static int give_turn(struct rally *rally, uint32_t turn)
{
    mri_store_release(&rally->turn, turn);
    return mri_futex_wake(&rally->turn, 1);
}

/* Should it fail, the other side runs out of patience and says so. */
static void *return_turns(void *arg)
{
    while (await_turn(arg, YOURS) == 0 && give_turn(arg, MINE) >= 0)
        ;
    return NULL;
}

static int round_trips(void *arg, int steps)
{
    for (int i = 0; i < steps; i++) {
        int rc = give_turn(arg, YOURS);
        if (rc >= 0)
            rc = await_turn(arg, MINE);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int measure_round_trip(double *ns)
{
    struct rally rally;
    pthread_t other;
    mri_init(&rally.turn, MINE);
    int rc = -pthread_create(&other, NULL, return_turns, &rally);
    if (rc < 0)
        return rc;
    rc = measure(ns, round_trips, &rally, ROUND_TRIPS);
    int woken = give_turn(&rally, QUIT);
    pthread_join(other, NULL);
    return rc < 0 || woken >= 0 ? rc : woken;
}

static void add_futex(report *r)
{
    double ns;
    int rc = measure_round_trip(&ns);
    if (rc < 0) {
        report_failed(r, "futex_ns", rc);
        return;
    }
    report_item(r, "futex_ns", json_real(ns), "%.1f us", ns / 1000);
    report_means(r, "There and back between two threads that sleep: what it "
                    "costs to wake an idle worker, twice. Work much shorter "
                    "than half of this gains nothing from another worker.");
}

void doctor_sync(report *r)
{
    report_section(r, "sync");
    add_barrier(r);
    add_fence(r);
    add_futex(r);
}
