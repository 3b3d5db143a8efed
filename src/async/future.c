/* See future.h: making futures, completing them, waiting for them. */
#include "async/future.h"

#include <millrace/error.h>

#include <string.h>

/* ---- Futures that are no memory ----------------------------------------- */

mr_future *mri_future_of_code(int64_t code)
{
    return code == MR_ENOMEM ? NULL : (mr_future *)(intptr_t)code;
}

int64_t mri_future_code(const mr_future *f)
{
    return f ? (int64_t)(intptr_t)f : MR_ENOMEM;
}

int64_t mri_future_value(const mr_future *f)
{
    return mri_future_is_code(f) ? mri_future_code(f) : f->value;
}

/* ---- Making ------------------------------------------------------------- */

mr_future *mri_future_new(mri_heap *heap, mri_strand *here,
                          enum mri_future_kind kind, uint32_t refs,
                          const void *arg, size_t size)
{
    mr_future *f = size <= UINT32_MAX / 2
                       ? mri_heap_get(heap, here, sizeof *f + size)
                       : NULL;
    if (mri_unlikely(!f))
        return NULL;
    mri_init(&f->list, 0);
    mri_init(&f->stage, MRI_FUTURE_QUEUED);
    mri_init(&f->refs, refs * MRI_FUTURE_ONE);
    mri_lock_init(&f->lock);
    f->bids = (mri_bids){NULL, NULL};
    f->heap = heap;
    f->size = (uint32_t)size;
    f->kind = kind;
    f->arg = size > 0 ? f->behind : (void *)(uintptr_t)arg;
    if (size > 0 && arg)
        memcpy(f->behind, arg, size);
    return f;
}

typedef void (*run_fn)(mri_strand *s, mri_job *job);

static run_fn run_of(const mr_future *f)
{
    switch (f->kind) {
    case MRI_FUTURE_ASYNC:
        return mri_async_run;
    case MRI_FUTURE_PROMISE:
    case MRI_FUTURE_GATHER:
        return mri_future_run_settle;
    default:
        return mri_then_run;
    }
}

/* In the place of its job, where it was made outside of tasks. */
static void run_birth(mri_strand *s, mri_job *job)
{
    mr_future *f = mri_container_of(job, mr_future, job);
    /* Acquire: what whoever called did before. Release: who calls from now on
     * has the node. */
    uint32_t refs = mri_and_acq_rel(&f->refs, ~MRI_FUTURE_UNBORN);
    if (refs & MRI_FUTURE_CALLED)
        run_of(f)(s, job);
}

static int count_outside(mr_future *f)
{
    mr_runtime *rt = mri_heap_runtime(f->heap);
    f->job.run = run_birth;
    /* Relaxed: nobody else has it yet. */
    mri_or_relaxed(&f->refs, MRI_FUTURE_UNBORN);
    if (mri_inbox_closed(&rt->inbox))
        return MR_ECANCELED;
    return mri_runtime_submit(rt, &f->job.node);
}

int mri_future_count(mr_future *f, mri_strand *here, mr_fn fn, void *site)
{
    mri_job_init(&f->job, run_of(f), fn, site);
    if (mri_unlikely(!here))
        return count_outside(f);
    mri_worker_born(here->worker, 1);
    return 0;
}

void mri_future_unmake(mr_future *f, mri_strand *here)
{
    mri_heap_put(f->heap, here, f, sizeof *f + f->size);
}

static MRI_COLD void unhandled(const mr_future *f)
{
    const mr_config *config = &f->heap->config;
    if (config->unhandled)
        config->unhandled(config->context, f->value);
}

/* The last: it is done. */
static void end(mr_future *f, bool seen)
{
    if (mri_unlikely(f->value < 0 && !seen))
        unhandled(f);
    mri_heap_put(f->heap, mri_strand_self(), f, sizeof *f + f->size);
}

void mri_future_release(mr_future *f, uint32_t n, bool seen)
{
    uint32_t give = n * MRI_FUTURE_ONE, left;
    /* Acquire: who is alone needs no read-modify-write to know what the others
     * did before they gave theirs up. */
    uint32_t refs = mri_load_acquire(&f->refs);
    do {
        left = (refs - give) | (seen ? MRI_FUTURE_SEEN : 0);
        if (left < MRI_FUTURE_ONE) {
            end(f, left & MRI_FUTURE_SEEN);
            return;
        }
        /* LAST TOUCH, if others are left. Release: all that was done with it,
         * for the last. Acquire: as above, where it is tried again. */
    } while (!mri_cas_weak_acq_rel(&f->refs, &refs, left));
}

