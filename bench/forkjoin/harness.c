#define _GNU_SOURCE
#include "harness.h"
#include "workloads.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static struct {
    const char *program, *peer;
    const struct fj_workload *workload;
    long workers, reps, done; /* done counts the warm-up too */
    int64_t size, now;        /* now: the size being worked on */
    double started, cpu_started;
    double seconds, cpu_seconds; /* of the shortest */
    bool ok;
} fj;

static double clock_seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- Arguments ---------------------------------------------------------- */

static void misused(void)
{
    fprintf(stderr, "usage: %s [--workers 1..1024] [--size N] [--reps N]\n",
            fj.program);
    exit(2);
}

static long number(const char *text, long least, long most)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || *end || end == text || value < least || value > most)
        misused();
    return value;
}

static void parse(int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc)
            misused();
        else if (strcmp(argv[i], "--workers") == 0)
            fj.workers = number(argv[i + 1], 1, 1024);
        else if (strcmp(argv[i], "--size") == 0)
            fj.size = number(argv[i + 1], 0, INT64_MAX);
        else if (strcmp(argv[i], "--reps") == 0)
            fj.reps = number(argv[i + 1], 1, 1000000);
        else
            misused();
    }
}

void fj_open(int argc, char **argv, const char *peer, const char *workload)
{
    fj.program = argc > 0 ? argv[0] : peer;
    fj.peer = peer;
    fj.workload = fj_workload_named(workload);
    if (!fj.workload) {
        fprintf(stderr, "%s: no workload is called %s\n", fj.program, workload);
        exit(2);
    }
    fj.workers = 1;
    fj.reps = 1;
    fj.ok = true;
    fj.size = fj.workload->usual;
    parse(argc, argv);
    if (!fj.workload->possible(fj.size)) {
        fprintf(stderr, "%s: %s has no known result of this size\n", fj.program,
                workload);
        exit(2);
    }
}

int fj_workers(void)
{
    return (int)fj.workers;
}

/* ---- Rounds ------------------------------------------------------------- */

int fj_next(int64_t *size)
{
    if (fj.done > fj.reps)
        return 0;
    fj.now = fj.done == 0 ? fj.workload->warm : fj.size;
    if (!fj.workload->prepare(fj.now)) {
        fprintf(stderr, "%s: out of memory\n", fj.program);
        exit(3);
    }
    *size = fj.now;
    fj.cpu_started = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
    fj.started = clock_seconds(CLOCK_MONOTONIC);
    return 1;
}

void fj_done(int64_t result)
{
    double seconds = clock_seconds(CLOCK_MONOTONIC) - fj.started;
    double cpu = clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - fj.cpu_started;
    if (!fj.workload->right(fj.now, result)) {
        fprintf(stderr, "%s: %s of size %lld came out wrong, as %lld\n",
                fj.program, fj.workload->name, (long long)fj.now,
                (long long)result);
        fj.ok = false;
    }
    if (fj.done == 1 || (fj.done > 1 && seconds < fj.seconds)) {
        fj.seconds = seconds;
        fj.cpu_seconds = cpu;
    }
    fj.done++;
}

/* The address space's own high-water mark. What getrusage says starts at that
 * of the process which called exec: a driver's, a shell's. */
static long peak_rss_kib(void)
{
    char line[256];
    long kib = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %ld kB", &kib) == 1)
            break;
    if (status)
        fclose(status);
    if (kib >= 0)
        return kib;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

int fj_close(void)
{
    printf("{\"peer\": \"%s\", \"workload\": \"%s\", \"workers\": %ld, "
           "\"size\": %lld, \"seconds\": %.9f, \"tasks\": %lld, "
           "\"unit\": \"%s\", \"result_ok\": %s, \"cpu_seconds\": %.9f, "
           "\"peak_rss_kib\": %ld}\n",
           fj.peer, fj.workload->name, fj.workers, (long long)fj.size,
           fj.seconds, (long long)fj.workload->tasks(fj.size),
           fj.workload->unit, fj.ok ? "true" : "false", fj.cpu_seconds,
           peak_rss_kib());
    return fj.ok && fflush(stdout) == 0 ? 0 : 1;
}

/* ---- Stacks ------------------------------------------------------------- */

int64_t fj_stack_size(void)
{
    return fj.workload->stack;
}

static void *on_large_stack(void *fn)
{
    (*(void (**)(void))fn)();
    return NULL;
}

void fj_on_large_stack(void (*fn)(void))
{
    pthread_t thread;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    if (pthread_attr_setstacksize(&attr, (size_t)fj_stack_size()) != 0 ||
        pthread_create(&thread, &attr, on_large_stack, &fn) != 0) {
        fprintf(stderr, "%s: no thread with a large stack\n", fj.program);
        exit(3);
    }
    pthread_attr_destroy(&attr);
    pthread_join(thread, NULL);
}
