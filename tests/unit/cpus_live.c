/* Quotas of version 1 imposed on a child process, live. Needs the right to
 * create groups below our own in the cpu hierarchy. */
#define _GNU_SOURCE
#include "os/cpus.h"
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PREFIX "millrace-test-"

/* Two groups of ours, one in the other. */
static struct {
    char base[2048]; /* our own group's directory */
    char outer[2200], inner[2300];
} groups;

/* What the child reports through a pipe. */
struct seen {
    int rc, public, usable, version, affinity;
    int64_t ppm;
    char path[2300];
};

/* Where the hierarchy with the cpu controller is mounted, by the C library's
 * reader and not ours. */
static bool find_mount(char *out, size_t size)
{
    FILE *table = setmntent("/proc/self/mounts", "r");
    bool found = false;
    for (struct mntent *m; table && !found && (m = getmntent(table));) {
        found = strcmp(m->mnt_type, "cgroup") == 0 && hasmntopt(m, "cpu");
        if (found)
            snprintf(out, size, "%s", m->mnt_dir);
    }
    if (table)
        endmntent(table);
    return found;
}

/* Our path in it: the line "N:cpu:/..." or "N:cpu,cpuacct:/...". */
static bool find_group(char *out, size_t size)
{
    FILE *file = fopen("/proc/self/cgroup", "r");
    char line[1024], path[1024];
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file))
        found = sscanf(line, "%*d:cpu:%1023s", path) == 1 ||
                sscanf(line, "%*d:cpu,cpuacct:%1023s", path) == 1;
    if (file)
        fclose(file);
    if (found)
        snprintf(out, size, "%s", strcmp(path, "/") == 0 ? "" : path);
    return found;
}

static bool write_file(const char *dir, const char *name, long value)
{
    char path[4096], text[32];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int len = snprintf(text, sizeof text, "%ld", value);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool written = write(fd, text, (size_t)len) == len;
    close(fd);
    return written;
}

/* Groups that a killed run left behind: those of processes that are gone. */
static void remove_stale(void)
{
    DIR *dir = opendir(groups.base);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char path[4096];
        int pid;
        if (sscanf(e->d_name, PREFIX "%d", &pid) != 1 || kill(pid, 0) == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s/inner", groups.base, e->d_name);
        rmdir(path);
        snprintf(path, sizeof path, "%s/%s", groups.base, e->d_name);
        rmdir(path);
    }
    if (dir)
        closedir(dir);
}

/* NULL, or why not. */
static const char *groups_open(void)
{
    char mount[1024], group[1024];
    if (!find_mount(mount, sizeof mount) || !find_group(group, sizeof group))
        return "no version 1 hierarchy with the cpu controller is mounted";
    snprintf(groups.base, sizeof groups.base, "%s%s", mount, group);
    remove_stale();
    snprintf(groups.outer, sizeof groups.outer, "%s/" PREFIX "%d", groups.base,
             (int)getpid());
    snprintf(groups.inner, sizeof groups.inner, "%s/inner", groups.outer);
    if (mkdir(groups.outer, 0755) != 0)
        return "no right to create a group in the cpu hierarchy";
    if (mkdir(groups.inner, 0755) != 0) {
        rmdir(groups.outer);
        return "no right to create a nested group in the cpu hierarchy";
    }
    return NULL;
}

/* A group is busy for a moment after its last process was reaped. */
static bool remove_group(const char *path)
{
    for (int tries = 0; rmdir(path) != 0; tries++) {
        if (errno != EBUSY || tries == 1000)
            return false;
        usleep(1000);
    }
    return true;
}

static bool groups_close(void)
{
    bool inner = remove_group(groups.inner), outer = remove_group(groups.outer);
    return inner && outer;
}

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
        bool in = write_file(groups.inner, "cgroup.procs", getpid());
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

/* Both groups with a quota in microseconds, -1: none. Version 1 refuses a
 * child that has more than its parent at any moment. */
static bool set_quotas(long outer, long inner)
{
    return write_file(groups.inner, "cpu.cfs_quota_us", -1) &&
           write_file(groups.outer, "cpu.cfs_quota_us", outer) &&
           write_file(groups.inner, "cpu.cfs_quota_us", inner);
}

static bool run_with(long outer, long inner, struct seen *seen)
{
    return set_quotas(outer, inner) && look_in_child(seen);
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
    const char *reason = groups_open();
    if (reason)
        SKIP(reason);
    bool ran = run_with(-1, -1, &none);
    for (int i = 0; ran && i < QUOTAS; i++)
        ran = run_with(-1, quotas[i], &own[i]) &&
              run_with(quotas[i], -1, &parent[i]);
    bool removed = groups_close();
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
    const char *reason = groups_open();
    if (reason)
        SKIP(reason);
    bool ran = run_with(-1, -1, &none) && run_with(150000, 75000, &seen);
    bool removed = groups_close();
    EXPECT(ran);
    EXPECT(removed);
    expect_seen(&seen, &none, 75000, groups.inner);
}
