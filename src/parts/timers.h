/* Timers of one worker: started and stopped by anybody, fired by anybody.
 *
 * Memory is the caller's, 56 bytes per timer, in the frame of whoever waits.
 * Expire copies out what the timer was for while it holds the lock, so that
 * a frame may die as soon as stop has returned, or as its expiry is known.
 *
 * Time is divided into units of 2^16 ns. `horizon` is a unit and never goes
 * back.
 *
 *     at's unit <= horizon   near: a heap, in exact order
 *     at's unit > horizon    far:  a wheel of LEVELS times 64 lists, unordered
 *     rest                   a list on its way from the wheel to where its
 *                            timers belong now; then nothing fires
 *
 * The wheel. A timer's level is the highest base-64 digit in which its unit
 * differs from the horizon's, its list is the digit that it has there: greater
 * than the horizon's. So lower levels come before higher ones, and the first
 * non-empty list of the lowest level that has one is the next. It is opened
 * when something in it may be due: the horizon moves to the first unit that
 * can be in it, and its timers to lower levels or to the heap. Otherwise the
 * horizon moves as far as `now`, but not to where a list begins, so that all
 * timers stay at their levels. One moves at most LEVELS times.
 * (Hierarchical timing wheels: Varghese and Lauck, SOSP 1987. A wheel of this
 * kind that gives exact order is a radix heap: Ahuja, Mehlhorn, Orlin, Tarjan,
 * JACM 1990. Linux's hrtimers, Go and libuv have a tree or heap instead, Tokio
 * a wheel without a heap behind it.)
 *
 * The heap takes what comes too late for the wheel and puts a list of level 0
 * in order: heap-ordered trees linked as in a pairing heap (Fredman, Sedgewick,
 * Sleator, Tarjan, Algorithmica 1986), kept by order as in a binomial queue
 * (Vuillemin, CACM 1978): root[k] is linked from two of order k - 1 by starts
 * alone. So no start leaves more than log2 n children to be gone through.
 *
 * Order: by `at`, and among equal ones by `number`, the order of starts.
 *
 * Links. `from` is the pointer that points to the timer: a list's, its root's,
 * an elder sibling's `next` or its parent's `child`; NULL if it is not
 * pending. So stop need not know where it lies: it puts what the timer's
 * children are combined to, or its next, into *from. What it does not know it
 * does not correct: bits of lists and roots may be set for empty ones, and a
 * list's `least` may be that of a stopped one; who looks puts it right.
 *
 * `earliest` is never later than any pending timer, and changes under the
 * lock. It is earlier than all of them at most if a timer was stopped in a
 * list of more than LOOK: then expire at that time finds nothing, and sets it
 * right. So a sleeper wakes once in vain per stopped timer at the most. It is
 * INT64_MAX when nothing is pending. What a sleeper does, with the event count
 * (event_count.h):
 *
 *     key = prepare, which ends in a     mri_timer_start(t, x, at) ?
 *       seq_cst fence                      notify, which begins with one
 *     until = mri_timers_earliest(t)
 *     commit(key, until)
 *
 * Relaxed suffices for that load and its store: if the sleeper's fence came
 * after the starter's, the load sees the store, or a later one; if before, the
 * starter sees the sleeper and notifies it, even if its timer has fired since:
 * who started another one after it was not told, since there was an `earliest`
 * at or before, and relies on whoever made it that. A store that raises
 * `earliest` hides no start: it is made under the lock, after a look at all
 * that is pending.
 *
 * One call of expire moves at most MRI_TIMER_MOVES timers besides those that it
 * takes, so that nobody waits long for the lock. So it may take fewer than are
 * due; `earliest` then is not after `now`, and the caller comes again (`now` is
 * a clock's, less than INT64_MAX):
 *
 *     do n = mri_timers_expire(t, now, out, most), and end their waits;
 *     while (mri_timers_earliest(t) <= now);
 *
 * Exactly one: a pending timer leaves by whoever clears its `from`, under the
 * lock: stop, which then returns true, or expire, which hands it out once.
 *
 * Costs, n pending. No call allocates, or enters the kernel but for the lock.
 *
 *     start     into a list 1 step; into the heap 1 amortised, log2 n at worst
 *     stop      out of a list 1 step; out of the heap as many as the timer has
 *               children, O(log n) amortised; one that was the earliest, a
 *               look at 64 roots, or at LEVELS bitmaps and LOOK timers, more
 *     expire    a call: MRI_TIMER_MOVES steps and as many removals as it takes;
 *               a timer: LEVELS moves at most, and O(log m) amortised, m being
 *               those that are due within 65 us, or were started late
 *
 * A removal could take O(m) steps after many in a bad order. And what is due
 * waits until its list has settled, 60 ns for each in it, in calls that hold
 * the lock for about 0.1 ms: of a million spread over a second, 16 ms once.
 * Measured (bench/RESULTS.md, beside a binary heap): start and stop 50 to 60 ns
 * with any number pending (50 to 200), start and fire of a million random ones
 * 0.5 us each (2.1), of monotone ones 0.08 (0.36). Most timers are stopped
 * before they fire, many at once have the same distance: these are what a list
 * is best at. A pairing heap alone took 2.8 us, and tens of milliseconds under
 * the lock for the first removal after a million starts.
 *
 * Which may run together:
 *
 *              start  stop  expire  earliest  check
 *     start    yes    yes   yes     yes       yes
 *     stop            yes   yes     yes       yes
 *     expire                yes     yes       yes
 *     earliest                      yes       yes
 *     check                                   yes
 *
 * except for one timer: start, then stop, by one at a time; and start again
 * after stop, or after its expiry is known to have been handed out.
 *
 * Must not know: what a timer ends, who sleeps, what time it is.
 */
