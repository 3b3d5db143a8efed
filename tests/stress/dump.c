/* Dumps of a hundred thousand tasks, and of tasks that do not keep still. */
#include "sched/runtime.h"
#include <millrace.h>

#include "os/clock.h"
#include "slow.h"
#include "stress.h"
#include "test.h"

#include <pthread.h>
#include <unistd.h>

/* ---- Many that wait ----------------------------------------------------- */

enum { MOST = 100000 };

static struct {
    mri_strand *strand;
    uint64_t count;
} waiting[MOST];

static int64_t parked;

static int64_t parks(void *arg)
{
    mri_strand *s = mri_strand_self();
    int64_t i = *(int64_t *)arg;
    uint64_t count = mri_park_begin(&s->park);
    waiting[i].strand = s;
    waiting[i].count = count;
    __atomic_fetch_add(&parked, 1, __ATOMIC_RELEASE);
    mri_strand_waits_for(s, "the end of the test");
    mri_strand_park(s, count);
    return 0;
}

static void resume_all(int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (mri_park_complete(&waiting[i].strand->park, waiting[i].count) ==
            MRI_PARK_RESUME)
            mri_strand_ready(waiting[i].strand);
}

static int64_t lines_with(FILE *file, const char *text)
{
    char line[2048];
    int64_t n = 0;
    rewind(file);
    while (fgets(line, sizeof line, file))
        n += strstr(line, text) != NULL;
    return n;
}

/* How long it took, and how many it says wait. */
static int64_t dump_waiting(mr_runtime *rt, int64_t *seen)
{
    FILE *file = tmpfile();
    EXPECT(file != NULL);
    int64_t begin = mri_clock_now();
    EXPECT_EQ(mr_dump(rt, file), 0);
    int64_t took = mri_clock_now() - begin;
    *seen = lines_with(file, "waits for the end of the test for ");
    fclose(file);
    return took;
}

TEST(stress_dump, many_tasks_that_wait_within_a_second)
{
    mr_config config = {.size = sizeof config, .workers = 2};
    mr_runtime *rt;
    int64_t n = slow_scale(MOST);
    EXPECT_EQ(mr_start(&rt, &config), 0);
    parked = 0;
    for (int64_t i = 0; i < n; i++)
        EXPECT_EQ(mr_submit(rt, parks, &i, sizeof i), 0);
    while (__atomic_load_n(&parked, __ATOMIC_ACQUIRE) < n)
        usleep(1000);
    /* The last may be about to park; and the machine may stand still. */
    int64_t seen = 0, took = MR_NEVER;
    bool slow = slow_scale(2) != 2 || slow_is_emulated();
    for (int i = 0; i < 10 && (seen < n || (took >= MR_S && !slow)); i++)
        took = dump_waiting(rt, &seen);
    EXPECT_EQ(seen, n);
    EXPECT_MSG(took < MR_S || slow, "%" PRId64 " ns", took);
    resume_all(n);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

/* ---- While all moves ---------------------------------------------------- */

static int stop;

static int64_t tree(void *arg)
{
    int64_t n = *(int64_t *)arg, less[3] = {n - 1, n - 2, n - 3};
    mr_task t[3];
    if (n <= 0)
        return 1;
    mr_task_name("one of many");
    for (int i = 0; i < 3; i++)
        mr_spawn(&t[i], tree, &less[i]);
    if (n % 3 == 0)
        mr_yield();
    int64_t sum = 0;
    for (int i = 0; i < 3; i++)
        sum += mr_await(&t[n % 2 ? i : 2 - i]);
    return sum;
}

static int64_t once(void *arg)
{
    return *(int64_t *)arg;
}

static int64_t submits(void *arg)
{
    for (int64_t i = 0; i < 300; i++)
        if (mr_submit(arg, once, &i, sizeof i) < 0)
            return -1;
    return 0;
}

static void *keeps_dumping(void *arg)
{
    FILE *null = fopen("/dev/null", "w");
    if (!null)
        abort();
    for (int64_t n = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); n++) {
        mr_counters c = {.size = sizeof c};
        if (mr_dump(arg, null) < 0 || mr_stats(arg, MR_ALL_WORKERS, &c) < 0)
            abort();
    }
    fclose(null);
    return NULL;
}

TEST(stress_dump, of_tasks_that_do_not_keep_still)
{
    mr_config config = {.size = sizeof config, .workers = 3};
    mr_runtime *rt;
    pthread_t thread[2];
    EXPECT_EQ(mr_start(&rt, &config), 0);
    stop = 0;
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(pthread_create(&thread[i], NULL, keeps_dumping, rt), 0);
    int64_t deadline = mri_clock_now() + 2000000000, n = 9;
    int64_t expected = mr_run(rt, tree, &n);
    do {
        EXPECT_EQ(mr_run(rt, tree, &n), expected);
        EXPECT_EQ(mr_submit(rt, submits, rt, 0), 0);
    } while (mri_clock_now() < deadline);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}
