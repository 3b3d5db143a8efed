/* millrace/scope.h: opening and closing, and the children. */
#include "task/scope.h"

#include "base/assert.h"
#include "sched/runtime.h"
#include "task/cancel.h"
#include "task/task.h"
#include <millrace/error.h>

#include <string.h>

/* ---- Open --------------------------------------------------------------- */

static void ring(mri_worker *w, mri_alarm *alarm)
{
    mri_scope *sc = mri_container_of(alarm, mri_scope, alarm);
    (void)w;
    mri_scope_cut(sc, MR_ETIMEDOUT);
    mri_strand *s = mri_worker_released(mri_task_word_complete(&sc->rung));
    if (s)
        mri_strand_ready(s);
}

static void init(mri_scope *sc, mri_strand *s)
{
    memset(sc, 0, sizeof *sc);
    mri_lock_init(&sc->lock);
    mri_init(&sc->cut, 0);
    mri_init(&sc->live, MRI_SCOPE_ONE);
    mri_init(&sc->error, 0);
    mri_task_word_init(&sc->done);
    mri_task_word_init(&sc->rung);
    mri_init(&sc->queued, 0);
    sc->opener = s;
    sc->runtime = s->worker->runtime;
    sc->outer = s->deque.context;
}

static void arm(mri_strand *s, mri_scope *sc, int64_t deadline)
{
    if (deadline <= mri_clock_now()) {
        mri_scope_cut(sc, MR_ETIMEDOUT);
        return;
    }
    sc->armed = true;
    sc->alarm.ring = ring;
    mri_alarm_set(s, &sc->alarm, deadline);
}

static void open(mr_scope *scope, int64_t deadline, bool shielded)
{
    mri_scope *sc = (mri_scope *)scope;
    mri_strand *s = mri_strand_self();
    if (!s) {
        sc->runtime = NULL;
        return;
    }
    init(sc, s);
    sc->parent = shielded ? NULL : sc->outer;
    int64_t outer = sc->parent ? sc->parent->deadline : MR_NEVER;
    sc->deadline = deadline < outer ? deadline : outer;
    sc->fence = mri_deque_fence(&s->deque);
    s->deque.context = sc;
    if (sc->parent)
        mri_scope_join(sc->parent, sc);
    if (deadline < outer)
        arm(s, sc, deadline);
}

void mr_scope_open(mr_scope *scope, int64_t deadline)
{
    open(scope, deadline, false);
}

void mr_scope_shield(mr_scope *scope, int64_t deadline)
{
    open(scope, deadline, true);
}

int mr_scope_limit(mr_scope *scope, size_t n)
{
    mri_scope *sc = (mri_scope *)scope;
    int rc = mri_scope_may_set(sc, mri_strand_self());
    if (rc < 0)
        return rc;
    sc->most = n;
    return 0;
}

/* ---- Close -------------------------------------------------------------- */

static int64_t result_of(const mri_scope *sc)
{
    /* Relaxed: the children have ended. */
    int64_t error = mri_load_relaxed(&sc->error);
    return error < 0 ? error : mri_scope_reason(sc);
}

static void disarm(mri_strand *s, mri_scope *sc)
{
    if (sc->armed && !mri_alarm_stop(&sc->alarm))
        mri_worker_await_for(s, &sc->rung, "the end of an alarm");
}

#define UNAWAITED "what was spawned within a scope is awaited before its close"

/* By the opener: what must have been done by now. */
static void check_close(const mri_strand *s, const mri_scope *sc)
{
    mri_require(s->deque.context == sc,
                "a scope is closed after those that were opened within");
    mri_require(!mri_deque_youngest_has(&s->deque, sc), UNAWAITED);
}

static int64_t wait_for_all(mri_strand *s, mri_scope *sc)
{
    if (s->member.of == sc)
        s->member.leave(s);
    /* Acquire: all that was done with it. Where others count, the last one
     * completes `done`, and needs nothing of the opener's. */
    if (mri_sub_acquire(&sc->live, MRI_SCOPE_ONE) != MRI_SCOPE_ONE)
        mri_worker_await_for(s, &sc->done, "the children of a scope");
    /* Relaxed: children await theirs before they end. */
    mri_require(mri_load_relaxed(&sc->queued) == 0, UNAWAITED);
    int64_t result = result_of(sc);
    disarm(s, sc);
    if (sc->parent)
        mri_scope_leave(sc->parent, sc);
    return result;
}

int64_t mr_scope_close(mr_scope *scope)
{
    mri_scope *sc = (mri_scope *)scope;
    mri_strand *s = mri_strand_self();
    if (!mri_scope_is_opened_by(sc, s))
        return MR_EPERM;
    check_close(s, sc);
    /* In a child of fork() nobody would come. */
    bool here = mri_runtime_is_here(sc->runtime);
    int64_t result = here ? wait_for_all(s, sc) : MR_EPERM;
    s->deque.context = sc->outer;
    mri_deque_unfence(&s->deque, sc->fence);
    sc->runtime = NULL;
    return result;
}

/* ---- At most so many children at once ----------------------------------- */

