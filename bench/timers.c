/* Timers: started and stopped, with none, a thousand and a million others
 * pending; a million started and fired; beside a binary heap of pointers under
 * a mutex, its array as large as it needs (what a program without such a
 * structure writes). All calls go through a table, so each pays the same
 * indirect call. The last cases are in microseconds: single calls, with
 * whatever interrupted them. */
#include "parts/timers.h"
#include "bench.h"

#include <pthread.h>
#include <stdlib.h>

enum { MOST = 1000000, BATCH = 64, SPACING = 1000, PAIRS = 1 << 18 };

struct item {
    MRI_ALIGNED(MRI_CACHE_LINE) union {
        mri_timer ours;
        struct {
            int64_t at;
            uint64_t number;
            size_t index; /* in the array */
        } heap;
    };
};

struct way {
    void (*open)(void);
    void (*start)(struct item *x, int64_t at);
    void (*stop)(struct item *x);
    uint32_t (*expire)(int64_t now); /* a batch, by one call */
    bool (*due)(int64_t now);        /* whether there is more */
};

static struct item items[MOST + 64];

/* ---- Ours --------------------------------------------------------------- */

static mri_timers timers;

static void ours_open(void)
{
    mri_timers_open(&timers, 0);
}

static void ours_start(struct item *x, int64_t at)
{
    bool first = mri_timer_start(&timers, &x->ours, at);
    bench_keep(first);
}

static void ours_stop(struct item *x)
{
    if (!mri_timer_stop(&timers, &x->ours))
        abort();
}

static uint32_t ours_expire(int64_t now)
{
    mri_expired out[BATCH];
    return mri_timers_expire(&timers, now, out, BATCH);
}

static bool ours_due(int64_t now)
{
    return mri_timers_earliest(&timers) <= now;
}

static const struct way ours = {ours_open, ours_start, ours_stop, ours_expire,
                                ours_due};

/* ---- A binary heap under a mutex ---------------------------------------- */

static struct {
    MRI_ALIGNED(MRI_CACHE_LINE) pthread_mutex_t mutex;
    size_t count;
    uint64_t number;
    struct item *at[MOST + 64];
} heap = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static bool heap_before(const struct item *a, const struct item *b)
{
    return a->heap.at < b->heap.at ||
           (a->heap.at == b->heap.at && a->heap.number < b->heap.number);
}

static void heap_set(size_t index, struct item *x)
{
    heap.at[index] = x;
    x->heap.index = index;
}

static void heap_up(size_t i, struct item *x)
{
    for (; i > 0 && heap_before(x, heap.at[(i - 1) / 2]); i = (i - 1) / 2)
        heap_set(i, heap.at[(i - 1) / 2]);
    heap_set(i, x);
}

static void heap_down(size_t i, struct item *x)
{
    for (size_t child; (child = 2 * i + 1) < heap.count; i = child) {
        if (child + 1 < heap.count &&
            heap_before(heap.at[child + 1], heap.at[child]))
            child++;
        if (heap_before(x, heap.at[child]))
            break;
        heap_set(i, heap.at[child]);
    }
    heap_set(i, x);
}

static void heap_remove(struct item *x)
{
    size_t i = x->heap.index;
    struct item *last = heap.at[--heap.count];
    if (last == x)
        return;
    if (i > 0 && heap_before(last, heap.at[(i - 1) / 2]))
        heap_up(i, last);
    else
        heap_down(i, last);
}

static void heap_open(void)
{
    heap.count = 0;
}

static void heap_start(struct item *x, int64_t at)
{
    pthread_mutex_lock(&heap.mutex);
    x->heap.at = at;
    x->heap.number = heap.number++;
    heap_up(heap.count++, x);
    pthread_mutex_unlock(&heap.mutex);
}

static void heap_stop(struct item *x)
{
    pthread_mutex_lock(&heap.mutex);
    heap_remove(x);
    pthread_mutex_unlock(&heap.mutex);
}

static uint32_t heap_expire(int64_t now)
{
    uint32_t n = 0;
    pthread_mutex_lock(&heap.mutex);
    for (; n < BATCH && heap.count > 0 && heap.at[0]->heap.at <= now; n++)
        heap_remove(heap.at[0]);
    pthread_mutex_unlock(&heap.mutex);
    return n;
}

static bool heap_due(int64_t now)
{
    return heap.count > 0 && heap.at[0]->heap.at <= now;
}

static const struct way binary = {heap_open, heap_start, heap_stop, heap_expire,
                                  heap_due};

/* ---- What is measured --------------------------------------------------- */

static uint64_t seed;

/* xorshift64*, Vigna 2016. */
static uint64_t draw(void)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * UINT64_C(0x2545f4914f6cdd1d);
}

static int64_t random_at(uint64_t i)
{
    (void)i;
    return (int64_t)(draw() % (uint64_t)MOST * SPACING);
}

static int64_t monotone_at(uint64_t i)
{
    return (int64_t)i * SPACING;
}

static int64_t equal_at(uint64_t i)
{
    (void)i;
    return SPACING;
}

static int64_t falling_at(uint64_t i)
{
    return (int64_t)(MOST - i) * SPACING;
}

static void open(const struct way *way)
{
    seed = 1;
    for (uint64_t i = 0; i < MOST + 64; i++)
        items[i] = (struct item){0};
    way->open();
}

typedef int64_t at_fn(uint64_t i);

