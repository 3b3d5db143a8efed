/* The loop where the system refuses what it is made of. */
#include "faults.h"
#include "slow.h"
#include "test.h"

#include <errno.h>
#include <millrace.h>
#include <stdatomic.h>
#include <uv.h>

/* The nth allocation from now on is refused; what is out. */
static struct {
    atomic_int nth, out;
} memory;

static void *allocates(void *context, size_t size, size_t align)
{
    void *at = NULL;
    (void)context;
    if (atomic_fetch_sub(&memory.nth, 1) == 1)
        return NULL;
    if (posix_memalign(&at, align, size) == 0)
        memory.out++;
    return at;
}

static void releases(void *context, void *at, size_t size)
{
    (void)context;
    (void)size;
    memory.out--;
    free(at);
}

static void answers(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    (void)loop;
    (void)arg;
    mr_loop_answer(reply, 5);
}

struct refusal {
    const char *call;
    int error;
};

/* Refused, it is an error, and the next call tries again. */
static int64_t call_is_refused(void *arg)
{
    struct refusal *r = arg;
    for (int i = 0; i < 3; i++) {
        faults_arm_call(r->call, 1, r->error, false);
        EXPECT_EQ(mr_loop_call(answers, NULL, NULL), -r->error);
        EXPECT(faults_disarm());
    }
    EXPECT_EQ(mr_loop_call(answers, NULL, NULL), 5);
    return mr_loop_call(answers, answers, NULL);
}

TEST(faults_loop, what_is_refused_is_an_error_and_tried_again)
{
    static struct refusal refusal[] = {
        {"epoll_create", EMFILE},   {"eventfd", ENFILE},
        {"uv_loop_init", EMFILE},   {"uv_loop_init", ENOMEM},
        {"uv_async_init", EMFILE},  {"pthread_create", EAGAIN},
        {"pthread_create", ENOMEM},
    };
    for (size_t i = 0; i < sizeof refusal / sizeof refusal[0]; i++) {
        mr_config config = {.size = sizeof config, .workers = 2};
        EXPECT_EQ(mr_main(&config, call_is_refused, &refusal[i]), 5);
    }
}

/* One after the other of the allocations that the first call makes. */
static int64_t memory_is_refused(void *arg)
{
    int refused = 0;
    (void)arg;
    for (int n = 1;; n++) {
        memory.nth = n;
        int64_t rc = mr_loop_call(answers, NULL, NULL);
        if (rc == 5)
            break;
        EXPECT_EQ(rc, MR_ENOMEM);
        refused++;
    }
    memory.nth = 0;
    return refused;
}

TEST(faults_loop, without_memory_it_is_an_error_and_tried_again)
{
    mr_config config = {.size = sizeof config,
                        .workers = 1,
                        .allocate = allocates,
                        .release = releases};
    EXPECT(mr_main(&config, memory_is_refused, NULL) >= 2);
    EXPECT_EQ(memory.out, 0);
}

/* All that need it at once, while the thread is refused: each hears of it, or
 * finds a loop that another has started. */
enum { CROWD = 32 };

static int64_t one_calls(void *arg)
{
    (void)arg;
    return mr_loop_call(answers, NULL, NULL);
}

static int64_t crowd_calls(void *arg)
{
    mr_task task[CROWD];
    int refused = 0;
    faults_arm_call("uv_async_init", *(int *)arg, EMFILE, false);
    for (int i = 0; i < CROWD; i++)
        mr_spawn(&task[i], one_calls, NULL);
    for (int i = 0; i < CROWD; i++) {
        int64_t rc = mr_await(&task[i]);
        EXPECT(rc == 5 || rc == MR_EMFILE);
        refused += rc < 0;
    }
    EXPECT_EQ(faults_disarm(), refused);
    return refused;
}

TEST(faults_loop, a_crowd_starts_it_once)
{
    int first = 1, second = 2;
    mr_config config = {.size = sizeof config, .workers = 4};
    for (int i = 0; i < slow_scale(50); i++) {
        EXPECT_EQ(mr_main(&config, crowd_calls, &first), 1);
        EXPECT_EQ(mr_main(&config, crowd_calls, &second), 0);
    }
}

/* The loop thread may not run where it should: it runs all the same. */
static int64_t has_no_affinity(void *arg)
{
    faults_arm_call("sched_setaffinity", 1, EINVAL, true);
    int64_t rc = mr_loop_call(answers, NULL, arg);
    EXPECT(faults_disarm());
    return rc;
}

TEST(faults_loop, refused_affinity_leaves_the_thread_where_it_is)
{
    mr_config config = {.size = sizeof config, .workers = 1};
    EXPECT_EQ(mr_main(&config, has_no_affinity, NULL), 5);
}
