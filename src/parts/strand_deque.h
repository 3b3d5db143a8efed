/* The deque of a strand: the children it has spawned and not yet awaited.
 *
 * Every strand (the fiber a task runs on) carries its own, so that a strand
 * that waits and wakes on another thread takes its children along, and the
 * youngest child is always the one awaited in nested code. The owner, whoever
 * runs the strand, spawns and awaits at the head; anybody steals at the other
 * end. In the common case the owner executes neither a fence nor a
 * read-modify-write.
 *
 *      slots:   0 ... top ......... split ........ head ........ end
 *                 gone |   public     |  the owner's |  unused
 *                      |   thieves    |  alone       |
 *
 * At the end the head may go outside, to children whose slots lie elsewhere:
 * the upper layer's, whom the deque only keeps from taking the head back.
 *
 * top <= split <= head. Thieves take from [top, split) with one CAS on the
 * word that packs both; the owner works alone on [split, head). A slot's
 * function word says what it holds; strand_deque.c tells the protocol.
 *
 * Must not know: what a task is, who sleeps, how a stolen child is waited for.
 *
 * Which may run together on one deque (O: the owner only, one at a time;
 * x: any number, with everything in the same row and column):
 *
 *              spawn await settle fence park resume | steal force
 *      owner's   O     O     O      O    O     O    |   x     x
 *      steal     x     x     x      x    x     x    |   x     x
 *      force     x     x     x      x    x     x    |   x     x
 *      map       nothing else, once in the deque's life
 */
#ifndef MRI_PARTS_STRAND_DEQUE_H
#define MRI_PARTS_STRAND_DEQUE_H

#include "base/atomic.h"
#include "base/compiler.h"
#include "os/barrier.h"
#include "parts/lock.h"

typedef struct mri_deque mri_deque;
typedef struct mri_slot mri_slot;

/* What runs a child: on the deque of the strand that runs it, whose first
 * unused slot is `head`. 16-aligned: the low bits of its address are flags. */
typedef void (*mri_slot_fn)(mri_deque *deque, mri_slot *head, mri_slot *slot);
#define MRI_SLOT_FN __attribute__((aligned(16)))

/* A child. Its address is a pure function of deque and index, and its index
 * is not used again before a thief that has it is done. */
struct mri_slot {
    /* Function word:
     *   0            never used
     *   f            live: may be stolen or awaited       (low bit 0)
     *   f + 1        awaited, who runs it is being decided or was decided
     *   MRI_TOMB     awaited out of order; slots above it are in use
     * Owner writes; thieves read after their CAS, forcers before. */
    mri_atomic_uptr fn;
    /* 0: pending. Otherwise what the upper layer makes of it. Set to pending
     * when the slot is made public, by whoever does that, under the lock. */
    mri_atomic_uptr done;
    int64_t value[4]; /* argument, then result; who runs the child */
    void *context;    /* scope, deadline, trace: not the thief's own; owner */
    void *parent;     /* code that spawned it: the call, or the task; owner */
};

#define MRI_TOMB ((uintptr_t)3)

/* In one cache line what the owner touches all the time, in another what
 * thieves do. */
struct mri_deque {
    /* A slot at or above it is the owner's beyond doubt, and to be run in the
     * deque's context: max(split, settled, fenced), or MRI_NO_FLOOR. Lock
     * holders write, the owner reads. */
    mri_atomic(mri_slot *) floor;
    mri_atomic(mri_slot *) head; /* first unused, or outside; owner */
    mri_slot *limit; /* no slot is to be had there: end, or outside; owner */
    mri_atomic_u32 want; /* hungry thieves set, the owner clears */
    uint32_t bottom;     /* owner: tombstones below are not popped */
    mri_slot *slots;     /* constant */
    void *context;       /* for the children to come; owner */
    mri_atomic_ptr task; /* code of who spawns; the owner writes */
    char *stack_limit;   /* the upper layer's, constant */

    /* 63            32 31             0
     * |     split     |      top      |   thieves add to top by CAS; lock
     *                                     holders change both */
    MRI_ALIGNED(MRI_CACHE_LINE) mri_atomic_u64 bounds;
    mri_lock lock;
    /* The rest: lock holders. */
    uint32_t generation; /* slow paths of the owner so far, and forces begun */
    uint32_t tombs;      /* tombstones in [0, head) */
    uint32_t settled;    /* 0, or at least highest tombstone + 2 */
    uint32_t fenced;     /* slots below it may have another context */
    bool membarrier;     /* constant: false where os/barrier.h falls back */
    bool forcing;        /* somebody publishes for the owner */
    bool parked;         /* the owner does not run */
    bool outside;        /* the head is */
    mri_slot *end;       /* constant */
};

/* How far down a tombstone is looked for. Models shrink it. */
#ifndef MRI_DEQUE_LOOK
#define MRI_DEQUE_LOOK 64
#endif

#define MRI_NO_FLOOR ((mri_slot *)~(uintptr_t)63)

/* Once in a deque's life; the words are never initialised again, a life of a
 * strand ends with an empty deque. `slots` zeroed. */
void mri_deque_map(mri_deque *deque, mri_slot *slots, uint32_t capacity,
                   const mri_barrier *barrier);

/* Who runs a child that was awaited. */
typedef enum mri_verdict {
    MRI_MINE, /* the caller, now, with the slot as first unused one */
    MRI_RAN,  /* it has run: the result is in the slot */
    MRI_TAKEN /* a thief: wait for slot->done, then mri_deque_settle */
} mri_verdict;

void mri_deque_publish_slow(mri_deque *deque, mri_slot *head);
mri_verdict mri_deque_await_slow(mri_deque *deque, mri_slot *slot,
                                 mri_slot *head);

