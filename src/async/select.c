/* See select.h. */
#include "async/select.h"

#include "sched/turn.h"
#include "sched/worker.h"
#include "task/cancel.h"
#include <millrace/error.h>

typedef struct selection {
    mr_case *cases;
    size_t n;
    uint32_t channels;     /* cases of channels that are there */
    bool handles, futures; /* some are */
    mri_strand *s;         /* NULL: a thread */
    mri_seeker k;
} selection;

static mri_case *inner(mr_case *c)
{
    MRI_STATIC_ASSERT(sizeof(mri_case) <= sizeof c->opaque, "mr_case has room");
    return (mri_case *)c->opaque;
}

static mri_channel *channel_of(const mr_case *c)
{
    bool is = c->kind == MR_CASE_SEND || c->kind == MR_CASE_RECEIVE;
    return is ? (mri_channel *)c->channel : NULL;
}

static bool is_handle(const mr_case *c)
{
    return c->kind == MR_CASE_READABLE || c->kind == MR_CASE_WRITABLE;
}

static enum mri_dir dir_of(const mr_case *c)
{
    return c->kind == MR_CASE_READABLE ? MRI_DIR_READ : MRI_DIR_WRITE;
}

static mri_bids *queue_of(const mr_case *c)
{
    mri_channel *ch = (mri_channel *)c->channel;
    return c->kind == MR_CASE_SEND ? &ch->senders : &ch->receivers;
}

/* ---- Channels by address ------------------------------------------------ */

static mr_case *nth(const selection *x, uint32_t i)
{
    return &x->cases[inner(&x->cases[i])->channel];
}

static bool is_below(const selection *x, uint32_t i, uint32_t j)
{
    return (uintptr_t)nth(x, i)->channel < (uintptr_t)nth(x, j)->channel;
}

static void swap(const selection *x, uint32_t i, uint32_t j)
{
    uint32_t was = inner(&x->cases[i])->channel;
    inner(&x->cases[i])->channel = inner(&x->cases[j])->channel;
    inner(&x->cases[j])->channel = was;
}

/* A heap of n, the largest first, but for i, which may be too small. */
static void sink(const selection *x, uint32_t i, uint32_t n)
{
    for (uint32_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && is_below(x, child, child + 1))
            child++;
        if (!is_below(x, i, child))
            return;
        swap(x, i, child);
    }
}

static void sort(const selection *x)
{
    for (uint32_t i = x->channels / 2; i-- > 0;)
        sink(x, i, x->channels);
    for (uint32_t n = x->channels; n > 1;) {
        swap(x, 0, --n);
        sink(x, 0, n);
    }
}

/* Whether the i-th is the same channel as the one before. */
static bool is_again(const selection *x, uint32_t i)
{
    return i > 0 && nth(x, i)->channel == nth(x, i - 1)->channel;
}

static void lock_all(const selection *x)
{
    for (uint32_t i = 0; i < x->channels; i++)
        if (!is_again(x, i))
            mri_lock_acquire(&channel_of(nth(x, i))->lock);
}

static void unlock_all(const selection *x)
{
    for (uint32_t i = 0; i < x->channels; i++)
        if (!is_again(x, i)) {
            mri_audit((mri_channel_check(channel_of(nth(x, i))), true),
                      "a channel is one");
            mri_lock_release(&channel_of(nth(x, i))->lock);
        }
}

/* ---- Before and after --------------------------------------------------- */

/* In a child of fork(): nobody will end it. */
static bool is_elsewhere(mr_future *f)
{
    return !mri_future_is_done(f) && !mri_heap_is_here(f->heap);
}

/* 0, or a negative code, and nothing was opened. */
static int check(selection *x)
{
    if (x->n >= UINT32_MAX)
        return MR_EINVAL;
    for (size_t i = 0; i < x->n; i++) {
        const mr_case *c = &x->cases[i];
        if (c->kind < MR_CASE_SEND || c->kind > MR_CASE_WRITABLE)
            return MR_EINVAL;
        if (is_handle(c) && !x->s)
            return MR_EPERM;
        x->handles |= is_handle(c);
        x->futures |= c->kind == MR_CASE_FUTURE;
        if (c->kind == MR_CASE_FUTURE && is_elsewhere(c->future))
            return MR_EPERM;
    }
    return 0;
}

static void open_handle(const selection *x, mr_case *c)
{
    mri_case *in = inner(c);
    int rc = mri_readiness_open(x->s, c->handle, &in->desc);
    if (rc < 0)
        in->desc = NULL;
    in->ready = rc < 0 ? rc : in->desc ? 0 : 1;
}

static void prepare(selection *x)
{
    for (size_t i = 0; i < x->n; i++) {
        mr_case *c = &x->cases[i];
        *inner(c) = (mri_case){0};
        if (is_handle(c))
            open_handle(x, c);
        else if (channel_of(c))
            inner(&x->cases[x->channels++])->channel = (uint32_t)i;
    }
    sort(x);
}

static void finish(const selection *x)
{
    for (size_t i = 0; x->handles && i < x->n; i++)
        if (is_handle(&x->cases[i]) && inner(&x->cases[i])->desc)
            mri_readiness_close(x->s, inner(&x->cases[i])->desc);
}

/* ---- Looking ------------------------------------------------------------ */

static uint64_t random_of(const selection *x)
{
    if (x->s)
        return mri_worker_random(x->s->worker);
    /* The clock's low bits, all over the word. */
    return (uint64_t)mri_clock_now() * UINT64_C(0x9e3779b97f4a7c15) >> 32;
}

