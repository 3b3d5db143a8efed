/* What must hold of the monitor's sleep: it does not outlast the last worker's
 * leaving, whoever that is. Whoever runs something waits here until the
 * monitor is awake, so that a wake-up that is lost is found. */
#include "sched/scene.h"

/* ---- Setups ----------------------------------------------------------------
 */

static void await_monitor(struct state *s, uint32_t worker)
{
    (void)worker;
    while (!mri_load_acquire(&s->quiet))
        mri_pause();
}

static void open(struct state *s, uint32_t workers, unsigned jobs)
{
    scene_open(s, workers, jobs, true);
    s->together = true;
    for (unsigned i = 0; i < jobs; i++)
        s->run[i] = await_monitor;
    model_name(&s->rt.monitor.state, 4, "monitor");
}

static void open_one(void *a)
{
    open(a, 1, 1);
}

static void open_two(void *a)
{
    struct state *s = a;
    open(s, 2, 2);
    for (int i = 0; i < 2; i++)
        mri_run_queue_push(&s->worker[i].queue, &s->job[i].node);
}

/* One of two stays idle: the monitor may sleep for good. */
static void open_one_stays(void *a)
{
    struct state *s = a;
    open(s, 2, 1);
    s->run[0] = NULL;
}

/* ---- Threads ---------------------------------------------------------------
 */

static void monitor(void *a)
{
    struct state *s = a;
    mri_monitor_doze(&s->rt);
    scene_quiet(s);
}

static void sleep_0(void *a)
{
    scene_sleep_once(a, 0);
}

static void sleep_1(void *a)
{
    scene_sleep_once(a, 1);
}

static void post_1(void *a)
{
    scene_post(a, 0, 1);
}

/* In rt->idle for as long as the model lasts. */
static void stays_and_stops(void *a)
{
    struct state *s = a;
    (void)!mri_event_count_prepare(&s->rt.idle);
    scene_post(a, 0, 1);
    scene_await_all(s);
    mri_monitor_set_ending(&s->rt.monitor);
    while (!mri_load_acquire(&s->quiet))
        mri_pause();
    mri_event_count_cancel(&s->rt.idle);
}

#define DOZE(name_, ...)                                                       \
    MODEL(doze_##name_, .state_size = sizeof(struct state),                    \
          .finish = scene_check, .free_pauses = MODEL_NONE, __VA_ARGS__)

DOZE(the_only_worker_wakes_it, .setup = open_one, .bound = 1, .deep_bound = 2,
     .thread = {monitor, sleep_0, post_1})
DOZE(of_two_the_last_to_leave_wakes_it, .setup = open_two, .bound = 1,
     .deep_bound = 2, .thread = {monitor, sleep_0, sleep_1})
DOZE(stop_ends_it, .setup = open_one_stays, .bound = 1, .deep_bound = 2,
     .thread = {monitor, stays_and_stops, sleep_0})
