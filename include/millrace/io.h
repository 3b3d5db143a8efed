/* Streams: what is read and written in order, a task parking where its thread
 * would block.
 *
 *     char buf[4096];
 *     for (int64_t n; (n = mr_read(stream, buf, sizeof buf)) > 0;)
 *         if (mr_write(stream, buf, (size_t)n) < 0)
 *             break;
 *     mr_close(stream);
 *
 * Everything that is opened is a handle: a number >= 0, or the negative code of
 * why there is none. It belongs to the runtime whose task has opened it, and
 * any task of that may use it, at the same time as others: one may read while
 * another writes; of two that would wait for the same thing, the second gets
 * MR_EBUSY. A handle that was closed gives MR_EBADF, and so does one of another
 * runtime, or a number that never was one; what cannot be done with this kind
 * of thing gives MR_EINVAL. What opens something may also fail with MR_ENOSPC:
 * the system watches no more descriptors for this user. Outside of tasks, and
 * in a child of fork(), all of these calls return MR_EPERM. Of what a program
 * leaves open, mr_stop closes the rest.
 *
 * Memory is borrowed until the call returns, and nobody touches it afterwards.
 * Sizes are bytes.
 *
 * All that read, write or wait are points of cancellation (millrace/scope.h):
 * in a scope that was cut short, by its deadline for instance, they return
 * MR_ECANCELED, a wait as soon as that happens, and calls that come later
 * without having done anything. What was done before is told, never lost: a
 * read that ends so has taken nothing out of the stream but what *done says,
 * and mr_write_all says how much has gone out.
 *
 * Nobody starves. A task whose calls never have to wait lets others run before
 * every 128th. */
#ifndef MILLRACE_IO_H
#define MILLRACE_IO_H

#include <millrace/export.h>

#include <stddef.h>
#include <stdint.h>

MR_BEGIN_DECLS

typedef int64_t mr_handle;

/* Part of what is read or written at once. */
typedef struct mr_buffer {
    void *base; /* is not written to by what writes a stream */
    size_t size;
} mr_buffer;

/* ---- Reading ------------------------------------------------------------ */

/* What has arrived, at most `size`; waits until there is something. How much;
 * 0 at the end of the stream, or where size is 0; or a negative code, such as
 * MR_ECONNRESET, and nothing was read. MR_EBADF also where another task closes
 * it meanwhile, MR_EBUSY where another waits for it to become readable. */
MR_API int64_t mr_read(mr_handle stream, void *buf, size_t size);

/* The same into `n` parts, one after the other, of at most 1024 of them. */
MR_API int64_t mr_readv(mr_handle stream, const mr_buffer *part, size_t n);

/* All of `size`: that; or 0, the stream ended before the first byte, or MR_EOF,
 * within; or a negative code as above. *done, which may be NULL, is set to how
 * much has been read in each case. */
MR_API int64_t mr_read_all(mr_handle stream, void *buf, size_t size,
                           size_t *done);

/* Wait until a read, or mr_accept or mr_udp_receive, need not wait any more,
 * because something is there, the end, or an error: 0, or a negative code as
 * above. For those who take a buffer only when they need it. Now and then it is
 * 0 and there is nothing, where others read the stream or data was discarded;
 * the read waits then. */
MR_API int mr_wait_readable(mr_handle handle);

/* ---- Writing ------------------------------------------------------------ */

/* All of it: `size`. Or a negative code, such as MR_EPIPE or MR_ECONNRESET
 * (never a signal), MR_EBADF where another task closes it meanwhile, MR_EBUSY
 * where another waits for it to become writable; then part of it may have gone
 * out, see mr_write_all. What two tasks write at the same time may be mixed. */
MR_API int64_t mr_write(mr_handle stream, const void *buf, size_t size);

/* The same; *done, which may be NULL, is set to how much has gone out in each
 * case: what the system has taken, not what has arrived. */
MR_API int64_t mr_write_all(mr_handle stream, const void *buf, size_t size,
                            size_t *done);

