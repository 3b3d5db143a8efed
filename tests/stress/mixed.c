/* Everything at once, in rounds, on one runtime after the other: streams with
 * peers of all manners, datagrams, files, timers, computations, what blocks,
 * libuv; cut short, closed and reset at random. After each round tasks, stacks,
 * descriptors and memory are where they were; after each runtime nothing is
 * left of it.
 *
 * STRESS_SECONDS says for how long; TEST_SEED, with which numbers: each task's
 * own steps are the same then, not how they meet. A round that does not end is
 * shown (mr_dump), and ends the program. */
#include "mixed.h"

#include "slow.h"
#include "streams.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/stat.h>

enum { ROUNDS = 4, STUCK_SECONDS = 100 };

static struct {
    int64_t blocks, bytes; /* of mr_config's memory, not given back */
    int64_t round;         /* what the watch looks at */
    mr_runtime *runtime;
    bool over;
    uint64_t seed;
    char where[40];
} all = {.where = "/var/tmp/millrace-mixed-XXXXXX"};

/* ---- Memory ------------------------------------------------------------- */

static void count(int64_t blocks, int64_t bytes)
{
    __atomic_fetch_add(&all.blocks, blocks, __ATOMIC_RELAXED);
    __atomic_fetch_add(&all.bytes, bytes, __ATOMIC_RELAXED);
}

static void *allocate(void *context, size_t size, size_t align)
{
    void *memory = NULL;
    (void)context;
    if (posix_memalign(&memory, align, size) != 0)
        return NULL;
    count(1, (int64_t)size);
    return memory;
}

static void release(void *context, void *memory, size_t size)
{
    (void)context;
    count(-1, -(int64_t)size);
    free(memory);
}

