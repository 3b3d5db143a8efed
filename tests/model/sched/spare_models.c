/* What must hold of spares: one of them is the monitor at any time, until
 * stop, which all of them see; what stands in the queue of one that retires is
 * found; and one that lingers hears of what is put in, and of calm. */
#include "os/futex.h"
#include "sched/scene.h"
#include <millrace/error.h>

enum { THREADS = 2 };

struct spares {
    struct state s; /* first: the scene is the same block */
    mri_atomic_u32 begun[THREADS], ended[THREADS];
    mri_thread *made[THREADS];
    int most;     /* threads that can be */
    int threads;  /* that were started; under the monitor's lock */
    int watches;  /* plain: the monitor's, whoever that is */
    int relieves; /* how often it is to be another's turn */
    mri_atomic_u32 tried;
    uint32_t late; /* stop comes when it was tried that often */
    mri_strand first[THREADS];
};

static struct spares *all;

__attribute__((no_sanitize("thread"))) static void set_all(struct spares *p)
{
    all = p;
}

__attribute__((no_sanitize("thread"))) static struct spares *get_all(void)
{
    return all;
}

/* ---- Threads: those of the model, once they are started --------------------
 */

int mri_thread_start(mri_thread *t, const char *name, void (*run)(void *),
                     void *arg, size_t stack_size)
{
    struct spares *p = get_all();
    (void)name;
    (void)stack_size;
    if (p->threads == p->most)
        return MR_EAGAIN;
    int i = p->threads++;
    t->run = run;
    t->arg = arg;
    t->handle = (uintptr_t)i;
    p->made[i] = t;
    mri_store_release(&p->begun[i], 1);
    return 0;
}

void mri_thread_join(mri_thread *t)
{
    struct spares *p = get_all();
    while (!mri_load_acquire(&p->ended[t->handle]))
        mri_pause();
}

static void thread(struct spares *p, int i)
{
    uint32_t begun;
    while ((begun = mri_load_acquire(&p->begun[i])) == 0)
        mri_pause();
    if (begun == 1)
        p->made[i]->run(p->made[i]->arg);
    mri_store_release(&p->ended[i], 1);
}

static void thread_0(void *a)
{
    thread(a, 0);
}

static void thread_1(void *a)
{
    thread(a, 1);
}

/* ---- Strands: a spare that joins has nothing to run ------------------------
 */

mri_strand *mri_strand_self(void)
{
    return NULL;
}

mri_strand *mri_strand_take(mri_worker *w)
{
    struct spares *p = get_all();
    return &p->first[w->index - p->s.rt.workers];
}

void mri_strand_drop(mri_worker *w, mri_strand *s)
{
    (void)w;
    (void)s;
}

void mri_strand_enter(mri_worker *w, mri_strand *first)
{
    (void)w;
    (void)first;
}

void mri_strand_switch(mri_strand *from, mri_strand *to, mri_after after)
{
    (void)from;
    (void)to;
    (void)after;
}

MRI_NORETURN void mri_strand_leave(mri_strand *s)
{
    (void)s;
    __builtin_trap();
}

void mri_strand_park(mri_strand *s, uint64_t count)
{
    (void)s;
    (void)count;
}

void mri_strand_park_into(mri_strand *s, uint64_t count, mri_strand *next)
{
    (void)s;
    (void)count;
    (void)next;
}

/* ---- The monitor ------------------------------------------------------------
 */

/* Two at a time would be a data race. */
bool mri_monitor_watch(mr_runtime *rt, mri_spare *me)
{
    struct spares *p = get_all();
    p->watches++;
    if (p->relieves > 0) {
        p->relieves--;
        bool relieved = mri_spare_relieve(me, 1);
        mri_add_relaxed(&p->tried, 1);
        if (relieved)
            return true;
    }
    p->watches++;
    while (!mri_monitor_ends(&rt->monitor))
        (void)!mri_futex_wait(&rt->monitor.state, MRI_MONITOR_AWAKE, MRI_NEVER);
    return false;
}

/* ---- Setups -----------------------------------------------------------------
 */

