/* Whole runtimes under CPU quotas, from a quarter of a CPU to two: as many
 * workers as there are CPUs worth of it, and all works. Needs the right to
 * create groups (quota_groups.h). */
#include <millrace.h>

#include "quota_groups.h"
#include "test.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLEEPERS = 50 };

static const long quotas[] = {25000, 50000, 100000, 150000, 200000};
enum { QUOTAS = sizeof quotas / sizeof *quotas };

/* ---- What a runtime does ------------------------------------------------ */

MR_FORKABLE(int64_t, fib, int64_t, n)
{
    if (n < 2)
        return n;
    MR_CHILD(fib, child);
    MR_SPAWN(fib, child, n - 1);
    int64_t sum = MR_CALL(fib, n - 2);
    return sum + MR_AWAIT(fib, child);
}

static int64_t sleeps(void *arg)
{
    (void)arg;
    return mr_sleep(5 * MR_MS);
}

static int64_t blocks(void *arg)
{
    return *(int64_t *)arg;
}

static int64_t sleep_and_block(void)
{
    int64_t seven = 7;
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < SLEEPERS; i++)
        mr_scope_go(&scope, sleeps, NULL, 0);
    int64_t rc = mr_blocking(blocks, &seven) == 7 ? 0 : -1;
    int64_t closed = mr_scope_close(&scope);
    return closed < 0 ? closed : rc;
}

/* How many workers there are, if all is well. */
static int64_t root(void *arg)
{
    (void)arg;
    if (fib(20) != 6765 || sleep_and_block() != 0)
        return -1;
    return mr_workers(mr_self());
}

/* ---- In a child under a quota ------------------------------------------- */

static int workers_in_child(const quota_groups *groups)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        int64_t workers =
            quota_groups_enter(groups) ? mr_main(NULL, root, NULL) : -1;
        _exit(workers > 0 && workers < 100 ? (int)workers : 100);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int expected(long quota, int without)
{
    int cpus = (int)((quota + 99999) / 100000);
    return cpus < without ? cpus : without;
}

TEST(faults_runtime_quota, a_runtime_has_workers_for_its_quota_and_works)
{
    quota_groups groups;
    int seen[QUOTAS], without;
    bool set = true;
    const char *reason = quota_groups_open(&groups);
    if (reason)
        SKIP(reason);
    set = quota_groups_set(&groups, -1, -1);
    without = workers_in_child(&groups);
    for (int i = 0; i < QUOTAS; i++) {
        set = set && quota_groups_set(&groups, -1, quotas[i]);
        seen[i] = workers_in_child(&groups);
    }
    bool removed = quota_groups_close(&groups);
    EXPECT(set);
    EXPECT(removed);
    EXPECT(without > 0);
    for (int i = 0; i < QUOTAS; i++)
        EXPECT_EQ(seen[i], expected(quotas[i], without));
}
