/* Frames that go on in another thread than they began in. What a compiler has
 * computed before a wait from that thread's pointer (where its variables are)
 * must not be used after it: least of all inside the library, which finds the
 * running strand by a variable of the thread. Here is every public call of a
 * task before and after waits, in loops and in one function, as an optimizer
 * likes it; migrate.sh builds it together with the library's own sources. */
#define _GNU_SOURCE
#include <millrace.h>

#include "slow.h"
#include "stress.h"
#include "test.h"

#include <pthread.h>
#include <sys/syscall.h>

enum { TASKS = 16, ROUNDS = 200 };

struct hopper {
    mr_runtime *rt;
    int64_t moved, detached;
};

/* The kernel's answer: no variable of the thread is in play. */
static __attribute__((noinline)) long thread_now(void)
{
    long id;
    id = syscall(SYS_gettid);
    __asm__ volatile("" : "+r"(id) : : "memory");
    return id;
}

static int64_t yields(void *arg)
{
    int64_t n = *(int64_t *)arg;
    for (int64_t i = 0; i < n; i++)
        mr_yield();
    return n;
}

static int64_t counts(void *arg)
{
    __atomic_fetch_add(*(int64_t **)arg, 1, __ATOMIC_RELAXED);
    return 0;
}

/* Spawn here, await there, and the other way round. */
static int64_t round_of(struct hopper *h, int64_t round)
{
    int64_t one = 1, two = 2, three = round % 4, *detached = &h->detached;
    mr_task a, b, c;
    mr_spawn(&a, yields, &one);
    mr_yield();
    mr_spawn(&b, yields, &two);
    bool here = mr_self() == h->rt;
    int64_t sum = round % 2 ? mr_await(&a) : mr_await(&b);
    here = here && mr_self() == h->rt;
    mr_spawn(&c, yields, &three);
    sum += round % 2 ? mr_await(&b) : mr_await(&c);
    mr_yield();
    sum += round % 2 ? mr_await(&c) : mr_await(&a);
    here = here && mr_await(&a) == MR_EPERM && mr_self() == h->rt &&
           mr_submit(mr_self(), counts, &detached, sizeof detached) == 0 &&
           mr_run(h->rt, yields, &one) == MR_EPERM;
    return here ? sum - one - two - three : -1;
}

/* How many rounds went wrong. */
static int64_t hops(void *arg)
{
    struct hopper *h = arg;
    int64_t wrong = 0, moved = 0;
    for (int64_t i = 0; i < slow_scale(ROUNDS); i++) {
        long before = thread_now();
        wrong += round_of(h, i) != 0;
        moved += thread_now() != before;
    }
    __atomic_fetch_add(&h->moved, moved, __ATOMIC_RELAXED);
    return wrong;
}

static int64_t all_hop(void *arg)
{
    mr_task t[TASKS];
    int64_t wrong = 0;
    for (int i = 0; i < TASKS; i++)
        mr_spawn(&t[i], hops, arg);
    for (int i = 0; i < TASKS; i++)
        wrong += mr_await(&t[i]);
    return wrong;
}

/* Until `end`, and until some have moved. */
static void *hop_about(void *arg)
{
    int64_t until = *(int64_t *)arg, asked = 0;
    mr_config config = {.size = sizeof config, .workers = 3};
    struct hopper h = {NULL, 0, 0};
    EXPECT_EQ(mr_start(&h.rt, &config), 0);
    do {
        EXPECT_EQ(mr_run(h.rt, all_hop, &h), 0);
        asked += TASKS * slow_scale(ROUNDS);
    } while (mri_clock_now() < until || h.moved < 10);
    EXPECT(mr_self() == NULL);
    EXPECT_EQ(mr_stop(h.rt, MR_NEVER), 0);
    EXPECT_EQ(h.detached, asked);
    return NULL;
}

TEST(migration, tasks_find_themselves_in_whatever_thread_they_go_on)
{
    int64_t until = stress_end();
    hop_about(&until);
}

TEST(migration, tasks_of_two_runtimes_find_their_own)
{
    int64_t until = stress_end();
    pthread_t other;
    EXPECT_EQ(pthread_create(&other, NULL, hop_about, &until), 0);
    hop_about(&until);
    EXPECT_EQ(pthread_join(other, NULL), 0);
}