/* What the process has in memory. */
static int64_t resident_kib(void)
{
    long pages = 0;
    malloc_trim(0);
    FILE *statm = fopen("/proc/self/statm", "r");
    EXPECT(statm != NULL);
    EXPECT_EQ(fscanf(statm, "%*d %ld", &pages), 1);
    fclose(statm);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* ---- A round ------------------------------------------------------------ */

struct doer {
    mixed *m;
    mixed_kind *kind;
    uint64_t seed;
};

static int64_t does(void *arg)
{
    struct doer *d = arg;
    do {
        d->kind->step(d->m, &d->seed);
        __atomic_fetch_add(&d->kind->done, 1, __ATOMIC_RELAXED);
    } while (mr_now() < d->m->end);
    return 0;
}

static void begin(mr_scope *scope, mixed *m, mixed_kind *kind, uint64_t *seed)
{
    for (; kind->name; kind++)
        for (int i = 0; i < kind->tasks; i++) {
            struct doer d = {m, kind, mixed_next(seed) | 1};
            EXPECT_EQ(mr_scope_go(scope, does, &d, sizeof d), 0);
        }
}

struct round {
    int64_t length;
    uint64_t seed;
};

static int64_t goes_round(void *arg)
{
    struct round *r = arg;
    mr_task server;
    mr_scope scope;
    mixed m = {
        .end = mr_after(r->length), .pause = r->length / 8, .where = all.where};
    mixed_listen(&m);
    mr_spawn(&server, mixed_serve, &m);
    mr_scope_open(&scope, MR_NEVER);
    begin(&scope, &m, mixed_net, &r->seed);
    begin(&scope, &m, mixed_local, &r->seed);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    mixed_close(&m);
    EXPECT_EQ(mr_await(&server), 0);
    char path[60];
    snprintf(path, sizeof path, "%s/echo", all.where);
    return mr_unlink(path);
}

/* ---- Back to where it was ----------------------------------------------- */

/* The fewest seen for a while: threads that serve the runtime open a file now
 * and then. */
static int settled_descriptors(void)
{
    int fewest = open_descriptors();
    for (int i = 0; i < 50; i++) {
        int n = open_descriptors();
        fewest = n < fewest ? n : fewest;
        mr_sleep(MR_MS);
    }
    return fewest;
}

static void expect_descriptors(int n)
{
    EXPECT_MSG(come_to_descriptors(n), "%d descriptors, not %d",
               settled_descriptors(), n);
}

/* Those that nobody has: a task is on none, a worker has one, and a spare that
 * was called in. */
static void expect_strands(mr_runtime *rt)
{
    enum { SPARES = 8 };
    mr_counters c = {.size = sizeof c};
    EXPECT_EQ(mr_stats(rt, MR_ALL_WORKERS, &c), 0);
    EXPECT_MSG(c.strands <= mr_workers(rt) + SPARES, "%d stacks are in use",
               (int)c.strands);
}

static void expect_empty_directory(void)
{
    EXPECT_EQ(rmdir(all.where), 0);
    EXPECT_EQ(mkdir(all.where, 0700), 0);
}

/* One runtime, and a few rounds in it. The first opens what stays open, and
 * leaves memory that is used again. */
static void live(unsigned workers, int64_t length, int64_t end)
{
    mr_config config = {.size = sizeof config,
                        .workers = workers,
                        .allocate = allocate,
                        .release = release};
    int descriptors = 0;
    EXPECT_EQ(mr_start(&all.runtime, &config), 0);
    for (int i = 0; i < ROUNDS && (i < 2 || mr_now() < end); i++) {
        struct round r = {length, mixed_next(&all.seed)};
        EXPECT_EQ(mr_run(all.runtime, goes_round, &r), 0);
        if (i == 0)
            descriptors = settled_descriptors();
        expect_descriptors(descriptors);
        expect_strands(all.runtime);
        expect_empty_directory();
        __atomic_fetch_add(&all.round, 1, __ATOMIC_RELAXED);
    }
    EXPECT_EQ(mr_stop(all.runtime, mr_after(60 * MR_S)), 0);
    EXPECT_EQ(all.blocks, 0);
    EXPECT_EQ(all.bytes, 0);
}

/* ---- A life after the other --------------------------------------------- */

static void *watches(void *arg)
{
    int64_t last = -1;
    (void)arg;
    for (int seconds = 0; !__atomic_load_n(&all.over, __ATOMIC_RELAXED);
         seconds++) {
        int64_t now = __atomic_load_n(&all.round, __ATOMIC_RELAXED);
        seconds = now == last ? seconds : 0;
        last = now;
        if (seconds > STUCK_SECONDS) {
            mr_dump(all.runtime, stderr);
            abort();
        }
        sleep(1);
    }
    return NULL;
}

static double seconds(void)
{
    const char *env = getenv("STRESS_SECONDS");
    return env ? atof(env) : 3;
}

static void choose_seed(void)
{
    const char *env = getenv("TEST_SEED");
    all.seed = env ? strtoull(env, NULL, 0) : (uint64_t)mr_now() | 1;
    fprintf(stderr, "seed: TEST_SEED=%" PRIu64 "\n", all.seed);
}

static void expect_all_done(const mixed_kind *kind)
{
    for (; kind->name; kind++) {
        fprintf(stderr, "%s: %" PRId64 " times\n", kind->name, kind->done);
        EXPECT(kind->done >= kind->tasks);
    }
}

/* Lives on 1, 2 and 4 workers in turn, from short rounds to long ones. The
 * first few show how much memory it takes; from then on it is no more. The
 * first leaves a pipe of libuv's for signals, which is the process's. */
static void live_on(int64_t end)
{
    enum { FIRST = 6, SLACK_KIB = 2 * 1024 };
    int64_t most = 0;
    bool is_long = seconds() > 60;
    int before = 0;
    for (int i = 0; i < 2 || mr_now() < end; i++) {
        int64_t length = (is_long ? 300 << i % 6 : 300) * MR_MS;
        live(1U << i % 3, length, end);
        before = i == 0 ? settled_descriptors() : before;
        expect_descriptors(before);
        int64_t kib = resident_kib();
        fprintf(stderr, "life %d: %" PRId64 " rounds, %" PRId64 " KiB\n", i,
                all.round, kib);
        if (i < FIRST)
            most = kib > most ? kib : most;
        else if (!slow_is_sanitized())
            EXPECT_MSG(kib <= most + SLACK_KIB, "%d KiB, of %d", (int)kib,
                       (int)most);
    }
}

TEST(stress_mixed, after_each_round_all_is_where_it_was)
{
    pthread_t watch;
    choose_seed();
    EXPECT(mkdtemp(all.where) != NULL);
    EXPECT_EQ(pthread_create(&watch, NULL, watches, NULL), 0);
    live_on(mr_after((int64_t)(seconds() * 1e9)));
    __atomic_store_n(&all.over, true, __ATOMIC_RELAXED);
    pthread_join(watch, NULL);
    EXPECT_EQ(rmdir(all.where), 0);
    expect_all_done(mixed_net);
    expect_all_done(mixed_local);
}
