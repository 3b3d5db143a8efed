/* See channel.h. */
#include "async/channel.h"

#include "sched/runtime.h"
#include "sched/turn.h"
#include "task/cancel.h"
#include <millrace/error.h>

#include <string.h>

MRI_STATIC_ASSERT(sizeof(mri_channel) <= sizeof(mr_channel),
                  "mr_channel has room");

/* ---- Items -------------------------------------------------------------- */

/* Words in line: most items are one. */
static void copy(void *to, const void *from, size_t n)
{
    if (mri_likely(n == sizeof(uint64_t)))
        memcpy(to, from, sizeof(uint64_t));
    else if (n > 0)
        memcpy(to, from, n);
}

static size_t index_of(const mri_channel *c, size_t n)
{
    size_t to_end = c->capacity - c->first;
    return n < to_end ? c->first + n : n - to_end;
}

static void put(mri_channel *c, const void *item)
{
    copy(c->room + index_of(c, c->count) * c->item, item, c->item);
    c->count++;
}

static void take(mri_channel *c, void *item)
{
    copy(item, c->room + c->first * c->item, c->item);
    c->first = index_of(c, 1);
    c->count--;
}

/* ---- Serving those who wait --------------------------------------------- */

static mri_offer *next_of(mri_bids *q)
{
    mri_bid *bid = mri_bids_take(q);
    return bid ? mri_container_of(bid, mri_offer, bid) : NULL;
}

/* From its memory, or to it; n: 0 for nothing. False: it has given up. */
static bool serve(mri_offer *o, void *to, const void *from, size_t n,
                  int result, mri_given *given)
{
    if (o->selects) {
        if (!mri_seeker_give(o->bid.seeker, given))
            return false;
        o->served = true;
        o->result = result;
        copy(to, from, n);
        return true;
    }
    o->result = result;
    copy(to, from, n);
    return mri_seeker_give(o->bid.seeker, given);
}

/* The item to the first who waits for one. */
static bool serve_receiver(mri_channel *c, const void *item, mri_given *given)
{
    for (mri_offer *o; (o = next_of(&c->receivers));)
        if (serve(o, o->item, item, c->item, 0, given))
            return true;
    return false;
}

/* Likewise, a sender: nothing is written to where it has given up. */
static bool take_from(mri_offer *o, void *to, size_t n, mri_given *given)
{
    if (o->selects)
        return serve(o, to, o->item, n, 0, given);
    mri_lock *taking = &mri_container_of(o, mri_plain_offer, offer)->taking;
    mri_lock_acquire(taking); /* free: others would have our channel's lock */
    bool gave = serve(o, NULL, NULL, 0, 0, given);
    if (gave)
        copy(to, o->item, n);
    mri_lock_release(taking); /* LAST TOUCH of the sender's frame */
    return gave;
}

/* That of the first who waits to send. */
static bool serve_sender(mri_channel *c, void *to, mri_given *given)
{
    for (mri_offer *o; (o = next_of(&c->senders));)
        if (take_from(o, to, c->item, given))
            return true;
    return false;
}

static void refuse(mri_bids *q, int result, mri_given *given)
{
    for (mri_offer *o; (o = next_of(q));) /* or it has given up */
        (void)!serve(o, NULL, NULL, 0, result, given);
}

bool mri_channel_send_now(mri_channel *c, const void *item, int *result,
                          mri_given *given)
{
    *result = c->closed ? MR_EPIPE : 0;
    if (c->closed || serve_receiver(c, item, given))
        return true;
    if (c->count == c->capacity)
        return false;
    put(c, item);
    return true;
}

/* The first sender's item gets the place that has become free. */
static void refill(mri_channel *c, mri_given *given)
{
    if (mri_likely(!c->senders.first))
        return;
    char *place = c->room + index_of(c, c->count) * c->item;
    if (serve_sender(c, place, given))
        c->count++;
}

bool mri_channel_receive_now(mri_channel *c, void *item, int *result,
                             mri_given *given)
{
    *result = 0;
    if (c->count > 0) {
        take(c, item);
        refill(c, given);
        return true;
    }
    if (serve_sender(c, item, given))
        return true;
    *result = MR_EOF;
    return c->closed;
}

void mri_channel_check(const mri_channel *c)
{
    mri_require(c->count <= c->capacity, "a channel's items have room");
    mri_require(c->first < c->capacity || c->first == 0,
                "a channel's first item is in its room");
    mri_require(!c->receivers.first || c->count == 0,
                "nobody waits for items that are there");
    mri_require(!c->senders.first || c->count == c->capacity,
                "nobody waits for room that is there");
    mri_require(!c->closed || (!c->receivers.first && !c->senders.first),
                "nobody waits at a closed channel");
    mri_bids_check(&c->receivers);
    mri_bids_check(&c->senders);
}

/* ---- Calls -------------------------------------------------------------- */

