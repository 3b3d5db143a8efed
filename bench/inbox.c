/* From many threads to one: the inbox, a list under a mutex, and liburcu's
 * wait-free-enqueue queue (wfcqueue, where liburcu was found). Each producer
 * pushes its share as fast as it can, one consumer takes whatever is there
 * until it has seen all. All calls go through a table, so each pays the same
 * indirect call. */
#include "parts/inbox.h"
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#ifdef BENCH_URCU
#define _LGPL_SOURCE /* its inline versions: the faster ones */
#include <urcu/wfcqueue.h>
#endif

enum { MOST_PRODUCERS = 4, ITEMS = 1 << 18 };

/* A line each, as tasks have. */
struct item {
    MRI_ALIGNED(MRI_CACHE_LINE) union {
        mri_run_node ours;
        struct item *next;
#ifdef BENCH_URCU
        struct cds_wfcq_node urcu;
#endif
    };
};

struct way {
    void (*open)(void);
    void (*push)(struct item *item);
    uint64_t (*drain)(void); /* how many came */
};

static struct item items[ITEMS];

/* ---- Inbox -------------------------------------------------------------- */

static mri_inbox inbox;

static void inbox_open(void)
{
    mri_inbox_open(&inbox);
}

static void inbox_push(struct item *item)
{
    if (mri_inbox_push(&inbox, &item->ours) < 0)
        abort();
}

static uint64_t inbox_drain(void)
{
    uint64_t count = 0;
    for (mri_run_node *n = mri_inbox_take(&inbox); n; n = n->next)
        count++;
    return count;
}

static const struct way by_inbox = {inbox_open, inbox_push, inbox_drain};

/* ---- List under a mutex ------------------------------------------------- */

static struct {
    MRI_ALIGNED(MRI_CACHE_LINE) pthread_mutex_t mutex;
    struct item *first, **end;
} list = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void list_open(void)
{
    list.first = NULL;
    list.end = &list.first;
}

static void list_push(struct item *item)
{
    item->next = NULL;
    pthread_mutex_lock(&list.mutex);
    *list.end = item;
    list.end = &item->next;
    pthread_mutex_unlock(&list.mutex);
}

static uint64_t list_drain(void)
{
    uint64_t count = 0;
    pthread_mutex_lock(&list.mutex);
    struct item *item = list.first;
    list_open();
    pthread_mutex_unlock(&list.mutex);
    for (; item; item = item->next)
        count++;
    return count;
}

static const struct way by_list = {list_open, list_push, list_drain};

/* ---- wfcqueue ----------------------------------------------------------- */

#ifdef BENCH_URCU
static struct {
    MRI_ALIGNED(MRI_CACHE_LINE) struct __cds_wfcq_head head;
    MRI_ALIGNED(MRI_CACHE_LINE) struct cds_wfcq_tail tail;
} urcu;

static void urcu_open(void)
{
    __cds_wfcq_init(&urcu.head, &urcu.tail);
}

static void urcu_push(struct item *item)
{
    cds_wfcq_node_init(&item->urcu);
    cds_wfcq_enqueue(&urcu.head, &urcu.tail, &item->urcu);
}

static uint64_t urcu_drain(void)
{
    struct __cds_wfcq_head head;
    struct cds_wfcq_tail tail;
    struct cds_wfcq_node *node;
    uint64_t count = 0;
    __cds_wfcq_init(&head, &tail);
    __cds_wfcq_splice_blocking(&head, &tail, &urcu.head, &urcu.tail);
    __cds_wfcq_for_each_blocking(&head, &tail, node) count++;
    return count;
}

static const struct way by_urcu = {urcu_open, urcu_push, urcu_drain};
#define URCU(call) call
#else
#define URCU(call) (-1)
#endif

/* ---- What is measured --------------------------------------------------- */

struct producer {
    const struct way *way;
    pthread_barrier_t *start;
    uint64_t first, end;
    int64_t began;
};

static void *produce(void *arg)
{
    struct producer *p = arg;
    pthread_barrier_wait(p->start);
    p->began = bench_now();
    for (uint64_t i = p->first; i < p->end; i++)
        p->way->push(&items[i]);
    return NULL;
}

