#include "sched/spare_scene.h"

#include "os/futex.h"
#include <millrace/error.h>

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

void spares_thread(struct spares *p, int i)
{
    uint32_t begun;
    while ((begun = mri_load_acquire(&p->begun[i])) == 0)
        mri_pause();
    if (begun == 1)
        p->made[i]->run(p->made[i]->arg);
    mri_store_release(&p->ended[i], 1);
}

/* ---- Strands: there is one per seat, and none is left for another ----------
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
    struct spares *p = get_all();
    (void)first;
    if (p->runs)
        p->runs(p, w);
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
    bool *relieved_before = &p->relieved[me - rt->monitor.spare];
    if (*relieved_before) {
        *relieved_before = false;
        return true;
    }
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
    p->last++;
    return false;
}

/* ---- Setups and ends --------------------------------------------------------
 */

void spares_open(struct spares *p, uint32_t workers, uint32_t seats,
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
    model_name(&p->s.rt.monitor.joined, 4, "joined");
    model_name(&p->s.rt.lingering.state, 8, "lingering");
    model_name(&p->s.rt.seats, 4, "seats");
    model_name(&p->s.rt.monitor.spare[0].bell, 4, "bell0");
    model_name(&p->s.rt.monitor.spare[1].bell, 4, "bell1");
}

void spares_joined(struct spares *p, int i)
{
    p->relieved[i] = true;
    p->s.rt.monitor.spare[i].open = true;
    mri_init(&p->s.rt.monitor.joined,
             mri_load_relaxed(&p->s.rt.monitor.joined) + 1);
}

void spares_rest(struct spares *p, int i)
{
    mri_monitor *m = &p->s.rt.monitor;
    mri_spare *s = &m->spare[i];
    s->runtime = &p->s.rt;
    s->seat = p->s.rt.workers + (uint32_t)i;
    mri_init(&s->bell, MRI_SPARE_RESTS);
    s->next = m->dormant;
    m->dormant = s;
}

void spares_stop(struct spares *p)
{
    mr_runtime *rt = &p->s.rt;
    while (mri_load_relaxed(&p->tried) < p->late)
        mri_pause();
    mri_store_relaxed(&rt->stopping, 1);
    mri_monitor_end(rt);
    mri_monitor_join(rt);
    for (int i = p->threads; i < THREADS; i++)
        mri_store_release(&p->begun[i], 2);
}
