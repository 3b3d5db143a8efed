/* See seeker.h. */
#include "async/seeker.h"

#include "os/futex.h"
#include "sched/runtime.h"
#include "task/cancel.h"
#include <millrace/error.h>

enum { SEEKING, GIVEN, GONE };

/* ---- Who waits ---------------------------------------------------------- */

int mri_seeker_caller(mri_strand **s)
{
    *s = mri_strand_self();
    return !*s || mri_runtime_is_here((*s)->worker->runtime) ? 0 : MR_EPERM;
}

void mri_seeker_begin(mri_seeker *k, mri_strand *s)
{
    k->strand = s;
    if (s)
        k->count = mri_park_begin(&s->park);
    else
        /* Not for the first time, maybe. Relaxed: who gives finds it by way of
         * a queue's lock. */
        mri_store_relaxed(&k->word, SEEKING);
}

/* A thread's. False: it was given. */
static bool give_up(mri_seeker *k)
{
    uint32_t seeking = SEEKING;
    /* Relaxed: who gives will find that it comes too late, and read nothing. */
    if (mri_cas_relaxed(&k->word, &seeking, GONE))
        return true;
    mri_fence_acquire(); /* what was given; with the release in give */
    return false;
}

static int block(mri_seeker *k, int64_t deadline)
{
    /* Acquire: what was given; with the release in give. */
    while (mri_load_acquire(&k->word) == SEEKING)
        if (mri_futex_wait(&k->word, SEEKING, deadline) == MR_ETIMEDOUT)
            return give_up(k) ? MR_ETIMEDOUT : 0;
    return 0;
}

bool mri_seeker_stay(mri_seeker *k)
{
    if (!k->strand)
        return give_up(k);
    /* Not RESUME, since it never was parked. */
    if (mri_park_complete(&k->strand->park, k->count) != MRI_PARK_LOST)
        return true;
    return !mri_park_ended(&k->strand->park); /* acquires what was given */
}

int mri_seeker_wait(mri_seeker *k, int64_t deadline, const char *what)
{
    if (!k->strand)
        return block(k, deadline);
    mri_strand_waits_for(k->strand, what);
    return mri_cancelable_wait(k->strand, k->count, deadline);
}

void mri_seeker_await(mri_seeker *k, const char *what)
{
    if (!k->strand) {
        (void)!block(k, MRI_NEVER);
        return;
    }
    mri_strand_waits_for(k->strand, what);
    (void)mri_wait(k->strand, k->count, MRI_NEVER);
}

/* ---- Queues ------------------------------------------------------------- */

void mri_bids_add(mri_bids *q, mri_bid *bid, mri_seeker *k)
{
    *bid = (mri_bid){.prev = q->last, .seeker = k, .in = true};
    if (q->last)
        q->last->next = bid;
    else
        q->first = bid;
    q->last = bid;
}

void mri_bids_add_first(mri_bids *q, mri_bid *bid, mri_seeker *k)
{
    *bid = (mri_bid){.next = q->first, .seeker = k, .in = true};
    if (q->first)
        q->first->prev = bid;
    else
        q->last = bid;
    q->first = bid;
}

bool mri_bids_withdraw(mri_bids *q, mri_bid *bid)
{
    if (!bid->in)
        return false;
    bid->in = false;
    *(bid->prev ? &bid->prev->next : &q->first) = bid->next;
    *(bid->next ? &bid->next->prev : &q->last) = bid->prev;
    return true;
}

mri_bid *mri_bids_take(mri_bids *q)
{
    mri_bid *bid = q->first;
    if (bid)
        (void)mri_bids_withdraw(q, bid);
    return bid;
}

void mri_bids_check(const mri_bids *q)
{
    const mri_bid *prev = NULL;
    for (const mri_bid *bid = q->first; bid; prev = bid, bid = bid->next)
        mri_require(bid->in && bid->prev == prev && bid->seeker,
                    "bids are linked both ways");
    mri_require(q->last == prev, "the last bid is the last");
}

/* ---- Who gives ---------------------------------------------------------- */

static bool give_task(mri_strand *s, uint64_t count, mri_given *given)
{
    enum mri_park_end end = mri_park_complete(&s->park, count);
    if (end == MRI_PARK_RESUME)
        mri_run_list_append(given, &s->node);
    return end != MRI_PARK_LOST;
}

bool mri_seeker_give(mri_seeker *k, mri_given *given)
{
    if (k->strand)
        return give_task(k->strand, k->count, given);
    mri_atomic_u32 *word = &k->word;
    uint32_t seeking = SEEKING;
    /* LAST TOUCH of the thread's frame. Release: what was given. */
    if (!mri_cas_release(word, &seeking, GIVEN))
        return false;
    mri_futex_wake(word, 1);
    return true;
}

static mr_runtime *runtime_of(const mri_run_node *node)
{
    /* Parked, so that nobody writes it. */
    return mri_container_of(node, const mri_strand, node)->worker->runtime;
}

/* All of one runtime. */
static void tell(mr_runtime *rt, const mri_run_list *same)
{
    const mri_strand *here = mri_strand_self();
    /* A job of another keeps it not: theirs may end meanwhile. */
    bool visits = !here || here->worker->runtime != rt;
    if (visits)
        mri_runtime_visit(rt);
    mri_strand_ready_list(rt, same->first, same->last, same->count);
    if (visits)
        mri_runtime_leave(rt);
}

void mri_given_tell(const mri_given *given)
{
    uint64_t left = given->count;
    mri_run_node *first = given->first;
    while (left > 0) {
        mr_runtime *rt = runtime_of(first);
        mri_run_list same = MRI_RUN_LIST_EMPTY;
        while (left > 0 && runtime_of(first) == rt) {
            mri_run_node *next = first->next;
            mri_run_list_append(&same, first);
            first = next;
            left--;
        }
        tell(rt, &same);
    }
}
