/* What must hold of a stop: what was accepted has run when it returns, what
 * comes later is refused, and nobody who was let in touches a runtime that is
 * gone. The checker reports the last, for the memory dies with the stop;
 * where callers may come at any time, it stays. */
#include "sched/runtime.h"

#include "model.h"
#include "os/clock.h"
#include <millrace/error.h>

enum { JOBS = 2, SLOTS = 2 };

struct state {
    mr_runtime *rt;
    mri_worker *worker;
    mri_strand strand;
    mri_slot slots[SLOTS];
    mri_job job[JOBS];
    bool keep;                     /* the memory outlives the runtime */
    int ran[JOBS], accepted[JOBS]; /* plain */
    bool stopped;                  /* plain: the stopper's */
    mri_atomic_u32 begun;
    mri_atomic_uptr ended; /* the worker has */
};

/* ---- A runtime with one worker ------------------------------------------ */

static void release(void *context, void *memory, size_t size)
{
    struct state *s = context;
    (void)size;
    /* After whatever visitors did. */
    if (memory == s->rt)
        model_assert(s->rt->config.pin <= 1);
    if (!s->keep)
        model_free(memory);
}

static void open_worker(struct state *s)
{
    mri_worker *w = s->worker;
    w->runtime = s->rt;
    w->random = 1;
    w->thread.arg = &s->ended;
    mri_run_queue_open(&w->queue, (mri_run_slot *)(void *)s->job, JOBS);
    mri_init(&w->current, &s->strand);
}

static void open(void *a)
{
    struct state *s = a;
    mr_runtime *rt = s->rt = model_alloc(sizeof *rt);
    s->worker = rt->worker = model_alloc(sizeof *s->worker);
    rt->workers = rt->most_searchers = 1;
    mri_init(&rt->seats, 1);
    mri_init(&rt->watch, MRI_NEVER);
    rt->config.context = s;
    rt->config.release = release;
    mri_barrier_open(&rt->barrier);
    mri_event_count_init(&rt->idle);
    mri_event_count_init(&rt->drained);
    mri_inbox_open(&rt->inbox);
    mri_deque_map(&s->strand.deque, s->slots, SLOTS, &rt->barrier);
    open_worker(s);
    model_name(&rt->visitors, 4, "visitors");
    model_name(&s->worker->born, 8, "born");
    model_name(&s->worker->gone, 8, "gone");
    model_name(&rt->stopping, 4, "stopping");
    model_name(&rt->inbox.newest, 8, "inbox");
    model_name(&rt->idle.state, 8, "sleepers");
    model_name(&rt->drained.state, 8, "drained");
    model_name(&s->begun, 4, "begun");
}

static void open_and_keep(void *a)
{
    struct state *s = a;
    open(a);
    s->keep = true;
}

static void accepted_has_run(void *a)
{
    struct state *s = a;
    for (int i = 0; i < JOBS; i++)
        model_assert(s->ran[i] == s->accepted[i]);
    model_assert(s->stopped);
    if (!s->keep)
        return;
    model_assert(mri_load_relaxed(&s->rt->visitors) == 0);
    model_assert(mri_runtime_is_done(s->rt));
    model_free(s->worker);
    model_free(s->rt);
}

/* ---- Threads ------------------------------------------------------------ */

/* `job` says whether its job has ended. */
static void works_by(void *a, bool (*job)(struct state *, int))
{
    struct state *s = a;
    mri_work work;
    while (mri_worker_find(s->worker, &work)) {
        int i = (int)(mri_container_of(work.node, mri_job, node) - s->job);
        s->ran[i]++;
        mri_store_release(&s->begun, 1);
        if (!job || job(s, i))
            mri_worker_gone(s->worker);
    }
    mri_store_release(&s->ended, 1);
}

static void works(void *a)
{
    works_by(a, NULL);
}

