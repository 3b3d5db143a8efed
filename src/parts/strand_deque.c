/* The protocol of the strand deque.
 *
 * The owner's fast path decides an await by one comparison with `floor`. What
 * makes that safe:
 *
 *  1. Only lock holders change `split`, `floor` and the fields below it. All
 *     slow paths of the owner, and forcers, take the lock (a futex lock:
 *     holders get preempted). Thieves only CAS `top`.
 *  2. `floor` >= split whenever the owner runs, and MRI_NO_FLOOR, so that every
 *     await is slow, while the owner is being forced or has no membarrier. So
 *     a slot at or above the floor that the owner sees is not public, unless
 *     a forcer is just publishing it. (While the owner is parked nobody reads
 *     the floor; resume sets it.)
 *  3. A forcer raises the floor first, lets go of the lock, executes the heavy
 *     barrier, takes the lock again, and goes on only if the generation is the
 *     one it left: no slow path of the owner came between. An await whose
 *     light fence came before the barrier has its `f + 1` seen by the forcer,
 *     which stops there; one whose light fence came after sees the raised
 *     floor and waits for the lock. The lock is never held across the barrier
 *     (0.5 us to 1.8 ms).
 *  4. A slot is live if and only if it was spawned and not awaited, so no slot
 *     at or above `head` is live, and a forcer needs no `head`.
 *
 * Tombstones. An await of a child that is not the youngest leaves MRI_TOMB in
 * its slot, since those above are in use (spawn n, then await 0 .. n-1: the
 * natural loop). Neither tombstone nor `f + 1` is ever published: publishing
 * stops before either, and whoever publishes while top == split moves both
 * past tombstones that have a live slot behind them (behind them, so that
 * split never passes the head, which a forcer does not know).
 * When the head comes down to a tombstone it must go on past it, and the
 * bounds with it: rule of the settled mark. A youngest child directly above a
 * tombstone is awaited slowly, because the floor is kept above it: settled >=
 * highest tombstone + 2, or 0. Everything higher is as fast as ever. Such a
 * child is run by the slow path itself, which comes back and pops; while it
 * runs, `bottom` keeps its own pops from reaching below its start.
 *
 * Contexts. A child that is run by its owner's await runs in the deque's
 * context as it is then. So that this is the one it was spawned in, the owner
 * raises `fenced` to the head before it changes the context: awaits below are
 * slow, and those that find another context in the slot run the child apart, in
 * that one. Slots at or above `fenced` were spawned later, in the deque's
 * present context; those below may have been too, where the head went down
 * meanwhile. The fence goes back when the context does, and nothing that was
 * spawned meanwhile is left: fences and contexts are nested.
 *
 * Bounds are lowered (re-marked: top = split = head) only when the head falls
 * below top, under the lock; all in [head, top) were awaited and, if stolen,
 * done. Forgetting it makes the owner wait for a slot that nobody will run.
 *
 * ABA on `bounds` is harmless: a thief uses nothing that it read before its
 * CAS but the index, and the CAS makes it the owner of whatever child is
 * public there now.
 *
 * Without membarrier the floor is MRI_NO_FLOOR for good: every await is
 * decided under the lock, and forcers need no barrier.
 */
#include "parts/strand_deque.h"

#include "base/assert.h"

typedef struct bounds {
    uint32_t top, split;
} bounds;

static bounds unpack(uint64_t word)
{
    return (bounds){(uint32_t)word, (uint32_t)(word >> 32)};
}

static uint64_t pack(bounds b)
{
    return (uint64_t)b.split << 32 | b.top;
}

static bool is_live(uintptr_t fn)
{
    return fn != 0 && !(fn & 1);
}

static uint32_t index_of(const mri_deque *d, const mri_slot *slot)
{
    return (uint32_t)(slot - d->slots);
}

static uint32_t capacity(const mri_deque *d)
{
    return index_of(d, d->end);
}

void mri_deque_map(mri_deque *d, mri_slot *slots, uint32_t capacity,
                   const mri_barrier *barrier)
{
    d->slots = slots;
    d->end = d->limit = slots + capacity;
    d->membarrier = barrier->membarrier;
    d->bottom = 0;
    d->generation = d->tombs = d->settled = d->fenced = 0;
    d->forcing = d->parked = d->outside = false;
    d->context = NULL;
    /* Not mri_init: a dump may look already, and goes on if it is not NULL. */
    mri_store_relaxed(&d->task, NULL);
    d->stack_limit = NULL;
    mri_lock_init(&d->lock);
    mri_init(&d->bounds, 0);
    mri_init(&d->head, slots);
    mri_init(&d->floor, d->membarrier ? slots : MRI_NO_FLOOR);
    mri_init(&d->want, d->membarrier ? 0 : 1);
}

