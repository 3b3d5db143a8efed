/* Streams that are no sockets of ours: a pipe, a descriptor that somebody else
 * has opened, the standard output, and two ends in one process. */
#define _GNU_SOURCE
#include <millrace.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Makes capitals of what comes, until it ends. */
static int64_t shouts(void *arg)
{
    const mr_handle *end = arg; /* one to read, one to write */
    char buf[16];
    int64_t n;
    while ((n = mr_read(end[0], buf, sizeof buf)) > 0) {
        for (int64_t i = 0; i < n; i++)
            if (buf[i] >= 'a' && buf[i] <= 'z')
                buf[i] = (char)(buf[i] - 'a' + 'A');
        n = mr_write(end[1], buf, (size_t)n);
        if (n < 0)
            break;
    }
    mr_shutdown(end[1], MR_SHUT_WRITE);
    return n;
}

/* Written to a pipe, shouted into one end of a pair, read from the other, in
 * two parts that each know their size. */
static int64_t through(mr_handle pipe[2], mr_handle pair[2], char *head,
                       char *body)
{
    mr_handle end[2] = {pipe[0], pair[1]};
    mr_buffer part[] = {{head, 5}, {body, 10}};
    mr_task shouter;
    size_t out = 0;
    mr_spawn(&shouter, shouts, end);
    int64_t rc = mr_write_all(pipe[1], "mill: wheelrace", 15, &out);
    mr_close(pipe[1]);
    int64_t shouted = mr_await(&shouter);
    if (rc < 0 || shouted < 0)
        return rc < 0 ? rc : shouted;
    return mr_readv(pair[0], part, 2) == (int64_t)out ? 0 : MR_EPROTO;
}

static int64_t capitals(char *head, char *body)
{
    mr_handle pipe[2], pair[2];
    int64_t rc = mr_pipe_open(pipe);
    if (rc < 0)
        return rc;
    rc = mr_unix_pair(pair);
    if (rc < 0) {
        mr_close(pipe[0]);
        mr_close(pipe[1]);
        return rc;
    }
    rc = through(pipe, pair, head, body);
    mr_close(pipe[0]); /* and pipe[1] is closed: to say the end */
    mr_close(pair[0]);
    mr_close(pair[1]);
    return rc;
}

/* Descriptors that another library has made become handles; they are not to be
 * closed by it any more. */
static int64_t adopts(void)
{
    int fd[2];
    if (pipe(fd) < 0)
        return MR_EMFILE;
    mr_handle in = mr_fd_adopt(fd[0]), out = mr_fd_adopt(fd[1]);
    int64_t rc = in < 0 ? in : out;
    char byte = 'x';
    if (rc >= 0)
        rc = mr_wait_writable(out); /* there is room */
    if (rc == 0)
        rc = mr_write(out, "a", 1);
    if (rc == 1)
        rc = mr_read(in, &byte, 1);
    if (in >= 0)
        mr_close(in);
    if (out >= 0)
        mr_close(out);
    return rc < 0 ? rc : byte == 'a' ? 0 : MR_EPROTO;
}

static int64_t root(void *arg)
{
    char head[8] = "", body[16] = "", line[64];
    (void)arg;
    int64_t rc = capitals(head, body);
    if (rc == 0)
        rc = adopts();
    if (rc < 0)
        return rc;
    int n = snprintf(line, sizeof line, "%s%s\n", head, body);
    mr_handle out = mr_stdio(1); /* a slow terminal holds up no worker */
    if (out < 0)
        return out;
    rc = mr_write(out, line, (size_t)n);
    mr_close(out);
    return rc < 0 ? rc : 0;
}

int main(void)
{
    int64_t rc = mr_main(NULL, root, NULL);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", mr_error_name(rc), mr_strerror(rc));
    return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
