/* See quota_groups.h. */
#define _GNU_SOURCE
#include "quota_groups.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "millrace-test-"

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
static void remove_stale(const quota_groups *groups)
{
    DIR *dir = opendir(groups->base);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char path[4096];
        int pid;
        if (sscanf(e->d_name, PREFIX "%d", &pid) != 1 || kill(pid, 0) == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s/inner", groups->base, e->d_name);
        rmdir(path);
        snprintf(path, sizeof path, "%s/%s", groups->base, e->d_name);
        rmdir(path);
    }
    if (dir)
        closedir(dir);
}

const char *quota_groups_open(quota_groups *groups)
{
    char mount[1024], group[1024];
    if (!find_mount(mount, sizeof mount) || !find_group(group, sizeof group))
        return "no version 1 hierarchy with the cpu controller is mounted";
    snprintf(groups->base, sizeof groups->base, "%s%s", mount, group);
    remove_stale(groups);
    snprintf(groups->outer, sizeof groups->outer, "%s/" PREFIX "%d",
             groups->base, (int)getpid());
    snprintf(groups->inner, sizeof groups->inner, "%s/inner", groups->outer);
    if (mkdir(groups->outer, 0755) != 0)
        return "no right to create a group in the cpu hierarchy";
    if (mkdir(groups->inner, 0755) != 0) {
        rmdir(groups->outer);
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

bool quota_groups_close(const quota_groups *groups)
{
    bool inner = remove_group(groups->inner),
         outer = remove_group(groups->outer);
    return inner && outer;
}

bool quota_groups_set(const quota_groups *groups, long outer, long inner)
{
    return write_file(groups->inner, "cpu.cfs_quota_us", -1) &&
           write_file(groups->outer, "cpu.cfs_quota_us", outer) &&
           write_file(groups->inner, "cpu.cfs_quota_us", inner);
}

bool quota_groups_enter(const quota_groups *groups)
{
    return write_file(groups->inner, "cgroup.procs", getpid());
}
