/* How soon something starts.
 *
 * From outside: a thread submits a task to a runtime that has nothing to do;
 * the time until the task runs. Beside it the bare mechanisms: a thread that
 * sleeps in futex(2), or in epoll_wait(2) on an eventfd as the worker does that
 * waits for I/O, and is woken; the time until it runs. Each waits long enough
 * before that the other side really sleeps.
 *
 * From a leaf: a task spawns a thousand children, of which nobody knows, and
 * then computes for 50 ms without a call; the time from there until the first
 * of them starts on the other worker, and until the last has ended. */
#include <millrace.h>

#include "base/atomic.h"
#include "bench.h"
#include "os/futex.h"
#include "os/thread.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { SETTLE = 300000, CHILDREN = 1000, LEAF = 50000000 }; /* ns */

static int64_t entered; /* when what was woken ran; 0: not yet */

static void let_sleep(void)
{
    mr_sleep(SETTLE);
}

static int64_t await_entered(void)
{
    int64_t at;
    while ((at = __atomic_load_n(&entered, __ATOMIC_ACQUIRE)) == 0)
        mri_pause();
    return at;
}

/* ---- From outside ------------------------------------------------------- */

static int64_t enter(void *arg)
{
    (void)arg;
    __atomic_store_n(&entered, mr_now(), __ATOMIC_RELEASE);
    return 0;
}

static double submitted(uint64_t n)
{
    mr_runtime *rt;
    int64_t sum = 0;
    if (mr_start(&rt, NULL) < 0)
        abort();
    for (uint64_t i = 0; i < n; i++) {
        let_sleep();
        entered = 0;
        int64_t begin = mr_now();
        if (mr_submit(rt, enter, NULL, 0) < 0)
            abort();
        sum += await_entered() - begin;
    }
    if (mr_stop(rt, MR_NEVER) < 0)
        abort();
    return (double)sum / (double)n;
}

static struct {
    mri_atomic_u32 bell;
    int poll, eventfd;
    uint64_t n;
} bare;

static void serve_futex(void *arg)
{
    (void)arg;
    for (uint32_t i = 0; i < bare.n; i++) {
        while (mri_load_acquire(&bare.bell) == i)
            bench_keep(mri_futex_wait(&bare.bell, i, MRI_NEVER));
        __atomic_store_n(&entered, mr_now(), __ATOMIC_RELEASE);
    }
}

static void ring_futex(void)
{
    mri_store_release(&bare.bell, mri_load_relaxed(&bare.bell) + 1);
    mri_futex_wake(&bare.bell, 1);
}

static void serve_eventfd(void *arg)
{
    (void)arg;
    for (uint64_t i = 0; i < bare.n; i++) {
        struct epoll_event event;
        uint64_t rung;
        if (epoll_wait(bare.poll, &event, 1, -1) != 1)
            abort();
        __atomic_store_n(&entered, mr_now(), __ATOMIC_RELEASE);
        if (read(bare.eventfd, &rung, sizeof rung) != sizeof rung)
            abort();
    }
}

static void ring_eventfd(void)
{
    uint64_t one = 1;
    if (write(bare.eventfd, &one, sizeof one) != sizeof one)
        abort();
}

static double woken(uint64_t n, void (*serve)(void *), void (*ring)(void))
{
    mri_thread t;
    int64_t sum = 0;
    bare.n = n;
    mri_store_relaxed(&bare.bell, 0);
    if (mri_thread_start(&t, "bare", serve, NULL, 0) < 0)
        abort();
    for (uint64_t i = 0; i < n; i++) {
        let_sleep();
        entered = 0;
        int64_t begin = mr_now();
        ring();
        sum += await_entered() - begin;
    }
    mri_thread_join(&t);
    return (double)sum / (double)n;
}

static double woken_futex(uint64_t n)
{
    return woken(n, serve_futex, ring_futex);
}

static double woken_eventfd(uint64_t n)
{
    struct epoll_event in = {.events = EPOLLIN | EPOLLET};
    bare.poll = epoll_create1(EPOLL_CLOEXEC);
    bare.eventfd = eventfd(0, EFD_CLOEXEC);
    if (bare.poll < 0 || bare.eventfd < 0 ||
        epoll_ctl(bare.poll, EPOLL_CTL_ADD, bare.eventfd, &in) < 0)
        abort();
    double each = woken(n, serve_eventfd, ring_eventfd);
    close(bare.eventfd);
    close(bare.poll);
    return each;
}

/* ---- From a leaf -------------------------------------------------------- */

static struct leaf {
    mr_task child[CHILDREN];
    int64_t begun, first, last, ran;
} leaf;

static int64_t child(void *arg)
{
    int64_t nothing = 0, now = mr_now();
    (void)arg;
    __atomic_compare_exchange_n(&leaf.first, &nothing, now, false,
                                __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    if (__atomic_add_fetch(&leaf.ran, 1, __ATOMIC_RELAXED) == CHILDREN)
        __atomic_store_n(&leaf.last, mr_now(), __ATOMIC_RELAXED);
    return 0;
}

/* The other worker sleeps when the children are spawned. */
static int64_t parent(void *arg)
{
    (void)arg;
    for (int64_t end = mr_after(2 * MR_MS); mr_now() < end;)
        mri_pause();
    leaf.first = leaf.last = leaf.ran = 0;
    leaf.begun = mr_now();
    for (int i = 0; i < CHILDREN; i++)
        mr_spawn(&leaf.child[i], child, NULL);
    for (int64_t end = mr_after(LEAF); mr_now() < end;)
        mri_pause();
    int64_t ran = __atomic_load_n(&leaf.ran, __ATOMIC_RELAXED);
    for (int i = CHILDREN; i-- > 0;)
        mr_await(&leaf.child[i]);
    return ran;
}

static double leaf_until(const int64_t *when)
{
    mr_config config = {.size = sizeof config, .workers = 2};
    if (mr_main(&config, parent, NULL) != CHILDREN)
        return -1;
    return (double)(*when - leaf.begun);
}

static double first_child(uint64_t n)
{
    (void)n;
    return leaf_until(&leaf.first);
}

static double last_child(uint64_t n)
{
    (void)n;
    return leaf_until(&leaf.last);
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"submitted from outside, starts", 200, submitted},
        {"bare futex, wakes", 200, woken_futex},
        {"bare eventfd, polled, wakes", 200, woken_eventfd},
        {"first of 1000 children of a leaf starts", 1, first_child},
        {"last of 1000 children of a leaf ends", 1, last_child},
    };
    return bench_main(argc, argv, "latency: how soon something starts", cases,
                      sizeof cases / sizeof *cases);
}
