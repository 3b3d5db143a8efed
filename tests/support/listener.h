/* A thread that gets the process's signals while the calling one has them
 * blocked. ThreadSanitizer runs a handler only when the thread that got the
 * signal makes one of the calls that it knows, and one that waits for a runtime
 * makes none. */
#ifndef TESTS_SUPPORT_LISTENER_H
#define TESTS_SUPPORT_LISTENER_H

#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

struct listener {
    pthread_t thread;
    sigset_t before;
    int end;
};

static inline void *listens(void *arg)
{
    struct listener *l = arg;
    while (!__atomic_load_n(&l->end, __ATOMIC_ACQUIRE))
        usleep(1000);
    return NULL;
}

static inline void listener_open(struct listener *l)
{
    sigset_t all;
    sigfillset(&all);
    l->end = 0;
    EXPECT_EQ(pthread_create(&l->thread, NULL, listens, l), 0);
    pthread_sigmask(SIG_SETMASK, &all, &l->before);
}

static inline void listener_close(struct listener *l)
{
    __atomic_store_n(&l->end, 1, __ATOMIC_RELEASE);
    EXPECT_EQ(pthread_join(l->thread, NULL), 0);
    pthread_sigmask(SIG_SETMASK, &l->before, NULL);
}

#endif
