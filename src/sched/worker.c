/* Where a worker finds what it runs; see worker.h. What it does with it: run.c.
 */
#include "sched/worker.h"

#include "os/clock.h"
#include "sched/runtime.h"
#include "sched/wait.h"

#include <string.h>

/* ---- Looking ------------------------------------------------------------ */

static mri_run_node *take_next(mri_worker *w)
{
    mri_strand *s = w->next;
    w->next = NULL;
    return s ? &s->node : NULL;
}

/* All that other threads have put in: the first for us, the rest where others
 * can take it. */
static mri_run_node *take_inbox(mri_worker *w)
{
    mri_run_node *last;
    uint64_t count;
    mri_run_node *first = mri_runtime_take(w, &last, &count);
    if (!first)
        return NULL;
    mri_count(w, takes);
    if (count > 1) {
        mri_run_queue_push_list(&w->queue, first->next, last, count - 1);
        mri_runtime_wake(w->runtime);
    }
    return first;
}

void mri_worker_open(mr_runtime *rt, uint32_t i)
{
    mri_worker *w = &rt->worker[i];
    memset(w, 0, sizeof *w);
    w->runtime = rt;
    w->index = i;
    w->cpu = -1;
    mri_init(&w->at, (uint32_t)-1);
    w->random = UINT64_C(88172645463325252) + UINT64_C(0x9e3779b97f4a7c15) * i;
    mri_init(&w->current, NULL);
    mri_timers_open(&w->timers, mri_clock_now());
    mri_run_queue_open(&w->queue, w->slots, MRI_QUEUE);
}

/* The pick of a turn: inbox and queue in turns, so that neither holds the other
 * up, and `next` not at all: it may lead to one after the other, without end.
 */
static mri_run_node *pick_in_turn(mri_worker *w)
{
    mri_time_fire_own(w);
    (void)!mri_poll_look(w);
    bool inbox_first = w->tick / MRI_INBOX_TURN % 2 != 0;
    mri_run_node *node = inbox_first ? take_inbox(w) : NULL;
    if (!node)
        node = mri_run_queue_pop(&w->queue);
    if (!node)
        node = take_inbox(w);
    /* This one may take long, and nobody else sees `next`. */
    if (node && w->next)
        mri_worker_push(w, take_next(w));
    return node;
}

bool mri_worker_look(mri_worker *w, mri_work *work)
{
    mri_run_node *node = NULL;
    if (mri_unlikely(++w->tick % MRI_INBOX_TURN == 0)) {
        mri_runtime_tick(w->runtime, mri_clock_coarse());
        node = pick_in_turn(w);
    }
    if (!node)
        node = take_next(w);
    if (!node)
        node = mri_run_queue_pop(&w->queue);
    if (!node)
        node = take_inbox(w);
    if (!node && mri_time_fire(w))
        node = mri_run_queue_pop(&w->queue);
    *work = (mri_work){.node = node};
    return node != NULL;
}

static bool steal_from(mri_worker *w, mri_worker *victim, mri_work *work)
{
    /* Acquire pairs with the release in install: an initialised deque. */
    mri_strand *s = mri_load_acquire(&victim->current);
    if (s) {
        mri_slot *slot = mri_deque_steal(&s->deque);
        if (slot) {
            mri_count(w, steals);
            *work = (mri_work){.slot = slot};
            return true;
        }
        mri_deque_hunger(&s->deque);
    }
    mri_run_node *node = mri_run_queue_steal_half(&victim->queue, &w->queue);
    if (!node)
        return false;
    mri_count(w, robberies);
    *work = (mri_work){.node = node};
    return true;
}

static bool steal_from_spares(mri_worker *w, mri_work *work)
{
    mr_runtime *rt = w->runtime;
    uint32_t seats = mri_seats(rt);
    for (uint32_t v = rt->workers; v < seats; v++)
        if (v != w->index && steal_from(w, &rt->worker[v], work))
            return true;
    return false;
}

/* Where it is, for others and itself; where that matters and may change. */
static void locate(mri_worker *w)
{
    if (mri_unlikely(w->runtime->places.levels > 0) && w->cpu < 0)
        mri_store_relaxed(&w->at, (uint32_t)mri_thread_cpu());
}

static bool is_near(const mri_worker *w, const mri_worker *victim,
                    uint32_t level)
{
    /* Relaxed: a hint; a worker moves when it likes. */
    return mri_places_near(&w->runtime->places, level,
                           (int)mri_load_relaxed(&w->at),
                           (int)mri_load_relaxed(&victim->at));
}