static void look_at_handles(const selection *x)
{
    for (size_t i = 0; x->handles && i < x->n; i++) {
        mri_case *in = inner(&x->cases[i]);
        if (is_handle(&x->cases[i]) && in->desc)
            in->ready =
                mri_readiness_look(x->s, in->desc, dir_of(&x->cases[i]));
    }
}

static bool take_ready(mr_case *c)
{
    int ready = inner(c)->ready;
    c->result = ready < 0 ? ready : 0;
    return ready != 0;
}

/* Among those that are no channels. */
static bool is_done(mr_case *c)
{
    if (c->kind == MR_CASE_FUTURE) {
        c->result = 0;
        return mri_future_is_done(c->future);
    }
    return take_ready(c);
}

/* With all locks: if it can be done now, it is. */
static bool do_now(mr_case *c, mri_given *given)
{
    switch (c->kind) {
    case MR_CASE_SEND:
        return c->channel &&
               mri_channel_send_now(channel_of(c), c->item, &c->result, given);
    case MR_CASE_RECEIVE:
        return c->channel && mri_channel_receive_now(channel_of(c), c->item,
                                                     &c->result, given);
    default:
        return is_done(c);
    }
}

/* With all locks: from a random one on. Its index, or MR_EAGAIN. */
static int64_t do_one(const selection *x, mri_given *given)
{
    size_t at = x->n > 0 ? (size_t)(random_of(x) % x->n) : 0;
    for (size_t i = 0; i < x->n; i++, at = at + 1 < x->n ? at + 1 : 0)
        if (do_now(&x->cases[at], given))
            return (int64_t)at;
    return MR_EAGAIN;
}

/* ---- Waiting ------------------------------------------------------------ */

/* With all locks. */
static void offer_all(selection *x)
{
    mri_seeker_begin(&x->k, x->s);
    for (uint32_t i = 0; i < x->channels; i++) {
        mr_case *c = nth(x, i);
        inner(c)->offer = (mri_offer){.item = c->item, .selects = true};
        mri_bids_add(queue_of(c), &inner(c)->offer.bid, &x->k);
    }
}

/* With no lock: a place at a handle, or a future. False: it is done already. */
static bool wait_at(selection *x, mr_case *c)
{
    mri_case *in = inner(c);
    if (c->kind == MR_CASE_FUTURE) {
        in->waits = mri_future_bid(c->future, &in->offer.bid, &x->k);
        c->result = 0;
        return in->waits;
    }
    if (!is_handle(c))
        return true;
    in->ready =
        (int16_t)mri_readiness_wait(x->s, in->desc, dir_of(c), x->k.count);
    in->waits = in->ready == 0;
    return !take_ready(c);
}

/* At all of them. False: *at is done already. */
static bool wait_at_rest(selection *x, size_t *at)
{
    bool some = x->handles || x->futures;
    for (*at = 0; some && *at < x->n; ++*at)
        if (!wait_at(x, &x->cases[*at]))
            return false;
    return true;
}

static void withdraw(const selection *x, mr_case *c)
{
    mri_case *in = inner(c);
    mri_channel *ch = channel_of(c);
    if (ch) {
        mri_lock_acquire(&ch->lock);
        (void)mri_bids_withdraw(queue_of(c), &in->offer.bid);
        mri_lock_release(&ch->lock);
    }
    if (in->waits && c->kind == MR_CASE_FUTURE)
        mri_future_withdraw(c->future, &in->offer.bid);
    else if (in->waits)
        in->ready =
            (int16_t)mri_readiness_end(x->s, in->desc, dir_of(c), x->k.count);
}

/* It was given: by whom. */
static int64_t find_given(const selection *x)
{
    for (size_t i = 0; i < x->n; i++)
        if (inner(&x->cases[i])->offer.served) {
            x->cases[i].result = inner(&x->cases[i])->offer.result;
            return (int64_t)i;
        }
    for (size_t i = 0; i < x->n; i++)
        if (is_done(&x->cases[i]))
            return (int64_t)i;
    mri_fatal("who was given was given something", "find_given", __FILE__,
              __LINE__, __func__);
}

/* Offers are made; no lock is held. */
static int64_t wait_for_any(selection *x, int64_t deadline)
{
    size_t at = 0;
    int rc = 0;
    bool done = false;
    if (wait_at_rest(x, &at))
        rc = mri_seeker_wait(&x->k, deadline, "one of several things");
    else
        done = mri_seeker_stay(&x->k);
    if (x->s)
        mri_turn_begin(x->s);
    for (size_t i = 0; i < x->n; i++)
        withdraw(x, &x->cases[i]);
    return done ? (int64_t)at : rc < 0 ? rc : find_given(x);
}

static int64_t select_of(selection *x, int64_t deadline)
{
    mri_given given = MRI_GIVEN_NONE;
    look_at_handles(x);
    lock_all(x);
    int64_t at = do_one(x, &given);
    bool waits = at < 0 && !mri_is_over(deadline);
    if (waits)
        offer_all(x);
    unlock_all(x);
    if (given.count > 0)
        mri_given_tell(&given);
    if (waits)
        return wait_for_any(x, deadline);
    return at < 0 ? MR_ETIMEDOUT : at;
}

int64_t mr_select(mr_case cases[], size_t n, int64_t deadline)
{
    selection x = {.cases = cases, .n = n};
    int rc = mri_seeker_caller(&x.s);
    if (rc == 0)
        rc = check(&x);
    if (rc == 0 && x.s) {
        mri_turn_take(x.s, x.handles ? MRI_TURN_SYSTEM : MRI_TURN_COPY);
        rc = mri_cancelable_pass(x.s);
    }
    if (rc < 0)
        return rc;
    prepare(&x);
    int64_t at = select_of(&x, deadline);
    finish(&x);
    return at;
}
