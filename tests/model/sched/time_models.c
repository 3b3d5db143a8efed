/* What must hold of timers: somebody fires each, though whoever started it
 * does not come back, and nobody watches those who run.
 *
 * All timers are set to 1. It is 0 when a thread looks at the clock for the
 * first time, then 1. Who starts one passes for idle, so that others sleep
 * without an end unless a timer gives them one. */
#include "sched/scene.h"
#include "sched/wait.h"

/* ---- What a timer does -------------------------------------------------- */

/* It puts the first job where it can be run. */
static void ring(mri_worker *w, mri_alarm *alarm)
{
    struct state *s = mri_container_of(w->runtime, struct state, rt);
    (void)alarm;
    mri_worker_push(w, &s->job[0].node);
}

static void start_alarm(struct state *s, uint32_t i)
{
    s->alarm.ring = ring;
    mri_alarm_set(&s->strand[i], &s->alarm, 1);
}

/* As a wait does: whoever runs next tells. */
static void start_wait(struct state *s, uint32_t i)
{
    mri_worker *w = &s->worker[i];
    mri_alarm *alarm = &s->alarm;
    alarm->ring = ring;
    mri_timer_init(&alarm->timer, (char *)alarm + 1, 0);
    w->earlier = mri_timer_start(&w->timers, &alarm->timer, 1);
}

/* ---- Setups ------------------------------------------------------------- */

static void open(void *a, uint32_t workers, unsigned expected)
{
    struct state *s = a;
    scene_open(s, workers, expected, false);
    for (uint32_t i = 0; i <= WORKERS; i++)
        mri_init(&s->strand[i].deque.want, 1);
    for (uint32_t i = 0; i < workers; i++)
        mri_init(&s->worker[i].idle, 1);
    s->together = true;
    s->timed = true;
}

static void open_two(void *a)
{
    open(a, 2, 1);
}

static void open_three(void *a)
{
    open(a, 3, 2);
}

/* The second job makes its worker wait for a time, and then is a leaf. */
static void open_waits(void *a)
{
    open(a, 2, 2);
    mri_run_queue_push(&((struct state *)a)->worker[0].queue,
                       &((struct state *)a)->job[1].node);
}

/* ---- Threads ------------------------------------------------------------ */

static void starter(void *a)
{
    start_alarm(a, 0);
    scene_await_all(a);
}

/* Starts one, parks, finds the second job and runs it. */
static void waiter(void *a)
{
    start_wait(a, 0);
    scene_work_once(a, 0);
}

static void starter_who_posts(void *a)
{
    start_alarm(a, 0);
    scene_post(a, 1, 2);
    scene_await_all(a);
}

static void work_0(void *a)
{
    start_wait(a, 0);
    scene_sleep_once(a, 0);
}

static void sleep_1(void *a)
{
    scene_sleep_once(a, 1);
}

static void sleep_2(void *a)
{
    scene_sleep_once(a, 2);
}

#define TIME(name_, ...)                                                       \
    MODEL(time_##name_, .state_size = sizeof(struct state),                    \
          .finish = scene_check, .free_pauses = MODEL_NONE, __VA_ARGS__)
#define LONG .bound = MODEL_NO_PREEMPTION, .deep_bound = MODEL_NO_PREEMPTION

TIME(a_sleeper_hears_of_an_alarm, .setup = open_two,
     .thread = {starter, sleep_1})
TIME(a_sleeper_hears_of_a_wait_before_the_next_thing_runs, .setup = open_waits,
     .bound = 1, .deep_bound = 2, .thread = {waiter, sleep_1})
TIME(who_waits_and_has_nothing_to_run_looks_itself, .setup = open_two,
     .thread = {work_0})
TIME(the_watch_is_handed_over, .setup = open_three, LONG,
     .thread = {starter_who_posts, sleep_1, sleep_2})