static void consume(const struct way *way, uint64_t n)
{
    for (uint64_t seen = 0, now; seen < n; seen += now)
        if ((now = way->drain()) == 0)
            sched_yield();
}

static double from_producers(const struct way *way, uint64_t n, unsigned count)
{
    struct producer p[MOST_PRODUCERS];
    pthread_t thread[MOST_PRODUCERS];
    pthread_barrier_t start;
    way->open();
    pthread_barrier_init(&start, NULL, count + 1);
    for (unsigned i = 0; i < count; i++) {
        p[i] = (struct producer){.way = way,
                                 .start = &start,
                                 .first = n * i / count,
                                 .end = n * (i + 1) / count};
        if (pthread_create(&thread[i], NULL, produce, &p[i]) != 0)
            abort();
    }
    pthread_barrier_wait(&start);
    consume(way, n);
    int64_t end = bench_now(), first = end;
    for (unsigned i = 0; i < count; i++) {
        pthread_join(thread[i], NULL);
        /* The consumer may be the last to start: time runs from the first. */
        if (p[i].began < first)
            first = p[i].began;
    }
    pthread_barrier_destroy(&start);
    return (double)(end - first) / (double)n;
}

/* Push 64, take 64: no other thread. */
static double alone(const struct way *way, uint64_t n)
{
    way->open();
    int64_t begin = bench_ran();
    for (uint64_t i = 0; i < n; i += 64) {
        for (uint64_t k = 0; k < 64; k++)
            way->push(&items[k]);
        if (way->drain() != 64)
            abort();
    }
    return (double)(bench_ran() - begin) / (double)n;
}

#define CASES(name, ways)                                                      \
    static double name##_alone(uint64_t n)                                     \
    {                                                                          \
        return ways(alone, n);                                                 \
    }                                                                          \
    static double name##_1(uint64_t n)                                         \
    {                                                                          \
        return ways(from_producers, n, 1);                                     \
    }                                                                          \
    static double name##_2(uint64_t n)                                         \
    {                                                                          \
        return ways(from_producers, n, 2);                                     \
    }                                                                          \
    static double name##_3(uint64_t n)                                         \
    {                                                                          \
        return ways(from_producers, n, 3);                                     \
    }                                                                          \
    static double name##_4(uint64_t n)                                         \
    {                                                                          \
        return ways(from_producers, n, 4);                                     \
    }

#define BY_INBOX(fn, ...) fn(&by_inbox, __VA_ARGS__)
#define BY_LIST(fn, ...) fn(&by_list, __VA_ARGS__)
#define BY_URCU(fn, ...) URCU(fn(&by_urcu, __VA_ARGS__))
CASES(inbox, BY_INBOX)
CASES(list, BY_LIST)
CASES(urcu, BY_URCU)

static void *do_nothing(void *arg)
{
    return arg;
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"alone, inbox", ITEMS, inbox_alone},
        {"alone, mutex and list", ITEMS, list_alone},
        {"alone, wfcqueue", ITEMS, urcu_alone},
        {"1 producer, inbox", ITEMS, inbox_1},
        {"1 producer, mutex and list", ITEMS, list_1},
        {"1 producer, wfcqueue", ITEMS, urcu_1},
        {"2 producers, inbox", ITEMS, inbox_2},
        {"2 producers, mutex and list", ITEMS, list_2},
        {"2 producers, wfcqueue", ITEMS, urcu_2},
        {"3 producers, inbox", ITEMS, inbox_3},
        {"3 producers, mutex and list", ITEMS, list_3},
        {"3 producers, wfcqueue", ITEMS, urcu_3},
        {"4 producers, inbox", ITEMS, inbox_4},
        {"4 producers, mutex and list", ITEMS, list_4},
        {"4 producers, wfcqueue", ITEMS, urcu_4},
    };
    /* Before its first thread a process has cheaper mutexes. */
    pthread_t thread;
    if (pthread_create(&thread, NULL, do_nothing, NULL) == 0)
        pthread_join(thread, NULL);
    return bench_main(argc, argv, "inbox", cases, MRI_ARRAY_LEN(cases));
}
