/* What must hold of spares: one of them is the monitor at any time, until
 * stop, which all of them see; what stands in the queue of one that retires is
 * found; one that lingers hears of what is put in, and of calm; and one that
 * joins is there for others. */
#include "sched/spare_scene.h"

/* ---- One monitor at any time ------------------------------------------------
 */

static void open_hand_over(void *a)
{
    struct spares *p = a;
    spares_open(p, 1, 1, 0);
    p->relieves = 1;
}

static void open_no_thread(void *a)
{
    struct spares *p = a;
    open_hand_over(a);
    p->most = 1;
    p->late = 1;
}

static void open_there_and_back(void *a)
{
    struct spares *p = a;
    spares_open(p, 1, 1, 0);
    p->relieves = 2;
    p->late = 2;
}

/* One has joined, of two that there can be; the other is the monitor. */
static void open_back(void *a)
{
    struct spares *p = a;
    spares_open(p, 1, 2, 0);
    spares_joined(p, 0);
    p->relieves = 1;
    p->late = 1;
    mri_monitor_start(&p->s.rt);
    mri_monitor_start(&p->s.rt);
}

/* One has joined, and will rest; stop comes. */
static void open_joined(void *a)
{
    struct spares *p = a;
    spares_open(p, 1, 2, 0);
    spares_joined(p, 0);
    mri_monitor_start(&p->s.rt);
}

static void open_two_rest(void *a)
{
    struct spares *p = a;
    spares_open(p, 1, 1, 0);
    spares_rest(p, 2);
    spares_rest(p, 1);
    p->s.rt.monitor.spare[0].runtime = &p->s.rt;
    p->s.rt.monitor.spare[0].seat = 1;
}

static void starts_and_stops(void *a)
{
    struct spares *p = a;
    mri_monitor_start(&p->s.rt);
    spares_stop(p);
}

static void stops(void *a)
{
    spares_stop(a);
}

static void thread_0(void *a)
{
    spares_thread(a, 0);
}

static void thread_1(void *a)
{
    spares_thread(a, 1);
}

static void check_all_ended(void *a)
{
    struct spares *p = a;
    model_assert(mri_load_relaxed(&p->s.rt.monitor.joined) == 0);
    mri_lock_check(&p->s.rt.monitor.lock);
}

static void check_one_monitor(void *a)
{
    struct spares *p = a;
    check_all_ended(a);
    model_assert(p->watches > 0);
    model_assert(p->last == 1);
}

static uint32_t bell(struct spares *p, int i)
{
    return mri_load_relaxed(&p->s.rt.monitor.spare[i].bell);
}

/* Nobody is the monitor twice who has not rested in between. */
static void relieved_twice(void *a)
{
    struct spares *p = a;
    mri_monitor *m = &p->s.rt.monitor;
    model_assert(mri_spare_relieve(&m->spare[0], 1));
    model_assert(bell(p, 1) == MRI_SPARE_PROMOTED);
    model_assert(bell(p, 2) == MRI_SPARE_RESTS);
    model_assert(mri_spare_relieve(&m->spare[1], 2));
    model_assert(bell(p, 2) == MRI_SPARE_PROMOTED);
    model_assert(!m->dormant);
    model_assert(mri_load_relaxed(&m->joined) == 2);
}

/* ---- Joining ----------------------------------------------------------------
 */

/* As a strand is installed (strand.c). It runs for as long as the other takes
 * to fall asleep, and retires at the stop. */
static void looks_for_sleepers(struct spares *p, mri_worker *w)
{
    mr_runtime *rt = w->runtime;
    p->joiner_sees = mri_event_count_awaited(&rt->idle);
    while (!mri_load_relaxed(&p->s.quiet))
        mri_pause();
    mri_store_relaxed(&rt->stopping, 1);
    mri_monitor_end(rt);
}

/* Nobody has joined yet; who is to follow rests. */
static void open_joins(void *a)
{
    struct spares *p = a;
    spares_open(p, 1, 1, 0);
    p->relieves = 1;
    p->runs = looks_for_sleepers;
    mri_monitor_start(&p->s.rt);
    spares_rest(p, 1);
}

/* The same, where it has a seat already. */
static void open_joins_again(void *a)
{
    struct spares *p = a;
    spares_open(p, 1, 2, 0);
    spares_joined(p, 0);
    p->runs = looks_for_sleepers;
    mri_init(&p->s.worker[1].idle, 1);
    mri_monitor_start(&p->s.rt);
}

