/* A runtime's start, run and stop where the system refuses: every system
 * call, every allocation and every thread fails once. */
#define _GNU_SOURCE
#include <millrace.h>

#include "faults.h"
#include "hooks.h"
#include "mapped.h"
#include "os/sys.h"
#include "slow.h"
#include "test.h"

#include <dirent.h>
#include <malloc.h>
#include <pthread.h>

enum { CHILDREN = 20, SUBMITTED = 10, BATCH = 62 };

/* ---- What must be in balance -------------------------------------------- */

static int running; /* 1: mr_start has returned */
static int64_t ran;

static int threads(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/task");
    EXPECT(dir != NULL);
    for (struct dirent *e; (e = readdir(dir));)
        count += e->d_name[0] != '.';
    closedir(dir);
    return count;
}

/* The kernel tells of an end before it strikes the thread off its list. */
static void expect_threads(int expected)
{
    int64_t until = mr_after(10 * MR_S);
    while (threads() > expected && mr_now() < until)
        usleep(100);
    /* Fewer: one that had ended was still there when they were counted. */
    EXPECT(threads() <= expected);
}

/* What the kernel does not refuse: the wake of a word that is there, and
 * membarrier once it was granted (os/barrier.c stops the program then). */
static bool is_not_refused_now(const char *call)
{
    return strcmp(call, "membarrier") == 0
               ? __atomic_load_n(&running, __ATOMIC_RELAXED)
               : is_never_refused(call);
}

/* ---- The scenario ------------------------------------------------------- */

static int64_t waits(void *arg)
{
    for (int i = 0; i < 3; i++)
        mr_yield();
    return *(int64_t *)arg;
}

static int64_t submitted(void *arg)
{
    add(&ran, *(int64_t *)arg);
    return 0;
}

struct outcome {
    int64_t accepted;
    bool wrong;
    int refused;
    mr_runtime *rt;
};

/* Every other one too large for a block of a batch. */
static void submit_some(mr_runtime *rt, struct outcome *o)
{
    int64_t one[16] = {1};
    for (int i = 0; i < SUBMITTED; i++) {
        int rc =
            mr_submit(rt, submitted, one, i % 2 ? sizeof one : sizeof *one);
        o->accepted += rc == 0;
        o->wrong |= rc != 0 && rc != MR_ENOMEM;
    }
}

static int64_t root(void *arg)
{
    struct outcome *o = arg;
    mr_task t[CHILDREN];
    int64_t n[CHILDREN], sum = 0;
    for (int i = 0; i < CHILDREN; i++) {
        n[i] = i;
        mr_spawn(&t[i], waits, &n[i]);
    }
    submit_some(mr_self(), o);
    mr_yield();
    for (int i = 0; i < CHILDREN; i++)
        sum += mr_await(&t[i]);
    return sum;
}

/* What mr_start returned; all that was accepted has run, or nothing is left. */
static int live(const mr_config *config)
{
    mr_runtime *rt = (mr_runtime *)1;
    struct outcome o = {0};
    ran = 0;
    int rc = mr_start(&rt, config);
    if (rc < 0) {
        EXPECT(rt == NULL);
        return rc;
    }
    __atomic_store_n(&running, 1, __ATOMIC_RELAXED);
    EXPECT_EQ(mr_run(rt, root, &o), CHILDREN * (CHILDREN - 1) / 2);
    submit_some(rt, &o);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    __atomic_store_n(&running, 0, __ATOMIC_RELAXED);
    EXPECT(!o.wrong);
    EXPECT_EQ(ran, o.accepted);
    return rc;
}

static void expect_nothing_left(long kib, int threads_before, const char *call)
{
    /* A page to try guards on, lost where it cannot be unmapped. */
    long lost = strcmp(call, "munmap") == 0 ? 4 : 0;
    EXPECT_EQ(blocks, 0);
    EXPECT_EQ(bytes_out, 0);
    expect_threads(threads_before);
    if (slow_is_sanitized())
        return;
    long more = mapped_kib() - kib;
    EXPECT_MSG(more <= lost, "%ld KiB more are mapped after a failed %s", more,
               call);
}

