/* See command.h. */
#define _GNU_SOURCE
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_ARGS = 8 };

/* What the child exits with when it never became the command. */
enum { NOT_RUN = 126 };

static void become(const char *const *args, const char *out, int out_fd,
                   int err_fd)
{
    char *argv[MAX_ARGS + 2] = {(char *)MILLRACE_COMMAND};
    for (int i = 0; args[i] && i < MAX_ARGS; i++)
        argv[i + 1] = (char *)args[i];
    if (out && out[0])
        out_fd = open(out, O_WRONLY);
    dup2(err_fd, STDERR_FILENO);
    if (out && !out[0])
        close(STDOUT_FILENO);
    else if (dup2(out_fd, STDOUT_FILENO) < 0)
        _exit(NOT_RUN);
    execv(argv[0], argv);
    _exit(NOT_RUN);
}

/* Both pipes until both are closed; what does not fit is dropped. */
static void collect(int out_fd, int err_fd, struct command_result *result)
{
    struct pollfd fds[2] = {{out_fd, POLLIN, 0}, {err_fd, POLLIN, 0}};
    char *text[2] = {result->out, result->err};
    size_t len[2] = {0, 0}, size[2] = {sizeof result->out, sizeof result->err};
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            break;
        for (int i = 0; i < 2; i++) {
            if (fds[i].fd < 0 || !fds[i].revents)
                continue;
            char scrap[4096];
            ssize_t n = read(fds[i].fd, scrap, sizeof scrap);
            if (n <= 0)
                fds[i].fd = -1;
            for (ssize_t k = 0; k < n && len[i] + 1 < size[i]; k++)
                text[i][len[i]++] = scrap[k];
        }
    }
    text[0][len[0]] = text[1][len[1]] = '\0';
}

void command_run(struct command_result *result, const char *const *args,
                 int (*prepare)(void *arg), void *arg, const char *out)
{
    int out_fd[2], err_fd[2], status;
    result->status = -1;
    if (pipe2(out_fd, O_CLOEXEC) != 0)
        return;
    if (pipe2(err_fd, O_CLOEXEC) != 0) {
        close(out_fd[0]);
        close(out_fd[1]);
        return;
    }
    pid_t child = fork();
    if (child == 0) {
        if (prepare && !prepare(arg))
            _exit(NOT_RUN);
        become(args, out, out_fd[1], err_fd[1]);
    }
    close(out_fd[1]);
    close(err_fd[1]);
    collect(out_fd[0], err_fd[0], result);
    close(out_fd[0]);
    close(err_fd[0]);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) != NOT_RUN)
        result->status = WEXITSTATUS(status);
}
