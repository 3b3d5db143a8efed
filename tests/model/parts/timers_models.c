/* What must hold of timers: each ends once, stopped or fired; its frame may
 * die when stop has returned or it is known to have fired; what is due fires
 * in order; and nobody sleeps past one that was started. MRI_TIMER_MOVES is 1
 * here, so that expire leaves lists half settled. */
#include "os/clock.h"
#include "parts/event_count.h"
#include "parts/timers.h"

#include "model.h"

enum { MOST = 8, UNIT = 1 << 16, LIST = 64 * UNIT };

struct state {
    mri_timers timers;
    mri_event_count told;
    mri_timer *timer[MOST];
    mri_atomic_u32 fired[MOST]; /* how many times */
    uint32_t stopped[MOST];     /* its starter's */
    int64_t last;               /* of those that one thread fires alone */
    int64_t at[MOST];
};

static void open(void *a)
{
    struct state *s = a;
    mri_timers_open(&s->timers, 0);
    mri_event_count_init(&s->told);
    model_name(&s->timers.lock, 4, "lock");
    model_name(&s->timers.earliest, 8, "earliest");
}

/* In a frame that dies when it has ended. */
static bool start(struct state *s, uint32_t i, int64_t at)
{
    s->timer[i] = model_alloc(sizeof *s->timer[i]);
    s->at[i] = at;
    mri_timer_init(s->timer[i], &s->fired[i], i);
    return mri_timer_start(&s->timers, s->timer[i], at);
}

static void leave(struct state *s, uint32_t i)
{
    model_free(s->timer[i]);
}

static void stop(struct state *s, uint32_t i)
{
    if (mri_timer_stop(&s->timers, s->timer[i]))
        s->stopped[i]++;
    leave(s, i);
}

/* Known to have fired, or stopped. */
static void end(struct state *s, uint32_t i)
{
    if (mri_load_acquire(&s->fired[i]))
        leave(s, i);
    else
        stop(s, i);
}

/* One call; its timers' frames may be gone. */
static uint32_t expire(struct state *s, int64_t now, uint32_t most)
{
    mri_expired out[MOST];
    uint32_t n = mri_timers_expire(&s->timers, now, out, most);
    for (uint32_t i = 0; i < n; i++) {
        model_assert(out[i].owner == &s->fired[out[i].count]);
        mri_add_release((mri_atomic_u32 *)out[i].owner, 1);
    }
    return n;
}

static void once(struct state *s, int count)
{
    mri_timers_check(&s->timers);
    model_assert(mri_timers_earliest(&s->timers) == INT64_MAX);
    for (int i = 0; i < count; i++)
        model_assert(mri_load_relaxed(&s->fired[i]) + s->stopped[i] == 1);
}

static void each_of_1_once(void *a)
{
    once(a, 1);
}

static void each_of_2_once(void *a)
{
    once(a, 2);
}

static void each_of_3_once(void *a)
{
    once(a, 3);
}

/* ---- Threads ------------------------------------------------------------ */

static void start_0(void *a)
{
    (void)!start(a, 0, 5);
}

static void start_0_end(void *a)
{
    start_0(a);
    end(a, 0);
}

static void end_0(void *a)
{
    end(a, 0);
}

static void end_1(void *a)
{
    end(a, 1);
}

static void end_2(void *a)
{
    end(a, 2);
}

static void start_1_end(void *a)
{
    (void)!start(a, 1, 3);
    end(a, 1);
}

static void start_1_far_end(void *a)
{
    (void)!start(a, 1, 3 * UNIT);
    end(a, 1);
}

static void fires(void *a)
{
    expire(a, 2 * LIST, MOST);
}

static void fires_1(void *a)
{
    expire(a, 2 * LIST, 1);
}

static void fires_3_times(void *a)
{
    for (int i = 0; i < 3; i++)
        fires(a);
}

