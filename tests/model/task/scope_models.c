/* What must hold of scopes: who waits in one that is cut short goes on, once,
 * whatever ends the wait at the same moment; a close returns when all children
 * have ended, with the cause; and nobody touches a scope after its close, be it
 * the last child, who cuts it short, or its alarm. */
#include "os/clock.h"
#include "task/scope_scene.h"

static int64_t fails(void *arg)
{
    return *(int *)arg;
}

static int code[2] = {MR_EIO, MR_EPIPE};

static int64_t succeeds(void *arg)
{
    (void)arg;
    return 7;
}

static int64_t waits(void *arg)
{
    return scene_wait(arg);
}

static int64_t waits_handed(void *arg)
{
    struct state *s = arg;
    int rc = scene_wait_handed(s);
    model_assert(rc == 0 || rc == MR_ECANCELED);
    return 0;
}

static void runs_first(void *a)
{
    scene_run(a, 1, 0);
}

static void runs_second(void *a)
{
    scene_run(a, 2, 1);
}

/* ---- The opener waits, a child fails ------------------------------------ */

static void opener_waits(void *a)
{
    struct state *s = a;
    mr_scope *scope = scene_scope(s, 0, MR_NEVER);
    mr_scope_spawn(scope, &s->task[0], fails, &code[0]);
    model_assert(scene_wait(s) == MR_ECANCELED);
    model_assert(scene_close(scope) == MR_EIO);
    model_assert(mr_task_result(&s->task[0]) == MR_EIO);
}

/* The same; its wait may end as it should, too. */
static void opener_waits_handed(void *a)
{
    struct state *s = a;
    mr_scope *scope = scene_scope(s, 0, MR_NEVER);
    mr_scope_spawn(scope, &s->task[0], fails, &code[0]);
    int rc = scene_wait_handed(s);
    model_assert(rc == 0 || rc == MR_ECANCELED);
    model_assert(scene_close(scope) == MR_EIO);
}

static void completes_opener(void *a)
{
    scene_complete(a, 0);
}

/* ---- Closing ------------------------------------------------------------ */

static void closes(void *a)
{
    struct state *s = a;
    mr_scope *scope = scene_scope(s, 0, MR_NEVER);
    mr_scope_spawn(scope, &s->task[0], succeeds, NULL);
    model_assert(scene_close(scope) == 0);
    model_assert(mr_task_result(&s->task[0]) == 7);
}

static void closes_two(void *a)
{
    struct state *s = a;
    mr_scope *scope = scene_scope(s, 0, MR_NEVER);
    for (int i = 0; i < 2; i++)
        mr_scope_spawn(scope, &s->task[i], fails, &code[i]);
    int64_t rc = scene_close(scope);
    int64_t first = mr_task_result(&s->task[0]);
    int64_t second = mr_task_result(&s->task[1]);
    model_assert(rc == MR_EIO || rc == MR_EPIPE);
    model_assert(first == MR_EIO || (first == MR_ECANCELED && rc == MR_EPIPE));
    model_assert(second == MR_EPIPE ||
                 (second == MR_ECANCELED && rc == MR_EIO));
}

/* The first to fail is the cause; the other fails because it was cancelled. */
static int64_t fails_when_cancelled(void *arg)
{
    return scene_wait(arg) == MR_ECANCELED ? MR_EIO : 0;
}

static void closes_with_cause(void *a)
{
    struct state *s = a;
    mr_scope *scope = scene_scope(s, 0, MR_NEVER);
    mr_scope_spawn(scope, &s->task[0], fails_when_cancelled, s);
    mr_scope_spawn(scope, &s->task[1], fails, &code[1]);
    model_assert(scene_close(scope) == MR_EPIPE);
}

static int64_t is_alone(void *arg)
{
    struct state *s = *(struct state **)arg;
    s->ran++;
    model_assert(mri_load_relaxed(&s->pushed) == s->ran);
    return 0;
}

