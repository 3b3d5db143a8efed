/* What waiting for a condition costs through an event count: a ball between
 * two threads that sleep until it is theirs, against the same on bare futexes;
 * and what a notification costs while nobody waits. */
#include "parts/event_count.h"

#include "bench.h"
#include "os/clock.h"
#include "os/futex.h"

#include <pthread.h>

struct table {
    MRI_ALIGNED(64) mri_atomic_u32 ball; /* whose turn: odd or even */
    MRI_ALIGNED(64) mri_event_count turn_of[2];
    uint64_t n;
    void (*await)(struct table *t, uint32_t turn);
    void (*serve)(struct table *t, uint32_t turn);
};

static void await_futex(struct table *t, uint32_t turn)
{
    uint32_t ball;
    while ((ball = mri_load_acquire(&t->ball)) != turn)
        bench_keep(mri_futex_wait(&t->ball, ball, MRI_NEVER));
}

static void serve_futex(struct table *t, uint32_t turn)
{
    mri_store_release(&t->ball, turn);
    mri_futex_wake(&t->ball, 1);
}

static void await_event(struct table *t, uint32_t turn)
{
    mri_event_count *mine = &t->turn_of[turn % 2];
    while (mri_load_acquire(&t->ball) != turn) {
        mri_event_key key = mri_event_count_prepare(mine);
        if (mri_load_acquire(&t->ball) == turn) {
            mri_event_count_cancel(mine);
            return;
        }
        bench_keep(mri_event_count_commit(mine, key, MRI_NEVER));
    }
}

static void serve_event(struct table *t, uint32_t turn)
{
    mri_store_release(&t->ball, turn);
    mri_event_count_notify_one(&t->turn_of[turn % 2]);
}

static void play(struct table *t, uint32_t mine)
{
    for (uint64_t i = 0; i < t->n; i++) {
        uint32_t turn = (uint32_t)(2 * i) + mine;
        t->await(t, turn);
        t->serve(t, turn + 1);
    }
}

static void *play_second(void *arg)
{
    play(arg, 1);
    return NULL;
}

static double round_trips(struct table *t)
{
    pthread_t second;
    mri_event_count_init(&t->turn_of[0]);
    mri_event_count_init(&t->turn_of[1]);
    if (pthread_create(&second, NULL, play_second, t) != 0)
        return -1;
    int64_t start = bench_now();
    play(t, 0);
    pthread_join(second, NULL);
    return (double)(bench_now() - start) / (double)t->n;
}

static double round_trip_event(uint64_t n)
{
    struct table t = {.n = n, .await = await_event, .serve = serve_event};
    return round_trips(&t);
}

static double round_trip_futex(uint64_t n)
{
    struct table t = {.n = n, .await = await_futex, .serve = serve_futex};
    return round_trips(&t);
}

static double notify_nobody(uint64_t n)
{
    mri_event_count e;
    mri_event_count_init(&e);
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i++)
        mri_event_count_notify_one(&e);
    return (double)(bench_ran() - start) / (double)n;
}

static double fence_alone(uint64_t n)
{
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i++)
        mri_fence_seq_cst();
    return (double)(bench_ran() - start) / (double)n;
}

static double prepare_and_cancel(uint64_t n)
{
    mri_event_count e;
    mri_event_count_init(&e);
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i++) {
        bench_keep(mri_event_count_prepare(&e));
        mri_event_count_cancel(&e);
    }
    return (double)(bench_ran() - start) / (double)n;
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"round trip, event count", 3000, round_trip_event},
        {"round trip, bare futex", 3000, round_trip_futex},
        {"notify with nobody waiting", 200000, notify_nobody},
        {"full fence alone", 200000, fence_alone},
        {"prepare and cancel", 200000, prepare_and_cancel},
    };
    return bench_main(argc, argv, "event_count", cases, MRI_ARRAY_LEN(cases));
}
