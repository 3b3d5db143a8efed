#include "sched/scene.h"

#include "base/assert.h"
#include "os/clock.h"
#include "os/futex.h"

int64_t scene_clock(void);

/* ---- Time --------------------------------------------------------------- */

static struct state *scene;

__attribute__((no_sanitize("thread"))) static void set_scene(struct state *s)
{
    scene = s;
}

__attribute__((no_sanitize("thread"))) static struct state *get_scene(void)
{
    return scene;
}

static void await_quiet(struct state *s)
{
    while (!mri_load_acquire(&s->quiet))
        mri_pause();
}

static bool signalled(struct state *s)
{
    uint64_t state = mri_load_relaxed(&s->rt.idle.state);
    return (state & ~MRI_EVENT_MOST) != 0;
}

static void await_news(struct state *s, uint32_t *seen)
{
    uint32_t started;
    do {
        mri_pause();
        started = mri_load_relaxed(&s->started);
    } while (!signalled(s) && started == *seen);
    *seen = started;
}

enum { TIMED_PERIODS = 8 };

/* A watch may end at once, having seen whatever is old, but not time and
 * again: a period is longer than a store takes to be seen. And one that has
 * seen all ends only when there is news: the others are the same again. */
int64_t scene_clock(void)
{
    struct state *s = get_scene();
    if (s->watched)
        return 1;
    unsigned period = ++s->periods[model_thread()];
    if (s->timed) {
        if (period > TIMED_PERIODS)
            await_news(s, &s->seen[model_thread()]);
        return period > 1;
    }
    /* Never sleeps, and what was looked at before counts for no spin. */
    (void)!mri_futex_wait(&s->quiet, 2, MRI_NEVER);
    if (period == 2)
        await_quiet(s);
    else if (period > 2)
        await_news(s, &s->seen[model_thread()]);
    return 1;
}

void scene_quiet(struct state *s)
{
    mri_store_release(&s->quiet, 1);
}

/* ---- Opening ------------------------------------------------------------ */

static void open_worker(struct state *s, uint32_t i)
{
    mri_worker *w = &s->worker[i];
    w->runtime = &s->rt;
    w->index = i;
    w->random = i + 1;
    mri_run_queue_open(&w->queue, (mri_run_slot *)(void *)s->job, NODES);
    s->strand[i].worker = w;
    mri_init(&w->current, &s->strand[i]);
    mri_init(&w->idle, 0);
    mri_timers_open(&w->timers, 0);
}

static void name_words(struct state *s)
{
    static const char *const current[] = {"current0", "current1", "current2"};
    static const char *const idle[] = {"idle0", "idle1", "idle2"};
    static const char *const tail[] = {"queue0", "queue1", "queue2"};
    static const char *const want[] = {"want0", "want1", "want2", "want3"};
    for (int i = 0; i < WORKERS; i++) {
        model_name(&s->worker[i].current, 8, current[i]);
        model_name(&s->worker[i].idle, 4, idle[i]);
        model_name(&s->worker[i].queue.head, 8, tail[i]);
    }
    for (int i = 0; i <= WORKERS; i++)
        model_name(&s->strand[i].deque.want, 4, want[i]);
    model_name(&s->rt.idle.state, 8, "sleepers");
    model_name(&s->rt.idle.bell, 4, "bell");
    model_name(&s->rt.searchers, 4, "searchers");
    model_name(&s->rt.watch, 8, "watch");
    model_name(&s->rt.stopping, 4, "stopping");
    model_name(&s->rt.inbox.newest, 8, "inbox");
    model_name(&s->started, 4, "started");
}

void scene_open(struct state *s, uint32_t n, unsigned expected, bool watched)
{
    mr_runtime *rt = &s->rt;
    mri_barrier_open(&rt->barrier);
    rt->workers = n;
    mri_init(&rt->seats, n);
    rt->most_searchers = n > 2 ? n / 2 : 1;
    rt->worker = s->worker;
    mri_init(&rt->pool.canary_from, UINT32_MAX);
    mri_event_count_init(&rt->idle);
    mri_inbox_open(&rt->inbox);
    s->watched = watched;
    mri_init(&rt->watch, watched ? INT64_MIN : MRI_NEVER);
    for (uint32_t i = 0; i <= WORKERS; i++)
        mri_deque_map(&s->strand[i].deque, s->slots[i], SLOTS, &rt->barrier);
    if (watched)
        /* One value less to choose from. */
        for (uint32_t i = 0; i <= WORKERS; i++)
            mri_init(&s->strand[i].deque.want, 1);
    for (uint32_t i = 0; i < n; i++)
        open_worker(s, i);
    s->expected = expected;
    set_scene(s);
    name_words(s);
}

/* ---- What runs ---------------------------------------------------------- */

void scene_await_all(struct state *s)
{
    while (mri_load_acquire(&s->started) < s->expected)
        mri_pause();
}

void scene_started(struct state *s)
{
    if (mri_add_acq_rel(&s->started, 1) + 1 < s->expected || s->together)
        return;
    mri_store_relaxed(&s->rt.stopping, 1);
    mri_event_count_notify_all(&s->rt.idle);
}

static void run(struct state *s, uint32_t i, const mri_work *work)
{
    if (work->slot) {
        mri_slot_function(work->slot)(NULL, NULL, work->slot);
        if (s->together)
            scene_await_all(s);
        return;
    }
    mri_job *job = mri_container_of(work->node, mri_job, node);
    s->ran[job - s->job]++;
    scene_started(s);
    if (s->run[job - s->job])
        s->run[job - s->job](s, i);
    if (s->together)
        scene_await_all(s);
}

void scene_work(struct state *s, uint32_t i)
{
    mri_work work;
    while (mri_worker_find(&s->worker[i], &work))
        run(s, i, &work);
}

void scene_work_once(struct state *s, uint32_t i)
{
    mri_work work;
    model_assert(mri_worker_find(&s->worker[i], &work));
    run(s, i, &work);
}

void scene_sleep_once(struct state *s, uint32_t i)
{
    mri_work work;
    if (!mri_idle_wait(&s->worker[i], &work))
        model_assert(mri_worker_find(&s->worker[i], &work));
    run(s, i, &work);
}

void scene_search_once(struct state *s, uint32_t i)
{
    mri_work work;
    if (!mri_idle_search(&s->worker[i], &work))
        model_assert(mri_worker_find(&s->worker[i], &work));
    run(s, i, &work);
}

void scene_push(struct state *s, uint32_t i, unsigned from, unsigned to)
{
    for (unsigned j = from; j < to; j++)
        mri_worker_push(&s->worker[i], &s->job[j].node);
    scene_await_all(s);
}

void scene_post(struct state *s, unsigned from, unsigned to)
{
    for (unsigned j = from; j < to; j++)
        mri_runtime_post(&s->rt, &s->job[j].node);
}

void scene_check(void *a)
{
    struct state *s = a;
    for (unsigned i = 0; i < NODES; i++)
        model_assert(s->ran[i] == (i < s->expected ? 1 : 0));
    mri_event_count_check(&s->rt.idle);
    model_assert(mri_load_relaxed(&s->rt.searchers) == 0);
    model_assert(!mri_event_count_awaited(&s->rt.idle));
}
