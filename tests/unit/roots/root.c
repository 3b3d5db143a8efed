/* Building and removing fake roots. */
#define _GNU_SOURCE
#include "root.h"

#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void stop(const char *what)
{
    perror(what);
    abort();
}

void fake_root_open(fake_root *root)
{
    const char *tmp = getenv("TMPDIR");
    if (!tmp || !*tmp) /* thousands of small files: memory, if there is some */
        tmp = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(root->dir, sizeof root->dir, "%s/millrace-root-XXXXXX", tmp);
    if (!mkdtemp(root->dir))
        stop(root->dir);
}

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

void fake_root_close(fake_root *root)
{
    if (nftw(root->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0)
        stop(root->dir);
}

static void make_parents(char *path)
{
    for (char *s = strchr(path + 1, '/'); s; s = strchr(s + 1, '/')) {
        *s = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            stop(path);
        *s = '/';
    }
}

void fake_root_put(const fake_root *root, const char *text, const char *path,
                   ...)
{
    char full[4096];
    int head = snprintf(full, sizeof full, "%s", root->dir);
    va_list args;
    va_start(args, path);
    vsnprintf(full + head, sizeof full - (size_t)head, path, args);
    va_end(args);
    make_parents(full);
    FILE *file = fopen(full, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        stop(full);
}

void fake_root_put_all(const fake_root *root, const fake_file *files)
{
    for (; files->path; files++)
        fake_root_put(root, files->text, "%s", files->path);
}

void fake_root_remove(const fake_root *root, const char *path)
{
    char full[4096];
    snprintf(full, sizeof full, "%s%s", root->dir, path);
    if (remove(full) != 0)
        stop(full);
}

static int core_number(const fake_machine *m, int id)
{
    return id % (m->packages * m->cores);
}

int fake_machine_core(const fake_machine *m, int id)
{
    return core_number(m, id);
}

/* The lowest CPU of the group of `cores` cores that `id` is in. */
int fake_machine_first_with(const fake_machine *m, int id, int cores)
{
    return cores ? core_number(m, id) / cores * cores : -1;
}

int fake_machine_package(const fake_machine *m, int id)
{
    return core_number(m, id) / m->cores;
}

/* "0-3,16-19\n": all threads of cores first .. first + cores - 1. */
static void list_of(const fake_machine *m, int first, int cores, char *out,
                    size_t size)
{
    size_t len = 0;
    for (int t = 0; t < m->threads; t++) {
        int low = first + t * m->packages * m->cores;
        len +=
            (size_t)snprintf(out + len, size - len, "%s%d", t ? "," : "", low);
        if (cores > 1)
            len +=
                (size_t)snprintf(out + len, size - len, "-%d", low + cores - 1);
    }
    snprintf(out + len, size - len, "\n");
}

static void put_cache(const fake_root *root, int id, int index,
                      const char *level, const char *type, const char *list)
{
    const char *dir = "/sys/devices/system/cpu";
    fake_root_put(root, level, "%s/cpu%d/cache/index%d/level", dir, id, index);
    fake_root_put(root, type, "%s/cpu%d/cache/index%d/type", dir, id, index);
    fake_root_put(root, list, "%s/cpu%d/cache/index%d/shared_cpu_list", dir, id,
                  index);
}

static void put_cpu(const fake_root *root, const fake_machine *m, int id)
{
    char list[256], package[16];
    const char *dir = "/sys/devices/system/cpu";
    list_of(m, fake_machine_core(m, id), 1, list, sizeof list);
    fake_root_put(root, list, "%s/cpu%d/topology/core_cpus_list", dir, id);
    fake_root_put(root, list, "%s/cpu%d/topology/thread_siblings_list", dir,
                  id);
    put_cache(root, id, 0, "1\n", "Data\n", list);
    put_cache(root, id, 1, "1\n", "Instruction\n", list);
    snprintf(package, sizeof package, "%d\n", fake_machine_package(m, id));
    fake_root_put(root, package, "%s/cpu%d/topology/physical_package_id", dir,
                  id);
    if (m->l2_cores) {
        list_of(m, fake_machine_first_with(m, id, m->l2_cores), m->l2_cores,
                list, sizeof list);
        put_cache(root, id, 2, "2\n", "Unified\n", list);
    }
    if (m->l3_cores) {
        list_of(m, fake_machine_first_with(m, id, m->l3_cores), m->l3_cores,
                list, sizeof list);
        put_cache(root, id, m->l2_cores ? 3 : 2, "3\n", "Unified\n", list);
    }
}

static void put_nodes(const fake_root *root, const fake_machine *m)
{
    char list[256];
    int nodes = m->packages * m->nodes, cores = m->cores / m->nodes;
    snprintf(list, sizeof list, nodes > 1 ? "0-%d\n" : "%d\n", nodes - 1);
    fake_root_put(root, list, "/sys/devices/system/node/online");
    for (int node = 0; node < nodes; node++) {
        list_of(m, node * cores, cores, list, sizeof list);
        fake_root_put(root, list, "/sys/devices/system/node/node%d/cpulist",
                      node);
    }
}

void fake_root_topology(const fake_root *root, const fake_machine *m)
{
    char list[32];
    int cpus = m->packages * m->cores * m->threads;
    snprintf(list, sizeof list, "0-%d\n", cpus - 1);
    fake_root_put(root, list, "/sys/devices/system/cpu/online");
    for (int id = 0; id < cpus; id++)
        put_cpu(root, m, id);
    if (m->nodes)
        put_nodes(root, m);
}
