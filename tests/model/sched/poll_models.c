/* What must hold of the role of waiting (sched/poll.h): whoever sleeps in it is
 * woken by work and by what the kernel has to tell; and the monitor does not
 * sleep while the role is vacant. */
#include "os/futex.h"
#include "sched/scene.h"

#include "base/assert.h"

/* What the poller knows: that it was kicked, and events, each of a job. */
enum { KICK = 1, EVENT = 2 };

struct polled {
    struct state s;
    mri_atomic_u32 kernel;
    unsigned waits; /* plain: who has the role is alone with it */
    mri_atomic_u32 work;
    bool told, called;
};

static struct polled *polled_of(mr_runtime *rt)
{
    return mri_container_of(rt, struct polled, s.rt);
}

/* ---- The poller --------------------------------------------------------- */

static void happens(struct polled *p, uint32_t what)
{
    mri_or_acq_rel(&p->kernel, what);
    mri_futex_wake(&p->kernel, 1);
}

static void wait_for_events(mr_runtime *rt, int64_t deadline,
                            mri_run_list *ready)
{
    struct polled *p = polled_of(rt);
    p->waits++;
    uint32_t got = mri_swap_acq_rel(&p->kernel, 0);
    while (got == 0 && deadline != 0) {
        (void)!mri_futex_wait(&p->kernel, 0, MRI_NEVER);
        got = mri_swap_acq_rel(&p->kernel, 0);
    }
    for (int i = 0; i < NODES; i++)
        if (got & (uint32_t)EVENT << i)
            mri_run_list_append(ready, &p->s.job[i].node);
}

static void kick(mr_runtime *rt)
{
    happens(polled_of(rt), KICK);
}

static const mri_poll_ops ops = {wait_for_events, kick};

/* ---- Setups ------------------------------------------------------------- */

/* All that is run ends when all has begun: each needs a worker of its own. */
static void open(struct polled *p, uint32_t workers, unsigned jobs)
{
    scene_open(&p->s, workers, jobs, true);
    p->s.together = true;
    mri_init(&p->s.rt.poll.ops, &ops);
    mri_init(&p->s.rt.monitor.state, MRI_MONITOR_AWAKE);
    model_name(&p->s.rt.poll.state, 4, "role");
    model_name(&p->s.rt.monitor.state, 4, "monitor");
    model_name(&p->kernel, 4, "kernel");
}

static void open_one(void *a)
{
    open(a, 1, 1);
}

static void open_one_for_none(void *a)
{
    open(a, 1, 0);
}

static void open_two(void *a)
{
    open(a, 2, 2);
}

/* Nothing was waited for yet. */
static void open_without(void *a)
{
    struct polled *p = a;
    open(a, 1, 0);
    mri_init(&p->s.rt.poll.ops, NULL);
}

static void open_two_for_none(void *a)
{
    open(a, 2, 0);
}

static void await_monitor(struct state *s, uint32_t worker)
{
    (void)worker;
    while (!mri_load_acquire(&s->quiet))
        mri_pause();
}

/* Who runs it is long, until the monitor is awake. */
static void open_long(void *a)
{
    struct polled *p = a;
    open(a, 1, 1);
    p->s.run[0] = await_monitor;
}

/* ---- Threads ------------------------------------------------------------ */

static void sleep_0(void *a)
{
    scene_sleep_once(a, 0);
}

static void sleep_1(void *a)
{
    scene_sleep_once(a, 1);
}

static void sleep_to_the_end(void *a)
{
    struct polled *p = a;
    mri_work work;
    model_assert(!mri_idle_wait(&p->s.worker[0], &work));
}

static void post_0(void *a)
{
    scene_post(a, 0, 1);
}

static void event_0(void *a)
{
    happens(a, EVENT);
}

static void event_2(void *a)
{
    happens(a, EVENT << 2);
}

static void both_events(void *a)
{
    happens(a, EVENT | EVENT << 1);
}

static void stop(void *a)
{
    struct polled *p = a;
    mri_store_relaxed(&p->s.rt.stopping, 1);
    mri_event_count_notify_all(&p->s.rt.idle);
    (void)!mri_poll_kick(&p->s.rt);
}

static void monitor(void *a)
{
    struct polled *p = a;
    mri_monitor_doze(&p->s.rt);
    scene_quiet(&p->s);
}

