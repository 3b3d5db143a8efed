#include "async/scene.h"

#include "base/assert.h"
#include "os/fork.h"
#include "task/cancel.h"

static struct scene *scene;

__attribute__((no_sanitize("thread"))) static void set_scene(struct scene *s)
{
    scene = s;
}

__attribute__((no_sanitize("thread"))) static struct scene *get_scene(void)
{
    return scene;
}

/* ---- What is asked of the scheduler ------------------------------------- */

mri_strand *mri_strand_self(void)
{
    struct scene *s = get_scene();
    unsigned i = (unsigned)model_thread();
    return s->foreign >> i & 1 ? NULL : &s->strand[i];
}

mri_strand *scene_self(void)
{
    return mri_strand_self();
}

/* As sched/strand.c: on the far side, parked; then another resumes it. */
static enum mri_park_state park(mri_strand *strand, uint64_t count)
{
    struct scene *s = get_scene();
    unsigned i = (unsigned)(strand - s->strand);
    if (!mri_park_parked(&strand->park, count))
        return mri_park_outcome(&strand->park);
    while (mri_load_acquire(&s->resumed[i]) == s->gone_on[i])
        mri_pause();
    s->gone_on[i]++;
    return mri_park_outcome(&strand->park);
}

enum mri_park_state mri_wait(mri_strand *strand, uint64_t count,
                             int64_t deadline)
{
    (void)deadline;
    return park(strand, count);
}

int mri_cancelable_wait(mri_strand *strand, uint64_t count, int64_t deadline)
{
    struct scene *s = get_scene();
    (void)deadline;
    mri_store_release(&s->cancelable[strand - s->strand], count);
    return park(strand, count) == MRI_PARK_CANCELLED ? MR_ECANCELED : 0;
}

static void resume(mri_strand *strand)
{
    struct scene *s = get_scene();
    mri_add_release(&s->resumed[strand - s->strand], 1);
}

void mri_strand_ready_list(mr_runtime *rt, mri_run_node *first,
                           mri_run_node *last, uint64_t count)
{
    model_assert(rt == &get_scene()->rt && !last->next);
    for (mri_run_node *node = first, *then; node; node = then, count--) {
        then = node->next;
        resume(mri_container_of(node, mri_strand, node));
    }
    model_assert(count == 0);
}

void mri_runtime_visit(mr_runtime *rt)
{
    (void)rt;
    mri_add_relaxed(&get_scene()->visitors, 1);
}

void mri_runtime_leave(mr_runtime *rt)
{
    (void)rt;
    mri_sub_release(&get_scene()->visitors, 1);
}

/* ---- The scene ---------------------------------------------------------- */

void scene_open(struct scene *s, unsigned foreign)
{
    set_scene(s);
    s->foreign = foreign;
    s->worker.runtime = &s->rt;
    for (unsigned i = 0; i < STRANDS; i++) {
        mri_park_word_init(&s->strand[i].park);
        s->strand[i].worker = &s->worker;
        model_name(&s->strand[i].park, 8, "park");
    }
    model_name(&s->resumed, sizeof s->resumed, "resumed");
}

void scene_cancel(struct scene *s, unsigned i)
{
    uint64_t count;
    while (!(count = mri_load_acquire(&s->cancelable[i])))
        mri_pause();
    if (mri_park_cancel(&s->strand[i].park, count) == MRI_PARK_RESUME)
        resume(&s->strand[i]);
}

void scene_done(struct scene *s)
{
    mri_store_release(&s->cancelable[model_thread()], UINT64_MAX);
}

void scene_check(struct scene *s)
{
    model_assert(mri_load_relaxed(&s->visitors) == 0);
    for (unsigned i = 0; i < STRANDS; i++)
        model_assert(mri_load_relaxed(&s->resumed[i]) == s->gone_on[i]);
}
