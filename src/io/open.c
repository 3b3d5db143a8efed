/* Files that are opened; see path.h. */
#define _GNU_SOURCE
#include <millrace/file.h>

#include "io/call_file.h"
#include "io/path.h"
#include <millrace/task.h>

#include <limits.h>
#include <linux/magic.h>
#include <string.h>

/* ---- What it is --------------------------------------------------------- */

/* Memory, or what the kernel makes up as it is read. */
static bool has_memory_magic(int fd)
{
    static const uint32_t known[] = {
        TMPFS_MAGIC,      RAMFS_MAGIC,        PROC_SUPER_MAGIC,
        SYSFS_MAGIC,      DEBUGFS_MAGIC,      TRACEFS_MAGIC,
        SECURITYFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
        HUGETLBFS_MAGIC,
    };
    struct statfs fs;
    if (mri_call_statfs(fd, &fs) < 0)
        return false; /* it will be asked each time */
    for (size_t i = 0; i < MRI_ARRAY_LEN(known); i++)
        if ((uint32_t)fs.f_type == known[i])
            return true;
    return false;
}

/* What lies on no block device has 0 for its major number, all file systems in
 * memory among them. The number is at hand, and spares files on disks a system
 * call, the fourth of four: a tenth of what it cost `millrace sum` to read
 * small ones. It is no more than a hint: btrfs, overlayfs, NFS and FUSE have 0
 * as well, and are asked. */
static bool lies_in_memory(int fd, const mr_file_info *info)
{
    return info->device >> 32 == 0 && has_memory_magic(fd);
}

/* A handle for what was opened, whatever it is. */
static mr_handle enter(mri_strand *s, int fd)
{
    mr_file_info info;
    int rc = mri_fd_look(fd, &info);
    if (rc < 0) {
        mri_sys_close(fd);
        return rc;
    }
    switch (info.type) {
    case MR_TYPE_FILE:
        return mri_desc_open(s, fd, MRI_DESC_FILE | MRI_DESC_STREAM,
                             lies_in_memory(fd, &info) ? MRI_DESC_IN_MEMORY
                                                       : 0);
    case MR_TYPE_BLOCKS:
        return mri_desc_open(s, fd, MRI_DESC_FILE | MRI_DESC_STREAM, 0);
    case MR_TYPE_DIRECTORY:
        return mri_desc_open(s, fd, MRI_DESC_FILE, 0);
    default:
        return mr_fd_adopt(fd);
    }
}

/* ---- Open --------------------------------------------------------------- */

static int access_of(unsigned flags)
{
    bool reads = flags & MR_FILE_READ;
    bool writes = flags & (MR_FILE_WRITE | MR_FILE_APPEND);
    if (!reads && !writes)
        return MR_EINVAL;
    return reads && writes ? O_RDWR : writes ? O_WRONLY : O_RDONLY;
}

/* open(2)'s, or a negative code. Nothing that is opened makes it wait. */
static int flags_of(unsigned flags)
{
    const unsigned all = MR_FILE_NO_FOLLOW * 2 - 1;
    int how = flags > all ? MR_EINVAL : access_of(flags);
    if (how < 0)
        return how;
    how |= flags & MR_FILE_APPEND ? O_APPEND : 0;
    how |= flags & (MR_FILE_CREATE | MR_FILE_NEW) ? O_CREAT : 0;
    how |= flags & MR_FILE_NEW ? O_EXCL : 0;
    how |= flags & MR_FILE_TRUNCATE ? O_TRUNC : 0;
    how |= flags & MR_FILE_NO_FOLLOW ? O_NOFOLLOW : 0;
    return how | O_NONBLOCK | O_NOCTTY;
}

mr_handle mr_file_open(const char *path, unsigned flags, unsigned mode)
{
    mri_strand *s;
    int how = flags_of(flags), rc = mri_caller_begin(&s);
    if (rc < 0 || how < 0)
        return rc < 0 ? rc : how;
    mri_turn_take(s, MRI_TURN_SYSTEM);
    int fd = mri_path_open_now(path, how, (mode_t)mode);
    return fd < 0 ? fd : enter(s, fd);
}

/* ---- Temporary ---------------------------------------------------------- */

static int open_and_unlink(char *path)
{
    int fd = mri_call_mkostemp(path);
    int rc = fd < 0 ? fd : mri_call_unlink(path);
    if (fd >= 0 && rc < 0)
        mri_sys_close(fd);
    return rc < 0 ? rc : fd;
}

/* Where the file system, or the kernel, has no files without a name. */
static int open_named(const char *directory)
{
    static const char name[] = "/.millrace-XXXXXX";
    char path[PATH_MAX];
    size_t n = strnlen(directory, PATH_MAX);
    if (n + sizeof name > PATH_MAX)
        return MR_ENAMETOOLONG;
    memcpy(path, directory, n);
    memcpy(path + n, name, sizeof name);
    return open_and_unlink(path);
}

static int64_t opens_temporary(void *arg)
{
    const char *directory = arg;
    int fd = mri_path_open(directory, O_TMPFILE | O_RDWR, 0600);
    return fd == MR_ENOTSUP || fd == MR_EISDIR ? open_named(directory) : fd;
}

static int64_t opens_temporary_named(void *arg)
{
    return mri_call_mkostemp(arg);
}

static mr_handle temporary(mr_fn opens, const char *path)
{
    mri_strand *s;
    int64_t fd = mri_caller_begin(&s);
    if (fd == 0)
        fd = mr_blocking(opens, (char *)(uintptr_t)path);
    return fd < 0 ? fd : enter(s, (int)fd);
}

mr_handle mr_file_temporary(const char *directory)
{
    return temporary(opens_temporary, directory);
}

mr_handle mr_file_temporary_named(char *path)
{
    return temporary(opens_temporary_named, path);
}