/* While somebody sleeps on the event count, so that the monitor may, too. */
static void opens(void *a)
{
    struct polled *p = a;
    (void)!mri_event_count_prepare(&p->s.rt.idle);
    mri_poll_open(&p->s.rt, &ops);
    await_monitor(&p->s, 0);
    mri_event_count_cancel(&p->s.rt.idle);
}

static void opens_and_goes_on(void *a)
{
    struct polled *p = a;
    p->waits = 1;
    mri_poll_open(&p->s.rt, &ops);
}

static void looks(void *a)
{
    struct polled *p = a;
    (void)!mri_poll_look(&p->s.worker[0]);
}

static void looks_too(void *a)
{
    struct polled *p = a;
    (void)!mri_poll_look(&p->s.worker[1]);
}

/* A busy worker looks, while another sleeps on the event count, and is long
 * then. */
static void looks_and_is_long(void *a)
{
    struct polled *p = a;
    (void)!mri_event_count_prepare(&p->s.rt.idle);
    looks(a);
    await_monitor(&p->s, 0);
    mri_event_count_cancel(&p->s.rt.idle);
}

/* The role alone: who pushes, and who sleeps. */
static void pushes(void *a)
{
    struct polled *p = a;
    mri_store_relaxed(&p->work, 1);
    mri_fence_seq_cst();
    p->told = mri_poll_kick(&p->s.rt);
}

static void sleeps(void *a)
{
    struct polled *p = a;
    model_assert(mri_poll_doze(&p->s.rt));
    p->called = mri_load_relaxed(&p->work)
                    ? mri_poll_leave(&p->s.rt)
                    : mri_poll_wait(&p->s.worker[0], MRI_NEVER);
}

/* ---- Models ------------------------------------------------------------- */

static void check(void *a)
{
    struct polled *p = a;
    scene_check(&p->s);
    model_assert(mri_load_relaxed(&p->s.rt.poll.state) == MRI_POLL_VACANT);
}

#define POLL(name_, ...)                                                       \
    MODEL(poll_##name_, .state_size = sizeof(struct polled), .finish = check,  \
          .free_pauses = MODEL_NONE, __VA_ARGS__)

POLL(work_wakes_who_has_the_role, .setup = open_one, .bound = 2,
     .deep_bound = 3, .thread = {sleep_0, post_0})
POLL(an_event_wakes_who_has_the_role, .setup = open_one, .bound = 2,
     .deep_bound = 3, .thread = {sleep_0, event_0})
POLL(stop_wakes_who_has_the_role, .setup = open_one_for_none, .bound = 2,
     .deep_bound = 3, .thread = {sleep_to_the_end, stop})
POLL(events_for_two_wake_both_who_sleep, .setup = open_two, .bound = 1,
     .deep_bound = 2, .thread = {sleep_0, sleep_1, both_events})
POLL(the_monitor_is_awake_while_the_role_is_vacant, .setup = open_long,
     .bound = 1, .deep_bound = 2, .thread = {monitor, sleep_0, event_0})
POLL(who_opens_it_wakes_the_monitor, .setup = open_without, .bound = 2,
     .deep_bound = 3, .thread = {monitor, opens})
POLL(who_opens_it_shows_what_is_there, .setup = open_without, .bound = 2,
     .deep_bound = 3, .thread = {opens_and_goes_on, looks})
POLL(one_has_the_role_at_a_time, .setup = open_two_for_none, .bound = 2,
     .deep_bound = 3, .thread = {looks, looks_too})
POLL(the_monitor_is_awake_when_a_look_has_ended, .setup = open_one_for_none,
     .bound = 2, .deep_bound = 3, .thread = {monitor, looks_and_is_long})

/* Whoever was told that it wakes counts on it; whoever was not found it awake,
 * or it would sleep for ever. */
static void check_call(void *a)
{
    struct polled *p = a;
    model_assert(!p->told || p->called);
}

MODEL(poll_a_call_is_heard_though_there_is_an_event,
      .state_size = sizeof(struct polled), .finish = check_call,
      .free_pauses = MODEL_NONE, .setup = open_one_for_none, .bound = 3,
      .deep_bound = 4, .thread = {sleeps, pushes, event_2})
MODEL(poll_a_call_is_heard, .state_size = sizeof(struct polled),
      .finish = check_call, .free_pauses = MODEL_NONE,
      .setup = open_one_for_none, .bound = 3, .deep_bound = 4,
      .thread = {sleeps, pushes})
