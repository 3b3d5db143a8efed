/* Quotas of version 1 imposed on a child process, live. Needs the right to
 * create groups below our own in the cpu hierarchy. */
#include "os/cpus.h"
#include "quota_groups.h"
#include "test.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

static quota_groups groups;

/* What the child reports through a pipe. */
struct seen {
    int rc, public, usable, version, affinity;
    int64_t ppm;
    char path[2300];
};

static void look(struct seen *seen)
{
    mri_cpus cpus;
    seen->public = mri_cpus_usable(NULL);
    seen->rc = mri_cpus_open(&cpus, NULL);
    if (seen->rc < 0)
        return;
    seen->usable = cpus.usable;
    seen->version = cpus.cgroup_version;
    seen->affinity = cpus.affinity;
    seen->ppm = cpus.quota_ppm;
    snprintf(seen->path, sizeof seen->path, "%s",
             cpus.quota_path ? cpus.quota_path : "");
    mri_cpus_close(&cpus);
}

/* What a child in the inner group sees. */
static bool look_in_child(struct seen *seen)
{
    int fd[2], status = -1;
    *seen = (struct seen){.rc = -1};
    if (pipe(fd) != 0)
        return false;
    pid_t child = fork();
    if (child == 0) {
        bool in = quota_groups_enter(&groups);
        if (in)
            look(seen);
        in = in && write(fd[1], seen, sizeof *seen) == sizeof *seen;
        _exit(in ? 0 : 1);
    }
    close(fd[1]);
    bool got = read(fd[0], seen, sizeof *seen) == sizeof *seen;
    close(fd[0]);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return got && status == 0;
}

static bool run_with(long outer, long inner, struct seen *seen)
{
    return quota_groups_set(&groups, outer, inner) && look_in_child(seen);
}

/* The tests below gather everything, remove the groups, and judge then: a
 * failed EXPECT leaves the test at once. */

static const long quotas[] = {25000, 50000, 100000, 150000, 200000};
enum { QUOTAS = sizeof quotas / sizeof *quotas };

static void expect_seen(const struct seen *seen, const struct seen *base,
                        long quota, const char *path)
{
    int64_t ppm = quota * 10;
    int cpus = (int)((quota + 99999) / 100000);
    EXPECT_EQ(seen->rc, 0);
    if (base->ppm && base->ppm <= ppm)
        return; /* a tighter quota stands above us: nothing to be seen */
    EXPECT_EQ(seen->ppm, ppm);
    EXPECT_EQ(seen->version, 1);
    EXPECT_STR(seen->path, path);
    EXPECT_EQ(seen->usable, cpus < base->affinity ? cpus : base->affinity);
    EXPECT_EQ(seen->public, seen->usable);
}

TEST(cpus_live, v1_quota_on_own_group_and_on_parent_is_seen_in_turn)
{
    static struct seen none, own[QUOTAS], parent[QUOTAS];
    const char *reason = quota_groups_open(&groups);
    if (reason)
        SKIP(reason);
    bool ran = run_with(-1, -1, &none);
    for (int i = 0; ran && i < QUOTAS; i++)
        ran = run_with(-1, quotas[i], &own[i]) &&
              run_with(quotas[i], -1, &parent[i]);
    bool removed = quota_groups_close(&groups);
    EXPECT(ran);
    EXPECT(removed);
    EXPECT_EQ(none.rc, 0);
    for (int i = 0; i < QUOTAS; i++) {
        expect_seen(&own[i], &none, quotas[i], groups.inner);
        expect_seen(&parent[i], &none, quotas[i], groups.outer);
    }
}

TEST(cpus_live, v1_tighter_of_two_quotas_is_seen)
{
    static struct seen none, seen;
    const char *reason = quota_groups_open(&groups);
    if (reason)
        SKIP(reason);
    bool ran = run_with(-1, -1, &none) && run_with(150000, 75000, &seen);
    bool removed = quota_groups_close(&groups);
    EXPECT(ran);
    EXPECT(removed);
    expect_seen(&seen, &none, 75000, groups.inner);
}