/* One at a time; both run on the same strand. */
static void closes_limited(void *a)
{
    struct state *s = a;
    mr_scope *scope = scene_scope(s, 0, MR_NEVER);
    model_assert(mr_scope_limit(scope, 1) == 0);
    for (int i = 0; i < 2; i++)
        model_assert(mr_scope_go(scope, is_alone, &s, sizeof s) == 0);
    model_assert(scene_close(scope) == 0);
    model_assert(s->ran == 2);
}

/* The limit is written where the child, if it has ended, has looked for one. */
static void limits_late(void *a)
{
    struct state *s = a;
    mr_scope *scope = scene_scope(s, 0, MR_NEVER);
    mr_scope_spawn(scope, &s->task[0], succeeds, NULL);
    int rc = mr_scope_limit(scope, 1);
    model_assert(rc == 0 || rc == MR_EBUSY);
    model_assert(scene_close(scope) == 0);
}

static void runs_both(void *a)
{
    scene_run(a, 1, 0);
    scene_run(a, 1, 1);
}

/* ---- Cancelling --------------------------------------------------------- */

/* By a thread that knows the scope to be open: a child waits for it. */
static void closes_after_stranger(void *a)
{
    struct state *s = a;
    mr_scope *scope = scene_scope(s, 0, MR_NEVER);
    mr_scope_spawn(scope, &s->task[0], waits, s);
    model_assert(scene_close(scope) == MR_ECANCELED);
    model_assert(mr_task_result(&s->task[0]) == MR_ECANCELED);
}

static void cancels(void *a)
{
    mr_scope_cancel(scene_await_scope(a, 0));
}

/* By the opener, while a child's wait is being completed. */
static void opener_cancels(void *a)
{
    struct state *s = a;
    mr_scope *scope = scene_scope(s, 0, MR_NEVER);
    mr_scope_spawn(scope, &s->task[0], waits_handed, s);
    mr_scope_cancel(scope);
    model_assert(scene_close(scope) == MR_ECANCELED);
    int64_t result = mr_task_result(&s->task[0]);
    model_assert(result == 0 || result == MR_ECANCELED);
    /* Not started: nobody completes anything. */
    if (result == MR_ECANCELED)
        mri_store_release(&s->handed, UINT64_C(1) << 40);
}

static void cancels_first(void *a)
{
    struct state *s = a;
    mr_scope *scope = scene_scope(s, 0, MR_NEVER);
    mr_scope_cancel(scope);
    mr_scope_spawn(scope, &s->task[0], succeeds, NULL);
    model_assert(scene_close(scope) == MR_ECANCELED);
    model_assert(mr_task_result(&s->task[0]) == MR_ECANCELED);
}

static void completes_child(void *a)
{
    scene_complete(a, 1);
}

/* ---- A scope within ----------------------------------------------------- */

static int64_t opens_within(void *arg)
{
    struct state *s = arg;
    mr_scope *scope = scene_scope(s, 1, MR_NEVER);
    model_assert(scene_wait(s) == MR_ECANCELED);
    int64_t rc = scene_close(scope);
    model_assert(rc == MR_ECANCELED);
    return rc;
}

static void closes_outer(void *a)
{
    struct state *s = a;
    mr_scope *scope = scene_scope(s, 0, MR_NEVER);
    mr_scope_spawn(scope, &s->task[0], opens_within, s);
    mr_scope_spawn(scope, &s->task[1], fails, &code[1]);
    model_assert(scene_close(scope) == MR_EPIPE);
    model_assert(mr_task_result(&s->task[0]) == MR_ECANCELED);
}

/* One that does not wait: its close, while the outer one is cut short. */
static int64_t opens_and_closes(void *arg)
{
    mr_scope *scope = scene_scope(arg, 1, MR_NEVER);
    int64_t rc = scene_close(scope);
    model_assert(rc == 0 || rc == MR_ECANCELED);
    return 0;
}

static void closes_outer_at_once(void *a)
{
    struct state *s = a;
    mr_scope *scope = scene_scope(s, 0, MR_NEVER);
    mr_scope_spawn(scope, &s->task[0], opens_and_closes, s);
    mr_scope_spawn(scope, &s->task[1], fails, &code[1]);
    model_assert(scene_close(scope) == MR_EPIPE);
}