/* The same of `n` parts, any number, one after the other. */
MR_API int64_t mr_writev(mr_handle stream, const mr_buffer *part, size_t n,
                         size_t *done);

/* What fits; waits until at least one byte does. How much, 0 where size is 0;
 * or a negative code as above, and nothing went out. */
MR_API int64_t mr_write_some(mr_handle stream, const void *buf, size_t size);

/* Wait until a write need not wait any more, as mr_wait_readable. */
MR_API int mr_wait_writable(mr_handle handle);

/* ---- The end ------------------------------------------------------------ */

enum { MR_SHUT_READ = 1, MR_SHUT_WRITE = 2 };

/* Of a socket: nothing more will be read (those who do see the end), written
 * (the peer sees the end after what was written), or both. 0; MR_ENOTCONN;
 * MR_EINVAL for what is no stream socket. Does not wait. */
MR_API int mr_shutdown(mr_handle stream, unsigned how);

/* Close what the handle stands for. Any task, also while others use it: who
 * waits for it gets MR_EBADF at once, and so does who comes later; the system's
 * descriptor is closed when the last has come back. What was written and not
 * yet sent is sent by the system. 0; MR_EBADF where somebody else has. Does not
 * wait, and works in a scope that was cut short. */
MR_API int mr_close(mr_handle handle);

/* ---- Other streams ------------------------------------------------------ */

/* A pipe: what is written to end[1] is read from end[0]. 0; or MR_EMFILE,
 * MR_ENFILE, MR_ENOMEM, and nothing was opened. Both are to be closed. Does not
 * wait. */
MR_API int mr_pipe_open(mr_handle end[2]);

/* The standard input, output or error of the process (0, 1, 2) as a stream, be
 * it a terminal, a pipe, a socket or a file. To be closed, which leaves the
 * descriptor itself open; or MR_EBADF where it is closed, MR_EINVAL for another
 * number, MR_EMFILE, MR_ENFILE, MR_ENOMEM.
 *
 * Other processes, a shell for one, go on with the same open file, so it is
 * never made non-blocking: a terminal or pipe is opened a second time, through
 * /proc, a socket is asked not to wait call by call. Where it cannot be opened
 * again (no /proc, another user's), each call asks first whether it would wait,
 * and up to 4096 bytes are written at a time; then a worker can be held up if
 * another process takes what was there in between. Files are read where the
 * position of the open file is, which is shared with those processes too; what
 * would wait for a disk does so on a thread of mr_blocking, and cannot be
 * cancelled. */
MR_API mr_handle mr_stdio(int which);

/* ---- Descriptors from elsewhere ----------------------------------------- */

/* The descriptor of a socket, listening or not, a pipe, a terminal or a file
 * becomes the library's: a handle, which works as if it had been opened here.
 * It is made non-blocking. From the call on nobody else uses or closes it; it
 * is closed where the call fails too: MR_EBADF, MR_ENOMEM; MR_EINVAL for what
 * cannot be waited for, a directory for one. Does not wait. */
MR_API mr_handle mr_fd_adopt(int fd);

enum { MR_READABLE = 1, MR_WRITABLE = 2, MR_PRIORITY = 4 };

/* Wait until the descriptor, which belongs to somebody else (another library's
 * socket), is readable, writable or has urgent data: which of `events` it is;
 * all of them where it has failed or was hung up, whose own calls will tell.
 * Or MR_EBADF for no open descriptor; MR_EINVAL for no events or others;
 * MR_ENOMEM, MR_EMFILE, MR_ENFILE, MR_ENOSPC for want of what a wait needs;
 * MR_ECANCELED: a point of cancellation. What cannot be waited for, a file, is
 * always ready.
 *
 * Nothing remains of it afterwards, and the descriptor is not changed. Any
 * number of tasks may wait for the same one: all are woken. Whoever closes it
 * shall end the waits first, by their scope; else they may go on until then,
 * though a new descriptor of the same number does not concern them. */
MR_API int64_t mr_fd_wait(int fd, unsigned events);

MR_END_DECLS

#endif
