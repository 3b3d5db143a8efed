/* What must hold of futures: who waits for one goes on, once, with its value,
 * whatever else happens; who follows it is told, once, unless it was cut off;
 * nobody touches it when the last reference is gone; what was counted ends; and
 * a cancel meets what it cancels in whatever state, and touches nothing dead.
 */
#include "async/future_scene.h"
#include "task/cancel.h"

/* Every day with as many interruptions; in depth with one. */
#define FUTURE_MODEL(name_, bound_, ...)                                       \
    MODEL(name_, .state_size = sizeof(struct state), .finish = scene_check,    \
          .bound = bound_, .deep_bound = 1, __VA_ARGS__)
enum { NONE = MODEL_NO_PREEMPTION };

/* ---- What threads do ---------------------------------------------------- */

static void works(void *a)
{
    scene_work(a, 1);
}

static mr_future *open(struct state *s, unsigned n)
{
    mr_promise *p;
    mr_future *f = mr_promise_open(&p);
    scene_offer_promise(s, n, p);
    return f;
}

static void complete(struct state *s, unsigned n, int64_t value)
{
    mr_promise *p = scene_await_promise(s, n);
    s->said = 1;
    model_assert(mr_promise_complete(p, value) == 0);
    mr_promise_close(p);
}

/* Then it does what comes of it. */
static void completes(void *a)
{
    complete(a, 0, 5);
    works(a);
}

static void try(struct state *s, unsigned n)
{
    mr_promise *p = scene_await_promise(s, n);
    int rc = mr_promise_complete(p, 5 + n);
    model_assert(rc == 0 || rc == MR_ECANCELED);
    mr_promise_close(p);
}

static void tries(void *a)
{
    try(a, 0);
    works(a);
}

static void tries_both(void *a)
{
    try(a, 1);
    try(a, 0);
    works(a);
}

static int64_t next(int64_t value, void *arg)
{
    struct state *s = arg;
    mri_add_relaxed(&s->ran, 1);
    return value + 1;
}

static int64_t recovers(int64_t value, void *arg)
{
    struct state *s = arg;
    mri_add_relaxed(&s->ran, 1);
    return value < 0 ? 9 : value;
}

/* ---- Getting ------------------------------------------------------------ */

static void gets(void *a)
{
    struct state *s = a;
    model_assert(mr_get(open(s, 0)) == 5);
    model_assert(s->said == 1);
    scene_over(s);
}

static void gets_or_gives_up(void *a)
{
    int64_t got = mr_get_until(open(a, 0), MRI_NEVER - 1);
    model_assert(got == 5 || got == MR_ETIMEDOUT);
    scene_over(a);
}

FUTURE_MODEL(get_meets_a_worker_that_completes, 1, .setup = scene_open,
             .thread = {gets, completes})
FUTURE_MODEL(get_that_gives_up_meets_who_completes, NONE, .setup = scene_open,
             .thread = {gets_or_gives_up, completes})

static void gets_and_offers(void *a)
{
    struct state *s = a;
    mr_future *f = open(s, 0);
    scene_offer(s, 0, mr_retain(f));
    model_assert(mr_get(f) == 5);
}

static void gets_offered(void *a)
{
    struct state *s = a;
    model_assert(mr_get(scene_await(s, 0)) == 5);
    scene_over(s);
}

FUTURE_MODEL(two_gets_meet_who_completes, NONE, .setup = scene_open,
             .thread = {gets_and_offers, gets_offered, completes},
             .deep_only = true)

/* Outside: a thread that is blocked; nothing is called before it is born. */
static void gets_outside(void *a)
{
    struct state *s = a;
    mr_promise *p;
    mr_future *f = mr_promise_open_in(&s->rt, &p);
    scene_offer_promise(s, 0, p);
    model_assert(mr_get(f) == 5);
    scene_over(s);
}

static void completes_outside(void *a)
{
    struct state *s = a;
    mr_promise *p;
    mr_future *f = mr_promise_open_in(&s->rt, &p);
    model_assert(mr_promise_complete(p, 5) == 0);
    mr_promise_close(p);
    model_assert(mr_get(f) == 5);
    scene_over(s);
}

