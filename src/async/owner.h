/* Who holds locks, and who waits for whom.
 *
 * An owner is a task or a thread outside of tasks. Its identity is an address,
 * the strand's or one that is the thread's alone: a number that others compare
 * and never follow, since what lies there may be of another runtime and gone.
 * What is awaited runs on the stack of who awaits it, and is the same owner.
 *
 * A lock's word says who holds it:
 *
 *   63                                                     3   2     1 0
 *  +---------------------------------------------------------+------+----+
 *  | identity, which is a multiple of 8; 0: nobody           | MANY | .. |
 *  +---------------------------------------------------------+------+----+
 *   MANY: whatever stands there, it is no identity
 *
 * Cycles. Who is about to wait for a lock while it holds others says so in a
 * registry, and walks from the lock to its owner, to what that one waits for,
 * and so on. If that comes back to itself it has closed a cycle, and does not
 * wait. All of the walk, and the registration before it, are under the lock of
 * the registry.
 *
 *  - What is walked through is there: a record lies in the frame of who waits,
 *    from begin to end; and the lock it names is one that somebody waits for.
 *  - What is found is true. Let A begin, and the walk read owners B, C, .. Z,
 *    and that Z waits for a lock of A's. Only A gives that up, so Z waits, or
 *    has given up and not said so yet; its record was there before the walk
 *    began; so all that Z was seen to hold it still holds. Hence the same of
 *    who waits for that, and so on to B.
 *  - None is missed. Of the waits that make a cycle one begins last. The
 *    others' records are there. Their locks' owners are: each has got its lock
 *    before it began to wait, and says so under the same lock as this one. A
 *    lock that passes to another owner while others wait for it closes no
 *    cycle: its new owner waits for nothing then.
 *  - It ends. There are no cycles among those who wait, but one: who has got
 *    its lock and has not yet ended its record. That is looked for.
 *
 * Who holds nothing cannot close a cycle, nor stand in one, and leaves all of
 * this alone; so each owner counts what it holds.
 *
 * The registry is the library's only variable that many threads share. Locks
 * belong to no runtime, nor do threads outside of tasks; and a cycle may pass
 * through several runtimes.
 *
 * Must not know: how a lock is taken or waited for.
 */
#ifndef MRI_ASYNC_OWNER_H
#define MRI_ASYNC_OWNER_H

#include "parts/lock.h"
#include "sched/strand.h"

typedef struct mri_owner {
    uintptr_t id;
    uint8_t *holds; /* how many locks; 255: nobody knows. Its own */
} mri_owner;

#define MRI_OWNER_MANY ((uintptr_t)4)
#define MRI_OWNER_FLAGS ((uintptr_t)7)

typedef mri_atomic_uptr mri_owner_word;

/* Whom the word names, 0: nobody. */
MRI_INLINE uintptr_t mri_owner_in(uintptr_t word)
{
    return word & MRI_OWNER_MANY ? 0 : word & ~MRI_OWNER_FLAGS;
}

MRI_INLINE void mri_owner_has(mri_owner me)
{
    *me.holds = (uint8_t)(*me.holds + (*me.holds < 255));
}

MRI_INLINE void mri_owner_has_not(mri_owner me)
{
    *me.holds = (uint8_t)(*me.holds - (*me.holds < 255));
}

/* The caller, for a MRI_ENTRY as mri_strand_at_entry; stays what it is across
 * waits. */
extern _Thread_local uint64_t mri_owner_of_thread
    __attribute__((tls_model("initial-exec")));
MRI_INLINE mri_owner mri_owner_at_entry(void)
{
    mri_strand *s = mri_strand_at_entry();
    if (mri_likely(s))
        return (mri_owner){(uintptr_t)s, &s->holds};
    uint64_t *t = &mri_owner_of_thread;
    return (mri_owner){(uintptr_t)t, (uint8_t *)t};
}

/* In the frame of who waits. Under the registry's lock, but for `known`. */
typedef struct mri_owner_wait mri_owner_wait;
struct mri_owner_wait {
    mri_owner_wait *next, **from;
    uintptr_t id;
    mri_owner_word *word;
    bool known;
};

enum { MRI_OWNER_BUCKETS = 64 };

/* Of all that wait and hold something: under its lock. */
typedef struct mri_owner_registry {
    mri_lock lock;
    mri_owner_wait *bucket[MRI_OWNER_BUCKETS];
} mri_owner_registry;

/* The process's. */
mri_owner_registry *mri_owner_registry_here(void);

/* `me`, which does not hold the lock with that word, is about to wait for it.
 * False: it would wait for itself; and then it does not, nor end this. */
MRI_CHECKED bool mri_owner_wait_begin(mri_owner_wait *wait, mri_owner me,
                                      mri_owner_word *word);

/* It has it, or has given up. */
void mri_owner_wait_end(mri_owner_wait *wait);

#endif
