/* See worker.h. */
#include "sched/worker.h"

#include "base/assert.h"
#include "os/clock.h"
#include "sched/runtime.h"
#include "sched/wait.h"

#include <string.h>

static uint64_t next_random(mri_worker *w)
{
    /* Marsaglia, Xorshift RNGs, 2003: shifts 13, 7, 17. */
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random;
}

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
    uint32_t start = (uint32_t)(next_random(w) % rt->workers);
    for (uint32_t level = 0; level <= rt->places.levels; level++)
        if (steal_round(w, work, start, level))
            return true;
    return steal_from_spares(w, work);
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

/* ---- Running ------------------------------------------------------------ */

/* At the base of strand s a task begins, by this code, spawned there. */
static void show(mri_strand *s, void *code, void *site)
{
    mri_store_relaxed(&s->deque.task, code);
    mri_store_relaxed(&s->shown.site, site);
    mri_store_relaxed(&s->shown.name[0], 0);
    mri_store_relaxed(&s->shown.since,
                      mri_load_relaxed(&s->worker->runtime->coarse_now));
}

static void show_none(mri_strand *s)
{
    mri_store_relaxed(&s->deque.task, NULL);
}

static void run_slot(mri_strand *s, mri_slot *slot, mri_slot_fn fn)
{
    mri_deque *d = &s->deque;
    mri_strand_enter_context(s, slot->context);
    show(s, (void *)fn, slot->parent);
    fn(d, d->slots, slot);
    show_none(s);
    mri_strand_leave_context(s, slot->context);
    mri_require(mri_load_relaxed(&d->head) == d->slots,
                "a task awaits its children before it returns");
    mri_worker_completed(s, mri_task_word_complete(mri_slot_word(slot)));
}

/* A parked strand's children: one for us; if there are more, the token goes
 * on to whoever looks next. */
static void run_token(mri_strand *s, mri_token *token)
{
    mri_worker *w = s->worker;
    mri_deque *d = &mri_container_of(token, mri_strand, token)->deque;
    mri_token_taken(token);
    mri_count(w, tokens);
    mri_slot *slot = mri_deque_steal(d);
    /* What lies above a tombstone is not public yet. */
    while (!slot && mri_deque_force(d, &w->runtime->barrier) > 0)
        slot = mri_deque_steal(d);
    if (!slot)
        return;
    if (mri_deque_looks_live(d) && mri_token_offer(&w->queue, token))
        mri_runtime_wake(w->runtime);
    run_slot(s, slot, mri_slot_function(slot));
}

static void run_node(mri_strand *s, mri_run_node *node)
{
    mri_worker *w = s->worker;
    mri_strand *other;
    mri_job *job;
    switch (mri_node_kind(node)) {
    case MRI_NODE_NEW:
        mri_fatal("what leaves the inbox is counted", "MRI_NODE_NEW", __FILE__,
                  __LINE__, __func__);
    case MRI_NODE_JOB:
        mri_count(w, jobs);
        job = mri_container_of(node, mri_job, node);
        show(s, (void *)job->fn, mri_node_site(node));
        job->run(s, job);
        show_none(s);
        mri_require(mri_load_relaxed(&s->deque.head) == s->deque.slots,
                    "a task awaits its children before it returns");
        break;
    case MRI_NODE_STRAND:
        mri_count(w, resumes);
        other = mri_container_of(node, mri_strand, node);
        mri_strand_switch(s, other,
                          (mri_after){.what = MRI_AFTER_RECYCLED, .left = s});
        break;
    case MRI_NODE_TOKEN:
        run_token(s, mri_container_of(node, mri_token, node));
        break;
    }
}

/* `s->worker` is read anew each time: what ran may have waited. */
MRI_NORETURN void mri_worker_loop(mri_strand *s)
{
    mri_work work;
    if (s->given) {
        mri_slot *slot = s->given;
        s->given = NULL;
        run_slot(s, slot, s->given_fn);
    }
    while (mri_worker_find(s->worker, &work))
        if (work.slot)
            run_slot(s, work.slot, mri_slot_function(work.slot));
        else
            run_node(s, work.node);
    mri_strand_leave(s);
}

void mri_worker_main(void *arg)
{
    mri_worker *w = arg;
    mri_store_relaxed(&w->tid, (uint32_t)mri_thread_id());
    /* Refused: a CPU that was taken from the process meanwhile; the worker
     * then runs where the kernel lets it. */
    if (w->cpu >= 0)
        (void)!mri_thread_pin(w->cpu);
    mri_strand_enter(w, w->first);
}

/* ---- What running things call ------------------------------------------- */

void mri_worker_push(mri_worker *w, mri_run_node *node)
{
    mri_run_queue_push(&w->queue, node);
    mri_runtime_wake(w->runtime);
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
    mri_worker *w = s->worker;
    mri_strand *other = mri_worker_released(waiter);
    if (mri_waiter_kind(waiter) == MRI_WAITER_THREAD)
        mri_task_wake_thread(waiter);
    if (!other)
        return;
    /* Both are at hand: the task that ends, and who waits for it. */
    if (!w->next && mri_load_relaxed(&s->deque.head) == s->deque.slots)
        w->next = other;
    else
        mri_worker_push(w, &other->node);
}

void mri_worker_publish(mri_deque *deque, mri_slot *head)
{
    mri_worker *w = mri_strand_of_deque(deque)->worker;
    mr_runtime *rt = w->runtime;
    mri_deque_publish_slow(deque, head);
    mri_count(w, publishes);
    mri_runtime_wake(rt);
}

/* Begins to wait for `word`; false: it is done, nothing was begun. */
static bool await_begin(mri_strand *s, mri_task_word *word, uint64_t *count)
{
    if (mri_task_word_is_done(word))
        return false;
    *count = mri_park_begin(&s->park);
    s->awaiting = *count;
    if (mri_task_word_await_begin(
            word, mri_waiter_of(MRI_WAITER_STRAND, (uintptr_t)s)))
        return true;
    /* Ended by the strand itself: nobody resumes it. */
    (void)!mri_park_complete(&s->park, *count);
    return false;
}

void mri_worker_await_for(mri_strand *s, mri_task_word *word, const char *what)
{
    uint64_t count;
    if (!await_begin(s, word, &count))
        return;
    mri_strand_waits_for(s, what);
    mri_strand_park(s, count);
}

void mri_worker_await_taken(mri_strand *s, mri_slot *slot, mri_slot *head)
{
    mri_worker_await(s, mri_slot_word(slot));
    mri_deque_settle(&s->deque, slot, head);
}

bool mri_worker_run_elsewhere(mri_strand *s, mri_slot *slot, mri_slot_fn fn)
{
    mri_strand *other = mri_strand_take(s->worker);
    if (!other)
        return false;
    /* As if a thief had it; the deque does not know it any more, or knows it
     * for a tombstone, and nothing is spawned here before it is done. */
    uint64_t count;
    mri_task_word_init(mri_slot_word(slot));
    other->given = slot;
    other->given_fn = fn;
    if (!await_begin(s, mri_slot_word(slot), &count))
        mri_fatal("what nobody runs yet is not done", "await_begin", __FILE__,
                  __LINE__, __func__);
    mri_strand_waits_for(s, "a task that has a stack of its own");
    mri_strand_park_into(s, count, other);
    return true;
}