static void follows_outside(void *a)
{
    struct state *s = a;
    mr_promise *p;
    mr_future *f = mr_then(mr_promise_open_in(&s->rt, &p), next, s, 0);
    model_assert(mr_promise_complete(p, 5) == 0);
    mr_promise_close(p);
    model_assert(mr_get(f) == 6);
    scene_over(s);
}

static void begins_outside(void *a);

FUTURE_MODEL(get_outside_meets_who_completes, NONE,
             .setup = scene_open_foreign_0, .thread = {gets_outside, completes})
FUTURE_MODEL(completion_outside_meets_the_birth, 1,
             .setup = scene_open_foreign_0,
             .thread = {completes_outside, works})
FUTURE_MODEL(what_follows_outside_meets_its_birth, NONE,
             .setup = scene_open_foreign_0, .thread = {follows_outside, works})
FUTURE_MODEL(a_task_begun_outside_runs, 1, .setup = scene_open_foreign_0,
             .thread = {begins_outside, works})

/* ---- References --------------------------------------------------------- */

static void drops(void *a)
{
    struct state *s = a;
    mr_future *f = open(s, 0);
    scene_offer(s, 0, mr_retain(f));
    if (mr_is_done(f))
        model_assert(s->said == 1);
    mr_drop(f);
}

static void drops_last(void *a)
{
    complete(a, 0, 5);
    mr_drop(scene_await(a, 0));
}

FUTURE_MODEL(drop_meets_who_completes_and_drops, 1, .setup = scene_open,
             .thread = {drops, drops_last})

static void drops_one(void *a)
{
    mr_drop(open(a, 0));
}

static void fails(void *a)
{
    complete(a, 0, MR_EIO);
}

static void sees(void *a)
{
    struct state *s = a;
    mr_future *f = open(s, 0);
    scene_offer(s, 0, mr_retain(f));
    model_assert(mr_get(f) == MR_EIO);
}

static void fails_and_drops(void *a)
{
    complete(a, 0, MR_EIO);
    mr_drop(scene_await(a, 0));
}

static void is_told_once(void *a)
{
    struct state *s = a;
    model_assert(mri_load_relaxed(&s->told) == 1);
    scene_check(s);
}

static void is_not_told(void *a)
{
    struct state *s = a;
    model_assert(mri_load_relaxed(&s->told) == 0);
    scene_check(s);
}

MODEL(an_error_nobody_sees_is_told_once, .state_size = sizeof(struct state),
      .setup = scene_open, .thread = {drops_one, fails}, .finish = is_told_once,
      .bound = 1)
MODEL(an_error_that_one_of_two_sees_is_not_told,
      .state_size = sizeof(struct state), .setup = scene_open,
      .thread = {sees, fails_and_drops}, .finish = is_not_told, .bound = NONE,
      .deep_bound = 1)

/* ---- Following ---------------------------------------------------------- */

static void follows(void *a)
{
    struct state *s = a;
    model_assert(mr_get(mr_then(open(s, 0), next, s, 0)) == 6);
    model_assert(mri_load_relaxed(&s->ran) == 1);
    scene_over(s);
}

static void follows_twice(void *a)
{
    struct state *s = a;
    mr_future *f = open(s, 0);
    mr_future *g = mr_then(mr_retain(f), next, s, 0);
    mr_future *h = mr_then(f, next, s, 0);
    mr_drop(g);
    model_assert(mr_get(h) == 6);
    scene_over(s);
}

static void follows_and_gets(void *a)
{
    struct state *s = a;
    mr_future *f = open(s, 0);
    mr_drop(mr_then(mr_retain(f), next, s, 0));
    model_assert(mr_get(f) == 5);
    scene_over(s);
}

static void skips(void *a)
{
    struct state *s = a;
    mr_future *f = mr_catch(open(s, 0), recovers, s, 0);
    f = mr_catch(f, recovers, s, 0);
    model_assert(mr_get(f) == 5);
    model_assert(mri_load_relaxed(&s->ran) == 0);
    scene_over(s);
}

static void calls_back(int64_t value, void *arg)
{
    struct state *s = arg;
    model_assert(value == 5);
    mri_add_relaxed(&s->ran, 1);
}