/* Those near at this level; beyond the last: all. */
static bool steal_round(mri_worker *w, mri_work *work, uint32_t start,
                        uint32_t level)
{
    mr_runtime *rt = w->runtime;
    for (uint32_t i = 0; i < rt->workers; i++) {
        uint32_t v =
            start + i < rt->workers ? start + i : start + i - rt->workers;
        if (v != w->index &&
            (level == rt->places.levels || is_near(w, &rt->worker[v], level)) &&
            steal_from(w, &rt->worker[v], work))
            return true;
    }
    return false;
}

/* In the last round those who are near are asked again: they may have been
 * somewhere else in the rounds before, and nobody must be left out. */
bool mri_worker_steal(mri_worker *w, mri_work *work)
{
    mr_runtime *rt = w->runtime;
    uint32_t start = (uint32_t)(mri_worker_random(w) % rt->workers);
    for (uint32_t level = 0; level <= rt->places.levels; level++)
        if (steal_round(w, work, start, level))
            return true;
    return steal_from_spares(w, work);
}

static bool find_polled(mri_worker *w, mri_work *work)
{
    *work = (mri_work){0};
    if (mri_poll_look(w))
        work->node = mri_run_queue_pop(&w->queue);
    return work->node != NULL;
}

static bool find(mri_worker *w, mri_work *work)
{
    if (mri_unlikely(mri_worker_is_spare(w)))
        return mri_spare_find(w, work);
    for (;;) {
        if (mri_worker_look(w, work))
            return true;
        if (mri_load_relaxed(&w->runtime->stopping))
            return false;
        if (find_polled(w, work))
            return true;
        mri_runtime_pause(w->runtime);
        locate(w);
        if (mri_idle_search(w, work) || mri_idle_wait(w, work))
            return true;
    }
}

bool mri_worker_find(mri_worker *w, mri_work *work)
{
    bool found = find(w, work);
    if (mri_unlikely(w->earlier))
        mri_time_tell(w);
    return found;
}

static mri_strand *only_strand(mri_run_node *node)
{
    if (!node || mri_node_kind(node) != MRI_NODE_STRAND)
        return NULL;
    return mri_container_of(node, mri_strand, node);
}

/* NULL: nothing, or it is the loop's to pick: a turn, and for a spare. */
static mri_run_node *pick_at_hand(mri_worker *w)
{
    if ((w->tick + 1) % MRI_INBOX_TURN == 0 || mri_worker_is_spare(w))
        return NULL;
    mri_run_node *node = take_next(w);
    if (!node)
        node = mri_run_queue_pop(&w->queue);
    if (node)
        w->tick++;
    if (node && mri_unlikely(w->earlier))
        mri_time_tell(w);
    return node;
}

mri_strand *mri_worker_next(mri_worker *w)
{
    mri_run_node *node = pick_at_hand(w);
    mri_strand *s = only_strand(node);
    if (s) {
        mri_count(w, resumes);
        return s;
    }
    s = mri_strand_take(w);
    if (s)
        w->held = node;
    else if (node)
        mri_worker_push(w, node);
    return s;
}

/* One round through the queue: the first strand; the others keep their order,
 * those before it behind them. */
static mri_strand *find_queued(mri_worker *w)
{
    for (uint64_t n = mri_run_queue_size(&w->queue); n > 0; n--) {
        mri_run_node *node = mri_run_queue_pop(&w->queue);
        mri_strand *s = only_strand(node);
        if (s)
            return s;
        if (node)
            mri_run_queue_push(&w->queue, node);
    }
    return NULL;
}

/* What is not a strand goes where its thief has none for it either, but where
 * others find it as well as before. */
static mri_strand *rob_strand(mri_worker *w)
{
    mr_runtime *rt = w->runtime;
    uint32_t seats = mri_seats(rt);
    for (uint32_t v = 0; v < seats; v++) {
        if (v == w->index)
            continue;
        mri_run_node *node = mri_run_queue_steal(&rt->worker[v].queue);
        mri_strand *s = only_strand(node);
        if (s)
            return s;
        if (node)
            mri_worker_push(w, node);
    }
    return NULL;
}

mri_strand *mri_worker_find_ready(mri_worker *w)
{
    mri_strand *s = only_strand(take_next(w));
    mri_run_node *node = s ? NULL : take_inbox(w);
    if (node)
        mri_worker_push(w, node);
    if (!s)
        (void)!mri_time_fire(w);
    if (!s)
        s = find_queued(w);
    if (!s)
        s = rob_strand(w);
    if (s)
        mri_count(w, resumes);
    return s;
}