/* Owner. Is there a slot at `head`? Where not, the child goes elsewhere. */
MRI_INLINE bool mri_deque_has_room(const mri_deque *deque, const mri_slot *head)
{
    return head != deque->limit;
}

/* Owner. Where no slot was left, children go on in memory of the upper layer,
 * one after the other on top of the slots: `head` is outside, behind the
 * youngest of them, and there is no room. All slots are in use, and every
 * await is slow, so that the upper layer is asked. */
void mri_deque_go_outside(mri_deque *deque, mri_slot *head);
/* Owner. The last of them is gone. */
void mri_deque_come_inside(mri_deque *deque);

/* Owner. The slot at `head`, its value filled in, becomes a live child, spawned
 * by the code `parent`. True: thieves are hungry;
 * mri_deque_publish_slow(deque, head + 1) answers them. */
MRI_CHECKED MRI_INLINE bool mri_deque_spawn_by(mri_deque *deque, mri_slot *head,
                                               mri_slot_fn fn, void *parent)
{
    head->context = deque->context;
    head->parent = parent;
    mri_store_relaxed(&deque->head, head + 1);
    /* Pairs with the acquire in a forcer's look: the fields come first. */
    mri_store_release(&head->fn, (uintptr_t)fn);
    return mri_unlikely(mri_load_relaxed(&deque->want));
}

/* The same, by the task that the deque knows. */
MRI_CHECKED MRI_INLINE bool
mri_deque_spawn_asked(mri_deque *deque, mri_slot *head, mri_slot_fn fn)
{
    return mri_deque_spawn_by(deque, head, fn, mri_load_relaxed(&deque->task));
}

/* The same, answering at once. */
MRI_INLINE void mri_deque_spawn(mri_deque *deque, mri_slot *head,
                                mri_slot_fn fn)
{
    if (mri_deque_spawn_asked(deque, head, fn))
        MR_QUIET_CALL_(mri_deque_publish_slow, deque, head + 1);
}

/* Owner, about to change the deque's context. From now on those of its children
 * that are older than this, when awaited here, run in the context that they
 * were spawned in. What mri_deque_unfence needs when the former context is back
 * and all children that were spawned meanwhile were awaited. */
MRI_CHECKED uint32_t mri_deque_fence(mri_deque *deque);
void mri_deque_unfence(mri_deque *deque, uint32_t before);

/* Owner. Is the youngest child one of this context? */
MRI_CHECKED bool mri_deque_youngest_has(const mri_deque *deque,
                                        const void *context);

/* Owner. `head` is the first unused slot, `fn` the one spawned with. True: it
 * is MRI_MINE; false: mri_deque_await_slow decides. */
MRI_CHECKED MRI_INLINE bool mri_deque_await_fast(mri_deque *deque,
                                                 mri_slot *slot, mri_slot *head,
                                                 mri_slot_fn fn)
{
    /* Not 0: a thief that has won the slot still wants the function. `+ 1`
     * and not `| 1`, so that it is a constant to the linker. */
    mri_store_relaxed(&slot->fn, (uintptr_t)fn + 1);
    /* Pairs with the heavy barrier in mri_deque_force: either the forcer sees
     * that the slot is not live, or this load sees the raised floor. */
    mri_light_fence();
    if (mri_unlikely(slot + 1 != head ||
                     slot < mri_load_relaxed(&deque->floor)))
        return false;
    mri_store_relaxed(&deque->head, slot);
    return true;
}

/* The same, to the verdict. */
MRI_INLINE mri_verdict mri_deque_await(mri_deque *deque, mri_slot *slot,
                                       mri_slot *head, mri_slot_fn fn)
{
    if (mri_likely(mri_deque_await_fast(deque, slot, head, fn)))
        return MRI_MINE;
    return mri_deque_await_slow(deque, slot, head);
}

/* Owner, after a child that was MRI_TAKEN is done (acquired by the caller).
 * `head` as for the await. */
void mri_deque_settle(mri_deque *deque, mri_slot *slot, mri_slot *head);

/* Owner, about to stop running: its children become public, up to the first
 * tombstone; those above one when somebody forces, once the ones below are
 * taken. True when there are unstarted ones: the strand must stand in a queue
 * then, and whoever takes it out steals, and forces where that finds none. */
bool mri_deque_park(mri_deque *deque);
/* Owner, running again. */
void mri_deque_resume(mri_deque *deque);

/* Owner: no child is left; the strand's life may end. */
bool mri_deque_is_idle(const mri_deque *deque);

/* Anybody: take the oldest public child, or NULL. The thief runs
 * mri_slot_function(slot) and then completes slot->done; until then the slot
 * is its own. */
mri_slot *mri_deque_steal(mri_deque *deque);
mri_slot_fn mri_slot_function(const mri_slot *slot);

/* Anybody who found nothing: ask the owner for more. To be repeated in a loop
 * that looks: it stores only where it does not see the question standing, and
 * what it sees may be old. */
void mri_deque_hunger(mri_deque *deque);

/* Anybody who has asked for too long: make the owner's live children public
 * for it. How many; 0 also when the owner moved meanwhile. Costs a heavy
 * barrier when the owner runs. */
uint32_t mri_deque_force(mri_deque *deque, const mri_barrier *barrier);

/* Anybody: could there be something to steal, now or after a force? A look
 * without promise, for a sleeper's last round. */
bool mri_deque_looks_live(const mri_deque *deque);

/* Owner, audit level: every invariant of this file. */
void mri_deque_check(mri_deque *deque);

#endif
