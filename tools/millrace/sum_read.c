/* See sum_read.h. */
#define _GNU_SOURCE
#include "sum_read.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <millrace.h>
#include <string.h>
#include <unistd.h>

/* errno is its thread's, and a task goes on in another after a wait: no
 * function in here both waits and looks at it. */

static int open_at(int dir, const char *path, int flags)
{
    int fd;
    do
        fd = openat(dir, path, flags | O_CLOEXEC | O_NOCTTY);
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

/* From directory to directory, as far as each call takes. */
static int open_long(const char *path, int flags)
{
    char part[PATH_MAX];
    int dir = AT_FDCWD;
    while (strlen(path) >= PATH_MAX) {
        size_t len = PATH_MAX - 1;
        while (len > 0 && path[len] != '/')
            len--;
        if (len == 0)
            break;
        memcpy(part, path, len);
        part[len] = '\0';
        int next = open_at(dir, part, O_PATH | O_DIRECTORY);
        if (dir >= 0)
            close(dir);
        if (next < 0)
            return next;
        dir = next;
        path += len + strspn(path + len, "/");
    }
    int fd = open_at(dir, path, flags);
    if (dir >= 0)
        close(dir);
    return fd;
}

int sum_open_path(const char *path, int flags)
{
    return strlen(path) < PATH_MAX ? open_at(AT_FDCWD, path, flags)
                                   : open_long(path, flags);
}

int sum_stat(const char *path, struct stat *out)
{
    if (strlen(path) < PATH_MAX)
        return stat(path, out) == 0 ? 0 : -errno;
    int fd = sum_open_path(path, O_PATH);
    if (fd < 0)
        return fd;
    int rc = fstat(fd, out) == 0 ? 0 : -errno;
    close(fd);
    return rc;
}

struct opening {
    const char *path;
    int flags;
};

static int64_t open_now(void *arg)
{
    struct opening *o = arg;
    return sum_open_path(o->path, o->flags);
}

static int look(sum_source *s, unsigned how)
{
    if (fstat(s->fd, &s->before) != 0)
        return -errno;
    if (S_ISREG(s->before.st_mode))
        return 0;
    if (S_ISDIR(s->before.st_mode))
        return MR_EISDIR;
    s->slow = true;
    return how & SUM_NAMED ? 0 : MR_ENOTSUP;
}

int sum_source_open(sum_source *s, const char *path, unsigned how)
{
    *s = (sum_source){.fd = STDIN_FILENO};
    s->standard_input = (how & SUM_NAMED) && strcmp(path, "-") == 0;
    if (!s->standard_input) {
        bool follow = how & (SUM_NAMED | SUM_FOLLOW);
        struct opening o = {path, O_RDONLY | (follow ? 0 : O_NOFOLLOW)};
        /* A FIFO may have taken the place of what was met as a file: to open
         * that must not wait for a writer. */
        o.flags |= how & SUM_SLOW ? 0 : O_NONBLOCK;
        s->fd =
            (int)(how & SUM_SLOW ? mr_blocking(open_now, &o) : open_now(&o));
    }
    if (s->fd < 0)
        return s->fd;
    int rc = look(s, how);
    if (rc < 0)
        sum_source_close(s);
    return rc;
}

struct reading {
    int fd;
    char *buffer;
    size_t size;
};

static int64_t read_now(void *arg)
{
    struct reading *r = arg;
    size_t done = 0;
    while (done < r->size) {
        ssize_t n = read(r->fd, r->buffer + done, r->size - done);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    return (int64_t)done;
}

int64_t sum_source_read(sum_source *s, void *buffer, size_t size)
{
    struct reading r = {s->fd, buffer, size};
    return s->slow ? mr_blocking(read_now, &r) : read_now(&r);
}

bool sum_source_changed(const sum_source *s)
{
    struct stat now;
    if (!S_ISREG(s->before.st_mode) || fstat(s->fd, &now) != 0)
        return false;
    return now.st_size != s->before.st_size ||
           now.st_mtim.tv_sec != s->before.st_mtim.tv_sec ||
           now.st_mtim.tv_nsec != s->before.st_mtim.tv_nsec;
}

void sum_source_close(sum_source *s)
{
    if (s->fd >= 0 && !s->standard_input)
        close(s->fd);
    s->fd = -1;
}
