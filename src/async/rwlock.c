/* millrace/sync.h: the lock of many readers or one writer.
 *
 *   63                                              3    2     1     0
 *  +--------------------------------------------------+------+---+-------+
 *  | the writer's identity (owner.h), or how many read | MANY | 0 | AWAIT |
 *  +--------------------------------------------------+------+---+-------+
 *   MANY   readers have it
 *   AWAIT  somebody is in the queue; set and cleared under the lock
 *
 * Where AWAIT is set nobody comes in by himself, and the last to leave sees to
 * the queue first, under the lock: it goes on as a reader, so that more can be
 * let in beside it; lets in those in front that read; or, if there is none and
 * it is alone, hands over to the writer in front. Then it leaves as any reader
 * does. Who gives up, and was in front, lets in those that read behind it.
 *
 * To leave is the last touch, but for who was handed the lock of the queue: and
 * all that were let in pass through that before they go on.
 */
#include <millrace/sync.h>

#include "async/owner.h"
#include "async/queue.h"
#include <millrace/error.h>
#include <millrace/time.h>

#define AWAIT ((uintptr_t)1)
#define MANY MRI_OWNER_MANY
#define READER ((uintptr_t)8)
#define ONE_READER (READER | MANY)

typedef struct rwlock {
    mri_owner_word word;
    mri_queue queue;
} rwlock;

MRI_STATIC_ASSERT(sizeof(rwlock) == sizeof(mr_rwlock), "mr_rwlock has room");

struct waiter {
    mri_queued place;
    uintptr_t writer; /* identity; 0: reads */
};

static uintptr_t writer_of(const mri_bid *bid)
{
    return mri_container_of(bid, struct waiter, place.bid)->writer;
}

/* ---- To come in --------------------------------------------------------- */

/* What the word will be, or 0: there is no coming in. */
static uintptr_t entered(uintptr_t word, uintptr_t writer)
{
    if (word == 0)
        return writer ? writer : ONE_READER;
    return !writer && (word & (MANY | AWAIT)) == MANY ? word + READER : 0;
}

static bool enter(rwlock *rw, uintptr_t writer)
{
    uintptr_t word = mri_load_relaxed(&rw->word), then; /* a guess */
    while ((then = entered(word, writer)))
        /* Acquire: what was done by those who left; with leave. */
        if (mri_cas_weak_acquire(&rw->word, &word, then))
            return true;
    return false;
}

/* Under the lock. False: it is awaited. */
static bool enter_or_await(rwlock *rw, uintptr_t writer)
{
    uintptr_t word = mri_load_relaxed(&rw->word), then, in;
    do {
        in = entered(word, writer);
        then = in ? in : word | AWAIT;
        /* Acquire: as in enter. */
    } while (!mri_cas_weak_acquire(&rw->word, &word, then));
    return in != 0;
}

/* ---- To let in ---------------------------------------------------------- */

/* Under the lock, by a reader: those in front that read. */
static void let_readers_in(rwlock *rw, mri_given *given)
{
    mri_bids *bids = &rw->queue.bids;
    while (bids->first && !writer_of(bids->first)) {
        mri_bid *bid = mri_bids_take(bids);
        /* Relaxed, both: what they read is handed on by give; and adding does
         * not end what those before have released. */
        mri_add_relaxed(&rw->word, READER);
        if (!mri_seeker_give(bid->seeker, given))
            mri_sub_relaxed(&rw->word, READER);
    }
    if (!bids->first)
        mri_and_relaxed(&rw->word, ~AWAIT);
}

/* Under the lock, by the only reader: to the writer in front. False: it has
 * given up. */
static bool let_writer_in(rwlock *rw, mri_given *given)
{
    mri_bid *bid = mri_bids_take(&rw->queue.bids);
    uintptr_t word = writer_of(bid);
    word |= rw->queue.bids.first ? AWAIT : 0;
    /* Relaxed: give hands on what was done, and nobody else comes in. */
    mri_store_relaxed(&rw->word, word);
    if (mri_seeker_give(bid->seeker, given))
        return true;
    /* Release: for readers that come in by themselves, once nobody waits. */
    mri_store_release(&rw->word, ONE_READER | AWAIT);
    return false;
}

/* Who has it alone, and somebody waits. True: it was handed over. */
static bool see_to_queue(rwlock *rw, mri_given *given)
{
    bool handed = false;
    mri_queue_lock(&rw->queue);
    /* Acquire: what other readers did before they left, for the writer. */
    uintptr_t word = mri_load_acquire(&rw->word);
    if (!(word & MANY))
        /* Release: as in let_writer_in. */
        mri_store_release(&rw->word, ONE_READER | (word & AWAIT));
    let_readers_in(rw, given);
    while (!handed && rw->queue.bids.first &&
           mri_load_acquire(&rw->word) == (ONE_READER | AWAIT)) {
        handed = let_writer_in(rw, given);
        if (!handed)
            let_readers_in(rw, given);
    }
    mri_queue_unlock(&rw->queue);
    return handed;
}

/* ---- To leave ----------------------------------------------------------- */

