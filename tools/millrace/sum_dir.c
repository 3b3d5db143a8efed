/* See sum_dir.h. All names are there at once, for they are to be sorted, and
 * no descriptor stays open, however deep the tree. */
#define _GNU_SOURCE
#include "sum_dir.h"

#include "sum_read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <millrace.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Room for `more` after `used`. */
static bool grow(void **memory, size_t *room, size_t used, size_t more,
                 size_t size)
{
    if (used + more <= *room)
        return true;
    size_t wanted = (used + more) * 2;
    void *grown = realloc(*memory, wanted * size);
    if (!grown)
        return false;
    *memory = grown;
    *room = wanted;
    return true;
}

static mode_t type_of(const struct dirent *e)
{
    return e->d_type == DT_UNKNOWN ? 0 : DTTOIF(e->d_type);
}

/* One that is gone since, or a link to nothing, keeps size 0 and its type:
 * whoever opens it will learn why. */
static void look(sum_entry *entry, int fd, const char *name, bool follow)
{
    struct stat st;
    if (entry->type != 0 && entry->type != S_IFREG &&
        !(entry->type == S_IFLNK && follow))
        return;
    if (fstatat(fd, name, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
        entry->type = S_IFREG;
        return;
    }
    entry->type = st.st_mode & S_IFMT;
    entry->size = st.st_size;
}

static bool add(sum_dir *d, int fd, const struct dirent *e, bool follow)
{
    size_t len = strlen(e->d_name) + 1;
    if (!grow((void **)&d->names, &d->names_room, d->names_len, len, 1) ||
        !grow((void **)&d->entry, &d->room, d->count, 1, sizeof *d->entry))
        return false;
    sum_entry *entry = &d->entry[d->count++];
    *entry = (sum_entry){.at = d->names_len, .type = type_of(e)};
    memcpy(d->names + d->names_len, e->d_name, len);
    d->names_len += len;
    look(entry, fd, e->d_name, follow);
    return true;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int read_all(sum_dir *d, DIR *dir, bool follow)
{
    struct stat st;
    if (fstat(dirfd(dir), &st) != 0)
        return -errno;
    d->device = st.st_dev;
    d->inode = st.st_ino;
    for (;;) {
        errno = 0;
        const struct dirent *e = readdir(dir);
        if (!e)
            return -errno;
        if (!is_dots(e->d_name) && !add(d, dirfd(dir), e, follow))
            return MR_ENOMEM;
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const sum_entry *)a)->name, ((const sum_entry *)b)->name);
}

int sum_dir_open(sum_dir *d, const char *path, bool follow)
{
    *d = (sum_dir){.count = 0};
    int fd = sum_open_path(path, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return fd;
    DIR *dir = fdopendir(fd);
    int rc = dir ? read_all(d, dir, follow) : -errno;
    if (dir)
        closedir(dir);
    else
        close(fd);
    if (rc < 0) {
        sum_dir_close(d);
        return rc;
    }
    for (size_t i = 0; i < d->count; i++)
        d->entry[i].name = d->names + d->entry[i].at;
    if (d->count > 0)
        qsort(d->entry, d->count, sizeof *d->entry, by_name);
    return 0;
}

void sum_dir_close(sum_dir *d)
{
    free(d->entry);
    free(d->names);
    *d = (sum_dir){.count = 0};
}