/* n started and fired, in batches, as time goes on. */
static double fire(const struct way *way, uint64_t n, at_fn *at)
{
    uint64_t fired = 0;
    open(way);
    int64_t begin = bench_ran();
    for (uint64_t i = 0; i < n; i++)
        way->start(&items[i], at(i));
    for (int64_t now = 0; fired < n; now += (int64_t)BATCH * SPACING)
        while (way->due(now))
            fired += way->expire(now);
    return (double)(bench_ran() - begin) / (double)n;
}

static double fire_random(const struct way *way, uint64_t n)
{
    return fire(way, n, random_at);
}

static double fire_monotone(const struct way *way, uint64_t n)
{
    return fire(way, n, monotone_at);
}

static double fire_equal(const struct way *way, uint64_t n)
{
    return fire(way, n, equal_at);
}

static double fire_falling(const struct way *way, uint64_t n)
{
    return fire(way, n, falling_at);
}

/* One started and stopped, the deadline moving on, `pending` others there. */
static double pairs(const struct way *way, uint64_t n, uint64_t pending)
{
    open(way);
    for (uint64_t i = 0; i < pending; i++)
        way->start(&items[i], random_at(i));
    int64_t begin = bench_ran();
    for (uint64_t i = 0; i < n; i++) {
        way->start(&items[MOST], (int64_t)MOST * SPACING / 2 + (int64_t)i * 50);
        way->stop(&items[MOST]);
    }
    return (double)(bench_ran() - begin) / (double)n;
}

static double pairs_0(const struct way *way, uint64_t n)
{
    return pairs(way, n, 0);
}

static double pairs_1000(const struct way *way, uint64_t n)
{
    return pairs(way, n, 1000);
}

static double pairs_most(const struct way *way, uint64_t n)
{
    return pairs(way, n, MOST);
}

/* The same, and it is always the earliest. */
static double earliest_of_most(const struct way *way, uint64_t n)
{
    open(way);
    for (uint64_t i = 0; i < MOST; i++)
        way->start(&items[i], SPACING + random_at(i));
    int64_t begin = bench_ran();
    for (uint64_t i = 0; i < n; i++) {
        way->start(&items[MOST], (int64_t)(i % SPACING));
        way->stop(&items[MOST]);
    }
    return (double)(bench_ran() - begin) / (double)n;
}

/* Of a million, any one is stopped and started again at the end: idle
 * connections, each with a deadline of its own. */
static double renew_any(const struct way *way, uint64_t n)
{
    open(way);
    for (uint64_t i = 0; i < MOST; i++)
        way->start(&items[i], monotone_at(i));
    int64_t begin = bench_ran();
    for (uint64_t i = 0; i < n; i++) {
        struct item *x = &items[draw() % MOST];
        way->stop(x);
        way->start(x, monotone_at(MOST + i));
    }
    return (double)(bench_ran() - begin) / (double)n;
}

/* Of a million random ones, all due at once: the slowest call, or the slowest
 * until one more has fired. */
static double slowest(const struct way *way, uint64_t n, bool calls)
{
    int64_t worst = 0;
    open(way);
    for (uint64_t i = 0; i < n; i++)
        way->start(&items[i], random_at(i));
    int64_t begin = bench_ran();
    for (uint64_t fired = 0; fired < n;) {
        uint32_t count = way->expire(INT64_MAX);
        int64_t now = bench_ran();
        worst = now - begin > worst ? now - begin : worst;
        if (calls || count > 0)
            begin = now;
        fired += count;
    }
    return (double)worst / 1000;
}

static double slowest_call(const struct way *way, uint64_t n)
{
    return slowest(way, n, true);
}

static double slowest_next(const struct way *way, uint64_t n)
{
    return slowest(way, n, false);
}

#define CASE(what)                                                             \
    static double ours_##what(uint64_t n)                                      \
    {                                                                          \
        return what(&ours, n);                                                 \
    }                                                                          \
    static double binary_##what(uint64_t n)                                    \
    {                                                                          \
        return what(&binary, n);                                               \
    }
CASE(pairs_0)
CASE(pairs_1000)
CASE(pairs_most)
CASE(earliest_of_most)
CASE(renew_any)
CASE(fire_random)
CASE(fire_monotone)
CASE(fire_equal)
CASE(fire_falling)
CASE(slowest_call)
CASE(slowest_next)

static void *do_nothing(void *arg)
{
    return arg;
}

#define BOTH(text, n, what)                                                    \
    {text ", timers", n, ours_##what},                                         \
    {                                                                          \
        text ", binary heap", n, binary_##what                                 \
    }

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        BOTH("start and stop, none pending", PAIRS, pairs_0),
        BOTH("start and stop, 1000 pending", PAIRS, pairs_1000),
        BOTH("start and stop, 10^6 pending", PAIRS, pairs_most),
        BOTH("the earliest of 10^6", PAIRS, earliest_of_most),
        BOTH("stop and start any of 10^6", PAIRS, renew_any),
        BOTH("start and fire 10^6, random", MOST, fire_random),
        BOTH("start and fire 10^6, monotone", MOST, fire_monotone),
        BOTH("start and fire 10^6, equal", MOST, fire_equal),
        BOTH("start and fire 10^6, falling", MOST, fire_falling),
        BOTH("10^6 due, slowest call (us)", MOST, slowest_call),
        BOTH("10^6 due, longest until next (us)", MOST, slowest_next),
    };
    /* Before its first thread a process has cheaper mutexes. */
    pthread_t thread;
    if (pthread_create(&thread, NULL, do_nothing, NULL) == 0)
        pthread_join(thread, NULL);
    return bench_main(argc, argv, "timers", cases, MRI_ARRAY_LEN(cases));
}