/* Near: one tree of the heap. Far: one list, settled one by one. */
static void open_with(struct state *s, int count, int64_t first)
{
    open(s);
    for (int i = 0; i < count; i++)
        model_assert(start(s, (uint32_t)i, first - i));
    mri_timers_check(&s->timers);
}

static void open_with_1(void *a)
{
    open_with(a, 1, 5);
}

static void open_with_2(void *a)
{
    open_with(a, 2, 5);
}

static void open_with_3(void *a)
{
    open_with(a, 3, 5);
}

static void open_with_2_far(void *a)
{
    open_with(a, 2, UNIT + 5);
}

static void open_with_3_far(void *a)
{
    open_with(a, 3, LIST + UNIT + 5);
}

#define EXHAUST .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED
#define TIMERS(name_, setup_, finish_, ...)                                    \
    MODEL(timers_##name_, .state_size = sizeof(struct state),                  \
          .setup = (setup_), .finish = (finish_), __VA_ARGS__)

TIMERS(started_against_expire, open, each_of_1_once,
       .thread = {start_0_end, fires}, EXHAUST)
TIMERS(stopped_against_expire, open_with_1, each_of_1_once,
       .thread = {end_0, fires}, EXHAUST)
TIMERS(stopped_against_expire_while_it_moves, open_with_2_far, each_of_2_once,
       .thread = {end_0, fires_3_times, end_1})
TIMERS(stopped_against_two_that_expire, open_with_1, each_of_1_once,
       .thread = {end_0, fires, fires})
TIMERS(neighbours_stopped_in_the_heap, open_with_3, each_of_3_once,
       .thread = {end_0, end_1, end_2})
TIMERS(neighbours_stopped_in_a_list, open_with_3_far, each_of_3_once,
       .thread = {end_0, end_1, end_2})
TIMERS(neighbours_stopped_against_expire, open_with_2, each_of_2_once,
       .thread = {end_0, end_1, fires_1})
TIMERS(two_started_against_expire, open, each_of_2_once,
       .thread = {start_0_end, start_1_end, fires})
TIMERS(started_while_others_move, open_with_1, each_of_2_once,
       .thread = {start_1_far_end, fires, end_0})

/* ---- In order, however the calls fall ----------------------------------- */

/* The expiring thread alone ends them, so it sees all in order; another one
 * starts, stops and looks. */
static void in_order(struct state *s, int64_t now)
{
    mri_expired out[1];
    while (mri_timers_expire(&s->timers, now, out, 1) == 1) {
        uint64_t i = out[0].count;
        model_assert(s->at[i] >= s->last && s->at[i] <= now);
        s->last = s->at[i];
        mri_add_release((mri_atomic_u32 *)out[0].owner, 1);
    }
    mri_timers_check(&s->timers);
}

static void fires_in_order(void *a)
{
    struct state *s = a;
    const int64_t now[] = {4,           UNIT + 3,        UNIT + 4, UNIT + 5,
                           LIST + UNIT, LIST + UNIT + 5, 2 * LIST};
    for (unsigned i = 0; i < MRI_ARRAY_LEN(now); i++)
        do
            in_order(s, now[i]);
        while (mri_timers_earliest(&s->timers) <= now[i]);
}

static void starts_late_and_ends(void *a)
{
    (void)!start(a, 3, 2 * LIST);
    end(a, 3);
}

static void all_fired(void *a)
{
    struct state *s = a;
    mri_timers_check(&s->timers);
    for (uint32_t i = 0; i < 3; i++) {
        model_assert(mri_load_relaxed(&s->fired[i]) == 1);
        leave(s, i);
    }
    model_assert(mri_timers_earliest(&s->timers) == INT64_MAX);
}

TIMERS(in_order_from_the_heap, open_with_3, all_fired,
       .thread = {fires_in_order, starts_late_and_ends}, .bound = 1,
       .deep_bound = 2)
TIMERS(in_order_from_lists, open_with_3_far, all_fired,
       .thread = {fires_in_order, starts_late_and_ends}, .bound = 1,
       .deep_bound = 2)