static void is_called_back(void *a)
{
    struct state *s = a;
    model_assert(mr_on(open(s, 0), calls_back, s) == 0);
    scene_over(s);
}

FUTURE_MODEL(then_meets_who_completes, NONE, .setup = scene_open,
             .thread = {follows, completes})
FUTURE_MODEL(two_follow_who_is_completed, NONE, .setup = scene_open,
             .thread = {follows_twice, completes}, .deep_only = true)
FUTURE_MODEL(one_follows_and_one_gets, NONE, .setup = scene_open,
             .thread = {follows_and_gets, completes})
FUTURE_MODEL(what_is_skipped_is_completed_at_once, NONE, .setup = scene_open,
             .thread = {skips, completes})
FUTURE_MODEL(callback_meets_who_completes, 1, .setup = scene_open,
             .thread = {is_called_back, completes})

/* ---- Cancelling --------------------------------------------------------- */

static int64_t waits(void *arg)
{
    struct state *s = arg;
    mri_strand *strand = mri_strand_self();
    mri_add_relaxed(&s->ran, 1);
    int rc =
        mri_cancelable_wait(strand, mri_park_begin(&strand->park), MRI_NEVER);
    model_assert(rc == MR_ECANCELED);
    return rc;
}

static int64_t returns(void *arg)
{
    struct state *s = arg;
    mri_add_relaxed(&s->ran, 1);
    return 3;
}

static void begins_outside(void *a)
{
    struct state *s = a;
    model_assert(mr_get(mr_async_in(&s->rt, returns, s, 0)) == 3);
    scene_over(s);
}

static void cancels_waiting(void *a)
{
    mr_future *f = mr_async(waits, a, 0);
    mr_cancel(mr_retain(f));
    model_assert(mr_get(f) == MR_ECANCELED);
    scene_over(a);
}

static void cancels_running(void *a)
{
    struct state *s = a;
    mr_future *f = mr_async(returns, a, 0);
    mr_cancel(mr_retain(f));
    int64_t got = mr_get(f);
    model_assert(got == (mri_load_relaxed(&s->ran) ? 3 : MR_ECANCELED));
    scene_over(s);
}

static void begins_and_cancels(void *a)
{
    struct state *s = a;
    mr_future *f = mr_async(returns, s, 0);
    scene_offer(s, 0, mr_retain(f));
    mr_cancel(f);
    scene_over(s);
}

static void cancels_and_works(void *a)
{
    mr_cancel(scene_await(a, 0));
    works(a);
}

FUTURE_MODEL(cancel_meets_a_task_that_waits, 1, .setup = scene_open,
             .thread = {cancels_waiting, works})
FUTURE_MODEL(cancel_meets_a_task_that_ends, 1, .setup = scene_open,
             .thread = {cancels_running, works})
FUTURE_MODEL(two_cancels_meet_a_task, 1, .setup = scene_open,
             .thread = {begins_and_cancels, cancels_and_works})

static void cancels_promise(void *a)
{
    struct state *s = a;
    mr_future *f = open(s, 0);
    mr_cancel(mr_retain(f));
    int64_t got = mr_get(f);
    model_assert(got == 5 || got == MR_ECANCELED);
    scene_over(s);
}

/* The only holder: it goes up to the promise. */
static void cancels_chain(void *a)
{
    struct state *s = a;
    mr_future *g = mr_then(open(s, 0), next, s, 0);
    mr_cancel(mr_retain(g));
    int64_t got = mr_get(g);
    model_assert(got == 6 || got == MR_ECANCELED);
    scene_over(s);
}

static void cancels_cleanup(void *a)
{
    struct state *s = a;
    mr_future *g = mr_finally(open(s, 0), recovers, s, 0);
    mr_cancel(mr_retain(g));
    int64_t got = mr_get(g);
    model_assert(got == 5 || got == MR_ECANCELED);
    model_assert(mri_load_relaxed(&s->ran) == 1);
    scene_over(s);
}

