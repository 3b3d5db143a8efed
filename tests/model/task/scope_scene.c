#include "task/scope_scene.h"

#include "base/assert.h"
#include "os/clock.h"
#include "os/fork.h"

static struct state *scene;

__attribute__((no_sanitize("thread"))) static void set_scene(struct state *s)
{
    scene = s;
}

__attribute__((no_sanitize("thread"))) static struct state *get_scene(void)
{
    return scene;
}

/* ---- What scopes ask of the scheduler ----------------------------------- */

mri_strand *mri_strand_self(void)
{
    struct state *s = get_scene();
    unsigned i = (unsigned)model_thread();
    return s->foreign >> i & 1 ? NULL : &s->strand[i];
}

static unsigned index_of(struct state *s, const mri_strand *strand)
{
    return (unsigned)(strand - s->strand);
}

/* As sched/strand.c: on the far side, parked; then another resumes it. */
static void park(mri_strand *strand, uint64_t count)
{
    struct state *s = get_scene();
    unsigned i = index_of(s, strand);
    if (!mri_park_parked(&strand->park, count))
        return;
    while (mri_load_acquire(&s->resumed[i]) == s->gone_on[i])
        mri_pause();
    s->gone_on[i]++;
}

void mri_strand_ready(mri_strand *strand)
{
    struct state *s = get_scene();
    mri_add_release(&s->resumed[index_of(s, strand)], 1);
}

void mri_strand_ready_list(mr_runtime *rt, mri_run_node *first,
                           mri_run_node *last, uint64_t count)
{
    (void)rt;
    model_assert(!last->next);
    for (mri_run_node *node = first, *then; node; node = then, count--) {
        then = node->next;
        mri_strand_ready(mri_container_of(node, mri_strand, node));
    }
    model_assert(count == 0);
}

enum mri_park_state mri_wait(mri_strand *strand, uint64_t count,
                             int64_t deadline)
{
    (void)deadline;
    park(strand, count);
    return mri_park_outcome(&strand->park);
}

/* As sched/run.c. */
void mri_worker_await_for(mri_strand *strand, mri_task_word *word,
                          const char *what)
{
    (void)what;
    if (mri_task_word_is_done(word))
        return;
    uint64_t count = mri_park_begin(&strand->park);
    strand->awaiting = count;
    if (mri_task_word_await_begin(
            word, mri_waiter_of(MRI_WAITER_STRAND, (uintptr_t)strand)))
        park(strand, count);
    else
        (void)!mri_park_complete(&strand->park, count);
}

mri_strand *mri_worker_released(mri_waiter waiter)
{
    if (mri_waiter_kind(waiter) != MRI_WAITER_STRAND)
        return NULL;
    mri_strand *s = (mri_strand *)(uintptr_t)mri_waiter_payload(waiter);
    bool ours = mri_park_complete(&s->park, s->awaiting) == MRI_PARK_RESUME;
    return ours ? s : NULL;
}

void mri_worker_completed(mri_strand *s, mri_waiter waiter)
{
    (void)s;
    mri_strand *other = mri_worker_released(waiter);
    if (other)
        mri_strand_ready(other);
}

void mri_worker_push(mri_worker *w, mri_run_node *node)
{
    struct state *s = get_scene();
    (void)w;
    uint32_t n = mri_add_relaxed(&s->pushed, 1);
    model_assert(n < CELLS);
    mri_store_release(&s->cell[n], node);
}

/* 0: not set, 1: set, 2: handed out, 3: stopped. */
void mri_alarm_set(mri_strand *strand, mri_alarm *alarm, int64_t at)
{
    struct state *s = get_scene();
    (void)strand;
    (void)at;
    mri_store_relaxed(&s->alarm, alarm);
    mri_store_release(&s->alarm_state, 1);
}