static void open_with_mixed(void *a)
{
    const int64_t at[] = {UNIT + 5, LIST + UNIT, UNIT + 5};
    open(a);
    for (uint32_t i = 0; i < 3; i++)
        model_assert(start(a, i, at[i]) == (i == 0));
}

static void equal_ones_in_order(void *a)
{
    struct state *s = a;
    mri_expired out[MOST];
    uint32_t n = 0;
    do
        n += mri_timers_expire(&s->timers, UNIT + 5, out + n, MOST - n);
    while (mri_timers_earliest(&s->timers) <= UNIT + 5);
    model_assert(n == 2 && out[0].count == 0 && out[1].count == 2);
    mri_add_release(&s->fired[0], 1);
    mri_add_release(&s->fired[2], 1);
    in_order(s, LIST + UNIT);
    do
        in_order(s, LIST + UNIT);
    while (mri_timers_earliest(&s->timers) <= LIST + UNIT);
}

TIMERS(equal_ones_in_order, open_with_mixed, all_fired,
       .thread = {equal_ones_in_order, starts_late_and_ends}, .bound = 1,
       .deep_bound = 2)

/* Eight in the heap, in neighbouring lists and at two levels; any one of them
 * stopped before the first, or after some have fired. */
static void eight_but_one_in_order(void *a)
{
    static const int64_t apart[] = {1, UNIT, LIST / 2};
    static const uint32_t order[] = {3, 6, 1, 0, 7, 4, 2, 5};
    struct state *s = a;
    int64_t step = apart[model_choose(3)], end = 8 * step;
    uint32_t which = model_choose(MOST), when = model_choose(4);
    for (uint32_t i = 0; i < MOST; i++)
        (void)!start(s, order[i], 1 + order[i] * step);
    for (uint32_t call = 0; mri_timers_earliest(&s->timers) <= end; call++) {
        if (call == when && !mri_load_relaxed(&s->fired[which]))
            s->stopped[which] += mri_timer_stop(&s->timers, s->timer[which]);
        in_order(s, end);
    }
    for (uint32_t i = 0; i < MOST; i++)
        stop(s, i);
    once(s, MOST);
}

TIMERS(eight_but_one_in_order, open, NULL, .thread = {eight_but_one_in_order})

/* ---- Sleeping until the earliest ---------------------------------------- */

/* The clock stands still; who would sleep to a deadline of its own has what it
 * needs, and who sleeps for good past a start is a deadlock. */
static void sleeps(void *a)
{
    struct state *s = a;
    for (;;) {
        if (mri_timers_earliest(&s->timers) < MRI_NEVER)
            break;
        mri_event_key key = mri_event_count_prepare(&s->told);
        int64_t until = mri_timers_earliest(&s->timers);
        if (until < MRI_NEVER) {
            mri_event_count_cancel(&s->told);
            break;
        }
        (void)!mri_event_count_commit(&s->told, key, MRI_NEVER);
    }
}

static void start_and_tell(struct state *s, uint32_t i, int64_t at)
{
    if (start(s, i, at))
        mri_event_count_notify_one(&s->told);
}

static void start_0_and_tell(void *a)
{
    start_and_tell(a, 0, 5);
}

static void start_1_and_tell(void *a)
{
    start_and_tell(a, 1, 4);
}

static void still_pending(struct state *s, uint32_t count)
{
    mri_timers_check(&s->timers);
    for (uint32_t i = 0; i < count; i++)
        stop(s, i);
    once(s, (int)count);
}

static void one_is_pending(void *a)
{
    still_pending(a, 1);
}

static void two_are_pending(void *a)
{
    still_pending(a, 2);
}

TIMERS(sleeper_is_told, open, one_is_pending,
       .thread = {sleeps, start_0_and_tell}, EXHAUST)
TIMERS(sleeper_is_told_by_two, open, two_are_pending,
       .thread = {sleeps, start_0_and_tell, start_1_and_tell})
