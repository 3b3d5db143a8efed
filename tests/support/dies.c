/* A child process that is expected to stop. For both runners. */
#define _GNU_SOURCE
#include "slow.h"
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void run_child(void (*fn)(void *), void *arg, int to)
{
    dup2(to, STDERR_FILENO);
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    static const int fatal[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        if (!getenv("TEST_KEEP_HANDLERS"))
            signal(fatal[i], SIG_DFL);
    fn(arg);
    _exit(0);
}

static void drain(int from, char *text, size_t size)
{
    size_t len = 0;
    char scrap[256];
    for (;;) {
        bool room = len + 1 < size;
        ssize_t n = read(from, room ? text + len : scrap,
                         room ? size - 1 - len : sizeof scrap);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        len += room ? (size_t)n : 0;
    }
    text[len] = '\0';
}

bool test_dies(void (*fn)(void *), void *arg, int signal, const char *text)
{
    int pipe_fd[2], status;
    if (pipe(pipe_fd) != 0)
        return false;
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        return false;
    if (child == 0) {
        close(pipe_fd[0]);
        run_child(fn, arg, pipe_fd[1]);
    }
    close(pipe_fd[1]);
    char seen[8192];
    drain(pipe_fd[0], seen, sizeof seen);
    close(pipe_fd[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    bool ended = signal == 0
                     ? WIFEXITED(status) && WEXITSTATUS(status) == 0
                     : WIFSIGNALED(status) && WTERMSIG(status) == signal;
    if (slow_is_sanitized() && signal != 0 && WIFEXITED(status))
        ended = WEXITSTATUS(status) != 0;
    bool said = !text || strstr(seen, text);
    if (!ended || !said)
        fprintf(stderr, "child ended with status 0x%x, stderr: %s\n",
                (unsigned)status, seen);
    return ended && said;
}