bool mri_alarm_stop(mri_alarm *alarm)
{
    struct state *s = get_scene();
    uint32_t set = 1;
    (void)alarm;
    return mri_cas_relaxed(&s->alarm_state, &set, 3);
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

void *mri_runtime_allocate(mr_runtime *rt, size_t size, size_t align)
{
    (void)rt;
    (void)align;
    return model_alloc(size);
}

void mri_runtime_release(mr_runtime *rt, void *memory, size_t size)
{
    (void)rt;
    (void)size;
    model_free(memory);
}

/* ---- The scene ---------------------------------------------------------- */

void scene_open(void *a)
{
    struct state *s = a;
    set_scene(s);
    mri_barrier_open(&s->barrier);
    s->worker.runtime = &s->rt;
    for (unsigned i = 0; i < STRANDS; i++) {
        mri_deque_map(&s->strand[i].deque, s->slots[i], SLOTS, &s->barrier);
        mri_park_word_init(&s->strand[i].park);
        s->strand[i].worker = &s->worker;
        model_name(&s->strand[i].park, 8, "park");
        model_name(&s->strand[i].member.cancelable, 8, "cancelable");
    }
    model_name(&s->resumed, sizeof s->resumed, "resumed");
}

void scene_open_foreign(void *a)
{
    struct state *s = a;
    scene_open(a);
    s->foreign = 1 << 2;
}

void scene_open_foreign_1(void *a)
{
    struct state *s = a;
    scene_open(a);
    s->foreign = 1 << 1;
}

mr_scope *scene_scope(struct state *s, unsigned n, int64_t deadline)
{
    mr_scope *scope = model_alloc(sizeof(mri_scope));
    mri_scope *sc = (mri_scope *)scope;
    model_name(&sc->cut, 4, "cut");
    model_name(&sc->live, 8, "live");
    model_name(&sc->lock, 4, "lock");
    model_name(&sc->done, 8, "done");
    mr_scope_open(scope, deadline);
    mri_store_release(&s->scope[n], scope);
    return scope;
}

int64_t scene_close(mr_scope *scope)
{
    int64_t rc = mr_scope_close(scope);
    const mri_scope *sc = (const mri_scope *)scope;
    model_assert(!sc->members && !sc->scopes && !sc->first);
    model_free(scope);
    return rc;
}

mr_scope *scene_await_scope(struct state *s, unsigned n)
{
    mr_scope *scope;
    while (!(scope = mri_load_acquire(&s->scope[n])))
        mri_pause();
    return scope;
}

void scene_run(struct state *s, unsigned i, unsigned n)
{
    mri_run_node *node;
    while (!(node = mri_load_acquire(&s->cell[n])))
        mri_pause();
    mri_job *job = mri_container_of(node, mri_job, node);
    job->run(&s->strand[i], job);
}

int scene_wait(struct state *s)
{
    mri_strand *strand = &s->strand[model_thread()];
    return mri_cancelable_wait(strand, mri_park_begin(&strand->park),
                               MRI_NEVER);
}

int scene_wait_over(struct state *s)
{
    mri_strand *strand = &s->strand[model_thread()];
    uint64_t count = mri_park_begin(&strand->park);
    (void)!mri_park_complete(&strand->park, count);
    return mri_cancelable_wait(strand, count, MRI_NEVER);
}

int scene_wait_handed(struct state *s)
{
    mri_strand *strand = &s->strand[model_thread()];
    uint64_t count = mri_park_begin(&strand->park);
    mri_store_release(&s->handed, count);
    return mri_cancelable_wait(strand, count, MRI_NEVER);
}

void scene_complete(struct state *s, unsigned i)
{
    uint64_t count;
    while (!(count = mri_load_acquire(&s->handed)))
        mri_pause();
    if (mri_park_complete(&s->strand[i].park, count) == MRI_PARK_RESUME)
        mri_strand_ready(&s->strand[i]);
}

void scene_ring(struct state *s)
{
    uint32_t set = 1;
    while (!mri_load_acquire(&s->alarm_state))
        mri_pause();
    if (!mri_cas_acquire(&s->alarm_state, &set, 2))
        return;
    mri_alarm *alarm = mri_load_relaxed(&s->alarm);
    alarm->ring(&s->worker, alarm);
}

void scene_check(struct state *s)
{
    model_assert(mri_load_relaxed(&s->visitors) == 0);
    for (unsigned i = 0; i < STRANDS; i++) {
        model_assert(mri_load_relaxed(&s->resumed[i]) == s->gone_on[i]);
        model_assert(!s->strand[i].member.of && !s->strand[i].member.from);
        model_assert(!s->strand[i].deque.context);
    }
}
