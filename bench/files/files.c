/* See files.h. */
#define _GNU_SOURCE
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int fd = -1;
static char path[] = "/tmp/millrace-bench-files-XXXXXX";

static void must(int yes)
{
    if (!yes)
        abort();
}

void files_open(void)
{
    char block[1 << 16];
    fd = mkstemp(path);
    must(fd >= 0);
    memset(block, 'x', sizeof block);
    for (int64_t at = 0; at < FILES_SIZE; at += (int64_t)sizeof block)
        must(pwrite(fd, block, sizeof block, at) == sizeof block);
    /* The kernel need not write it back while it is read. */
    must(fsync(fd) == 0);
}

const char *files_path(void)
{
    return path;
}

void files_close(void)
{
    close(fd);
    unlink(path);
}

/* ---- Time --------------------------------------------------------------- */

static int64_t read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct files_cost files_now(void)
{
    return (struct files_cost){(double)read_clock(CLOCK_PROCESS_CPUTIME_ID),
                               (double)read_clock(CLOCK_MONOTONIC)};
}

struct files_cost files_since(struct files_cost begin, uint64_t reads)
{
    struct files_cost now = files_now();
    return (struct files_cost){(now.cpu - begin.cpu) / (double)reads,
                               (now.wall - begin.wall) / (double)reads};
}

/* ---- System calls ------------------------------------------------------- */

static long plain(void *buf, size_t size, int64_t offset)
{
    return pread(fd, buf, size, offset);
}

static long vectored(void *buf, size_t size, int64_t offset, int flags)
{
    struct iovec part = {buf, size};
    return syscall(SYS_preadv2, (long)fd, &part, 1L, (long)offset, 0L,
                   (long)flags);
}

static long not_waiting(void *buf, size_t size, int64_t offset)
{
    return vectored(buf, size, offset, RWF_NOWAIT);
}

static long waiting(void *buf, size_t size, int64_t offset)
{
    return vectored(buf, size, offset, 0);
}

typedef long read_fn(void *buf, size_t size, int64_t offset);

static read_fn *const calls[] = {plain, waiting, not_waiting};

struct work {
    read_fn *read;
    struct files_load load;
    uint64_t n, seed;
    char *to;
};

static void *serve(void *arg)
{
    struct work *w = arg;
    for (uint64_t i = 0; i < w->n; i++)
        must(w->read(w->to, w->load.size, files_offset(&w->seed, w->load)) ==
             (long)w->load.size);
    return NULL;
}

struct files_cost files_calls(enum files_call call, struct files_load load,
                              uint64_t n)
{
    static char to[FILES_WORKERS][FILES_MOST];
    pthread_t thread[FILES_WORKERS];
    struct work work[FILES_WORKERS];
    struct files_cost begin = files_now();
    for (int i = 0; i < load.workers; i++) {
        work[i] = (struct work){calls[call], load, n / (uint64_t)load.workers,
                                FILES_SEED + (uint64_t)i, to[i]};
        must(pthread_create(&thread[i], NULL, serve, &work[i]) == 0);
    }
    for (int i = 0; i < load.workers; i++)
        must(pthread_join(thread[i], NULL) == 0);
    return files_since(begin, n);
}
