/* What a worker does with what it has found, and what that calls: its loop,
 * how a task begins and ends on a strand, how it waits for another. See
 * worker.h. Where things are found: worker.c.
 */
#include "base/assert.h"
#include "sched/runtime.h"
#include "sched/worker.h"

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
    s->computes = true;
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
        s->computes = mri_run_node_in_hand(node);
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
    mri_run_node *held = s->worker->held;
    if (held) {
        s->worker->held = NULL;
        run_node(s, held);
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

/* Before it waits, and after that. */
static void take_in_hand(mri_strand *s, bool in_hand)
{
    s->node.word =
        MRI_NODE_STRAND + (in_hand && s->computes ? MRI_RUN_NODE_IN_HAND : 0);
}

void mri_worker_await(mri_strand *s, mri_task_word *word)
{
    take_in_hand(s, true);
    mri_worker_await_for(s, word, "a task");
    take_in_hand(s, false);
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
    take_in_hand(s, true);
    if (!await_begin(s, mri_slot_word(slot), &count))
        mri_fatal("what nobody runs yet is not done", "await_begin", __FILE__,
                  __LINE__, __func__);
    mri_strand_waits_for(s, "a task that has a stack of its own");
    mri_strand_park_into(s, count, other);
    take_in_hand(s, false);
    return true;
}