static void open_spares(struct spares *p, uint32_t workers, uint32_t seats,
                        unsigned jobs)
{
    scene_open(&p->s, seats, jobs, true);
    p->s.rt.workers = workers;
    p->s.together = true;
    mri_init(&p->s.rt.seats, seats);
    mri_event_count_init(&p->s.rt.lingering);
    p->most = THREADS;
    set_all(p);
    model_name(&p->s.rt.monitor.state, 4, "monitor");
    model_name(&p->s.rt.monitor.calm, 4, "calm");
    model_name(&p->s.rt.lingering.state, 8, "lingering");
    model_name(&p->s.rt.monitor.spare[0].bell, 4, "bell0");
    model_name(&p->s.rt.monitor.spare[1].bell, 4, "bell1");
}

static void open_hand_over(void *a)
{
    struct spares *p = a;
    open_spares(p, 1, 1, 0);
    p->relieves = 1;
}

static void open_no_thread(void *a)
{
    struct spares *p = a;
    open_spares(p, 1, 1, 0);
    p->most = 1;
    p->relieves = 1;
    p->late = 1;
}

static void open_there_and_back(void *a)
{
    struct spares *p = a;
    open_spares(p, 1, 1, 0);
    p->relieves = 2;
    p->late = 2;
}

/* Seat 1 is a spare's, with something in its queue. */
static void open_retire(void *a)
{
    struct spares *p = a;
    open_spares(p, 1, 2, 1);
    mri_run_queue_push(&p->s.worker[1].queue, &p->s.job[0].node);
    mri_init(&p->s.rt.monitor.calm, 1);
}

static void open_linger(void *a)
{
    open_spares(a, 1, 2, 1);
}

static void open_calm(void *a)
{
    open_spares(a, 1, 2, 0);
}

/* ---- Threads ----------------------------------------------------------------
 */

static void starts_and_stops(void *a)
{
    struct spares *p = a;
    mr_runtime *rt = &p->s.rt;
    mri_monitor_start(rt);
    while (mri_load_relaxed(&p->tried) < p->late)
        mri_pause();
    mri_store_relaxed(&rt->stopping, 1);
    mri_monitor_end(rt);
    mri_monitor_join(rt);
    for (int i = p->threads; i < THREADS; i++)
        mri_store_release(&p->begun[i], 2);
}

static void retires(void *a)
{
    struct spares *p = a;
    mri_work work;
    model_assert(!mri_spare_find(&p->s.worker[1], &work));
}

static void finds(void *a)
{
    struct spares *p = a;
    mri_work work;
    model_assert(mri_spare_find(&p->s.worker[1], &work));
    p->s.ran[0]++;
    scene_started(&p->s);
}

static void sleep_0(void *a)
{
    scene_sleep_once(a, 0);
}

static void post_1(void *a)
{
    scene_post(a, 0, 1);
}

static void push_1(void *a)
{
    scene_push(a, 0, 0, 1);
}

static void calms(void *a)
{
    struct spares *p = a;
    mri_spare_set_calm(&p->s.rt, true);
}

static void check_threads(void *a)
{
    struct spares *p = a;
    model_assert(mri_load_relaxed(&p->s.rt.monitor.joined) == 0);
    model_assert(p->watches > 0);
    mri_lock_check(&p->s.rt.monitor.lock);
}

#define SPARE(name_, ...)                                                      \
    MODEL(spare_##name_, .state_size = sizeof(struct spares),                  \
          .free_pauses = MODEL_NONE, __VA_ARGS__)

SPARE(hands_over_and_all_end, .setup = open_hand_over, .finish = check_threads,
      .bound = 1, .deep_bound = 2,
      .thread = {starts_and_stops, thread_0, thread_1})
SPARE(stays_the_monitor_where_no_thread_is_left, .setup = open_no_thread,
      .finish = check_threads, .bound = 1, .deep_bound = 2,
      .thread = {starts_and_stops, thread_0, thread_1})
SPARE(hands_over_there_and_back, .setup = open_there_and_back,
      .finish = check_threads, .bound = MODEL_NO_PREEMPTION, .deep_bound = 1,
      .thread = {starts_and_stops, thread_0, thread_1})
SPARE(that_retires_leaves_its_queue_to_others, .setup = open_retire,
      .finish = scene_check, .bound = 1, .deep_bound = 2,
      .thread = {retires, sleep_0})
SPARE(that_lingers_hears_of_a_post, .setup = open_linger, .finish = scene_check,
      .thread = {finds, post_1})
SPARE(that_lingers_hears_of_a_push, .setup = open_linger, .finish = scene_check,
      .thread = {finds, push_1})
SPARE(that_lingers_retires_when_it_is_calm, .setup = open_calm,
      .finish = scene_check, .thread = {retires, calms})