/* Only the inner one is cut short, by a stranger. */
static void waits_in_both(void *a)
{
    struct state *s = a;
    mr_scope *outer = scene_scope(s, 1, MR_NEVER);
    model_assert(scene_wait_over(s) == 0);
    mr_scope *inner = scene_scope(s, 0, MR_NEVER);
    model_assert(scene_wait(s) == MR_ECANCELED);
    model_assert(scene_close(inner) == MR_ECANCELED);
    model_assert(scene_wait_over(s) == 0);
    model_assert(scene_close(outer) == 0);
}

/* What was done before a scope was cut short is seen by those who see that. */
static void says_and_cancels(void *a)
{
    struct state *s = a;
    mr_scope *scope = scene_await_scope(s, 0);
    s->said = 1;
    mr_scope_cancel(scope);
}

static void sees_what_was_said(void *a)
{
    struct state *s = a;
    mr_scope *outer = scene_scope(s, 0, MR_NEVER);
    if (mr_cancelled())
        model_assert(s->said == 1);
    mr_scope *inner = scene_scope(s, 1, MR_NEVER);
    if (mr_cancelled())
        model_assert(s->said == 1);
    model_assert(scene_wait(s) == MR_ECANCELED);
    model_assert(scene_close(inner) == MR_ECANCELED);
    model_assert(scene_close(outer) == MR_ECANCELED);
}

/* Waits in the outer scope, in the inner one, and in the outer one again. */
static int64_t waits_by_turns(void *arg)
{
    struct state *s = arg;
    mr_scope *scope = scene_scope(s, 1, MR_NEVER);
    mr_scope_cancel(scope);
    model_assert(scene_wait(s) == MR_ECANCELED);
    model_assert(scene_close(scope) == MR_ECANCELED);
    return scene_wait(s);
}

static void closes_after_turns(void *a)
{
    struct state *s = a;
    mr_scope *scope = scene_scope(s, 0, MR_NEVER);
    mr_scope_spawn(scope, &s->task[0], waits_by_turns, s);
    mr_scope_spawn(scope, &s->task[1], fails, &code[1]);
    model_assert(scene_close(scope) == MR_EPIPE);
    model_assert(mr_task_result(&s->task[0]) == MR_ECANCELED);
}

/* ---- Deadlines ---------------------------------------------------------- */

enum { LATER = 1 << 20 };

static void times_out(void *a)
{
    struct state *s = a;
    mr_scope *scope = scene_scope(s, 0, mri_clock_now() + LATER);
    model_assert(scene_wait(s) == MR_ECANCELED);
    model_assert(mr_cancelled() == MR_ETIMEDOUT);
    model_assert(scene_close(scope) == MR_ETIMEDOUT);
}

static void ends_about_in_time(void *a)
{
    struct state *s = a;
    mr_scope *scope = scene_scope(s, 0, mri_clock_now() + LATER);
    mr_scope_spawn(scope, &s->task[0], succeeds, NULL);
    int64_t rc = scene_close(scope);
    int64_t result = mr_task_result(&s->task[0]);
    model_assert(rc == 0 || rc == MR_ETIMEDOUT);
    model_assert(result == 7 || (result == MR_ECANCELED && rc < 0));
}

static void rings(void *a)
{
    scene_ring(a);
}

/* ---- Handed out as they end --------------------------------------------- */

static void takes_two(void *a)
{
    struct state *s = a;
    mr_task *t[2], *none;
    mr_scope *scope = scene_scope(s, 0, MR_NEVER);
    model_assert(mr_scope_collect(scope) == 0);
    for (int i = 0; i < 2; i++)
        mr_scope_spawn(scope, &s->task[i], succeeds, NULL);
    for (int i = 0; i < 2; i++) {
        model_assert(mr_scope_next(scope, &t[i]) == 0);
        model_assert(mr_task_result(t[i]) == 7);
    }
    model_assert(t[0] != t[1]);
    model_assert(mr_scope_next(scope, &none) == MR_EOF);
    model_assert(scene_close(scope) == 0);
}

