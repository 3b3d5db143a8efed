/* What must hold of the way in: a job that was accepted has run when all are
 * said to have ended, on whichever worker, whoever submitted it, whatever moves
 * while the counts are read; and who waits for that is told. The workers here
 * are their counts, and a word from each to the next in place of queues. */
#include "sched/runtime.h"

#include "model.h"
#include "os/clock.h"
#include <millrace/error.h>

enum { WORKERS = 2, JOBS = 3 };

struct state {
    mr_runtime rt;
    mri_worker worker[WORKERS];
    mri_job job[JOBS];
    int ran[JOBS]; /* plain: who runs it, then who has been told */
    int accepted[JOBS];
    mri_atomic_ptr handed[WORKERS]; /* to each worker */
    bool told;
    int woke[6]; /* plain: each visitor's, then who saw them leave */
};

/* A visitor's last but one touch. */
void mri_runtime_wake(mr_runtime *rt)
{
    mri_container_of(rt, struct state, rt)->woke[model_thread() + 1]++;
}

static void open(void *a)
{
    struct state *s = a;
    s->rt.workers = WORKERS;
    mri_init(&s->rt.seats, WORKERS);
    s->rt.worker = s->worker;
    mri_inbox_open(&s->rt.inbox);
    mri_event_count_init(&s->rt.drained);
    static const char *const born[] = {"born0", "born1"};
    static const char *const gone[] = {"gone0", "gone1"};
    for (int i = 0; i < WORKERS; i++) {
        s->worker[i].runtime = &s->rt;
        model_name(&s->worker[i].born, 8, born[i]);
        model_name(&s->worker[i].gone, 8, gone[i]);
    }
    model_name(&s->rt.inbox.newest, 8, "inbox");
    model_name(&s->rt.visitors, 4, "visitors");
    model_name(&s->rt.drained.state, 8, "drained");
}

static void open_with_one(void *a)
{
    struct state *s = a;
    open(a);
    s->accepted[0] = mri_runtime_submit(&s->rt, &s->job[0].node) == 0;
}

/* One that submits nothing. */
static void open_with_second(void *a)
{
    struct state *s = a;
    open(a);
    s->accepted[1] = mri_runtime_submit(&s->rt, &s->job[1].node) == 0;
}

static void all_ran(void *a)
{
    struct state *s = a;
    for (int i = 0; i < JOBS; i++)
        model_assert(s->ran[i] == s->accepted[i]);
    model_assert(s->told);
    model_assert(mri_load_relaxed(&s->rt.visitors) == 0);
}

/* ---- Who submits -------------------------------------------------------- */

static void submits(struct state *s, int i)
{
    int rc = mri_runtime_submit(&s->rt, &s->job[i].node);
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

/* ---- Who works ---------------------------------------------------------- */

static void run(struct state *s, int worker, mri_run_node *node)
{
    int i = (int)(mri_container_of(node, mri_job, node) - s->job);
    s->ran[i]++;
    if (i == 0 && worker == 0) {
        /* The first submits the third, and another runs it. */
        mri_worker_born(&s->worker[0], 1);
        s->accepted[2] = 1;
        mri_store_release(&s->handed[1], &s->job[2].node);
    }
    mri_worker_gone(&s->worker[worker]);
}

static void take(struct state *s, int worker)
{
    mri_run_node *last;
    uint64_t count;
    mri_run_node *node = mri_runtime_take(&s->worker[worker], &last, &count);
    while (node) {
        mri_run_node *next = node->next;
        run(s, worker, node);
        node = next;
    }
}

/* And goes idle, having found nothing more. */
static void takes_and_goes_idle(void *a)
{
    struct state *s = a;
    take(s, 0);
    mri_runtime_pause(&s->rt);
}

/* What it takes is its last look before it sleeps: it goes idle again only if
 * there was something. */
static void goes_idle_and_takes(void *a)
{
    struct state *s = a;
    mri_runtime_pause(&s->rt);
    take(s, 0);
    if (mri_load_relaxed(&s->worker[0].gone) > 1)
        mri_runtime_pause(&s->rt);
}

static void takes_1_and_goes_idle(void *a)
{
    struct state *s = a;
    take(s, 1);
    mri_runtime_pause(&s->rt);
}

static void runs_handed_and_goes_idle(void *a)
{
    struct state *s = a;
    mri_run_node *node;
    while (!(node = mri_load_acquire(&s->handed[1])))
        mri_pause();
    run(s, 1, node);
    mri_runtime_pause(&s->rt);
}

/* The steps of one: with who is told of the end without a second look. */
static void takes_0(void *a)
{
    take(a, 0);
    take(a, 0);
}

static void runs_handed(void *a)
{
    struct state *s = a;
    mri_run_node *node = mri_load_acquire(&s->handed[1]);
    if (node)
        run(s, 1, node);
}

static void takes_1_and_what_is_handed(void *a)
{
    take(a, 1);
    runs_handed(a);
}

/* ---- Who waits ---------------------------------------------------------- */

static void waits(void *a)
{
    struct state *s = a;
    mri_inbox_close(&s->rt.inbox);
    while (!mri_runtime_is_done(&s->rt)) {
        mri_event_key key = mri_event_count_prepare(&s->rt.drained);
        if (mri_runtime_is_done(&s->rt)) {
            mri_event_count_cancel(&s->rt.drained);
            break;
        }
        (void)!mri_event_count_commit(&s->rt.drained, key, MRI_NEVER);
    }
    for (int i = 0; i < JOBS; i++)
        model_assert(s->ran[i] == 0 || s->ran[i] == 1);
    /* Plain reads of what runs: a race if one is still to come. */
    s->told = true;
}

/* Looks once; if it is said that all have ended, nothing else runs. */
static void asks_once(void *a)
{
    struct state *s = a;
    mri_inbox_close(&s->rt.inbox);
    if (!mri_runtime_is_done(&s->rt))
        return;
    for (int i = 0; i < JOBS; i++)
        s->ran[i] += 2;
    while (mri_load_acquire(&s->rt.visitors) != 0)
        mri_pause();
    for (int i = 0; i < 6; i++)
        s->woke[i]++;
    s->told = true;
}

static void ran_before_it_was_told(void *a)
{
    struct state *s = a;
    for (int i = 0; i < JOBS; i++)
        model_assert(s->told ? s->ran[i] == 2 + s->accepted[i]
                             : s->ran[i] <= 1);
}

#define ENTRY(name_, finish_, ...)                                             \
    MODEL(entry_##name_, .state_size = sizeof(struct state), .setup = open,    \
          .finish = (finish_), __VA_ARGS__)

ENTRY(done_is_said_of_the_end, ran_before_it_was_told,
      .thread = {submits_0, takes_0, runs_handed, asks_once})
ENTRY(done_with_two_who_take, ran_before_it_was_told,
      .bound = MODEL_NO_PREEMPTION, .deep_bound = 1,
      .thread = {submits_0, submits_1, takes_0, takes_1_and_what_is_handed,
                 asks_once})
MODEL(entry_who_waits_is_told_by_one, .state_size = sizeof(struct state),
      .setup = open_with_one, .finish = all_ran, .spurious = MODEL_NONE,
      .bound = 1, .deep_bound = 2,
      .thread = {takes_and_goes_idle, runs_handed_and_goes_idle, waits})
MODEL(entry_who_waits_is_told_by_who_comes_too_late,
      .state_size = sizeof(struct state), .setup = open_with_second,
      .finish = all_ran, .spurious = MODEL_NONE, .bound = 1, .deep_bound = 2,
      .thread = {goes_idle_and_takes, takes_1_and_goes_idle, waits})