/* ---- Being called ------------------------------------------------------- */

/* False: who counts it will call. */
static bool has_node(mr_future *f)
{
    /* Acquire: the node; with the release in run_birth. */
    if (mri_likely(!(mri_load_acquire(&f->refs) & MRI_FUTURE_UNBORN)))
        return true;
    /* Release: what was done with it before. LAST TOUCH where it is unborn. */
    uint32_t refs = mri_or_acq_rel(&f->refs, MRI_FUTURE_CALLED);
    if (refs & MRI_FUTURE_UNBORN)
        return false;
    return true;
}

static void post(mr_future *f)
{
    mr_runtime *rt = mri_heap_runtime(f->heap);
    mri_runtime_visit(rt); /* f may end, and with it the last job */
    mri_runtime_post(rt, &f->job.node);
    mri_runtime_leave(rt);
}

static bool take_node(mr_future *f)
{
    if (!has_node(f))
        return false;
    f->job.run = run_of(f);
    return true;
}

void mri_future_call(mr_future *f, mri_strand *here)
{
    if (!take_node(f))
        return;
    if (mri_likely(here))
        mri_worker_push(here->worker, &f->job.node);
    else
        post(f);
}

void mri_settling_call(mri_settling *st, mr_future *f)
{
    if (!take_node(f))
        return;
    if (mri_likely(f->heap == st->heap))
        mri_run_list_append(&st->ready, &f->job.node);
    else
        post(f);
}

/* ---- Completing --------------------------------------------------------- */

static void settling_begin(mri_settling *st, mri_strand *s, mri_heap *heap)
{
    st->s = s;
    st->heap = heap;
    st->first = NULL;
    st->last = &st->first;
    st->ready = MRI_RUN_LIST_EMPTY;
    st->given = MRI_GIVEN_NONE;
}

/* The list is linked by the nodes of jobs that run, or never will. */
static mr_future **next_of(mr_future *f)
{
    return (mr_future **)(void *)&f->job.node.next;
}

static void settling_add(mri_settling *st, mr_future *f)
{
    *next_of(f) = NULL;
    *st->last = f;
    st->last = next_of(f);
}

static mr_future *settling_take(mri_settling *st)
{
    mr_future *f = st->first;
    if (f && !(st->first = *next_of(f)))
        st->last = &st->first;
    return f;
}

static void give_all(mr_future *f, mri_settling *st)
{
    mri_bid *bid;
    mri_lock_acquire(&f->lock);
    while ((bid = mri_bids_take(&f->bids)))
        (void)!mri_seeker_give(bid->seeker, &st->given);
    mri_lock_release(&f->lock);
}

