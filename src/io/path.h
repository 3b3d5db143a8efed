/* What files, names and walks have in common: calls that may block, on a thread
 * that may, and what must not.
 *
 * Who blocks. What cannot be answered from memory is a call on a thread of
 * mr_blocking's pool (sched/blocking.h), not on libuv's, to which the way leads
 * through the loop thread there and back. By bench/hop.c, 2 workers, a call
 * that does nothing: 8 us there and back, nearly all of it processor time,
 * against 27 us with one task at a time; 5 against 6 us with 16. An earlier
 * run on a busier machine had 15 us against 85 to 115. And libuv has four
 * threads for the whole process, names included, which a server of files that
 * has gone away can hold; it ends the process where it cannot create them; and
 * nothing comes back while somebody's function holds up the loop.
 *
 * Who is asked first. A hop costs ten times a call, or more, so a worker tries
 * what the kernel answers from memory or not at all: preadv2 and pwritev2 with
 * RWF_NOWAIT, openat2 with RESOLVE_CACHED, which costs what openat does. To
 * look at a path is an openat2 with O_PATH, then statx of that: what is in the
 * cache of names is in that of inodes. (On a file system of the network it may
 * ask the server all the same.) Names that change and directories that are read
 * are a disk's business: they hop.
 *
 * Where a file system knows no RWF_NOWAIT, it may lie in memory altogether
 * (tmpfs, what the kernel invents): then it is read where the task runs, and
 * else, NFS or FUSE for two, never.
 *
 * Must not know: who asks.
 */
#ifndef MRI_IO_PATH_H
#define MRI_IO_PATH_H

#include "io/begin.h"

#include <millrace/file.h>
#include <sys/stat.h>

/* Whether that is what a call says that must not block: it is to be made where
 * it may. */
MRI_INLINE bool mri_would_block(int64_t rc)
{
    return rc == MR_EAGAIN || rc == MR_ENOTSUP || rc == MR_ENOSYS;
}

/* May block: open a path of any length. The descriptor, or a negative code. */
MRI_CHECKED int mri_path_open(const char *path, int flags, mode_t mode);

/* Task: the same, asking the cache of names first. */
MRI_CHECKED int mri_path_open_now(const char *path, int flags, mode_t mode);

/* Task: what the path leads to, or the link itself. 0 or a negative code. */
MRI_CHECKED int mri_path_look(const char *path, bool follow, mr_file_info *out);

/* What is open. Does not block on files of this machine. */
MRI_CHECKED int mri_fd_look(int fd, mr_file_info *out);

/* The type in a file's mode, or in a directory entry's d_type. */
uint32_t mri_type_of_mode(uint32_t mode);
uint32_t mri_type_of_entry(uint8_t type);

#endif
