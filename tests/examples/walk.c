/* Directories: a tree is made, walked with a look at the size of each file, and
 * removed. */
#include <millrace.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINGS = 3, FILES = 4, PATH = 128 };

static int64_t makes_file(const char *path, int64_t size)
{
    mr_handle file = mr_file_open(path, MR_FILE_WRITE | MR_FILE_NEW, 0600);
    if (file < 0)
        return file;
    int64_t rc = mr_file_truncate(file, size);
    mr_close(file);
    return rc;
}

/* Each wing: a directory of its own. */
static int64_t makes_wing(const char *path, int wing)
{
    char name[PATH + 16];
    int64_t rc = mr_mkdir(path, 0700);
    for (int i = 0; rc == 0 && i < FILES; i++) {
        snprintf(name, sizeof name, "%s/%d", path, i);
        rc = makes_file(name, 1000 * wing + i);
    }
    return rc;
}

static int64_t makes_tree(const char *top)
{
    char name[PATH];
    int64_t rc = 0;
    for (int i = 0; rc == 0 && i < WINGS; i++) {
        snprintf(name, sizeof name, "%s/wing-%d", top, i);
        rc = makes_wing(name, i);
    }
    return rc;
}

/* Bytes of all files but those in the directory `without`. One that vanishes
 * between the walk and the look is no failure. */
static int64_t sizes(const char *top, const char *without)
{
    mr_walk walk;
    mr_walk_entry e;
    mr_file_info info;
    int64_t sum = 0, rc = mr_walk_open(&walk, top, 0);
    if (rc < 0)
        return rc;
    while ((rc = mr_walk_next(&walk, &e)) == 1) {
        if (e.error < 0)
            fprintf(stderr, "%s: %s\n", e.path, mr_strerror(e.error));
        else if (e.type == MR_TYPE_DIRECTORY && strcmp(e.name, without) == 0)
            mr_walk_skip(&walk);
        else if (e.type == MR_TYPE_FILE && mr_lstat(e.path, &info) == 0)
            sum += info.size;
    }
    mr_walk_close(&walk);
    return rc < 0 ? rc : sum;
}

/* A directory comes before what is in it, so it goes in a later walk. */
static int64_t removes(const char *top)
{
    mr_walk walk;
    mr_walk_entry e;
    int64_t rc = 0;
    for (int left = 1; left > 0 && rc == 0;) {
        rc = mr_walk_open(&walk, top, 0);
        if (rc < 0)
            return rc;
        left = 0;
        while ((rc = mr_walk_next(&walk, &e)) == 1) {
            if (e.error == MR_ENOENT)
                continue;
            int gone = e.type == MR_TYPE_DIRECTORY ? mr_rmdir(e.path)
                                                   : mr_unlink(e.path);
            left += gone == MR_ENOTEMPTY;
        }
        mr_walk_close(&walk);
    }
    return rc;
}

static int64_t root(void *arg)
{
    char *top = arg;
    mr_file_info info;
    int64_t rc = mr_mkdir_temporary(top);
    if (rc < 0)
        return rc;
    rc = makes_tree(top);
    int64_t all = rc < 0 ? rc : sizes(top, "");
    int64_t some = rc < 0 ? rc : sizes(top, "wing-2");
    int64_t removed = removes(top);
    if (all < 0 || some < 0 || removed < 0)
        return all < 0 ? all : some < 0 ? some : removed;
    printf("%" PRId64 " bytes, %" PRId64 " without a wing\n", all, some);
    return mr_stat(top, &info) == MR_ENOENT ? 0 : MR_ENOTEMPTY;
}

int main(void)
{
    char top[] = "/tmp/walk-XXXXXX";
    int64_t rc = mr_main(NULL, root, top);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", mr_error_name(rc), mr_strerror(rc));
    return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
