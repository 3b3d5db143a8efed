/* The main of the programs that hand in detached tasks, from a thread that is
 * no worker. Included once, by the program, which defines hand_in(). */
#define FJ_DETACHED
#include "millrace_main.h"

#include <sched.h>

static int64_t ran;

static int64_t counted(void *arg)
{
    (void)arg;
    return __atomic_fetch_add(&ran, 1, __ATOMIC_RELAXED);
}

static void submit_all(mr_runtime *rt, int64_t size)
{
    for (int64_t i = 0; i < size; i++)
        if (mr_submit(rt, counted, &i, sizeof i) < 0)
            return;
}

static void hand_in(mr_runtime *rt, int64_t size);

/* Looked at now and then rather than woken: the last task must not have to
 * know it. */
static int64_t work(mr_runtime *rt, int64_t size)
{
    __atomic_store_n(&ran, 0, __ATOMIC_SEQ_CST);
    hand_in(rt, size);
    while (__atomic_load_n(&ran, __ATOMIC_SEQ_CST) < size)
        sched_yield();
    return __atomic_load_n(&ran, __ATOMIC_SEQ_CST);
}