/* ---- Under the lock ----------------------------------------------------- */

static void set_floor(mri_deque *d)
{
    bounds b = unpack(mri_load_relaxed(&d->bounds));
    uint32_t floor = b.split > d->settled ? b.split : d->settled;
    floor = floor > d->fenced ? floor : d->fenced;
    bool none = !d->membarrier || d->forcing || d->outside;
    /* Relaxed: the owner reads it after a light fence (forcers), or has
     * written it itself, or takes the lock. */
    mri_store_relaxed(&d->floor, none ? MRI_NO_FLOOR : d->slots + floor);
}

/* A slow path of the owner: whoever is forcing gives up. */
static void enter(mri_deque *d)
{
    mri_lock_acquire(&d->lock);
    d->generation++;
    d->forcing = false;
}

static void leave(mri_deque *d)
{
    set_floor(d);
    mri_lock_release(&d->lock);
}

/* The tombstones at `from` that have a live slot behind them: their end, or
 * `from`. For a lock holder while no await can be decided without the lock;
 * for others a look without promise. */
static uint32_t past_tombs(const mri_deque *d, uint32_t from)
{
    uint32_t i = from;
    while (i < capacity(d) && mri_load_relaxed(&d->slots[i].fn) == MRI_TOMB)
        i++;
    /* Acquire pairs with the release in spawn. What looks like a tombstone may
     * be an old one, over which the owner is just spawning anew; then the live
     * slot was spawned later, and a second look sees all that came before. */
    if (i == capacity(d) || !is_live(mri_load_acquire(&d->slots[i].fn)))
        return from;
    for (uint32_t j = from; j < i; j++)
        if (mri_load_relaxed(&d->slots[j].fn) != MRI_TOMB)
            return j;
    return i;
}

/* With the head outside all slots are in use. */
static uint32_t head_index(const mri_deque *d, const mri_slot *head)
{
    return d->outside ? capacity(d) : index_of(d, head);
}

/* Make up to `most` live slots public. */
static uint32_t publish(mri_deque *d, uint32_t most)
{
    uint64_t word = mri_load_relaxed(&d->bounds);
    bounds b = unpack(word);
    if (b.top == b.split) {
        /* Empty, so no thief can change it. */
        b.top = b.split = past_tombs(d, b.split);
        word = pack(b);
        mri_store_relaxed(&d->bounds, word);
    }
    uint32_t to = b.split;
    /* Acquire pairs with the release in spawn: the slot's fields, which the
     * release below hands on to the thief. */
    while (to < capacity(d) && to - b.split < most &&
           is_live(mri_load_acquire(&d->slots[to].fn))) {
        mri_store_relaxed(&d->slots[to].done, 0);
        to++;
    }
    if (to == b.split)
        return 0;
    uint32_t n = to - b.split;
    do {
        b = unpack(word);
        b.split = to;
        /* Release pairs with the acquire in steal. */
    } while (!mri_cas_release(&d->bounds, &word, pack(b)));
    return n;
}

/* ---- The owner's slow paths --------------------------------------------- */

MRI_COLD void mri_deque_publish_slow(mri_deque *d, mri_slot *head)
{
    enter(d);
    bounds b = unpack(mri_load_relaxed(&d->bounds));
    uint32_t live = index_of(d, head) - b.split;
    /* Cleared only when answered; a thief sets it again if that is not
     * enough. */
    if (publish(d, (live + 1) / 2) > 0 && d->membarrier)
        mri_store_relaxed(&d->want, 0);
    leave(d);
}

/* Is the child at i still here? If it was public, it and the younger half of
 * the rest are taken back, so that awaiting them one by one is not slow each
 * time. */
static bool retake(mri_deque *d, uint32_t i)
{
    uint64_t word = mri_load_relaxed(&d->bounds);
    for (;;) {
        bounds b = unpack(word);
        if (i < b.top)
            return false;
        if (i >= b.split)
            return true;
        b.split = b.top + (i - b.top) / 2;
        if (mri_cas_relaxed(&d->bounds, &word, pack(b)))
            return true;
    }
}