static void *arrives(void *barrier)
{
    (void)pthread_barrier_wait(barrier);
    return NULL;
}

/* As many as the C library keeps for later: on a slow machine a worker may be
 * late, and a spare comes in. */
static void make_stacks(void)
{
    enum { THREADS = 24 };
    pthread_attr_t small;
    pthread_barrier_t barrier;
    pthread_t thread[THREADS];
    EXPECT_EQ(pthread_attr_init(&small), 0);
    EXPECT_EQ(pthread_attr_setstacksize(&small, 512 << 10), 0);
    EXPECT_EQ(pthread_setattr_default_np(&small), 0);
    EXPECT_EQ(pthread_attr_destroy(&small), 0);
    EXPECT_EQ(pthread_barrier_init(&barrier, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++)
        EXPECT_EQ(pthread_create(&thread[i], NULL, arrives, &barrier), 0);
    for (int i = 0; i < THREADS; i++)
        EXPECT_EQ(pthread_join(thread[i], NULL), 0);
    EXPECT_EQ(pthread_barrier_destroy(&barrier), 0);
}

/* Threads' stacks and stdio's buffers are there. */
static void warm_up(const mr_config *config)
{
    mallopt(M_ARENA_MAX, 1);
    /* Nor does the heap grow or shrink later. */
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    void *volatile large = malloc(4 << 20);
    EXPECT(large != NULL);
    free(large);
    if (!slow_is_sanitized())
        make_stacks();
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(live(config), 0);
        (void)mapped_kib();
        (void)threads();
    }
}

/* How many starts were refused; *calls: how many could fail. */
static int fail_each(mr_config config, const char *only, int error, int *calls)
{
    int refused = 0;
    config.size = sizeof config;
    config.allocate = allocate;
    config.release = release;
    warm_up(&config);
    alarm(300); /* a wake-up lost in the midst of it */
    faults_spare(is_not_refused_now);
    for (*calls = 0;; ++*calls) {
        long kib = mapped_kib();
        int before = threads();
        faults_arm_call(only, *calls + 1, error, false);
        int rc = live(&config);
        bool hit = faults_disarm();
        EXPECT_MSG(rc == 0 || rc == MR_ENOMEM || rc == -error,
                   "a failed %s made mr_start return %d", faults_last(), rc);
        expect_nothing_left(kib, before, hit ? faults_last() : "nothing");
        refused += rc < 0;
        if (!hit)
            break;
    }
    faults_spare(NULL);
    alarm(0);
    return refused;
}

/* ---- Each in turn ------------------------------------------------------- */

