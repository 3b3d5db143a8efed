#include "async/future_scene.h"

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

/* ---- What futures ask of the scheduler ---------------------------------- */

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

/* What has a deadline may be over before it begins. */
enum mri_park_state mri_wait(mri_strand *strand, uint64_t count,
                             int64_t deadline)
{
    if (deadline != MRI_NEVER && model_choose(2))
        (void)!mri_park_expire(&strand->park, count);
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

static void push(mri_run_node *node)
{
    struct state *s = get_scene();
    uint32_t n = mri_add_relaxed(&s->pushed, 1);
    model_assert(n < CELLS);
    mri_store_release(&s->cell[n], node);
}

void mri_worker_push(mri_worker *w, mri_run_node *node)
{
    (void)w;
    push(node);
}

void mri_run_queue_push_list(mri_run_queue *q, mri_run_node *first,
                             mri_run_node *last, uint64_t count)
{
    (void)q;
    (void)last;
    for (mri_run_node *node = first, *then; count > 0; node = then, count--) {
        then = node->next;
        push(node);
    }
}

void mri_runtime_wake(mr_runtime *rt)
{
    (void)rt;
}

void mri_runtime_post(mr_runtime *rt, mri_run_node *node)
{
    (void)rt;
    push(node);
}

int mri_runtime_submit(mr_runtime *rt, mri_run_node *node)
{
    (void)rt;
    node->word += MRI_NODE_NEW - MRI_NODE_JOB;
    push(node);
    return 0;
}

bool mri_inbox_closed(const mri_inbox *in)
{
    (void)in;
    return false;
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

void mri_alarm_set(mri_strand *s, mri_alarm *alarm, int64_t at)
{
    (void)s;
    (void)alarm;
    (void)at;
    model_assert(!"a task of a future has no deadline");
}

bool mri_alarm_stop(mri_alarm *alarm)
{
    (void)alarm;
    return true;
}

void *mri_runtime_allocate(mr_runtime *rt, size_t size, size_t align)
{
    (void)align;
    return rt->config.allocate(rt->config.context, size, align);
}

void mri_runtime_release(mr_runtime *rt, void *memory, size_t size)
{
    rt->config.release(rt->config.context, memory, size);
}

/* ---- The scene ---------------------------------------------------------- */

static void *allocate(void *context, size_t size, size_t align)
{
    (void)context;
    (void)align;
    return model_alloc(size);
}

static void release(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    model_free(memory);
}

static void unhandled(void *context, int64_t error)
{
    (void)context;
    model_assert(error < 0);
    mri_add_relaxed(&get_scene()->told, 1);
}

void scene_open(void *a)
{
    struct state *s = a;
    set_scene(s);
    mri_barrier_open(&s->barrier);
    s->rt.config.allocate = allocate;
    s->rt.config.release = release;
    s->rt.config.unhandled = unhandled;
    s->rt.workers = THREADS;
    for (unsigned i = 0; i < THREADS; i++) {
        mri_deque_map(&s->strand[i].deque, s->slots[i], SLOTS, &s->barrier);
        mri_park_word_init(&s->strand[i].park);
        s->strand[i].worker = &s->worker[i];
        s->strand[i].node.word = MRI_NODE_STRAND;
        s->worker[i].runtime = &s->rt;
        s->worker[i].index = i;
        model_name(&s->strand[i].park, 8, "park");
        model_name(&s->worker[i].gone, 8, "gone");
        model_name(&s->worker[i].born, 8, "born");
    }
    model_name(&s->resumed, sizeof s->resumed, "resumed");
    model_name(&s->cell, sizeof s->cell, "cell");
}

void scene_open_foreign(void *a)
{
    scene_open(a);
    ((struct state *)a)->foreign = 1 << 1;
}

void scene_open_foreign_0(void *a)
{
    scene_open(a);
    ((struct state *)a)->foreign = 1 << 0;
}

void scene_open_foreign_01(void *a)
{
    scene_open(a);
    ((struct state *)a)->foreign = 3;
}

/* As sched/run.c, with what it goes on with afterwards. */
static void run(mri_strand *strand, mri_run_node *node)
{
    mri_worker *w = strand->worker;
    mri_job *job = mri_container_of(node, mri_job, node);
    if (mri_node_kind(node) == MRI_NODE_NEW) {
        node->word -= MRI_NODE_NEW - MRI_NODE_JOB;
        mri_worker_born(w, 1);
    }
    job->run(strand, job);
    mri_strand *next = w->next;
    w->next = NULL;
    if (next)
        mri_strand_ready(next);
}

/* All that others push stands before their ends; and all of them, as well as
 * its own, is known to who has seen those. */
void scene_work(struct state *s, unsigned others)
{
    for (unsigned n = 0; others > 0 || n < mri_load_relaxed(&s->pushed); n++) {
        mri_run_node *node;
        while (!(node = mri_load_acquire(&s->cell[n])))
            mri_pause();
        if (node == &s->over)
            others--;
        else
            run(mri_strand_self(), node);
    }
}

void scene_over(struct state *s)
{
    push(&s->over);
}

void scene_offer_promise(struct state *s, unsigned n, mr_promise *p)
{
    mri_store_release(&s->promise[n], p);
}

mr_promise *scene_await_promise(struct state *s, unsigned n)
{
    mr_promise *p;
    while (!(p = mri_load_acquire(&s->promise[n])))
        mri_pause();
    return p;
}

void scene_offer(struct state *s, unsigned n, mr_future *f)
{
    mri_store_release(&s->future[n], f);
}

mr_future *scene_await(struct state *s, unsigned n)
{
    mr_future *f;
    while (!(f = mri_load_acquire(&s->future[n])))
        mri_pause();
    return f;
}

void scene_check(void *a)
{
    struct state *s = a;
    uint64_t born = 0, gone = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        born += mri_load_relaxed(&s->worker[i].born);
        gone += mri_load_acquire(&s->worker[i].gone);
        model_assert(mri_load_relaxed(&s->resumed[i]) == s->gone_on[i]);
        model_assert(!s->strand[i].member.of && !s->strand[i].deque.context);
    }
    model_assert(born == gone);
    model_assert(mri_load_acquire(&s->visitors) == 0);
    mri_last *heap = mri_load_acquire(&s->rt.heap);
    if (heap)
        heap->end(&s->rt);
}
