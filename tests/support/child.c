#define _GNU_SOURCE
#include "child.h"

#include <errno.h>
#include <sys/wait.h>

enum child_end child_run(enum child_end (*fn)(void *), void *arg)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        return CHILD_FAILED;
    if (child == 0)
        _exit(fn(arg));
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return CHILD_FAILED;
    if (!WIFEXITED(status)) {
        fprintf(stderr, "child ended with status 0x%x\n", (unsigned)status);
        return CHILD_FAILED;
    }
    int code = WEXITSTATUS(status);
    return code == CHILD_OK || code == CHILD_SKIP ? (enum child_end)code
                                                  : CHILD_FAILED;
}
