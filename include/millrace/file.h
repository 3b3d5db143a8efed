/* Files, paths and directories.
 *
 *     unsigned flags = MR_FILE_WRITE | MR_FILE_CREATE;
 *     mr_handle file = mr_file_open("log", flags, 0644);
 *     if (file < 0)
 *         return file;
 *     int64_t rc = mr_file_write(file, text, size, 0);
 *     mr_close(file);
 *
 * What the system has in memory is read, looked up and looked at where the task
 * runs, without waiting; everything else parks the task, while a thread that
 * may block (those of mr_blocking, see millrace/task.h) makes the call. Where
 * it needs one and none can be had, a call returns MR_EAGAIN or MR_ENOMEM, and
 * nothing was done.
 *
 * All of these are points of cancellation when they begin: in a scope that was
 * cut short they return MR_ECANCELED, and nothing was done (a mr_scope_shield
 * is for cleaning up). What has begun is not cancelled: no system can take back
 * a call to a disk, and the memory is borrowed until it is over.
 *
 * Paths may be of any length where a file is opened or looked at, or a
 * directory walked; elsewhere what the system's calls take, PATH_MAX - 1 bytes.
 * They start, unless with a '/', at the process's working directory. Offsets
 * and sizes are bytes, and may exceed 4 GiB.
 *
 * Besides the codes that are named, all those that the system gives for the
 * same thing. Outside of tasks, and in a child of fork(): MR_EPERM. */
#ifndef MILLRACE_FILE_H
#define MILLRACE_FILE_H

#include <millrace/export.h>
#include <millrace/io.h>

#include <stddef.h>
#include <stdint.h>

MR_BEGIN_DECLS

/* ---- Open files --------------------------------------------------------- */

enum {
    MR_FILE_READ = 1,
    MR_FILE_WRITE = 2,
    MR_FILE_APPEND = 4,     /* each write goes to the end, whatever its offset;
                               says MR_FILE_WRITE too */
    MR_FILE_CREATE = 8,     /* if there is none */
    MR_FILE_NEW = 16,       /* there must be none: MR_EEXIST; creates it */
    MR_FILE_TRUNCATE = 32,  /* to nothing */
    MR_FILE_NO_FOLLOW = 64, /* the last part of the path is no link: MR_ELOOP */
};

/* A handle for the file, to be closed by mr_close; `mode` (0644, say; less the
 * umask) is for one that is created. Or a negative code; MR_EINVAL for none of
 * READ, WRITE, APPEND, or others than these flags.
 *
 * What is no file is opened as well, and never hangs: a FIFO that nobody has
 * open at the other end is a stream that reads as ended, or MR_ENXIO for
 * writing; a terminal or another device that can be waited for is a stream. All
 * these are for mr_read and mr_write (a file too: at its position, that begins
 * at 0); a directory can be synced and looked at. */
MR_API mr_handle mr_file_open(const char *path, unsigned flags, unsigned mode);

/* Up to `size` bytes from `offset` on. How many: fewer only where the file
 * ends; 0 at its end. Or a negative code, and what is in buf then is undefined:
 * MR_EINVAL for a negative offset, or what is no file but a stream; MR_EISDIR;
 * MR_EIO. Any number of tasks, at the same time. */
MR_API int64_t mr_file_read(mr_handle file, void *buf, size_t size,
                            int64_t offset);

/* All of it, from `offset` on: `size`. Or a negative code, and any part may
 * have been written: MR_ENOSPC, MR_EIO, MR_EFBIG, or as above. */
MR_API int64_t mr_file_write(mr_handle file, const void *buf, size_t size,
                             int64_t offset);

/* Wait until the device has all that was written; _data: but for what is not
 * needed to read it back. 0 or a negative code: then some of it may be lost,
 * and a later sync does not tell again. For a file's name, sync its directory.
 */
MR_API int mr_file_sync(mr_handle file);
MR_API int mr_file_sync_data(mr_handle file);

/* Have the file end at `size` bytes: what is beyond is gone, what was not there
 * reads as zeroes. 0; MR_EINVAL for less than 0, or what is no file; MR_EFBIG;
 * or another negative code. */
MR_API int mr_file_truncate(mr_handle file, int64_t size);

/* A file without a name in this directory, to read and write, which is gone
 * when it is closed. A handle, to be closed, or a negative code. */
MR_API mr_handle mr_file_temporary(const char *directory);

/* The same with a name of its own, for the caller to remove: the last six bytes
 * of *path are XXXXXX, and are replaced. MR_EINVAL where they are not. Another
 * user cannot open it. A handle, to be closed, or a negative code. */
