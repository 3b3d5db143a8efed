/* What waiting for a condition costs through an event count: a ball between
 * two threads that sleep until it is theirs, against the same on bare futexes;
 * and what a notification costs while nobody waits. */
#include "parts/event_count.h"

#include "bench.h"
#include "os/clock.h"
#include "os/futex.h"
#include "rally.h"

struct table {
    MRI_ALIGNED(64) mri_atomic_u32 turn;
    MRI_ALIGNED(64) mri_event_count turn_of[2]; /* even, odd */
};

static void await_futex(void *table, uint32_t turn)
{
    struct table *t = table;
    uint32_t now;
    while ((now = mri_load_acquire(&t->turn)) != turn)
        bench_keep(mri_futex_wait(&t->turn, now, MRI_NEVER));
}

static void serve_futex(void *table, uint32_t turn)
{
    struct table *t = table;
    mri_store_release(&t->turn, turn);
    mri_futex_wake(&t->turn, 1);
}

static void await_event(void *table, uint32_t turn)
{
    struct table *t = table;
    mri_event_count *mine = &t->turn_of[turn % 2];
    while (mri_load_acquire(&t->turn) != turn) {
        mri_event_key key = mri_event_count_prepare(mine);
        if (mri_load_acquire(&t->turn) == turn) {
            mri_event_count_cancel(mine);
            return;
        }
        bench_keep(mri_event_count_commit(mine, key, MRI_NEVER));
    }
}

static void serve_event(void *table, uint32_t turn)
{
    struct table *t = table;
    mri_store_release(&t->turn, turn);
    mri_event_count_notify_one(&t->turn_of[turn % 2]);
}

static double round_trip_event(uint64_t n)
{
    static const struct bench_players players = {await_event, serve_event};
    struct table t = {0};
    mri_event_count_init(&t.turn_of[0]);
    mri_event_count_init(&t.turn_of[1]);
    return bench_rally(&players, &t, n);
}

static double round_trip_futex(uint64_t n)
{
    static const struct bench_players players = {await_futex, serve_futex};
    struct table t = {0};
    return bench_rally(&players, &t, n);
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
