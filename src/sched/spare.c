/* Spare workers: who is the monitor, who joins, what a spare takes; see
 * monitor.h. */
#include "base/assert.h"
#include "os/futex.h"
#include "sched/monitor.h"
#include "sched/overflow.h"
#include "sched/runtime.h"
#include "sched/wait.h"

enum { RETRY = 100000000 /* ns from a refusal to the next attempt */ };

/* ---- Threads --------------------------------------------------------------
 */

static void spare_main(void *arg);

/* The lock's holder: a thread that is the monitor from its start. */
static int create(mr_runtime *rt)
{
    mri_monitor *m = &rt->monitor;
    mri_spare *s = &m->spare[m->made];
    s->runtime = rt;
    s->seat = rt->workers + m->made;
    mri_init(&s->bell, MRI_SPARE_PROMOTED);
    int rc = mri_thread_start(&s->thread, "mr-spare", spare_main, s,
                              mri_overflow_thread_stack());
    if (rc == 0)
        m->made++;
    return rc;
}

static void count_refusal(mri_monitor *m)
{
    mri_store_relaxed(&m->refused, mri_load_relaxed(&m->refused) + 1);
}

void mri_monitor_start(mr_runtime *rt)
{
    mri_monitor *m = &rt->monitor;
    mri_lock_acquire(&m->lock);
    if (create(rt) < 0)
        count_refusal(m);
    mri_lock_release(&m->lock);
}

void mri_monitor_end(mr_runtime *rt)
{
    mri_monitor *m = &rt->monitor;
    mri_monitor_set_ending(m);
    mri_event_count_notify_all(&rt->lingering);
    mri_lock_acquire(&m->lock);
    m->ending = true;
    for (mri_spare *s = m->dormant; s; s = s->next) {
        mri_store_relaxed(&s->bell, MRI_SPARE_ENDED);
        mri_futex_wake(&s->bell, 1);
    }
    mri_lock_release(&m->lock);
}

void mri_monitor_join(mr_runtime *rt)
{
    /* Nobody is created any more, and by whom was under the lock. */
    for (uint32_t i = 0; i < rt->monitor.made; i++)
        mri_thread_join(&rt->monitor.spare[i].thread);
}

/* ---- Promotion ------------------------------------------------------------
 */

/* 1: another is the monitor now. 0: there is none who could be. Or the code of
 * the thread that could not be created. */
static int promote(mr_runtime *rt)
{
    mri_monitor *m = &rt->monitor;
    int rc = 0;
    mri_lock_acquire(&m->lock);
    mri_spare *s = m->dormant;
    if (m->ending) {
        rc = 0;
    } else if (s) {
        m->dormant = s->next;
        /* Release: what the monitor keeps; pairs with the load in rest. */
        mri_store_release(&s->bell, MRI_SPARE_PROMOTED);
        mri_futex_wake(&s->bell, 1);
        rc = 1;
    } else if (m->made < MRI_SPARE_SEATS) {
        rc = create(rt);
        rc = rc < 0 ? rc : 1;
    }
    mri_lock_release(&m->lock);
    return rc;
}

/* Dormant until promoted; false: to the end. */
static bool rest(mri_spare *me)
{
    mri_monitor *m = &me->runtime->monitor;
    uint32_t bell;
    mri_lock_acquire(&m->lock);
    bool ending = m->ending;
    if (!ending) {
        mri_store_relaxed(&me->bell, MRI_SPARE_RESTS);
        me->next = m->dormant;
        m->dormant = me;
    }
    mri_lock_release(&m->lock);
    if (ending)
        return false;
    /* Acquire: pairs with the release in promote. */
    while ((bell = mri_load_acquire(&me->bell)) == MRI_SPARE_RESTS)
        (void)!mri_futex_wait(&me->bell, MRI_SPARE_RESTS, MRI_NEVER);
    return bell == MRI_SPARE_PROMOTED;
}

/* ---- Joining --------------------------------------------------------------
 */

static mri_worker *worker_of(mri_spare *me)
{
    return &me->runtime->worker[me->seat];
}

/* Its seat, the first time. Those below are open: each is opened before the
 * thread that has the next one can be the monitor. */
static void open_seat(mri_spare *me)
{
    mr_runtime *rt = me->runtime;
    if (me->open)
        return;
    mri_worker_open(rt, me->seat);
    mri_init(&worker_of(me)->idle, 1);
    me->open = true;
    /* Release: the seat; pairs with the acquire in mri_seats. */
    mri_store_release(&rt->seats, me->seat + 1);
}