static mri_follower *oldest_first(uintptr_t list)
{
    mri_follower *newest =
        (mri_follower *)(list & ~(MRI_FUTURE_BIDS | MRI_FUTURE_DONE));
    mri_follower *oldest = NULL;
    while (newest) {
        mri_follower *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

/* Its value is there: tell all who are to know. */
static void settle(mri_settling *st, mr_future *f)
{
    uint32_t refs = 1;
    /* Release: the value. Acquire: who is in the list. */
    uintptr_t list = mri_swap_acq_rel(&f->list, MRI_FUTURE_DONE);
    mri_follower *follower = oldest_first(list);
    while (follower) {
        mri_follower *next = follower->next;
        refs += follower->told(follower, f, st);
        follower = next;
    }
    if (list & MRI_FUTURE_BIDS)
        give_all(f, st);
    mri_future_release(f, refs, (list & ~MRI_FUTURE_DONE) != 0);
    mri_worker_gone(st->s->worker);
}

/* One that waits, alone, for the last thing that a job does. */
static bool hand_over(const mri_settling *st)
{
    mri_worker *w = st->s->worker;
    mri_strand *s = mri_container_of(st->given.first, mri_strand, node);
    if (st->given.count > 1 || w->next || s->worker->runtime != w->runtime ||
        /* Relaxed: the strand's own. */
        mri_load_relaxed(&st->s->deque.head) != st->s->deque.slots)
        return false;
    w->next = s;
    return true;
}

static void settling_end(const mri_settling *st, bool ends)
{
    mri_worker *w = st->s->worker;
    if (st->ready.count > 0) {
        mri_run_queue_push_list(&w->queue, st->ready.first, st->ready.last,
                                st->ready.count);
        mri_runtime_wake(w->runtime);
    }
    if (st->given.count > 0 && !(ends && hand_over(st)))
        mri_given_tell(&st->given);
}

static void settle_all(mri_strand *s, mr_future *f, bool ends)
{
    mri_settling st;
    settling_begin(&st, s, f->heap);
    do
        settle(&st, f);
    while ((f = settling_take(&st)));
    settling_end(&st, ends);
}

void mri_future_complete(mri_strand *s, mr_future *f, int64_t value, bool ends)
{
    f->value = value;
    settle_all(s, f, ends);
}

void mri_future_run_settle(mri_strand *s, mri_job *job)
{
    settle_all(s, mri_container_of(job, mr_future, job), true);
}

void mri_future_publish(mr_future *f, mri_strand *here, int64_t value)
{
    f->value = value;
    /* Release: the value. */
    mri_or_release(&f->list, MRI_FUTURE_DONE);
    mri_future_call(f, here);
}

void mri_settling_complete(mri_settling *st, mr_future *f, int64_t value)
{
    f->value = value;
    /* Acquire: the node; with the release in run_birth. */
    bool unborn = mri_load_acquire(&f->refs) & MRI_FUTURE_UNBORN;
    if (mri_likely(f->heap == st->heap && !unborn)) {
        settling_add(st, f);
        return;
    }
    mri_or_release(&f->list, MRI_FUTURE_DONE); /* the value */
    mri_settling_call(st, f);
}

bool mri_future_follow(mr_future *f, mri_follower *follower)
{
    /* Acquire: the value, where it is done. */
    uintptr_t list = mri_load_acquire(&f->list);
    do {
        if (list & MRI_FUTURE_DONE)
            return false;
        follower->next = (mri_follower *)(list & ~MRI_FUTURE_BIDS);
        /* Release: the follower, for the exchange in settle. */
    } while (!mri_cas_weak_acq_rel(
        &f->list, &list, (uintptr_t)follower | (list & MRI_FUTURE_BIDS)));
    return true;
}

/* ---- Waiting ------------------------------------------------------------ */

/* Under the lock. False: it is done. */
static bool announce(mr_future *f)
{
    /* Acquire: the value. */
    uintptr_t list = mri_load_acquire(&f->list);
    while (!(list & (MRI_FUTURE_DONE | MRI_FUTURE_BIDS)))
        /* Release: goes on with the followers'. */
        if (mri_cas_acq_rel(&f->list, &list, list | MRI_FUTURE_BIDS))
            return true;
    return !(list & MRI_FUTURE_DONE);
}

bool mri_future_bid(mr_future *f, mri_bid *bid, mri_seeker *k)
{
    if (mri_future_is_code(f))
        return false;
    mri_lock_acquire(&f->lock);
    bool in = announce(f);
    if (in)
        mri_bids_add(&f->bids, bid, k);
    mri_lock_release(&f->lock);
    return in;
}

void mri_future_withdraw(mr_future *f, mri_bid *bid)
{
    mri_lock_acquire(&f->lock);
    (void)mri_bids_withdraw(&f->bids, bid);
    mri_lock_release(&f->lock);
}

/* 0: it is done. */
static int wait_in(mr_future *f, mri_strand *s, int64_t deadline)
{
    mri_seeker k;
    mri_bid bid;
    mri_seeker_begin(&k, s);
    if (!mri_future_bid(f, &bid, &k)) {
        (void)!mri_seeker_stay(&k);
        return 0;
    }
    int rc = mri_seeker_wait(&k, deadline, "a future");
    if (rc < 0)
        mri_future_withdraw(f, &bid);
    return rc;
}

static int wait_for(mr_future *f, int64_t deadline)
{
    mri_strand *s;
    int rc = mri_seeker_caller(&s);
    if (rc < 0 || !mri_heap_is_here(f->heap))
        return MR_EPERM;
    if (deadline != MR_NEVER && deadline <= mri_clock_now())
        return MR_ETIMEDOUT;
    return wait_in(f, s, deadline);
}

int64_t mr_get_until(mr_future *f, int64_t deadline)
{
    if (mri_future_is_code(f))
        return mri_future_code(f);
    int rc = mri_future_is_done(f) ? 0 : wait_for(f, deadline);
    int64_t value = rc == 0 ? f->value : rc;
    mri_future_release(f, 1, rc == 0);
    return value;
}

int64_t mr_get(mr_future *f)
{
    return mr_get_until(f, MR_NEVER);
}

int mr_is_done(const mr_future *f)
{
    return mri_future_is_done((mr_future *)(uintptr_t)f);
}

mr_future *mr_retain(mr_future *f)
{
    if (!mri_future_is_code(f))
        mri_future_hold(f);
    return f;
}

void mr_drop(mr_future *f)
{
    if (!mri_future_is_code(f))
        mri_future_release(f, 1, false);
}