/* False: it waits for its turn. */
static bool admit(mri_scope *sc, mri_run_node *node)
{
    mri_lock_acquire(&sc->lock);
    bool now = sc->running < sc->most;
    if (now) {
        sc->running++;
    } else {
        node->next = NULL;
        if (sc->first)
            sc->last->next = node;
        else
            sc->first = node;
        sc->last = node;
    }
    mri_lock_release(&sc->lock);
    return now;
}

/* One has ended. Whose turn it is, or NULL. */
static mri_run_node *next_admitted(mri_scope *sc)
{
    mri_lock_acquire(&sc->lock);
    mri_run_node *node = sc->first;
    if (node)
        sc->first = node->next;
    else
        sc->running--;
    mri_lock_release(&sc->lock);
    return node;
}

/* ---- Children ----------------------------------------------------------- */

static void start(mri_strand *s, mri_scope *sc, mri_run_node *node)
{
    /* Relaxed: somebody counts for as long as this takes. */
    mri_add_relaxed(&sc->live, MRI_SCOPE_ONE);
    if (sc->most == 0 || admit(sc, node))
        mri_worker_push(s->worker, node);
}

static void failed(mri_scope *sc, int64_t result)
{
    int64_t none = 0;
    /* Relaxed: the opener reads it after all have ended. */
    if (result != MR_ECANCELED)
        (void)!mri_cas_relaxed(&sc->error, &none, result);
    mri_scope_cut(sc, MR_ECANCELED);
}

/* A failure counts before anybody can see it: who has seen one and spawns the
 * next knows which was first. */
static int64_t run(mri_strand *s, mri_scope *sc, mri_task *t)
{
    if (mri_unlikely(mri_scope_look(sc) < 0))
        return MR_ECANCELED;
    int64_t result = mri_task_call_in(s, sc, t->job.fn, (void *)t->value);
    if (mri_unlikely(result < 0))
        failed(sc, result);
    return result;
}

/* Its memory may be gone already. */
static void ended(mri_strand *s, mri_scope *sc)
{
    if (sc->most > 0) {
        mri_run_node *node = next_admitted(sc);
        if (node)
            mri_worker_push(s->worker, node);
    }
    mri_worker_completed(s, mri_scope_drop(sc, MRI_SCOPE_ONE));
}

static void run_child(mri_strand *s, mri_job *job)
{
    mri_task *t = mri_container_of(job, mri_task, job);
    mri_scope *sc = t->scope;
    t->value = run(s, sc, t);
    /* Nobody waits for a single child; mr_task_result looks. */
    (void)!mri_task_word_complete(&t->word);
    if (mri_unlikely(sc->collects))
        mri_scope_collected(sc, &t->job.node);
    ended(s, sc);
}

static mri_task *prepare(mri_task *t, mri_scope *sc, mr_fn fn, void *arg,
                         void *site)
{
    t->scope = sc;
    t->slot = NULL;
    mri_job_init(&t->job, run_child, fn, site);
    t->value = (int64_t)arg;
    mri_task_word_init(&t->word);
    return t;
}

static bool may_spawn(const mri_scope *sc, const mri_strand *s)
{
    return s && sc->runtime && s->worker->runtime == sc->runtime &&
           mri_runtime_is_here(sc->runtime);
}

void mr_scope_spawn(mr_scope *scope, mr_task *task, mr_fn fn, void *arg)
{
    mri_scope *sc = (mri_scope *)scope;
    mri_strand *s = mri_strand_self();
    mri_task *t = prepare((mri_task *)task, sc, fn, arg, MRI_CALL_SITE());
    if (may_spawn(sc, s)) {
        if (mri_unlikely(sc->collects))
            mri_scope_expect(sc);
        start(s, sc, &t->job.node);
        return;
    }
    t->value = MR_EPERM;
    (void)!mri_task_word_complete(&t->word);
}

int64_t mr_task_result(const mr_task *task)
{
    mri_task *t = (mri_task *)(uintptr_t)task;
    if (t->slot || t->job.run != run_child)
        return MR_EPERM;
    return mri_task_word_is_done(&t->word) ? t->value : MR_EBUSY;
}

/* ---- Children whose storage is the library's ---------------------------- */

typedef struct gone {
    mri_task task;
    size_t size;
    MRI_ALIGNED(16) char copy[];
} gone;

static void run_gone(mri_strand *s, mri_job *job)
{
    mri_task *t = mri_container_of(job, mri_task, job);
    gone *g = mri_container_of(t, gone, task);
    mri_scope *sc = t->scope;
    (void)run(s, sc, t);
    mri_runtime_release(sc->runtime, g, sizeof *g + g->size);
    ended(s, sc);
}

int mr_scope_go(mr_scope *scope, mr_fn fn, const void *arg, size_t size)
{
    mri_scope *sc = (mri_scope *)scope;
    mri_strand *s = mri_strand_self();
    if (!may_spawn(sc, s))
        return MR_EPERM;
    gone *g = size < SIZE_MAX / 2
                  ? mri_runtime_allocate(sc->runtime, sizeof *g + size, 16)
                  : NULL;
    if (!g)
        return MR_ENOMEM;
    g->size = size;
    prepare(&g->task, sc, fn, size > 0 ? g->copy : (void *)(uintptr_t)arg,
            MRI_CALL_SITE());
    g->task.job.run = run_gone;
    if (size > 0)
        memcpy(g->copy, arg, size);
    start(s, sc, &g->task.job.node);
    return 0;
}