/* Somebody else holds the promise's future: the follower is cut off. */
static void cancels_branch(void *a)
{
    struct state *s = a;
    mr_future *f = open(s, 0);
    mr_future *g = mr_then(mr_retain(f), next, s, 0);
    mr_cancel(mr_retain(g));
    int64_t got = mr_get(g);
    model_assert(got == 6 || got == MR_ECANCELED);
    model_assert(mr_get(f) == 5);
    scene_over(s);
}

FUTURE_MODEL(cancel_meets_who_completes, 1, .setup = scene_open,
             .thread = {cancels_promise, tries})
FUTURE_MODEL(cancel_of_a_chain_meets_who_completes, NONE, .setup = scene_open,
             .thread = {cancels_chain, tries})
FUTURE_MODEL(cancel_of_a_cleanup_meets_who_completes, NONE, .setup = scene_open,
             .thread = {cancels_cleanup, tries})
FUTURE_MODEL(cancel_of_a_branch_meets_who_completes, NONE, .setup = scene_open,
             .thread = {cancels_branch, completes})

/* ---- Several ------------------------------------------------------------ */

static void gathers_all(void *a)
{
    struct state *s = a;
    mr_future *f[2] = {open(s, 0), open(s, 1)};
    model_assert(mr_get(mr_all(f, 2)) == 0);
    scene_over(s);
}

static void gathers_any(void *a)
{
    struct state *s = a;
    mr_future *f[2] = {open(s, 0), open(s, 1)};
    int64_t got = mr_get(mr_any(f, 2));
    model_assert(got == 5 || got == 6);
    scene_over(s);
}

static void settles(void *a)
{
    struct state *s = a;
    int64_t value[2];
    mr_future *f[2] = {open(s, 0), open(s, 1)};
    model_assert(mr_get(mr_settled(f, 2, value)) == 0);
    model_assert(value[0] == 5 && value[1] == 6);
    scene_over(s);
}

static void cancels_race(void *a)
{
    struct state *s = a;
    mr_future *f[2] = {open(s, 0), open(s, 1)};
    mr_future *g = mr_race(f, 2);
    mr_cancel(mr_retain(g));
    int64_t got = mr_get(g);
    model_assert(got == 5 || got == 6 || got == MR_ECANCELED);
    scene_over(s);
}

static void settles_failed(void *a)
{
    struct state *s = a;
    int64_t value[1];
    mr_future *f = open(s, 0);
    model_assert(mr_get(mr_settled(&f, 1, value)) == 1);
    model_assert(value[0] == MR_EIO);
    scene_over(s);
}

static void fails_and_works(void *a)
{
    complete(a, 0, MR_EIO);
    works(a);
}

/* Decided, and its second member gone, while that is about to join. */
static void races(void *a)
{
    struct state *s = a;
    mr_future *f[2] = {open(s, 0), open(s, 1)};
    mr_future *g = mr_race(f, 2);
    scene_over(s);
    mr_drop(g);
}

/* Its member may be done before it is born. */
static void gathers_outside(void *a)
{
    struct state *s = a;
    mr_promise *p;
    mr_future *f = mr_promise_open_in(&s->rt, &p);
    mr_future *all = mr_all(&f, 1);
    scene_offer_promise(s, 0, p);
    model_assert(mr_get(all) == 0);
    scene_over(s);
}

FUTURE_MODEL(settled_meet_who_fails, NONE, .setup = scene_open,
             .thread = {settles_failed, fails_and_works})
FUTURE_MODEL(what_is_gathered_outside_meets_who_completes, NONE,
             .setup = scene_open_foreign_0,
             .thread = {gathers_outside, completes})
FUTURE_MODEL(race_is_decided_while_it_is_made, 1, .setup = scene_open,
             .thread = {races, tries_both})
FUTURE_MODEL(all_meet_who_completes, NONE, .setup = scene_open,
             .thread = {gathers_all, tries_both})
FUTURE_MODEL(any_meets_who_completes, NONE, .setup = scene_open,
             .thread = {gathers_any, tries_both})
FUTURE_MODEL(settled_meet_who_completes, NONE, .setup = scene_open,
             .thread = {settles, tries_both})
FUTURE_MODEL(cancel_of_a_race_meets_who_completes, NONE, .setup = scene_open,
             .thread = {cancels_race, tries_both})