/* Whether who leaves is the only one, and somebody waits. */
static bool must_see_to_queue(uintptr_t word)
{
    return word & AWAIT && (!(word & MANY) || word < 2 * READER);
}

static void leave(rwlock *rw)
{
    mri_given given = MRI_GIVEN_NONE;
    uintptr_t word = mri_load_relaxed(&rw->word), then; /* a guess */
    do {
        while (must_see_to_queue(word)) {
            if (see_to_queue(rw, &given))
                goto handed;
            word = mri_load_relaxed(&rw->word);
        }
        then = !(word & MANY) || word < 2 * READER ? 0 : word - READER;
        /* LAST TOUCH. Release: for who comes next. */
    } while (!mri_cas_weak_release(&rw->word, &word, then));
handed:
    mri_given_tell(&given);
}

/* ---- Lock --------------------------------------------------------------- */

/* Under the lock, by who has given up: true: as a reader now. */
static bool come_in_beside(rwlock *rw)
{
    /* Relaxed: with AWAIT and readers, both stay as long as we have the lock,
     * as the last to leave must have it. */
    uintptr_t word = mri_load_relaxed(&rw->word);
    if ((word & (MANY | AWAIT)) != (MANY | AWAIT))
        return false;
    mri_add_relaxed(&rw->word, READER);
    return true;
}

/* Under the lock, and out of it. */
static void give_up(rwlock *rw)
{
    mri_given given = MRI_GIVEN_NONE;
    bool reads = come_in_beside(rw);
    if (reads)
        let_readers_in(rw, &given);
    mri_queue_unlock(&rw->queue);
    mri_given_tell(&given);
    if (reads)
        leave(rw);
}

static int wait_for(rwlock *rw, mri_strand *s, uintptr_t writer,
                    int64_t deadline)
{
    struct waiter w = {.writer = writer};
    bool taken;
    int rc = 0;
    mri_queue_lock(&rw->queue);
    if (!enter_or_await(rw, writer))
        rc = mri_queue_wait(&rw->queue, &w.place, s, deadline,
                            writer ? "a lock to write" : "a lock to read",
                            &taken);
    if (rc < 0)
        give_up(rw);
    else
        mri_queue_unlock(&rw->queue);
    return rc;
}

static int lock(rwlock *rw, mri_owner me, uintptr_t writer, int64_t deadline)
{
    mri_strand *s;
    mri_owner_wait wait;
    /* Relaxed: if it is ours we have written it. */
    if (mri_owner_in(mri_load_relaxed(&rw->word)) == me.id)
        return MR_EDEADLK;
    int rc = mri_seeker_caller(&s);
    if (rc < 0)
        return rc;
    if (!mri_owner_wait_begin(&wait, me, &rw->word))
        return MR_EDEADLK;
    rc = wait_for(rw, s, writer, deadline);
    mri_owner_wait_end(&wait);
    if (rc == 0 && writer)
        mri_owner_has(me);
    return rc;
}

MRI_ENTRY int mr_rwlock_read_until(mr_rwlock *lock_, int64_t deadline)
{
    rwlock *rw = (rwlock *)lock_;
    mri_owner me = mri_owner_at_entry();
    return enter(rw, 0) ? 0 : lock(rw, me, 0, deadline);
}

MRI_ENTRY int mr_rwlock_write_until(mr_rwlock *lock_, int64_t deadline)
{
    rwlock *rw = (rwlock *)lock_;
    mri_owner me = mri_owner_at_entry();
    if (!enter(rw, me.id))
        return lock(rw, me, me.id, deadline);
    mri_owner_has(me);
    return 0;
}

int mr_rwlock_read(mr_rwlock *lock_)
{
    return mr_rwlock_read_until(lock_, MR_NEVER);
}

int mr_rwlock_write(mr_rwlock *lock_)
{
    return mr_rwlock_write_until(lock_, MR_NEVER);
}

int mr_rwlock_tryread(mr_rwlock *lock_)
{
    return enter((rwlock *)lock_, 0) ? 0 : MR_EBUSY;
}

MRI_ENTRY int mr_rwlock_trywrite(mr_rwlock *lock_)
{
    mri_owner me = mri_owner_at_entry();
    if (!enter((rwlock *)lock_, me.id))
        return MR_EBUSY;
    mri_owner_has(me);
    return 0;
}

/* ---- Unlock ------------------------------------------------------------- */

MRI_ENTRY int mr_rwlock_unlock(mr_rwlock *lock_)
{
    rwlock *rw = (rwlock *)lock_;
    mri_owner me = mri_owner_at_entry();
    /* Relaxed: who has it sees that it has. */
    uintptr_t word = mri_load_relaxed(&rw->word);
    bool reads = word & MANY;
    if (!reads && mri_owner_in(word) != me.id)
        return MR_EPERM;
    if (!reads)
        mri_owner_has_not(me);
    leave(rw);
    return 0;
}

int mr_rwlock_close(mr_rwlock *lock_)
{
    /* Relaxed: as mr_mutex_close. */
    return mri_load_relaxed(&((rwlock *)lock_)->word) ? MR_EBUSY : 0;
}
