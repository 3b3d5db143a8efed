#include "io/loop_scene.h"

#include "os/futex.h"

static struct state *scene;

__attribute__((no_sanitize("thread"))) static void set_scene(struct state *s)
{
    scene = s;
}

__attribute__((no_sanitize("thread"))) struct state *scene_get(void)
{
    return scene;
}

/* ---- libuv -------------------------------------------------------------- */

int uv_loop_init(uv_loop_t *loop)
{
    (void)loop;
    return 0;
}

int uv_async_init(uv_loop_t *loop, uv_async_t *bell, uv_async_cb called)
{
    struct state *s = scene_get();
    (void)loop;
    s->of_bell = bell;
    s->bell = called;
    return 0;
}

int uv_prepare_init(uv_loop_t *loop, uv_prepare_t *handle)
{
    (void)loop;
    scene_get()->of_prepare = handle;
    return 0;
}

int uv_prepare_start(uv_prepare_t *handle, uv_prepare_cb called)
{
    (void)handle;
    scene_get()->prepare = called;
    return 0;
}

int uv_check_init(uv_loop_t *loop, uv_check_t *handle)
{
    (void)loop;
    scene_get()->of_check = handle;
    return 0;
}

int uv_check_start(uv_check_t *handle, uv_check_cb called)
{
    (void)handle;
    scene_get()->check = called;
    return 0;
}

int uv_async_send(uv_async_t *bell)
{
    struct state *s = scene_get();
    model_assert(bell == s->of_bell);
    if (mri_load_relaxed(&s->rung) == 0 && mri_swap_relaxed(&s->rung, 1) == 0)
        model_event_post(BELL);
    return 0;
}

void scene_complete(struct state *s, mri_loop *l, int64_t outcome)
{
    mri_loop_op *op = s->pending;
    s->pending = NULL;
    if (op)
        mri_loop_done(l, op, outcome);
}

static void call_back(struct state *s, int source)
{
    if (source == OUTSIDE)
        scene_complete(s, mri_container_of(s->of_bell, mri_loop, bell),
                       s->outcome);
    else if (mri_swap_relaxed(&s->rung, 0) != 0)
        s->bell(s->of_bell);
}

int uv_run(uv_loop_t *loop, uv_run_mode mode)
{
    struct state *s = scene_get();
    (void)loop;
    (void)mode;
    while (!s->stopped) {
        s->prepare(s->of_prepare);
        uint32_t came = model_event_wait(1 << BELL | 1 << OUTSIDE);
        bool other_way = came == 3 && model_choose(2);
        for (int i = 0; i < 2; i++) {
            int source = other_way ? 1 - i : i;
            if (came >> source & 1)
                call_back(s, source);
        }
        s->check(s->of_check);
    }
    return 0;
}

void uv_stop(uv_loop_t *loop)
{
    (void)loop;
    scene_get()->stopped = true;
}

int uv_loop_close(uv_loop_t *loop)
{
    (void)loop;
    return 0;
}

void uv_walk(uv_loop_t *loop, uv_walk_cb called, void *arg)
{
    (void)loop;
    (void)called;
    (void)arg;
}

int uv_is_closing(const uv_handle_t *handle)
{
    (void)handle;
    return 1;
}

void uv_close(uv_handle_t *handle, uv_close_cb called)
{
    (void)handle;
    (void)called;
}

uv_thread_t uv_thread_self(void)
{
    return (uv_thread_t)model_thread();
}

int uv_thread_equal(const uv_thread_t *a, const uv_thread_t *b)
{
    return *a == *b;
}

/* ---- The system and the scheduler --------------------------------------- */

int mri_thread_start(mri_thread *t, const char *name, void (*run)(void *),
                     void *arg, size_t stack_size)
{
    (void)name;
    (void)stack_size;
    t->run = run;
    t->arg = arg;
    mri_store_release(&scene_get()->thread, t);
    return 0;
}

void mri_thread_join(mri_thread *t)
{
    (void)t;
    while (!mri_load_acquire(&scene_get()->ended))
        mri_pause();
}

int mri_thread_cpus_set(const mri_thread_cpus *cpus)
{
    (void)cpus;
    return 0;
}

void mri_futex_nap(int64_t ns)
{
    (void)ns;
    mri_pause();
}

int mri_io_open(mr_runtime *rt, mri_io **out)
{
    *out = mri_io_of(rt);
    return 0;
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

static unsigned index_of(struct state *s, const mri_strand *strand)
{
    return (unsigned)(strand - s->strand);
}

void scene_resume(struct state *s, mri_strand *strand)
{
    mri_add_release(&s->resumed[index_of(s, strand)], 1);
}

void mri_strand_ready_list(mr_runtime *rt, mri_run_node *first,
                           mri_run_node *last, uint64_t count)
{
    (void)rt;
    mri_run_node *node = first;
    for (uint64_t i = 0; i < count; i++) {
        mri_run_node *next = node->next;
        model_assert((node == last) == (i + 1 == count));
        scene_resume(scene_get(), mri_container_of(node, mri_strand, node));
        node = next;
    }
}

/* As sched/strand.c: on the far side, parked; then another resumes it. */
void mri_strand_park(mri_strand *strand, uint64_t count)
{
    struct state *s = scene_get();
    unsigned i = index_of(s, strand);
    if (!mri_park_parked(&strand->park, count))
        return;
    while (mri_load_acquire(&s->resumed[i]) == s->gone_on[i])
        mri_pause();
    s->gone_on[i]++;
}

/* Whoever cancels knows the count by it. */
int mri_cancelable_wait(mri_strand *strand, uint64_t count, int64_t deadline)
{
    struct state *s = scene_get();
    (void)deadline;
    if (index_of(s, strand) == 0)
        mri_store_release(&s->count, count);
    mri_strand_park(strand, count);
    return mri_park_outcome(&strand->park) == MRI_PARK_CANCELLED ? MR_ECANCELED
                                                                 : 0;
}

int mri_cancelable_pass(const mri_strand *s)
{
    (void)s;
    return 0;
}

/* ---- The scene ---------------------------------------------------------- */

void scene_open(void *a)
{
    struct state *s = a;
    set_scene(s);
    s->worker.runtime = &s->rt;
    mri_init(&s->rt.io, &s->io);
    for (unsigned i = 0; i < STRANDS; i++) {
        mri_park_word_init(&s->strand[i].park);
        s->strand[i].worker = &s->worker;
        model_name(&s->strand[i].park, 8, "park");
    }
    model_name(&s->rung, 4, "bell");
    model_name(s->resumed, sizeof s->resumed, "resumed");
}

void scene_open_loop(void *a)
{
    mri_loop *l;
    struct state *s = a;
    scene_open(a);
    model_assert(mri_loop_get(&s->strand[0], &l) == 0);
    model_name(&l->mailbox.inbox.newest, 8, "newest");
    model_name(&l->left, 4, "left");
}

void scene_stop(struct state *s)
{
    model_assert(s->rt.end_loop(&s->rt, MRI_NEVER) == 0);
    model_assert(!s->rt.end_loop);
}

void scene_loops(void *a)
{
    mri_thread *t;
    struct state *s = a;
    while (!(t = mri_load_acquire(&s->thread)))
        mri_pause();
    t->run(t->arg);
    mri_store_release(&s->ended, 1);
}

void scene_check(void *a)
{
    struct state *s = a;
    for (unsigned i = 0; i < STRANDS; i++)
        model_assert(mri_load_relaxed(&s->resumed[i]) == s->gone_on[i]);
    model_assert(!s->pending && s->stopped);
}
