/* What must hold of workers that have nothing to do: whatever is pushed while
 * others sleep, or are about to, is found by one of them; so it is although
 * whoever pushed it does not come back to its queue. Nobody watches here: no
 * sleep has an end, so that a wake-up that is lost is a deadlock. */
#include "sched/scene.h"

/* ---- Setups ------------------------------------------------------------- */

static void open_1_1(void *a)
{
    scene_open(a, 1, 1, true);
}

static void open_1_2(void *a)
{
    scene_open(a, 1, 2, true);
}

static void open_2_1(void *a)
{
    scene_open(a, 2, 1, true);
}

static void open_2_2(void *a)
{
    scene_open(a, 2, 2, true);
}

static void open_2_2_together(void *a)
{
    struct state *s = a;
    scene_open(s, 2, 2, true);
    s->together = true;
}

static void open_3_2_together(void *a)
{
    struct state *s = a;
    scene_open(s, 3, 2, true);
    s->together = true;
}

static void open_search(void *a)
{
    struct state *s = a;
    open_3_2_together(a);
    mri_run_queue_push(&s->worker[0].queue, &s->job[0].node);
}

/* ---- Threads ------------------------------------------------------------ */

static void work_0(void *a)
{
    scene_work(a, 0);
}

static void work_1(void *a)
{
    scene_work(a, 1);
}

static void once_0(void *a)
{
    scene_work_once(a, 0);
}

static void once_1(void *a)
{
    scene_work_once(a, 1);
}

static void once_2(void *a)
{
    scene_work_once(a, 2);
}

static void sleep_0(void *a)
{
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

static void search_1(void *a)
{
    scene_search_once(a, 1);
}

static void push_1(void *a)
{
    scene_push(a, 0, 0, 1);
}

static void push_2(void *a)
{
    scene_push(a, 0, 0, 2);
}

static void push_second(void *a)
{
    scene_push(a, 0, 1, 2);
}

static void post_1(void *a)
{
    scene_post(a, 0, 1);
}

static void post_2(void *a)
{
    scene_post(a, 0, 2);
}

static void post_another(void *a)
{
    scene_post(a, 1, 2);
}

#define IDLE(name_, ...)                                                       \
    MODEL(idle_##name_, .state_size = sizeof(struct state),                    \
          .finish = scene_check, .free_pauses = MODEL_NONE, __VA_ARGS__)
#define ONCE .bound = 1, .deep_bound = 2
#define LONG .bound = MODEL_NO_PREEMPTION, .deep_bound = 1

IDLE(a_post_wakes_the_only_worker, .setup = open_1_1,
     .thread = {work_0, post_1})
IDLE(two_posts_wake_the_only_worker, .setup = open_1_2, .bound = 1,
     .deep_bound = 1, .thread = {work_0, post_1, post_another})
IDLE(a_push_wakes_another, .setup = open_2_1, .thread = {push_1, work_1})
IDLE(two_pushes_run_on_the_other, .setup = open_2_2, ONCE,
     .thread = {push_2, work_1})
IDLE(a_post_wakes_one_of_two, .setup = open_2_1, LONG,
     .thread = {work_0, work_1, post_1})

/* Two that run at the same time need two who were told. */
IDLE(two_posts_wake_two_sleepers, .setup = open_2_2_together, LONG,
     .thread = {sleep_0, sleep_1, post_2})
IDLE(two_pushes_wake_two_sleepers, .setup = open_3_2_together, LONG,
     .thread = {push_2, sleep_1, sleep_2})
IDLE(two_posts_run_on_two, .setup = open_2_2_together, LONG,
     .thread = {once_0, once_1, post_2})
IDLE(two_pushes_run_on_two, .setup = open_3_2_together, LONG,
     .thread = {push_2, once_1, once_2})

/* The searcher has one thing at hand already, and leaves just as there is a
 * second. */
IDLE(who_leaves_a_search_wakes_the_next, .setup = open_search, ONCE,
     .thread = {push_second, search_1, sleep_2})