TEST(faults_runtime, first_failure_to_watch_forks_is_not_for_ever)
{
    mr_config config = {.size = sizeof config, .workers = 1};
    mr_runtime *rt;
    faults_arm_call("pthread_atfork", 1, ENOMEM, false);
    int rc = mr_start(&rt, &config);
    if (!faults_disarm()) {
        EXPECT_EQ(rc, 0); /* started before, in the same process */
        EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
        SKIP("forks are watched already");
    }
    EXPECT_EQ(rc, MR_ENOMEM);
    EXPECT(rt == NULL);
    EXPECT_EQ(mr_start(&rt, &config), 0);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

TEST(faults_runtime, each_call_fails_once)
{
    int calls;
    mr_config config = {.workers = 2, .strands = 256};
    int refused = fail_each(config, NULL, ENOMEM, &calls);
    /* Runtime, workers, the pool's arrays and their advice, its first chunk,
     * its advice and its first guards, two threads. */
    EXPECT(refused >= 8);
    /* And a batch for inside, one for outside, and what is too large. */
    EXPECT(calls >= refused + 2 + SUBMITTED);
}

TEST(faults_runtime, each_call_fails_once_with_all_defaults_and_pinned)
{
    int calls;
    mr_config config = {.pin = 1};
    EXPECT(fail_each(config, NULL, ENOMEM, &calls) > 8);
    EXPECT(calls > 40);
}

TEST(faults_runtime, each_file_read_at_start_fails_once)
{
    int calls;
    mr_config config = {.pin = 1};
    EXPECT(fail_each(config, "open", EMFILE, &calls) > 0);
    EXPECT(fail_each(config, "read", EIO, &calls) > 0);
}

TEST(faults_runtime, each_thread_fails_once)
{
    int calls;
    mr_config config = {.workers = 5};
    EXPECT_EQ(fail_each(config, "pthread_create", EAGAIN, &calls), 5);
    /* The monitor may fail; and the spare that a slow machine has it call. */
    EXPECT(calls >= 6);
}

TEST(faults_runtime, each_wait_ends_early_once)
{
    int calls;
    mr_config config = {.workers = 3};
    EXPECT_EQ(fail_each(config, "futex_wait", EINTR, &calls), 0);
    EXPECT_EQ(fail_each(config, "futex_wait", EAGAIN, &calls), 0);
}

TEST(faults_runtime, each_unmapping_fails_once)
{
    int calls;
    mr_config config = {.workers = 2};
    EXPECT_EQ(fail_each(config, "munmap", ENOMEM, &calls), 0);
    EXPECT(calls >= 2);
}

/* ---- No memory for a while ---------------------------------------------- */

static int held; /* the only worker is; 2: no more */

static int64_t holds(void *arg)
{
    (void)arg;
    __atomic_store_n(&held, 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&held, __ATOMIC_ACQUIRE) != 2)
        usleep(10);
    return 0;
}

/* Small ones, until all batches that there are have been used up, unless a
 * spare gives blocks back meanwhile. */
static int64_t until_refused(void *arg)
{
    struct outcome *o = arg;
    int64_t one = 1;
    int rc = 0;
    for (int most = 32 * BATCH; rc == 0 && most > 0; most--) {
        rc = mr_submit(o->rt, submitted, &one, sizeof one);
        o->accepted += rc == 0;
    }
    EXPECT(rc == 0 || rc == MR_ENOMEM);
    o->refused += rc < 0;
    return 0;
}

static void until_refused_outside(struct outcome *o)
{
    __atomic_store_n(&held, 0, __ATOMIC_RELEASE);
    EXPECT_EQ(mr_submit(o->rt, holds, NULL, 0), 0);
    while (!__atomic_load_n(&held, __ATOMIC_ACQUIRE))
        usleep(10);
    faults_arm_call("allocate", 1, ENOMEM, true);
    until_refused(o);
    __atomic_store_n(&held, 2, __ATOMIC_RELEASE);
}

TEST(faults_runtime, submit_without_memory_leaves_the_runtime_as_it_was)
{
    mr_config config = {.size = sizeof config,
                        .workers = 1,
                        .allocate = allocate,
                        .release = release};
    struct outcome o = {0};
    int64_t much[16] = {1};
    ran = 0;
    EXPECT_EQ(mr_start(&o.rt, &config), 0);
    for (int round = 0; round < 100; round++) {
        until_refused_outside(&o);
        EXPECT_EQ(mr_submit(o.rt, submitted, much, sizeof much), MR_ENOMEM);
        EXPECT_EQ(mr_submit(o.rt, submitted, much, SIZE_MAX / 4), MR_ENOMEM);
        EXPECT_EQ(mr_submit(o.rt, submitted, much, SIZE_MAX), MR_ENOMEM);
        EXPECT_EQ(mr_run(o.rt, until_refused, &o), 0);
        EXPECT(faults_disarm());
        EXPECT_EQ(mr_submit(o.rt, submitted, much, sizeof much), 0);
        o.accepted++;
    }
    EXPECT_EQ(mr_stop(o.rt, MR_NEVER), 0);
    EXPECT_EQ(ran, o.accepted);
    EXPECT(o.refused > 0);
    EXPECT_EQ(blocks, 0);
    EXPECT_EQ(bytes_out, 0);
}