static void refused(mri_monitor *m, int64_t now)
{
    count_refusal(m);
    m->looks.retry = now + RETRY;
}

bool mri_spare_relieve(mri_spare *me, int64_t now)
{
    mr_runtime *rt = me->runtime;
    mri_monitor *m = &rt->monitor;
    mri_worker *w = worker_of(me);
    if (now < m->looks.retry || mri_load_relaxed(&m->joined) == MRI_SPARES)
        return false;
    open_seat(me);
    w->first = mri_strand_take(w);
    if (!w->first) {
        refused(m, now);
        return false;
    }
    mri_add_relaxed(&m->joined, 1);
    int rc = promote(rt);
    if (rc == 1)
        return true;
    mri_sub_relaxed(&m->joined, 1);
    mri_strand_drop(w, w->first);
    mri_strand_flush(&rt->pool, &w->cache);
    if (rc < 0)
        refused(m, now);
    return false;
}

/* From its first pick to its last. */
static void join(mri_spare *me)
{
    mr_runtime *rt = me->runtime;
    mri_worker *w = worker_of(me);
    mri_add_relaxed(&rt->monitor.joins, 1);
    mri_store_relaxed(&w->idle, 0);
    /* As in mri_idle_wait: a sleeper sees that this one runs, or is seen when
     * a strand is installed. */
    mri_fence_seq_cst();
    mri_strand_enter(w, w->first);
    mri_store_relaxed(&w->idle, 1);
    mri_sub_relaxed(&rt->monitor.joined, 1);
}

static void spare_main(void *arg)
{
    mri_spare *me = arg;
    mri_store_relaxed(&me->tid, (uint32_t)mri_thread_id());
    do {
        if (!mri_monitor_watch(me->runtime, me))
            break;
        join(me);
    } while (rest(me));
}

/* ---- Calm -----------------------------------------------------------------
 */

void mri_spare_set_calm(mr_runtime *rt, bool calm)
{
    mri_monitor *m = &rt->monitor;
    /* Relaxed, here and in retires: nothing is handed over; what wakes those
     * who linger orders it. */
    if (mri_load_relaxed(&m->calm) == calm)
        return;
    mri_store_relaxed(&m->calm, calm);
    if (calm)
        mri_event_count_notify_all(&rt->lingering);
}

/* ---- What it takes --------------------------------------------------------
 */

static bool retires(mr_runtime *rt)
{
    return mri_load_relaxed(&rt->stopping) ||
           mri_load_relaxed(&rt->monitor.calm);
}

/* One entry of another's queue. */
static mri_run_node *rob(mri_worker *w)
{
    mr_runtime *rt = w->runtime;
    uint32_t seats = mri_seats(rt);
    for (uint32_t n = 0; n < seats; n++) {
        uint32_t i = (w->index + n) % seats;
        mri_run_node *node =
            i != w->index ? mri_run_queue_steal(&rt->worker[i].queue) : NULL;
        if (!node)
            continue;
        mri_count(w, robberies);
        return node;
    }
    return NULL;
}

static bool look(mri_worker *w, mri_work *work)
{
    if (mri_worker_look(w, work))
        return true;
    work->node = rob(w);
    return work->node != NULL;
}

/* To whoever looks into the inbox next. */
static void leave_queue(mri_worker *w)
{
    mri_run_node *node;
    if (w->next)
        mri_run_queue_push(&w->queue, &w->next->node);
    w->next = NULL;
    while ((node = mri_run_queue_pop(&w->queue)) != NULL)
        mri_runtime_post(w->runtime, node);
}

/* Stacks that lie ready are of use to others, where they are few. */
static void spare_strands(mri_worker *w)
{
    if (w->runtime->config.strands > 0)
        mri_strand_flush(&w->runtime->pool, &w->cache);
}

bool mri_spare_find(mri_worker *w, mri_work *work)
{
    mr_runtime *rt = w->runtime;
    spare_strands(w);
    while (!retires(rt)) {
        if (look(w, work))
            return true;
        if (w->earlier)
            mri_time_tell(w);
        mri_runtime_pause(rt);
        mri_event_key key = mri_event_count_prepare(&rt->lingering);
        bool found = !retires(rt) && look(w, work);
        if (found || retires(rt)) {
            mri_event_count_cancel(&rt->lingering);
            if (found)
                return true;
            break;
        }
        (void)!mri_event_count_commit(&rt->lingering, key, MRI_NEVER);
    }
    leave_queue(w);
    mri_runtime_pause(rt);
    return false;
}
