/* Paths that are opened or looked at; see path.h. */
#define _GNU_SOURCE
#include "io/path.h"

#include "io/call_file.h"
#include <millrace/task.h>

#include <limits.h>
#include <string.h>

/* ---- Open --------------------------------------------------------------- */

/* How much of a path that is too long can be opened by itself: up to a '/'. 0:
 * a name in it is too long. */
static size_t first_part(const char *path)
{
    size_t n = PATH_MAX - 1;
    while (n > 0 && path[n] != '/')
        n--;
    return n;
}

/* The directory that the first part leads to; *path is the rest. */
static int open_first_part(int at, const char **path)
{
    char part[PATH_MAX];
    size_t n = first_part(*path);
    if (n == 0)
        return MR_ENAMETOOLONG;
    memcpy(part, *path, n);
    part[n] = '\0';
    *path += n + strspn(*path + n, "/");
    return mri_call_openat(at, part, O_PATH | O_DIRECTORY, 0);
}

int mri_path_open(const char *path, int flags, mode_t mode)
{
    int at = AT_FDCWD, fd = 0;
    while (fd >= 0 && strnlen(path, PATH_MAX) == PATH_MAX) {
        fd = open_first_part(at, &path);
        if (at != AT_FDCWD)
            mri_sys_close(at);
        at = fd;
    }
    if (fd < 0)
        return fd;
    fd = mri_call_openat(at, *path || at == AT_FDCWD ? path : ".", flags, mode);
    if (at != AT_FDCWD)
        mri_sys_close(at);
    return fd;
}

struct opening {
    const char *path;
    int flags;
    mode_t mode;
};

static int64_t opens(void *arg)
{
    const struct opening *o = arg;
    return mri_path_open(o->path, o->flags, o->mode);
}

int mri_path_open_now(const char *path, int flags, mode_t mode)
{
    /* The kernel would say MR_EAGAIN to these. */
    const int changes = O_CREAT | O_TRUNC | O_TMPFILE;
    bool known = !(flags & (changes & ~O_DIRECTORY));
    int fd = known ? mri_call_open_now(path, flags) : MR_EAGAIN;
    /* The last four are said by a kernel, or a filter, that does not know it,
     * or of a path that is too long for it: ask what it does know. */
    if (mri_would_block(fd) || fd == MR_EINVAL || fd == MR_EPERM ||
        fd == MR_E2BIG || fd == MR_ENAMETOOLONG)
        return (int)mr_blocking(opens, &(struct opening){path, flags, mode});
    return fd;
}

/* ---- Look --------------------------------------------------------------- */

uint32_t mri_type_of_mode(uint32_t mode)
{
    return mri_type_of_entry((uint8_t)IFTODT(mode));
}

uint32_t mri_type_of_entry(uint8_t type)
{
    static const uint8_t of[] = {
        [DT_REG] = MR_TYPE_FILE,    [DT_DIR] = MR_TYPE_DIRECTORY,
        [DT_LNK] = MR_TYPE_LINK,    [DT_FIFO] = MR_TYPE_FIFO,
        [DT_SOCK] = MR_TYPE_SOCKET, [DT_CHR] = MR_TYPE_CHARACTERS,
        [DT_BLK] = MR_TYPE_BLOCKS,
    };
    return type < MRI_ARRAY_LEN(of) ? of[type] : MR_TYPE_UNKNOWN;
}

static int64_t ns_of(const struct statx *x, unsigned which,
                     const struct statx_timestamp *t)
{
    if (!(x->stx_mask & which))
        return 0;
    return t->tv_sec * INT64_C(1000000000) + t->tv_nsec;
}

static void fill(mr_file_info *out, const struct statx *x)
{
    *out = (mr_file_info){
        .type = mri_type_of_mode(x->stx_mode),
        .mode = x->stx_mode & 07777U,
        .size = (int64_t)x->stx_size,
        .allocated = (int64_t)x->stx_blocks * 512,
        .device = (uint64_t)x->stx_dev_major << 32 | x->stx_dev_minor,
        .id = x->stx_ino,
        .links = x->stx_nlink,
        .user = x->stx_uid,
        .group = x->stx_gid,
        .modified = ns_of(x, STATX_MTIME, &x->stx_mtime),
        .changed = ns_of(x, STATX_CTIME, &x->stx_ctime),
        .accessed = ns_of(x, STATX_ATIME, &x->stx_atime),
        .created = ns_of(x, STATX_BTIME, &x->stx_btime),
    };
}

int mri_fd_look(int fd, mr_file_info *out)
{
    struct statx x;
    int rc = mri_call_statx(fd, "", 0, &x);
    if (rc == 0)
        fill(out, &x);
    return rc;
}

int mri_path_look(const char *path, bool follow, mr_file_info *out)
{
    int fd = mri_path_open_now(path, O_PATH | (follow ? 0 : O_NOFOLLOW), 0);
    if (fd < 0)
        return fd;
    int rc = mri_fd_look(fd, out);
    mri_sys_close(fd);
    return rc;
}

static int look(const char *path, bool follow, mr_file_info *out)
{
    mri_strand *s;
    int rc = mri_caller_begin(&s);
    if (rc < 0)
        return rc;
    mri_turn_take(s, MRI_TURN_SYSTEM);
    return mri_path_look(path, follow, out);
}

int mr_stat(const char *path, mr_file_info *out)
{
    return look(path, true, out);
}

int mr_lstat(const char *path, mr_file_info *out)
{
    return look(path, false, out);
}
