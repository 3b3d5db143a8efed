/* Scopes where memory is refused, and every system call fails once: what could
 * not be spawned is told, the rest runs, nothing is lost or left. */
#include <millrace.h>

#include "faults.h"
#include "hooks.h"
#include "os/sys.h"
#include "slow.h"
#include "test.h"

#include <errno.h>
#include <unistd.h>

enum { CHILDREN = 20 };

static int64_t running, ran;

/* ---- The scenario ------------------------------------------------------- */

static int64_t counts(void *arg)
{
    mr_yield();
    add(&ran, *(int64_t *)arg);
    return 0;
}

static int64_t sleeps_for_ever(void *arg)
{
    (void)arg;
    add(&running, 1);
    return mr_sleep(MR_NEVER);
}

/* How many were accepted; all of them have run. */
static int64_t counts_all(void)
{
    int64_t accepted = 0, one = 1;
    mr_scope scope;
    ran = 0;
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_limit(&scope, 3), 0);
    for (int i = 0; i < CHILDREN; i++) {
        int rc = mr_scope_go(&scope, counts, &one, sizeof one);
        EXPECT(rc == 0 || rc == MR_ENOMEM);
        accepted += rc == 0;
    }
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(ran, accepted);
    return accepted;
}

static void times_out(void)
{
    mr_scope scope;
    mr_task task[CHILDREN];
    mr_scope_open(&scope, mr_after(MR_MS));
    for (int i = 0; i < CHILDREN; i++)
        mr_scope_spawn(&scope, &task[i], sleeps_for_ever, NULL);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    for (int i = 0; i < CHILDREN; i++)
        EXPECT_EQ(mr_task_result(&task[i]), MR_ECANCELED);
}

static int64_t root(void *arg)
{
    (void)arg;
    times_out();
    return counts_all();
}

static mr_runtime *start(unsigned workers)
{
    mr_config config = {.size = sizeof config,
                        .workers = workers,
                        .allocate = allocate,
                        .release = release};
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, &config), 0);
    return rt;
}

/* A runtime's life with the nth call refused; true: it was reached. */
static bool live(unsigned workers, const char *call, int nth, int64_t *accepted)
{
    blocks = bytes_out = 0;
    mr_runtime *rt = start(workers);
    faults_spare(is_never_refused);
    faults_arm_call(call, nth, ENOMEM, false);
    *accepted = mr_run(rt, root, NULL);
    bool hit = faults_disarm();
    faults_spare(NULL);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    EXPECT_EQ(blocks, 0);
    EXPECT_EQ(bytes_out, 0);
    return hit;
}

TEST(faults_scope, each_allocation_of_a_child_fails_once)
{
    int64_t accepted;
    int nth = 1;
    alarm(120);
    for (; live(2, "allocate", nth, &accepted); nth++)
        EXPECT_EQ(accepted, CHILDREN - 1);
    alarm(0);
    EXPECT_EQ(accepted, CHILDREN);
    EXPECT_EQ(nth, CHILDREN + 1);
}

TEST(faults_scope, each_system_call_fails_once)
{
    int64_t accepted;
    alarm(120);
    for (unsigned workers = 1; workers <= 2; workers++) {
        int nth = 1;
        while (live(workers, NULL, nth, &accepted) && nth < 200) {
            EXPECT(accepted >= CHILDREN - 1);
            nth++;
        }
        EXPECT(nth > CHILDREN);
    }
    alarm(0);
}