/* The settled mark where there are tombstones, none at h - 1. A few slots are
 * looked at: whoever awaits oldest first would look at all of them each time.
 * What lies lower is held to be one until the head is there. */
static uint32_t settled_below(const mri_deque *d, uint32_t h)
{
    uint32_t i = h;
    while (h - i < MRI_DEQUE_LOOK &&
           mri_load_relaxed(&d->slots[i - 1].fn) != MRI_TOMB)
        i--;
    return i + 1;
}

/* The head comes down to h and past tombstones; bounds follow. Not while it is
 * outside, where no slot is the youngest. */
static void lower_head(mri_deque *d, uint32_t h)
{
    mri_assert(!d->outside, "the head comes inside before it comes down");
    while (h > d->bottom && mri_load_relaxed(&d->slots[h - 1].fn) == MRI_TOMB) {
        h--;
        d->tombs--;
    }
    bounds b = unpack(mri_load_relaxed(&d->bounds));
    if (h < b.top)
        /* No public slot is left (all from h on were awaited), so no thief
         * can change it. Relaxed: nothing is handed over. */
        mri_store_relaxed(&d->bounds, pack((bounds){h, h}));
    d->settled = d->tombs > 0 ? settled_below(d, h) : 0;
    mri_store_relaxed(&d->head, d->slots + h);
}

static void bury(mri_deque *d, mri_slot *slot)
{
    uint32_t above = index_of(d, slot) + 2;
    mri_store_relaxed(&slot->fn, MRI_TOMB);
    d->tombs++;
    if (d->settled < above)
        d->settled = above;
}

MRI_COLD void mri_deque_settle(mri_deque *d, mri_slot *slot, mri_slot *head)
{
    enter(d);
    if (slot + 1 == head) {
        lower_head(d, index_of(d, slot));
    } else {
        bury(d, slot);
    }
    leave(d);
}

/* Run it here, on top of the slots that are in use, in its own context, then
 * clean up. */
static void run_apart(mri_deque *d, mri_slot *slot, mri_slot *head,
                      mri_slot_fn fn)
{
    uint32_t bottom = d->bottom;
    void *context = d->context;
    void *own = slot->context; /* the slot is the child's where it starts */
    mri_slot *start = slot + 1 == head ? slot : head;
    d->bottom = head_index(d, start);
    mri_store_relaxed(&d->head, start);
    d->context = own;
    fn(d, start, slot);
    mri_require(d->context == own,
                "a task closes its scopes before it returns");
    d->context = context;
    d->bottom = bottom;
    if (slot + 1 == head)
        mri_deque_settle(d, slot, head);
}

MRI_COLD mri_verdict mri_deque_await_slow(mri_deque *d, mri_slot *slot,
                                          mri_slot *head)
{
    mri_slot_fn fn = mri_slot_function(slot);
    uint32_t i = index_of(d, slot);
    bool youngest = slot + 1 == head;
    enter(d);
    bool mine = retake(d, i);
    bool apart =
        mine && (!youngest || i < d->settled || slot->context != d->context);
    if (mine && !youngest)
        bury(d, slot);
    if (mine && youngest && !apart)
        mri_store_relaxed(&d->head, slot);
    leave(d);
    if (!mine)
        return MRI_TAKEN;
    if (!apart)
        return MRI_MINE;
    run_apart(d, slot, head, fn);
    return MRI_RAN;
}

/* ---- Contexts ----------------------------------------------------------- */

static void set_fence(mri_deque *d, uint32_t fence)
{
    enter(d);
    d->fenced = fence;
    leave(d);
}

uint32_t mri_deque_fence(mri_deque *d)
{
    /* The owner alone writes it, so it may read it without the lock. */
    uint32_t before = d->fenced;
    uint32_t head = head_index(d, mri_load_relaxed(&d->head));
    if (head > before)
        set_fence(d, head);
    return before;
}

void mri_deque_unfence(mri_deque *d, uint32_t before)
{
    if (d->fenced != before)
        set_fence(d, before);
}

/* Contexts are nested as slots are: if any child has it, the youngest does. */
bool mri_deque_youngest_has(const mri_deque *d, const void *context)
{
    mri_slot *head = mri_load_relaxed(&d->head);
    return head != d->slots && head[-1].context == context;
}

/* ---- Outside ------------------------------------------------------------ */

void mri_deque_go_outside(mri_deque *d, mri_slot *head)
{
    if (!d->outside) {
        enter(d);
        d->outside = true;
        leave(d);
    }
    d->limit = head;
    mri_store_relaxed(&d->head, head);
}

