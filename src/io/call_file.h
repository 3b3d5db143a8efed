/* The system calls of files and paths, each returning its result or a negative
 * code; the seam of tests, as os/sys.h. All may block but those that say so in
 * their name (_now); interrupted, they are called again.
 */
#ifndef MRI_IO_CALL_FILE_H
#define MRI_IO_CALL_FILE_H

#include "os/sys.h"

#include <dirent.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>

/* ---- Opening ------------------------------------------------------------ */

MRI_INLINE int mri_call_openat(int at, const char *path, int flags, mode_t mode)
{
    MRI_SYS_RETRIED(int, "openat", openat(at, path, flags | O_CLOEXEC, mode));
}

/* Where the kernel has all that leads there in memory, else MR_EAGAIN; before
 * Linux 5.12 MR_EINVAL or MR_ENOSYS, and in some containers MR_EPERM. */
MRI_INLINE int mri_call_open_now(const char *path, int flags)
{
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC),
                           .resolve = RESOLVE_CACHED};
    MRI_SYS_RETRIED(
        int, "openat2",
        syscall(SYS_openat2, (long)AT_FDCWD, path, &how, sizeof how));
}

/* Of the descriptor, where path is "". */
MRI_INLINE int mri_call_statx(int at, const char *path, int flags,
                              struct statx *out)
{
    flags |= AT_NO_AUTOMOUNT | (*path ? 0 : AT_EMPTY_PATH);
    MRI_SYS_RETRIED(
        int, "statx",
        statx(at, path, flags, STATX_BASIC_STATS | STATX_BTIME, out));
}

MRI_INLINE int mri_call_statfs(int fd, struct statfs *out)
{
    MRI_SYS_RETRIED(int, "fstatfs", fstatfs(fd, out));
}

/* A new file, or directory, named by the template. */
MRI_INLINE int mri_call_mkostemp(char *path)
{
    MRI_SYS_RETRIED(int, "mkostemp", mkostemp(path, O_CLOEXEC));
}

MRI_INLINE int mri_call_mkdtemp(char *path)
{
    MRI_SYS_RETRIED(int, "mkdtemp", mkdtemp(path) ? 0 : -1);
}

/* ---- Bytes -------------------------------------------------------------- */

MRI_INLINE long mri_call_pread(int fd, void *buf, size_t size, int64_t offset)
{
    MRI_SYS_RETRIED(long, "pread", pread(fd, buf, size, offset));
}

MRI_INLINE long mri_call_pwrite(int fd, const void *buf, size_t size,
                                int64_t offset)
{
    MRI_SYS_RETRIED(long, "pwrite", pwrite(fd, buf, size, offset));
}

/* MR_EAGAIN: not without waiting; MR_ENOTSUP: who knows. Without the C library,
 * whose wrapper makes each a point where a thread may be cancelled, for as much
 * as a twentieth of a small read. Offsets are one word on 64 bits. */
MRI_INLINE long mri_call_pread_now(int fd, void *buf, size_t size,
                                   int64_t offset)
{
    struct iovec part = {buf, size};
    MRI_SYS_RETRIED(long, "preadv2",
                    syscall(SYS_preadv2, (long)fd, &part, 1L, (long)offset, 0L,
                            (long)RWF_NOWAIT));
}

MRI_INLINE long mri_call_pwrite_now(int fd, const void *buf, size_t size,
                                    int64_t offset)
{
    struct iovec part = {(void *)(uintptr_t)buf, size};
    MRI_SYS_RETRIED(long, "pwritev2",
                    syscall(SYS_pwritev2, (long)fd, &part, 1L, (long)offset, 0L,
                            (long)RWF_NOWAIT));
}

MRI_INLINE int mri_call_fsync(int fd)
{
    MRI_SYS_RETRIED(int, "fsync", fsync(fd));
}

MRI_INLINE int mri_call_fdatasync(int fd)
{
    MRI_SYS_RETRIED(int, "fdatasync", fdatasync(fd));
}

MRI_INLINE int mri_call_ftruncate(int fd, int64_t size)
{
    MRI_SYS_RETRIED(int, "ftruncate", ftruncate(fd, size));
}

/* ---- Names -------------------------------------------------------------- */

MRI_INLINE int mri_call_rename(const char *from, const char *to)
{
    MRI_SYS_RETRIED(int, "rename", rename(from, to));
}

MRI_INLINE int mri_call_unlink(const char *path)
{
    MRI_SYS_RETRIED(int, "unlink", unlink(path));
}

MRI_INLINE int mri_call_mkdir(const char *path, mode_t mode)
{
    MRI_SYS_RETRIED(int, "mkdir", mkdir(path, mode));
}

MRI_INLINE int mri_call_rmdir(const char *path)
{
    MRI_SYS_RETRIED(int, "rmdir", rmdir(path));
}

MRI_INLINE int mri_call_symlink(const char *to, const char *path)
{
    MRI_SYS_RETRIED(int, "symlink", symlink(to, path));
}

MRI_INLINE long mri_call_readlink(const char *path, char *out, size_t size)
{
    MRI_SYS_RETRIED(long, "readlink", readlink(path, out, size));
}

/* out: PATH_MAX bytes. */
MRI_INLINE int mri_call_realpath(const char *path, char *out)
{
    MRI_SYS_RETRIED(int, "realpath", realpath(path, out) ? 0 : -1);
}

/* What is next in a directory: bytes of struct dirent64; 0: no more. */
MRI_INLINE long mri_call_getdents(int fd, void *out, size_t size)
{
    MRI_SYS_RETRIED(long, "getdents64", getdents64(fd, out, size));
}

#endif
