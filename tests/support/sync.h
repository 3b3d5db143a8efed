/* For tests of what tasks and threads do with one another: words that they
 * share, threads of their own, and a wait for who waits. */
#ifndef TESTS_SUPPORT_SYNC_H
#define TESTS_SUPPORT_SYNC_H

#include <millrace.h>

#include "run.h"
#include "test.h"
#include "waits.h"

#include <pthread.h>
#include <time.h>

static inline void put(int64_t *to, int64_t n)
{
    __atomic_store_n(to, n, __ATOMIC_RELEASE);
}

static inline int64_t look(int64_t *at)
{
    return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static inline int64_t add(int64_t *to, int64_t n)
{
    return __atomic_add_fetch(to, n, __ATOMIC_ACQ_REL);
}

/* In a task or out of it, until the word is so large. */
static inline void until(int64_t *word, int64_t n)
{
    while (look(word) < n)
        mr_sleep(MR_MS);
}

/* What a thread does; its result is written last. */
struct outside {
    pthread_t thread;
    mr_fn fn;
    void *arg;
    int64_t result;
};

static inline void *outside_main(void *arg)
{
    struct outside *o = (struct outside *)arg;
    o->result = o->fn(o->arg);
    return NULL;
}

static inline void outside_start(struct outside *o, mr_fn fn, void *arg)
{
    o->fn = fn;
    o->arg = arg;
    EXPECT_EQ(pthread_create(&o->thread, NULL, outside_main, o), 0);
}

static inline int64_t outside_join(struct outside *o)
{
    EXPECT_EQ(pthread_join(o->thread, NULL), 0);
    return o->result;
}

#endif