#ifndef MRI_PARTS_TIMERS_H
#define MRI_PARTS_TIMERS_H

#include "base/atomic.h"
#include "parts/lock.h"

/* How many timers one call of expire moves without taking them. */
#ifndef MRI_TIMER_MOVES
#define MRI_TIMER_MOVES 256
#endif

#define MRI_TIMER_LEVELS 8
#define MRI_TIMER_ORDERS 64

/* Owner and count: written before start by who starts it, then left alone. The
 * rest is written and read under the lock while it is pending. */
typedef struct mri_timer {
    void *owner; /* for who fires */
    uint64_t count;
    int64_t at;
    uint64_t number;
    struct mri_timer *next;  /* younger sibling or neighbour in its list */
    struct mri_timer *child; /* in the heap; else NULL */
    struct mri_timer **from; /* NULL: not pending */
} mri_timer;

/* What is left of a fired timer. */
typedef struct mri_expired {
    void *owner;
    uint64_t count;
} mri_expired;

typedef struct mri_timer_list {
    mri_timer *first;
    int64_t least; /* not later than any in it; if empty, anything */
} mri_timer_list;

typedef struct mri_timers {
    /* Written under the lock, read by anybody. */
    MRI_ALIGNED(MRI_CACHE_LINE) mri_atomic(int64_t) earliest;

    /* The rest: whoever holds the lock. */
    MRI_ALIGNED(MRI_CACHE_LINE) mri_lock lock;
    mri_timer_list rest;
    uint64_t horizon; /* units since INT64_MIN */
    uint64_t number;  /* the next timer's */
    uint64_t pending; /* in heap, rest and wheel together */
    uint64_t roots;   /* bit k: root[k] may be other than NULL */
    uint64_t lists[MRI_TIMER_LEVELS]; /* bit d: list[level][d] may be so */
    mri_timer *root[MRI_TIMER_ORDERS];
    mri_timer_list list[MRI_TIMER_LEVELS][64];
} mri_timers;

/* Before any other thread can reach it. What is started at a time before
 * `now` works, but not as fast. */
void mri_timers_open(mri_timers *t, int64_t now);

/* Make one that is not pending. */
MRI_INLINE void mri_timer_init(mri_timer *x, void *owner, uint64_t count)
{
    *x = (mri_timer){.owner = owner, .count = count};
}

/* Anybody; the timer is not pending. True: it has become the earliest, and who
 * sleeps until the former earliest is to be told. MRI_NEVER is a time like any
 * other, and earliest before and after. */
MRI_CHECKED bool mri_timer_start(mri_timers *t, mri_timer *x, int64_t at);

/* Who started it there. True: it was pending, and will not fire. False: it
 * has been taken by expire, or was not started. In either case its memory is
 * not touched any more once this has returned. */
bool mri_timer_stop(mri_timers *t, mri_timer *x);

/* Anybody: take up to `most` timers that are due (at <= now), oldest first.
 * How many; more may be due, see above. Their memory may be gone. */
MRI_CHECKED uint32_t mri_timers_expire(mri_timers *t, int64_t now,
                                       mri_expired out[], uint32_t most);

/* Anybody: a time before which nothing is due; INT64_MAX (MRI_NEVER) if nothing
 * is pending. */
MRI_INLINE int64_t mri_timers_earliest(mri_timers *t)
{
    /* Relaxed: see above. */
    return mri_load_relaxed(&t->earliest);
}

/* The invariants, all timers gone through; stops the program if broken. */
void mri_timers_check(mri_timers *t);

#endif