static void takes_or_is_told(void *a)
{
    struct state *s = a;
    mr_task *t;
    mr_scope *scope = scene_scope(s, 0, MR_NEVER);
    model_assert(mr_scope_collect(scope) == 0);
    mr_scope_spawn(scope, &s->task[0], succeeds, NULL);
    int rc = mr_scope_next(scope, &t);
    model_assert(rc == 0 || rc == MR_ECANCELED);
    if (rc == 0)
        model_assert(mr_scope_next(scope, &t) == MR_EOF);
    int64_t closed = scene_close(scope);
    model_assert(closed == 0 || closed == MR_ECANCELED);
}

static void cancels_before_it_ends(void *a)
{
    struct state *s = a;
    mr_scope_cancel(scene_await_scope(s, 0));
    scene_run(s, 1, 0);
}

/* ---- Models ------------------------------------------------------------- */

static void check(void *a)
{
    scene_check(a);
}

#define SCOPE(name_, setup_, ...)                                              \
    MODEL(scope_##name_, .state_size = sizeof(struct state), .setup = setup_,  \
          .finish = check, .free_pauses = MODEL_NONE, __VA_ARGS__)

SCOPE(child_fails_opener_waits, scene_open,
      .thread = {opener_waits, runs_first}, .bound = 3, .deep_bound = 4)
SCOPE(child_fails_wait_ends, scene_open,
      .thread = {opener_waits_handed, runs_first, completes_opener}, .bound = 1,
      .deep_bound = 2)
SCOPE(last_child_and_close, scene_open, .thread = {closes, runs_first},
      .bound = 3, .deep_bound = 4)
SCOPE(two_fail, scene_open, .thread = {closes_two, runs_first, runs_second})
SCOPE(cause, scene_open, .thread = {closes_with_cause, runs_first, runs_second},
      .bound = 1, .deep_bound = 2)
SCOPE(cut_before, scene_open, .thread = {cancels_first, runs_first})
SCOPE(waits_in_both, scene_open_foreign_1, .thread = {waits_in_both, cancels})
SCOPE(sees_before, scene_open_foreign_1,
      .thread = {sees_what_was_said, says_and_cancels})
SCOPE(limit, scene_open, .thread = {closes_limited, runs_both})
SCOPE(limit_late, scene_open, .thread = {limits_late, runs_first})
SCOPE(stranger_cancels, scene_open_foreign,
      .thread = {closes_after_stranger, runs_first, cancels}, .bound = 1,
      .deep_bound = 2)
SCOPE(opener_cancels_wait_ends, scene_open,
      .thread = {opener_cancels, runs_first, completes_child}, .bound = 1,
      .deep_bound = 2)
SCOPE(within, scene_open, .thread = {closes_outer, runs_first, runs_second},
      .bound = 1, .deep_bound = 2)
SCOPE(within_closes, scene_open,
      .thread = {closes_outer_at_once, runs_first, runs_second}, .bound = 1,
      .deep_bound = 2)
SCOPE(by_turns, scene_open,
      .thread = {closes_after_turns, runs_first, runs_second}, .bound = 1,
      .deep_bound = 2)
SCOPE(collected, scene_open, .thread = {takes_two, runs_first, runs_second},
      .bound = 1, .deep_bound = 2)
SCOPE(collected_in_turn, scene_open, .thread = {takes_two, runs_both})
SCOPE(collected_or_cut, scene_open,
      .thread = {takes_or_is_told, cancels_before_it_ends}, .bound = 2,
      .deep_bound = 3)
SCOPE(times_out, scene_open, .thread = {times_out, rings}, .bound = 3,
      .deep_bound = 4)
SCOPE(deadline_and_close, scene_open,
      .thread = {ends_about_in_time, runs_first, rings}, .bound = 1,
      .deep_bound = 2)