MR_API mr_handle mr_file_temporary_named(char *path);

/* ---- What is there ------------------------------------------------------ */

enum mr_file_type {
    MR_TYPE_UNKNOWN,
    MR_TYPE_FILE,
    MR_TYPE_DIRECTORY,
    MR_TYPE_LINK,
    MR_TYPE_FIFO,
    MR_TYPE_SOCKET,
    MR_TYPE_CHARACTERS, /* devices */
    MR_TYPE_BLOCKS,
};

/* Times are nanoseconds since 1970 began, 0 where the system has none. */
typedef struct mr_file_info {
    uint32_t type;       /* mr_file_type */
    uint32_t mode;       /* permissions: 07777 */
    int64_t size;        /* bytes; of a link, those of its text */
    int64_t allocated;   /* bytes on the device; less than the size where there
                            are holes */
    uint64_t device, id; /* of two names for the same file both are the same */
    uint64_t links;      /* how many names it has */
    uint32_t user, group;
    int64_t modified, changed, accessed, created;
    uint64_t reserved[4]; /* 0 */
} mr_file_info;

/* What the path leads to; or, of a link, the link itself; or what is open. 0 or
 * a negative code. */
MR_API int mr_stat(const char *path, mr_file_info *out);
MR_API int mr_lstat(const char *path, mr_file_info *out);
MR_API int mr_file_stat(mr_handle handle, mr_file_info *out);

/* ---- Names -------------------------------------------------------------- */

/* As rename(2), unlink(2), mkdir(2), rmdir(2), symlink(2): 0 or a negative
 * code. */
MR_API int mr_rename(const char *from, const char *to);
MR_API int mr_unlink(const char *path);
MR_API int mr_mkdir(const char *path, unsigned mode);
MR_API int mr_rmdir(const char *path);
MR_API int mr_symlink(const char *target, const char *path);

/* A directory that was not there, as mr_file_temporary_named. 0 or a negative
 * code. */
MR_API int mr_mkdir_temporary(char *path);

/* The text of a link, or the path that leads there without any link, and
 * without . and .., with a byte 0 behind it. Its length; or MR_ERANGE: it needs
 * more than `size` bytes, the 0 counted. */
MR_API int64_t mr_readlink(const char *path, char *out, size_t size);
MR_API int64_t mr_realpath(const char *path, char *out, size_t size);

/* ---- Directories -------------------------------------------------------- */

/* A walk: what is below a path, itself first, a directory before what is in it,
 * one after the other as somebody asks for it. The caller's storage. One task
 * at a time. */
typedef struct mr_walk {
    uint64_t opaque[16];
} mr_walk;

enum {
    /* Links are followed; a directory that a link has led to from within itself
     * is MR_ELOOP, and is not walked again. Else a link is a link. What the
     * walk begins with is followed in any case. */
    MR_WALK_FOLLOW = 1,
};

typedef struct mr_walk_entry {
    const char *path; /* up to the next call: what the walk began with, a '/',
                         and the names down to this one, any bytes but 0 */
    const char *name; /* the last of these; for the first entry, the path */
    size_t length;    /* of the path */
    uint32_t depth;   /* 0: what the walk began with */
    uint32_t type; /* mr_file_type; UNKNOWN where it could not be found out */
    int error;     /* 0; or why it could not be read (a directory: said when
                      it was tried, so it has been an entry before) or looked
                      at. MR_ENOENT: it vanished meanwhile. The walk goes on */
} mr_walk_entry;

/* Begin; the path is copied. 0, to be closed; MR_ENOMEM, MR_EINVAL for other
 * flags or no path, MR_EPERM: then there is nothing to close. Nothing is opened
 * yet. */
MR_API int mr_walk_open(mr_walk *walk, const char *path, unsigned flags);

/* The next: 1, and *out is it. 0: that was all. MR_ENOMEM, MR_EAGAIN,
 * MR_ECANCELED: nothing has changed, it may be called again.
 *
 * The order within a directory is the system's. What is created or removed
 * while it is walked may be met or not; nothing is met twice. Memory: about as
 * much as the names of one directory per level, 32 KiB of it at most, and one
 * descriptor for each level whose names are more. */
MR_API int mr_walk_next(mr_walk *walk, mr_walk_entry *out);

/* What is below the directory that was met last is left out. Does not wait. */
MR_API void mr_walk_skip(mr_walk *walk);

/* End it, wherever it is. Does not wait, and works in a scope that was cut
 * short. */
MR_API void mr_walk_close(mr_walk *walk);

MR_END_DECLS

#endif