/* Counted until the end; then the look at others as in idle.c. */
static void sleeps(void *a)
{
    struct spares *p = a;
    mr_runtime *rt = &p->s.rt;
    (void)!mri_event_count_prepare(&rt->idle);
    uint32_t seats = mri_seats(rt);
    for (uint32_t i = rt->workers; i < seats; i++)
        if (!mri_load_relaxed(&rt->worker[i].idle))
            p->sleeper_sees = true;
    scene_quiet(&p->s);
}

static void steals_nothing(void *a)
{
    struct spares *p = a;
    mri_work work;
    model_assert(!mri_worker_steal(&p->s.worker[0], &work));
    scene_quiet(&p->s);
}

/* Either watches over the one that runs, or was asked for by it. */
static void check_seen(void *a)
{
    struct spares *p = a;
    check_all_ended(a);
    model_assert(p->sleeper_sees || p->joiner_sees);
}

/* ---- Lingering and retiring -------------------------------------------------
 */

/* Seat 1 is a spare's, with something in its queue. */
static void open_retire(void *a)
{
    struct spares *p = a;
    spares_open(p, 1, 2, 1);
    mri_run_queue_push(&p->s.worker[1].queue, &p->s.job[0].node);
    mri_init(&p->s.rt.monitor.calm, 1);
}

static void open_linger(void *a)
{
    spares_open(a, 1, 2, 1);
}

static void open_calm(void *a)
{
    spares_open(a, 1, 2, 0);
}

static void retires(void *a)
{
    struct spares *p = a;
    mri_work work;
    model_assert(!mri_spare_find(&p->s.worker[1], &work));
}

static void finds(void *a)
{
    struct spares *p = a;
    mri_work work;
    model_assert(mri_spare_find(&p->s.worker[1], &work));
    p->s.ran[0]++;
    scene_started(&p->s);
}

static void sleep_0(void *a)
{
    scene_sleep_once(a, 0);
}

static void post_1(void *a)
{
    scene_post(a, 0, 1);
}

static void push_1(void *a)
{
    scene_push(a, 0, 0, 1);
}

static void calms(void *a)
{
    struct spares *p = a;
    mri_spare_set_calm(&p->s.rt, true);
}

#define SPARE(name_, ...)                                                      \
    MODEL(spare_##name_, .state_size = sizeof(struct spares),                  \
          .free_pauses = MODEL_NONE, __VA_ARGS__)

SPARE(that_retires_leaves_its_queue_to_others, .setup = open_retire,
      .finish = scene_check, .bound = 1, .deep_bound = 2,
      .thread = {retires, sleep_0})
SPARE(that_lingers_hears_of_a_post, .setup = open_linger, .finish = scene_check,
      .thread = {finds, post_1})
SPARE(that_lingers_hears_of_a_push, .setup = open_linger, .finish = scene_check,
      .thread = {finds, push_1})
SPARE(that_lingers_retires_when_it_is_calm, .setup = open_calm,
      .finish = scene_check, .thread = {retires, calms})
SPARE(that_joins_sees_a_sleeper_or_is_seen, .setup = open_joins,
      .finish = check_seen, .thread = {thread_0, sleeps})
SPARE(that_joins_again_sees_a_sleeper_or_is_seen, .setup = open_joins_again,
      .finish = check_seen, .thread = {thread_0, sleeps})
SPARE(that_joins_first_has_its_seat_ready, .setup = open_joins,
      .finish = check_all_ended, .thread = {thread_0, steals_nothing})
SPARE(is_promoted_once_for_each_rest, .setup = open_two_rest,
      .thread = {relieved_twice})
SPARE(that_has_joined_hears_of_stop, .setup = open_joined,
      .finish = check_all_ended, .bound = 1, .deep_bound = 2,
      .thread = {stops, thread_0})
SPARE(stays_the_monitor_where_no_thread_is_left, .setup = open_no_thread,
      .finish = check_one_monitor, .bound = 1, .deep_bound = 2,
      .thread = {starts_and_stops, thread_0, thread_1})
SPARE(hands_over_and_all_end, .setup = open_hand_over,
      .finish = check_one_monitor, .bound = 1, .deep_bound = 2,
      .thread = {starts_and_stops, thread_0, thread_1})
SPARE(hands_over_to_who_was_the_monitor_before, .setup = open_back,
      .finish = check_one_monitor, .bound = MODEL_NO_PREEMPTION,
      .deep_bound = 1, .thread = {stops, thread_0, thread_1})
SPARE(hands_over_there_and_back, .setup = open_there_and_back,
      .finish = check_one_monitor, .bound = MODEL_NO_PREEMPTION,
      .deep_bound = MODEL_NO_PREEMPTION, .deep_only = true,
      .thread = {starts_and_stops, thread_0, thread_1})
