/* The system calls of processes, each returning its result or a negative code;
 * the seam of tests, as os/sys.h.
 *
 * None is handed to the C library where that could be too old to know it. */
#ifndef MRI_IO_CALL_PROCESS_H
#define MRI_IO_CALL_PROCESS_H

#include "os/sys.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#define MRI_P_PIDFD ((idtype_t)3)

/* Blocks until the program has begun, or could not. */
MRI_INLINE int mri_call_spawn(pid_t *out, const char *file,
                              const posix_spawn_file_actions_t *actions,
                              const posix_spawnattr_t *attributes,
                              char *const *argv, char *const *env)
{
    int fault = mri_fault("posix_spawn");
    return fault ? -fault
                 : -posix_spawnp(out, file, actions, attributes, argv, env);
}

/* Close-on-exec. */
MRI_INLINE int mri_call_pidfd(pid_t pid)
{
    int fault = mri_fault("pidfd_open");
    return fault ? -fault
                 : (int)mri_sys_result(syscall(SYS_pidfd_open, pid, 0));
}

MRI_INLINE int mri_call_pidfd_signal(int pidfd, int signo)
{
    int fault = mri_fault("pidfd_send_signal");
    return fault ? -fault
                 : (int)mri_sys_result(
                       syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0));
}

/* How it has ended, if it has: 1, and it is reaped; 0: not yet. */
MRI_INLINE int mri_call_reap(int pidfd, siginfo_t *out)
{
    out->si_pid = 0;
    int rc = (int)mri_sys_result(
        waitid(MRI_P_PIDFD, (id_t)pidfd, out, WEXITED | WNOHANG));
    return rc < 0 ? rc : out->si_pid != 0;
}

/* A pipe both of whose ends block. */
MRI_INLINE int mri_call_pipe_blocking(int fd[2])
{
    int fault = mri_fault("pipe2");
    return fault ? -fault : (int)mri_sys_result(pipe2(fd, O_CLOEXEC));
}

/* Another descriptor of the open file, none of the standard ones. */
MRI_INLINE int mri_call_duplicate_high(int fd)
{
    int fault = mri_fault("fcntl");
    return fault ? -fault : (int)mri_sys_result(fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

#endif