/* The caller's strand, NULL for a thread. 0; MR_EPERM or MR_ECANCELED. */
static int begin(mri_strand **s)
{
    int rc = mri_seeker_caller(s);
    if (!*s || rc < 0)
        return rc;
    mri_turn_take(*s, MRI_TURN_COPY);
    return mri_cancelable_pass(*s);
}

/* With the lock, which it releases: in queue q until it is served. */
static int wait_in(mri_channel *c, mri_bids *q, mri_strand *s, void *item,
                   int64_t deadline, const char *what)
{
    mri_seeker k;
    mri_plain_offer o = {.offer.item = item};
    mri_lock_init(&o.taking);
    mri_seeker_begin(&k, s);
    mri_bids_add(q, &o.offer.bid, &k);
    mri_lock_release(&c->lock);
    int rc = mri_seeker_wait(&k, deadline, what);
    if (s)
        mri_turn_begin(s);
    if (mri_likely(rc == 0)) {
        if (q == &c->senders) /* an address: the channel may be gone */
            mri_lock_acquire(&o.taking);
        return o.offer.result;
    }
    mri_lock_acquire(&c->lock);
    (void)mri_bids_withdraw(q, &o.offer.bid);
    mri_lock_release(&c->lock);
    return rc;
}

static void release_and_tell(mri_channel *c, const mri_given *given)
{
    mri_audit((mri_channel_check(c), true), "a channel is one");
    mri_lock_release(&c->lock);
    if (given->count > 0)
        mri_given_tell(given);
}

int mr_send_until(mr_channel *channel, const void *item, int64_t deadline)
{
    mri_strand *s;
    mri_channel *c = (mri_channel *)channel;
    mri_given given = MRI_GIVEN_NONE;
    int rc = begin(&s);
    if (rc < 0)
        return rc;
    mri_lock_acquire(&c->lock);
    bool done = mri_channel_send_now(c, item, &rc, &given);
    if (!done && !mri_is_over(deadline)) /* what waits is not written to */
        return wait_in(c, &c->senders, s, (void *)(uintptr_t)item, deadline,
                       "room in a channel");
    release_and_tell(c, &given);
    return done ? rc : MR_ETIMEDOUT;
}

int mr_receive_until(mr_channel *channel, void *item, int64_t deadline)
{
    mri_strand *s;
    mri_channel *c = (mri_channel *)channel;
    mri_given given = MRI_GIVEN_NONE;
    int rc = begin(&s);
    if (rc < 0)
        return rc;
    mri_lock_acquire(&c->lock);
    bool done = mri_channel_receive_now(c, item, &rc, &given);
    if (!done && !mri_is_over(deadline))
        return wait_in(c, &c->receivers, s, item, deadline,
                       "an item of a channel");
    release_and_tell(c, &given);
    return done ? rc : MR_ETIMEDOUT;
}

int mr_send(mr_channel *channel, const void *item)
{
    return mr_send_until(channel, item, MR_NEVER);
}

int mr_receive(mr_channel *channel, void *item)
{
    return mr_receive_until(channel, item, MR_NEVER);
}

/* A deadline that has passed is all that they can meet. */
static int tried(int rc)
{
    return rc == MR_ETIMEDOUT ? MR_EAGAIN : rc;
}

int mr_trysend(mr_channel *channel, const void *item)
{
    return tried(mr_send_until(channel, item, 0));
}

int mr_tryreceive(mr_channel *channel, void *item)
{
    return tried(mr_receive_until(channel, item, 0));
}

/* ---- The channel -------------------------------------------------------- */

int mr_channel_open(mr_channel *channel, size_t item, size_t capacity,
                    void *room)
{
    mri_channel *c = (mri_channel *)channel;
    size_t size;
    bool fits = !__builtin_mul_overflow(item, capacity, &size) &&
                size <= PTRDIFF_MAX && (room || size == 0);
    memset(c, 0, sizeof *c);
    mri_lock_init(&c->lock);
    c->closed = !fits;
    c->item = item;
    c->capacity = fits ? capacity : 0;
    c->room = room ? room : channel; /* of no bytes: anywhere */
    return fits ? 0 : MR_EINVAL;
}

int mr_channel_close(mr_channel *channel)
{
    mri_channel *c = (mri_channel *)channel;
    mri_given given = MRI_GIVEN_NONE;
    mri_lock_acquire(&c->lock);
    int rc = c->closed ? MR_EPIPE : 0;
    c->closed = true;
    refuse(&c->senders, MR_EPIPE, &given);
    refuse(&c->receivers, MR_EOF, &given);
    release_and_tell(c, &given);
    return rc;
}

size_t mr_channel_count(const mr_channel *channel)
{
    mri_channel *c = (mri_channel *)(uintptr_t)channel;
    mri_lock_acquire(&c->lock);
    size_t count = c->count;
    mri_lock_release(&c->lock);
    return count;
}
