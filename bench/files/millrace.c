/* Reads of what the kernel has in memory: mr_file_read in as many tasks as
 * there are workers, beside pread in as many threads, and beside the bare call
 * that such a read comes down to; and Go's ReadAt and Tokio's two ways, each in
 * a program of its own. All in turn, whatever else the machine has to do.
 *
 * Of each case the first line is processor time of a read, the second the time
 * that goes by: with two workers half of it, where both have a CPU. */
#define _GNU_SOURCE
#include <millrace.h>

#include "bench.h"
#include "files.h"

#include <stdio.h>
#include <stdlib.h>

static mr_runtime *runtime[FILES_WORKERS];
static mr_handle file[FILES_WORKERS];

static void must(int64_t rc)
{
    if (rc < 0)
        abort();
}

/* What the next line reports. */
static double wall;

static double last_wall(uint64_t n)
{
    (void)n;
    return wall;
}

static double told(struct files_cost cost)
{
    wall = cost.wall;
    return cost.cpu;
}

/* ---- Millrace ----------------------------------------------------------- */

struct work {
    mr_handle file;
    struct files_load load;
    uint64_t n, seed;
    char *to;
};

static char to[FILES_WORKERS][FILES_MOST];

static int64_t reads(void *arg)
{
    struct work *w = arg;
    for (uint64_t i = 0; i < w->n; i++)
        if (mr_file_read(w->file, w->to, w->load.size,
                         files_offset(&w->seed, w->load)) !=
            (int64_t)w->load.size)
            abort();
    return 0;
}

/* The first half here, the other wherever there is a worker. */
static int64_t reads_in_two(void *arg)
{
    struct work *w = arg;
    struct work half = {w->file, w->load, w->n / 2, w->seed + 1, to[1]};
    mr_task other;
    w->n /= 2;
    mr_spawn(&other, reads, &half);
    reads(w);
    return mr_await(&other);
}

static double millrace(struct files_load load, uint64_t n)
{
    struct work work = {file[load.workers - 1], load, n, FILES_SEED, to[0]};
    struct files_cost begin = files_now();
    must(mr_run(runtime[load.workers - 1],
                load.workers == 1 ? reads : reads_in_two, &work));
    return told(files_since(begin, n));
}

static int64_t opens(void *arg)
{
    *(mr_handle *)arg = mr_file_open(files_path(), MR_FILE_READ, 0);
    return *(mr_handle *)arg;
}

static void open_all(void)
{
    files_open();
    for (unsigned i = 0; i < FILES_WORKERS; i++) {
        mr_config config = {.size = sizeof config, .workers = i + 1};
        must(mr_start(&runtime[i], &config));
        must(mr_run(runtime[i], opens, &file[i]));
    }
}

static void close_all(void)
{
    for (int i = 0; i < FILES_WORKERS; i++)
        must(mr_stop(runtime[i], MR_NEVER));
    files_close();
}

/* ---- The others --------------------------------------------------------- */

static double peer(const char *program, struct files_load load, uint64_t n)
{
    char command[4096];
    struct files_cost cost = {-1, -1};
    snprintf(command, sizeof command, "%s %d %llu %llu %llu %s 2>&1", program,
             load.workers, (unsigned long long)load.size,
             (unsigned long long)load.span, (unsigned long long)n,
             files_path());
    FILE *out = popen(command, "r");
    if (!out)
        return -1;
    if (fscanf(out, "%lf %lf", &cost.cpu, &cost.wall) != 2)
        cost.cpu = cost.wall = -1;
    if (pclose(out) != 0)
        cost.cpu = cost.wall = -1;
    return told(cost);
}

static double go(struct files_load load, uint64_t n)
{
    return peer(BENCH_GO, load, n);
}

static double tokio_file(struct files_load load, uint64_t n)
{
    return peer(BENCH_TOKIO " file", load, n);
}

static double tokio_blocking(struct files_load load, uint64_t n)
{
    return peer(BENCH_TOKIO " blocking", load, n);
}

static double pread_loop(struct files_load load, uint64_t n)
{
    return told(files_calls(FILES_PREAD, load, n));
}

static double preadv2_loop(struct files_load load, uint64_t n)
{
    return told(files_calls(FILES_PREADV2, load, n));
}

static double nowait_loop(struct files_load load, uint64_t n)
{
    return told(files_calls(FILES_PREADV2_NOWAIT, load, n));
}

/* ---- What is measured --------------------------------------------------- */

enum { KIB = 1024 };

#define CASE(way, workers, kib, span)                                          \
    static double way##_##workers##_##kib##_##span(uint64_t n)                 \
    {                                                                          \
        struct files_load load = {workers, kib * KIB, span * KIB};             \
        return way(load, n);                                                   \
    }
#define CASES(way)                                                             \
    CASE(way, 1, 4, 256)                                                       \
    CASE(way, 1, 4, 65536)                                                     \
    CASE(way, 2, 4, 65536)                                                     \
    CASE(way, 1, 64, 65536)                                                    \
    CASE(way, 2, 64, 65536)

CASES(pread_loop)
CASES(preadv2_loop)
CASES(nowait_loop)
CASES(millrace)
CASES(tokio_file)
CASES(tokio_blocking)
CASES(go)

#define ROW(title, workers, kib, span, text, n, way)                           \
    {title text, n, way##_##workers##_##kib##_##span},                         \
    {                                                                          \
        title text ", wall", 1, last_wall                                      \
    }

/* Tokio is given less to do: it takes ten times as long, and more. */
#define ROWS(title, workers, kib, span, n)                                     \
    ROW(title, workers, kib, span, "pread", n, pread_loop),                    \
        ROW(title, workers, kib, span, "preadv2", n, preadv2_loop),            \
        ROW(title, workers, kib, span, "preadv2, nowait", n, nowait_loop),     \
        ROW(title, workers, kib, span, "Millrace", n, millrace),               \
        ROW(title, workers, kib, span, "Go", n, go),                           \
        ROW(title, workers, kib, span, "Tokio, File", (n) / 8, tokio_file),    \
        ROW(title, workers, kib, span, "Tokio, spawn_blocking", (n) / 8,       \
            tokio_blocking)

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        ROWS("4 of 256 KiB, ", 1, 4, 256, 16384),
        ROWS("4 KiB, ", 1, 4, 65536, 16384),
        ROWS("4 KiB, 2 workers, ", 2, 4, 65536, 16384),
        ROWS("64 KiB, ", 1, 64, 65536, 2048),
        ROWS("64 KiB, 2 workers, ", 2, 64, 65536, 2048),
    };
    open_all();
    int rc = bench_main(argc, argv, "reads of files in memory", cases,
                        sizeof cases / sizeof cases[0]);
    close_all();
    return rc;
}