void mri_deque_come_inside(mri_deque *d)
{
    enter(d);
    d->outside = false;
    d->limit = d->end;
    lower_head(d, capacity(d));
    leave(d);
}

/* ---- Parking ------------------------------------------------------------ */

bool mri_deque_park(mri_deque *d)
{
    enter(d);
    d->parked = true;
    publish(d, UINT32_MAX);
    bounds b = unpack(mri_load_relaxed(&d->bounds));
    bool unstarted = b.top < b.split;
    leave(d);
    return unstarted;
}

void mri_deque_resume(mri_deque *d)
{
    enter(d);
    d->parked = false;
    leave(d);
}

bool mri_deque_is_idle(const mri_deque *d)
{
    if (mri_load_relaxed(&d->head) != d->slots)
        return false;
    /* floor >= split >= top: mostly the thieves' line need not be looked at. */
    if (mri_likely(mri_load_relaxed(&d->floor) == d->slots))
        return true;
    bounds b = unpack(mri_load_relaxed(&d->bounds));
    return b.top == 0 && b.split == 0;
}

/* ---- Anybody ------------------------------------------------------------ */

mri_slot_fn mri_slot_function(const mri_slot *slot)
{
    return (mri_slot_fn)(mri_load_relaxed(&slot->fn) & ~(uintptr_t)1);
}

mri_slot *mri_deque_steal(mri_deque *d)
{
    uint64_t word = mri_load_relaxed(&d->bounds);
    for (;;) {
        bounds b = unpack(word);
        if (b.top >= b.split)
            return NULL;
        uint32_t i = b.top++;
        /* Acquire pairs with the release in publish: the slot's fields. */
        if (mri_cas_acquire(&d->bounds, &word, pack(b)))
            return &d->slots[i];
    }
}

void mri_deque_hunger(mri_deque *d)
{
    if (!mri_load_relaxed(&d->want))
        mri_store_relaxed(&d->want, 1);
}

bool mri_deque_looks_live(const mri_deque *d)
{
    bounds b = unpack(mri_load_relaxed(&d->bounds));
    if (b.top < b.split)
        return true;
    uint32_t i = past_tombs(d, b.split);
    return i < capacity(d) && is_live(mri_load_relaxed(&d->slots[i].fn));
}

/* The first half of a force: the generation to find again, or 0 if somebody
 * else forces. */
static uint32_t announce_force(mri_deque *d)
{
    if (d->forcing)
        return 0;
    d->forcing = true;
    d->generation += d->generation == UINT32_MAX ? 2 : 1;
    set_floor(d);
    return d->generation;
}

uint32_t mri_deque_force(mri_deque *d, const mri_barrier *barrier)
{
    mri_lock_acquire(&d->lock);
    if (d->membarrier && !d->parked) {
        uint32_t generation = announce_force(d);
        mri_lock_release(&d->lock);
        if (generation == 0)
            return 0;
        mri_barrier_heavy(barrier);
        mri_lock_acquire(&d->lock);
        if (d->generation != generation) {
            mri_lock_release(&d->lock);
            return 0;
        }
        d->forcing = false;
    }
    uint32_t n = publish(d, UINT32_MAX);
    set_floor(d);
    mri_lock_release(&d->lock);
    return n;
}

/* ---- Audit -------------------------------------------------------------- */

void mri_deque_check(mri_deque *d)
{
    mri_lock_acquire(&d->lock);
    bounds b = unpack(mri_load_relaxed(&d->bounds));
    uint32_t head = head_index(d, mri_load_relaxed(&d->head)), tombs = 0;
    mri_require(b.top <= b.split && b.split <= head, "top <= split <= head");
    for (uint32_t i = b.split; i < head; i++) {
        uintptr_t fn = mri_load_relaxed(&d->slots[i].fn);
        mri_require(is_live(fn) || fn == MRI_TOMB,
                    "a slot below head is live or a tombstone");
    }
    for (uint32_t i = 0; i < head; i++)
        tombs += mri_load_relaxed(&d->slots[i].fn) == MRI_TOMB;
    mri_require(tombs == d->tombs, "tombstones are counted");
    for (uint32_t i = head; i < capacity(d); i++)
        mri_require(!is_live(mri_load_relaxed(&d->slots[i].fn)),
                    "no slot at or above head is live");
    mri_lock_release(&d->lock);
}
