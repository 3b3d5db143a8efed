/* Child processes and signals, as things to wait for.
 *
 *     const char *argv[] = {"sort", "-u", NULL};
 *     mr_handle pipe[3], child;
 *     mr_process_options o = {.size = sizeof o, .file = "sort", .argv = argv};
 *     o.io[0].how = o.io[1].how = MR_PROCESS_PIPE;
 *     child = mr_process_spawn(&o, pipe);
 *     ... mr_write(pipe[0], ...); mr_close(pipe[0]); mr_read(pipe[1], ...);
 *     mr_process_wait(child, &end);
 *     mr_close(child);
 *
 * What is opened here are handles of millrace/io.h, whose rules hold: who may
 * use them, MR_EBADF, MR_EPERM, MR_EBUSY, points of cancellation. */
#ifndef MILLRACE_PROCESS_H
#define MILLRACE_PROCESS_H

#include <millrace/export.h>
#include <millrace/io.h>

#include <stddef.h>
#include <stdint.h>

MR_BEGIN_DECLS

/* ---- Processes ---------------------------------------------------------- */

enum mr_process_stream {
    MR_PROCESS_INHERIT, /* that of this process */
    MR_PROCESS_NULL,    /* /dev/null */
    MR_PROCESS_PIPE,    /* a pipe, whose other end is given back */
    MR_PROCESS_HANDLE,  /* the same open file as `handle` */
    MR_PROCESS_FD,      /* the same open file as the descriptor `fd` */
};

/* `handle` and `fd` stay the caller's. A pipe's end that is given so does not
 * wait here and does there; a socket waits in neither, which few programs
 * expect. */
typedef struct mr_process_io {
    uint32_t how; /* mr_process_stream */
    int32_t fd;
    mr_handle handle;
} mr_process_io;

enum {
    MR_PROCESS_SESSION = 1, /* leads a session and group of its own: signals of
                               the terminal do not reach it */
    MR_PROCESS_INHERIT_ALL = 2, /* has all descriptors that are not
                                   close-on-exec, not just 0, 1 and 2 */
};

/* Zeroes are defaults. All is borrowed until mr_process_spawn returns. */
typedef struct mr_process_options {
    size_t size;             /* of this struct */
    const char *file;        /* a path; or, without a '/', a name that is looked
                                for in this process's PATH */
    const char *const *argv; /* ended by NULL. NULL: {file, NULL} */
    const char *const *env;  /* "NAME=value", ended by NULL. NULL: as here */
    const char *cwd;         /* NULL: as here. A path of `file` that does not
                                start with '/' starts there */
    mr_process_io io[3];     /* its standard input, output and error */
    uint32_t flags;
} mr_process_options;

/* Start a program: a handle for its process, to be closed; *pipe (NULL where no
 * pipe is asked for) has our end for each MR_PROCESS_PIPE, to be closed, and a
 * negative number for each other. It begins with all signals unblocked and at
 * their defaults.
 *
 * Or a negative code, and no program runs, nothing is open: MR_ENOENT,
 * MR_EACCES, MR_ENOTDIR, MR_ELOOP, MR_E2BIG, ... of file or cwd; MR_EINVAL for
 * wrong options; MR_EBADF, MR_EINVAL for what is given; MR_EMFILE, MR_ENFILE,
 * MR_ENOMEM, MR_EAGAIN, MR_ENOSPC for want of what it needs: if that is found
 * after it was started, it has been killed. MR_ENOSYS: Linux before 5.4.
 *
 * A thread that may block (millrace/task.h, mr_blocking) starts it, however
 * long its file takes to be read; a point of cancellation when it begins. */
MR_API mr_handle mr_process_spawn(const mr_process_options *options,
                                  mr_handle pipe[3]);

typedef struct mr_process_end {
    int32_t code;   /* of its exit, 0 to 255; 0 where a signal has ended it */
    int32_t signal; /* which; or 0 */
} mr_process_end;

/* Wait until it has ended: 0, and *out, which may be NULL, says how, as often
 * as is asked. Or a negative code as of mr_read. MR_ESRCH: it has ended, and
 * the system has told somebody else how, since the program waits for any child,
 * or ignores SIGCHLD (SIG_IGN, SA_NOCLDWAIT). Who was cut short may ask again:
 * the process goes on, and its end is kept. */
MR_API int mr_process_wait(mr_handle process, mr_process_end *out);

/* Send it a signal; 0: none, just ask. 0, also where it has ended and nobody
 * has waited for it yet; MR_ESRCH afterwards, so it never gets to another
 * process; MR_EINVAL; MR_EPERM: it has become another user's. Does not wait. */
MR_API int mr_process_kill(mr_handle process, int signal);

/* Its number (pid), > 0; another process's, maybe, once it was waited for. Or
 * MR_EBADF, MR_EINVAL. Does not wait.
 *
 * mr_close of a process does nothing to it. It goes on; when it ends, the
 * runtime takes note of it so that nothing remains of it. Of those that still
 * run when mr_stop returns, which does not wait for them either, that is the
 * program's own matter, as of what it has forked. */
MR_API int64_t mr_process_id(mr_handle process);

/* ---- Signals ------------------------------------------------------------ */

/* Watch `n` signals of the process: a handle for mr_signal_wait, to be closed.
 * While somebody watches a signal, it does just that: neither its default
 * happens, nor is the program's handler called, nor mr_dump_on's. When the last
 * has closed his handle, what was there before is back; unless the program has
 * put a handler there meanwhile, then that one stays, and gets them alone until
 * somebody opens another watch.
 *
 * All who watch a signal, in all runtimes, get it: up to 64 handles in the
 * process. The library's threads have all signals blocked, so some other thread
 * of the program, the one that called mr_main for one, must not have. A child
 * of fork() watches nothing: the signals are lost there until it says what they
 * shall do, or watches them in a runtime of its own. Children of
 * mr_process_spawn begin with the defaults.
 *
 * SIGCHLD may be watched: processes of this header do not need it. SIGPIPE too,
 * but streams of this library never raise it.
 *
 * MR_EINVAL for no signals, SIGKILL, SIGSTOP, those that instructions raise
 * (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS), or no numbers of signals;
 * MR_EMFILE, MR_ENFILE, MR_ENOMEM. Does not wait. */
MR_API mr_handle mr_signal_open(const int *signals, size_t n);

/* Wait for the next: its number, and in *count, which may be NULL, how often it
 * came since this handle was last told of it. The system makes one of several
 * that have not been delivered yet. Of different ones that have come, lower
 * numbers are told first. Or a negative code as of mr_read, and none was taken:
 * what came meanwhile is told by a later call. */
MR_API int mr_signal_wait(mr_handle handle, unsigned *count);

MR_END_DECLS

#endif
