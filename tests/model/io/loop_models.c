/* What must hold of operations on the loop thread: who waits for one goes on,
 * once, with its result, whether it completes or is cut short or both at once;
 * nobody touches it afterwards, nor the letter that follows it; and the stop
 * ends the thread when all have been answered. */
#include "io/loop_scene.h"

/* ---- Operations: on the loop thread ------------------------------------- */

static void at_once(mri_loop *l, mri_loop_op *op)
{
    mri_loop_done(l, op, RESULT);
}

static void pends(mri_loop *l, mri_loop_op *op)
{
    (void)l;
    model_assert(mri_loop_is_here(l));
    scene_get()->pending = op;
}

/* It completes by itself in a later round. */
static void later(mri_loop *l, mri_loop_op *op)
{
    struct state *s = scene_get();
    pends(l, op);
    s->outcome = RESULT;
    model_event_post(OUTSIDE);
}

static void cut_at_once(mri_loop *l, mri_loop_op *op)
{
    struct state *s = scene_get();
    model_assert(s->pending == op && ++s->cuts == 1);
    scene_complete(s, l, MR_ECANCELED);
}

static void cut_later(mri_loop *l, mri_loop_op *op)
{
    struct state *s = scene_get();
    (void)l;
    model_assert(s->pending == op && ++s->cuts == 1);
    s->outcome = MR_ECANCELED;
    model_event_post(OUTSIDE);
}

/* ---- Threads ------------------------------------------------------------ */

typedef void (*runner)(mri_loop *l, mri_loop_op *op);

static int64_t do_cut(mri_loop_op *op, struct state *s, runner run, runner cut)
{
    op->run = run;
    return mri_loop_do_cut(&s->strand[model_thread()], op, cut, "an operation");
}

/* A cut that comes before it has completed says so. */
static void does(struct state *s, runner run, runner cut)
{
    mri_loop_op *op = model_alloc(sizeof *op);
    int64_t result = do_cut(op, s, run, cut);
    model_free(op);
    model_assert(result == RESULT || result == MR_ECANCELED);
    scene_stop(s);
    model_assert(result == RESULT || s->cuts == 1);
}

static void does_at_once(void *a)
{
    struct state *s = a;
    does(s, at_once, cut_at_once);
    model_assert(s->cuts == 0);
}

static void does_later_cut_at_once(void *a)
{
    does(a, later, cut_at_once);
}

static void does_later_cut_later(void *a)
{
    does(a, later, cut_later);
}

static void pends_cut_at_once(void *a)
{
    does(a, pends, cut_at_once);
}

static void pends_cut_later(void *a)
{
    does(a, pends, cut_later);
}

/* A stop that was out of time comes again. */
static void does_and_stops_again(void *a)
{
    struct state *s = a;
    mri_loop_op *op = model_alloc(sizeof *op);
    model_assert(do_cut(op, s, at_once, cut_at_once) == RESULT);
    model_free(op);
    int rc = s->rt.end_loop(&s->rt, mri_clock_now() + 1);
    model_assert(rc == 0 || rc == MR_ETIMEDOUT);
    if (rc < 0)
        scene_stop(s);
}

/* Twice, where another was, and in a park of its own. */
static void does_two(void *a)
{
    struct state *s = a;
    mri_loop_op *op = model_alloc(sizeof *op);
    int64_t first = do_cut(op, s, later, cut_at_once);
    model_assert(first == RESULT || first == MR_ECANCELED);
    model_assert(do_cut(op, s, at_once, cut_at_once) == RESULT);
    model_free(op);
    scene_stop(s);
}

/* One of two strands; the last to be done stops. */
static void one_of_two(void *a)
{
    struct state *s = a;
    mri_loop_op *op = model_alloc(sizeof *op);
    op->run = at_once;
    int64_t result =
        mri_loop_do(&s->strand[model_thread()], op, "an operation");
    model_assert(result == RESULT);
    model_free(op);
    if (mri_add_acq_rel(&s->done, 1) == 1)
        scene_stop(s);
}

static void cancel(struct state *s, uint64_t count)
{
    if (count && mri_park_cancel(&s->strand[0].park, count) == MRI_PARK_RESUME)
        scene_resume(s, &s->strand[0]);
}

static void may_cancel(void *a)
{
    struct state *s = a;
    cancel(s, mri_load_acquire(&s->count));
}

static void cancels(void *a)
{
    uint64_t count;
    struct state *s = a;
    while (!(count = mri_load_acquire(&s->count)))
        mri_pause();
    cancel(s, count);
}

/* ---- Models ------------------------------------------------------------- */

#define LOOP(name_, setup_, ...)                                               \
    MODEL(loop_##name_, .state_size = sizeof(struct state), .setup = setup_,   \
          .finish = scene_check, .free_pauses = MODEL_NONE,                    \
          .spurious = MODEL_NONE, __VA_ARGS__)
#define LARGE .bound = 1, .deep_bound = 2
#define LARGEST .bound = MODEL_NO_PREEMPTION, .deep_bound = 1

LOOP(an_operation_completes, scene_open_loop,
     .thread = {does_at_once, scene_loops})
LOOP(an_operation_completes_later, scene_open_loop,
     .thread = {does_later_cut_at_once, scene_loops})
LOOP(a_stop_out_of_time_comes_again, scene_open_loop,
     .thread = {does_and_stops_again, scene_loops})
LOOP(one_that_completes_at_once_or_a_cut, scene_open_loop,
     .thread = {does_at_once, scene_loops, may_cancel}, LARGE)
LOOP(one_that_completes_later_or_a_cut, scene_open_loop,
     .thread = {does_later_cut_at_once, scene_loops, may_cancel}, LARGE)
LOOP(one_that_completes_later_or_is_cut_later, scene_open_loop,
     .thread = {does_later_cut_later, scene_loops, may_cancel}, LARGE)
LOOP(a_cut_completes, scene_open_loop,
     .thread = {pends_cut_at_once, scene_loops, cancels}, LARGE)
LOOP(a_cut_completes_later, scene_open_loop,
     .thread = {pends_cut_later, scene_loops, cancels}, LARGE)
LOOP(another_follows_one_that_was_cut, scene_open_loop,
     .thread = {does_two, scene_loops, may_cancel}, LARGEST)
LOOP(two_start_it_and_complete, scene_open,
     .thread = {one_of_two, one_of_two, scene_loops}, LARGEST)
