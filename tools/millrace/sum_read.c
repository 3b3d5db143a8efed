/* See sum_read.h. */
#define _GNU_SOURCE
#include "sum_read.h"

#include <errno.h>
#include <fcntl.h>
#include <millrace.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* errno is its thread's, and a task goes on in another after a wait: no
 * function in here both waits and looks at it. */

/* ---- What may block: on any thread ----------------------------------------
 */

static int64_t open_now(void *path)
{
    int fd;
    do
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
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

/* Only that it is a directory is of interest. */
static int look_at_descriptor(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return -errno;
    return S_ISDIR(st.st_mode) ? MR_EISDIR : 0;
}

/* ---- A source -------------------------------------------------------------
 */

static int settle(sum_source *s, int rc)
{
    if (rc < 0)
        sum_source_close(s);
    return rc;
}

static int open_descriptor(sum_source *s, const char *path)
{
    s->slow = true;
    if (!s->standard_input)
        s->fd = (int)mr_blocking(open_now, (char *)(uintptr_t)path);
    return s->fd < 0 ? s->fd : settle(s, look_at_descriptor(s->fd));
}

static int look_at_file(sum_source *s)
{
    int rc = mr_file_stat(s->file, &s->before);
    if (rc < 0 || s->before.type == MR_TYPE_FILE)
        return rc;
    return s->before.type == MR_TYPE_DIRECTORY ? MR_EISDIR : MR_ENOTSUP;
}

int sum_source_open(sum_source *s, const char *path, unsigned how)
{
    *s = (sum_source){.file = MR_EBADF, .fd = STDIN_FILENO};
    s->standard_input = (how & SUM_NAMED) && strcmp(path, "-") == 0;
    if (s->standard_input || how & SUM_SLOW)
        return open_descriptor(s, path);
    bool follow = how & (SUM_NAMED | SUM_FOLLOW);
    s->fd = -1;
    s->file =
        mr_file_open(path, MR_FILE_READ | (follow ? 0U : MR_FILE_NO_FOLLOW), 0);
    if (s->file < 0)
        return (int)s->file;
    return settle(s, look_at_file(s));
}

int64_t sum_source_read(sum_source *s, void *buffer, size_t size)
{
    struct reading r = {s->fd, buffer, size};
    if (s->file < 0)
        return mr_blocking(read_now, &r);
    int64_t n = mr_file_read(s->file, buffer, size, s->offset);
    s->offset += n > 0 ? n : 0;
    return n;
}

bool sum_source_changed(const sum_source *s)
{
    mr_file_info now;
    return s->file >= 0 && mr_file_stat(s->file, &now) == 0 &&
           (now.size != s->before.size || now.modified != s->before.modified);
}

void sum_source_close(sum_source *s)
{
    if (s->file >= 0)
        mr_close(s->file);
    else if (s->fd >= 0 && !s->standard_input)
        close(s->fd);
    s->file = MR_EBADF;
    s->fd = -1;
}
