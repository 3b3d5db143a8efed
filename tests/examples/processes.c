/* Child processes: a filter that is written to and read from, one that fails,
 * and one that has to be told to go. */
#define _GNU_SOURCE
#include <millrace.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t ends(mr_handle child, mr_process_end *end)
{
    int64_t rc = mr_process_wait(child, end);
    mr_close(child);
    return rc;
}

/* Writing and reading at once: who only writes may wait for a filter that waits
 * for somebody to read. */
static int64_t feeds(void *arg)
{
    mr_handle in = *(mr_handle *)arg;
    int64_t rc = mr_write(in, "wheel\nrace\nmill\n", 16);
    mr_close(in); /* the end of its input */
    return rc;
}

static int64_t sorts(char *out, size_t size)
{
    mr_process_options o = {.size = sizeof o, .file = "sort"};
    mr_process_end end;
    mr_handle pipe[3];
    mr_task feeder;
    size_t done = 0;
    o.io[0].how = o.io[1].how = MR_PROCESS_PIPE;
    mr_handle child = mr_process_spawn(&o, pipe);
    if (child < 0)
        return child;
    mr_spawn(&feeder, feeds, &pipe[0]);
    int64_t rc = mr_read_all(pipe[1], out, size - 1, &done);
    out[done] = '\0';
    mr_close(pipe[1]);
    int64_t fed = mr_await(&feeder);
    int64_t ended = ends(child, &end);
    if (ended < 0 || fed < 0)
        return ended < 0 ? ended : fed;
    return end.code == 0 && rc == MR_EOF ? 0 : MR_EPROTO;
}

/* What a shell says with its exit. */
static int64_t exits(int *code)
{
    const char *argv[] = {"sh", "-c", "exit 3", NULL};
    mr_process_options o = {.size = sizeof o, .file = "sh", .argv = argv};
    mr_process_end end;
    mr_handle child = mr_process_spawn(&o, NULL);
    int64_t rc = child < 0 ? child : ends(child, &end);
    *code = rc < 0 ? -1 : end.code;
    return rc;
}

/* It would sleep for an hour: half a minute of patience would be enough, we
 * have less. */
static int64_t is_told_to_go(int *signal)
{
    const char *argv[] = {"sleep", "3600", NULL};
    mr_process_options o = {.size = sizeof o, .file = "sleep", .argv = argv};
    mr_process_end end;
    mr_scope scope;
    mr_handle child = mr_process_spawn(&o, NULL);
    if (child < 0)
        return child;
    if (mr_process_id(child) <= 0 || mr_process_kill(child, 0) < 0)
        return MR_EPROTO;
    mr_scope_open(&scope, mr_after(20 * MR_MS));
    int64_t rc = mr_process_wait(child, NULL);
    mr_scope_close(&scope);
    if (rc == MR_ECANCELED)
        rc = mr_process_kill(child, SIGTERM);
    int64_t ended = ends(child, &end);
    *signal = ended < 0 ? -1 : end.signal;
    return rc < 0 ? rc : ended;
}

static int64_t root(void *arg)
{
    char sorted[64];
    int code, signal;
    (void)arg;
    int64_t rc = sorts(sorted, sizeof sorted);
    if (rc == 0 && strcmp(sorted, "mill\nrace\nwheel\n") != 0)
        rc = MR_EPROTO;
    if (rc == 0)
        rc = exits(&code);
    if (rc == 0)
        rc = is_told_to_go(&signal);
    if (rc == 0)
        printf("sorted; exit %d; %s\n", code,
               signal == SIGTERM ? "terminated" : "not terminated");
    return rc;
}

int main(void)
{
    int64_t rc = mr_main(NULL, root, NULL);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", mr_error_name(rc), mr_strerror(rc));
    return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