/* As mr_submit does in a task. */
static bool submits_second(struct state *s, int i)
{
    if (i != 0)
        return true;
    mri_worker_born(s->worker, 1);
    s->accepted[1] = 1;
    mri_worker_push(s->worker, &s->job[1].node);
    return true;
}

static void works_and_submits(void *a)
{
    works_by(a, submits_second);
}

/* The first waits for somebody outside, and the second is its end. */
static bool waits_for_second(struct state *s, int i)
{
    (void)s;
    return i == 1;
}

static void works_and_waits(void *a)
{
    works_by(a, waits_for_second);
}

/* As mr_submit does elsewhere. */
static void submits(struct state *s, int i)
{
    int rc = mri_runtime_submit(s->rt, &s->job[i].node);
    model_assert(rc == 0 || rc == MR_ECANCELED);
    s->accepted[i] = rc == 0;
}

static void submits_0(void *a)
{
    submits(a, 0);
}

static void submits_1(void *a)
{
    submits(a, 1);
}

static void stop_at(struct state *s, int64_t deadline)
{
    int rc = mr_stop(s->rt, deadline);
    model_assert(rc == 0 || (rc == MR_ETIMEDOUT && deadline != MRI_NEVER));
    if (rc < 0)
        model_assert(mr_stop(s->rt, MRI_NEVER) == 0);
    s->stopped = true;
}

static void stops(void *a)
{
    stop_at(a, MRI_NEVER);
}

static void stops_in_time(void *a)
{
    stop_at(a, 2);
}

static void await_begun(struct state *s)
{
    while (!mri_load_acquire(&s->begun))
        mri_pause();
}

/* Knows that the call was accepted, and not that it has returned. */
static void stops_when_it_runs(void *a)
{
    await_begun(a);
    stop_at(a, MRI_NEVER);
}

static void submits_0_and_ends_its_wait(void *a)
{
    struct state *s = a;
    submits(s, 0);
    await_begun(s);
    s->accepted[1] = 1;
    /* The end of a wait is no job. */
    s->job[1].node.word = MRI_NODE_STRAND;
    mri_runtime_visit(s->rt);
    mri_runtime_post(s->rt, &s->job[1].node);
    /* Plain, though the job may have ended: a visitor may. */
    s->rt->config.pin = 1;
    mri_runtime_leave(s->rt);
}

static void stops_then_is_refused(void *a)
{
    struct state *s = a;
    stops(a);
    submits(s, 1);
    model_assert(!s->accepted[1]);
}

#define STOP(name_, ...)                                                       \
    MODEL(stop_##name_, .state_size = sizeof(struct state),                    \
          .finish = accepted_has_run, .free_pauses = MODEL_NONE, __VA_ARGS__)

STOP(waits_for_what_it_accepted, .setup = open_and_keep,
     .bound = MODEL_NO_PREEMPTION, .deep_bound = 1,
     .thread = {works, submits_0, stops_then_is_refused})
STOP(may_give_up_and_come_again, .setup = open_and_keep,
     .bound = MODEL_NO_PREEMPTION, .deep_bound = 1,
     .thread = {works, submits_0, stops_in_time})
STOP(waits_for_what_tasks_submit, .setup = open_and_keep,
     .bound = MODEL_NO_PREEMPTION, .deep_bound = 1,
     .thread = {works_and_submits, submits_0, stops})
STOP(against_two, .setup = open_and_keep, .deep_only = true,
     .deep_bound = MODEL_NO_PREEMPTION,
     .thread = {works, submits_0, submits_1, stops})
STOP(waits_for_who_has_posted, .setup = open, .bound = 1, .deep_bound = 2,
     .thread = {works, submits_0, stops_when_it_runs})
STOP(waits_for_who_ends_a_wait, .setup = open, .bound = MODEL_NO_PREEMPTION,
     .deep_bound = 1,
     .thread = {works_and_waits, submits_0_and_ends_its_wait,
                stops_when_it_runs})
