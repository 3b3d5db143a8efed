/* Looking in: who runs and who waits, what the workers have done, and the same
 * on a signal, for a service that hangs. */
#define _GNU_SOURCE
#include <millrace.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHILDREN = 50, STDERR = 2 };

static int64_t waits(void *arg)
{
    mr_latch *latch = arg;
    mr_task_name("the patient one");
    mr_latch_count_down(&latch[0], 1);
    return mr_latch_wait(&latch[1]);
}

/* A dump as a text, in which somebody is looked for. */
static int64_t dump_says(const char *what)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return MR_ENOMEM;
    int64_t rc = mr_dump(mr_self(), out);
    fclose(out);
    if (rc == 0 && !strstr(text, what))
        rc = MR_EPROTO;
    free(text);
    return rc;
}

static int64_t looks(void *arg)
{
    mr_latch latch[2] = {MR_LATCH_INIT(1), MR_LATCH_INIT(1)};
    mr_task patient;
    (void)arg;
    mr_spawn(&patient, waits, latch);
    mr_latch_wait(&latch[0]); /* it has said its name */
    int64_t rc = dump_says("the patient one");
    mr_latch_count_down(&latch[1], 1);
    int64_t waited = mr_await(&patient);
    return rc < 0 ? rc : waited;
}

static int64_t nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int64_t counts(void *arg)
{
    mr_counters before = {.size = sizeof before}, after = before;
    mr_scope scope;
    (void)arg;
    int64_t rc = mr_stats(mr_self(), MR_ALL_WORKERS, &before);
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < CHILDREN && rc == 0; i++)
        rc = mr_scope_go(&scope, nothing, NULL, 0);
    int64_t closed = mr_scope_close(&scope);
    if (rc == 0)
        rc = mr_stats(mr_self(), MR_ALL_WORKERS, &after);
    if (rc < 0 || closed < 0)
        return rc < 0 ? rc : closed;
    return (int64_t)(after.jobs - before.jobs);
}

/* The signal makes a thread of the library write to stderr, here a pipe, even
 * if all workers hang. When the stop has returned, it writes no more. */
static int64_t signalled(mr_runtime *rt, char *line, size_t size)
{
    int end[2];
    FILE *in = NULL;
    int rc = mr_dump_on(rt, SIGUSR1), was = dup(STDERR);
    if (rc == 0 && (was < 0 || pipe(end) < 0 || !(in = fdopen(end[0], "r"))))
        rc = MR_EMFILE;
    if (rc == 0) {
        dup2(end[1], STDERR);
        kill(getpid(), SIGUSR1);
        rc = fgets(line, (int)size, in) ? 0 : MR_EIO;
    }
    int stopped = mr_stop(rt, mr_after(30 * MR_S));
    dup2(was, STDERR);
    return rc < 0 ? rc : stopped;
}

int main(void)
{
    char line[128] = "";
    mr_runtime *rt;
    int64_t rc = mr_start(&rt, NULL);
    if (rc == 0) {
        int64_t looked = mr_run(rt, looks, NULL);
        int64_t jobs = mr_run(rt, counts, NULL);
        rc = signalled(rt, line, sizeof line);
        rc = looked < 0 ? looked : jobs < 0 ? jobs : rc;
        if (rc == 0 && (jobs < CHILDREN || !strstr(line, "runtime")))
            rc = MR_EPROTO;
    }
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", mr_error_name(rc), mr_strerror(rc));
        return EXIT_FAILURE;
    }
    printf("millrace %s: seen, counted, dumped\n", mr_version());
    return EXIT_SUCCESS;
}
