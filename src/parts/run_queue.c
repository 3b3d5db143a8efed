/* See run_queue.h for the protocol. */
#include "parts/run_queue.h"

#include "base/assert.h"

static mri_run_slot *slot_at(mri_run_queue *q, uint64_t index)
{
    return &q->slot[index & q->mask];
}

void mri_run_queue_open(mri_run_queue *q, mri_run_slot slot[],
                        uint32_t capacity)
{
    mri_require(capacity > 0 && (capacity & (capacity - 1)) == 0,
                "a run queue's capacity is a power of two");
    mri_init(&q->head, 0);
    mri_init(&q->tail, 0);
    mri_init(&q->spilled, 0);
    mri_init(&q->spilled_others, 0);
    mri_lock_init(&q->lock);
    q->slot = slot;
    q->mask = capacity - 1;
    q->head_seen = 0;
    q->first = NULL;
    q->last = NULL;
    for (uint32_t i = 0; i < capacity; i++)
        mri_init(&slot[i], 0);
}

/* What a slot holds: see run_queue.h. */
static uintptr_t entry_of(const mri_run_node *node)
{
    return (uintptr_t)node +
           (mri_run_node_in_hand(node) ? MRI_RUN_ENTRY_IN_HAND : 0);
}

/* Free slots from `tail` on, one at least if there is one. The owner. */
static uint64_t room(mri_run_queue *q, uint64_t tail)
{
    if (tail - q->head_seen > q->mask)
        /* Acquire: pairs with the release in steal, so that a slot is read
         * before it is overwritten. */
        q->head_seen = mri_load_acquire(&q->head);
    return q->mask + 1 - (tail - q->head_seen);
}

/* ---- The overflow list, under the lock ---------------------------------- */

/* Relaxed: the lock orders it, and who looks without it wants to know roughly.
 */
static void count_others(mri_run_queue *q, uint64_t more, uint64_t less)
{
    mri_store_relaxed(&q->spilled_others,
                      mri_load_relaxed(&q->spilled_others) + more - less);
}

/* Relaxed here and below: the lock orders it; whoever looks without the lock
 * and finds it not 0 takes the lock. `spilled` is what it holds already. */
static void append(mri_run_queue *q, mri_run_node *first, mri_run_node *last,
                   uint64_t count, uint64_t spilled)
{
    last->next = NULL;
    if (spilled == 0)
        q->first = first;
    else
        q->last->next = first;
    q->last = last;
    mri_store_relaxed(&q->spilled, spilled + count);
}

static mri_run_node *unlink_first(mri_run_queue *q)
{
    mri_run_node *node = q->first;
    q->first = node->next;
    if (!mri_run_node_in_hand(node))
        count_others(q, 0, 1);
    return node;
}

/* Move the oldest of the list to the ring, half a ring at most: thieves wait
 * for the lock. Returns how many are left in the list. The owner. */
static uint64_t refill(mri_run_queue *q, uint64_t *tail)
{
    uint64_t spilled = mri_load_relaxed(&q->spilled), to = *tail;
    /* As much as there is: or each refill would move what the last look saw. */
    q->head_seen = mri_load_acquire(&q->head);
    uint64_t most = q->mask + 1 - (to - q->head_seen);
    if (most > q->mask / 2 + 1)
        most = q->mask / 2 + 1;
    for (; spilled > 0 && to - *tail < most; spilled--)
        mri_store_relaxed(slot_at(q, to++), entry_of(unlink_first(q)));
    if (to == *tail)
        return spilled;
    *tail = to;
    /* Release: the nodes and slots come first, pairs with the acquires of
     * tail in steal. */
    mri_store_release(&q->tail, to);
    /* Release: tail comes first, pairs with the acquire of spilled in steal. */
    mri_store_release(&q->spilled, spilled);
    return spilled;
}

/* ---- The owner ---------------------------------------------------------- */

static void put(mri_run_queue *q, uint64_t tail, mri_run_node *node)
{
    mri_store_relaxed(slot_at(q, tail), entry_of(node));
    /* Release: the node and its slot come first, pairs with the acquires of
     * tail in steal. */
    mri_store_release(&q->tail, tail + 1);
}

/* How many of them are in nobody's hand. */
static uint64_t others_of(const mri_run_node *first, uint64_t count)
{
    uint64_t others = 0;
    for (; count > 0; count--, first = first->next)
        others += !mri_run_node_in_hand(first);
    return others;
}

/* From `first` on to `last`: into the ring while the list is empty and there
 * is room, the rest into the list. */
static MRI_COLD void push_slow(mri_run_queue *q, mri_run_node *first,
                               mri_run_node *last, uint64_t count)
{
    uint64_t tail = mri_load_relaxed(&q->tail);
    uint64_t others = others_of(first, count); /* before others wait for us */
    mri_lock_acquire(&q->lock);
    bool full = room(q, tail) == 0;
    uint64_t left = full ? mri_load_relaxed(&q->spilled) : refill(q, &tail);
    while (count > 0 && left == 0 && room(q, tail) > 0) {
        mri_run_node *next = first->next;
        others -= !mri_run_node_in_hand(first);
        put(q, tail++, first);
        first = next;
        count--;
    }
    if (count > 0)
        append(q, first, last, count, left);
    count_others(q, others, 0);
    mri_lock_release(&q->lock);
}

/* Relaxed: the owner's own word. And only the owner makes spilled other than
 * 0, so if it looks 0, it is. */
static bool has_room(mri_run_queue *q, uint64_t tail)
{
    return mri_load_relaxed(&q->spilled) == 0 && room(q, tail) > 0;
}

void mri_run_queue_push(mri_run_queue *q, mri_run_node *node)
{
    uint64_t tail = mri_load_relaxed(&q->tail);
    if (mri_likely(has_room(q, tail)))
        put(q, tail, node);
    else
        push_slow(q, node, node, 1);
}

void mri_run_queue_push_list(mri_run_queue *q, mri_run_node *first,
                             mri_run_node *last, uint64_t count)
{
    uint64_t tail = mri_load_relaxed(&q->tail);
    for (; count > 0 && has_room(q, tail); count--) {
        mri_run_node *next = first->next;
        put(q, tail++, first);
        first = next;
    }
    if (count > 0)
        push_slow(q, first, last, count);
}

static MRI_COLD void refill_locked(mri_run_queue *q, uint64_t tail)
{
    mri_lock_acquire(&q->lock);
    refill(q, &tail);
    mri_lock_release(&q->lock);
}

mri_run_node *mri_run_queue_pop(mri_run_queue *q)
{
    /* Relaxed: what is popped here was pushed by this thread; that it is read
     * before it is overwritten is program order. An old head fails the CAS. */
    uint64_t head = mri_load_relaxed(&q->head);
    for (;;) {
        uint64_t tail = mri_load_relaxed(&q->tail);
        if (head == tail) {
            if (mri_load_relaxed(&q->spilled) == 0) {
                mri_audit((mri_run_queue_check(q), true), "in order");
                return NULL;
            }
            refill_locked(q, tail);
            continue;
        }
        uintptr_t entry = mri_load_relaxed(slot_at(q, head));
        if (mri_cas_relaxed(&q->head, &head, head + 1))
            return mri_run_entry_node(entry);
    }
}

/* ---- Thieves ------------------------------------------------------------ */

/* Where the rest of a batch goes: the free slots of the thief's own ring. */
struct batch {
    mri_run_queue *mine; /* NULL: nowhere */
    uint64_t tail, room;
};

static struct batch batch_open(mri_run_queue *mine)
{
    uint64_t tail = mri_load_relaxed(&mine->tail);
    /* While something is spilled, nothing younger goes into the ring. */
    if (mri_load_relaxed(&mine->spilled) != 0)
        return (struct batch){NULL, 0, 0};
    return (struct batch){mine, tail, room(mine, tail)};
}

/* What goes along with the first, of `count` entries. */
static uint64_t rest_of(const struct batch *b, uint64_t count)
{
    uint64_t rest = count - count / 2 - 1;
    return rest < b->room ? rest : b->room;
}

/* Show the first `rest` entries put into the batch. */
static void batch_publish(const struct batch *b, uint64_t rest)
{
    if (rest > 0)
        /* Release: as in put. */
        mri_store_release(&b->mine->tail, b->tail + rest);
}

/* From the ring, where `head` was seen before `tail`. NULL: head was old, and
 * is a new one now. */
static mri_run_node *steal_ring(mri_run_queue *q, const struct batch *b,
                                uint64_t *head, uint64_t tail)
{
    uint64_t rest = rest_of(b, tail - *head);
    uintptr_t entry = mri_load_relaxed(slot_at(q, *head));
    for (uint64_t i = 0; i < rest; i++)
        mri_store_relaxed(slot_at(b->mine, b->tail + i),
                          mri_load_relaxed(slot_at(q, *head + 1 + i)));
    /* Release: pairs with the acquire in room. */
    if (!mri_cas_release(&q->head, head, *head + 1 + rest))
        return NULL;
    batch_publish(b, rest);
    return mri_run_entry_node(entry);
}

/* From the list, if the ring is empty. */
static MRI_COLD mri_run_node *steal_spilled(mri_run_queue *q,
                                            const struct batch *b)
{
    mri_run_node *node = NULL;
    uint64_t rest = 0;
    mri_lock_acquire(&q->lock);
    /* Relaxed: the lock has ordered what matters, see run_queue.h. */
    uint64_t spilled = mri_load_relaxed(&q->spilled);
    if (spilled > 0 &&
        mri_load_relaxed(&q->head) == mri_load_relaxed(&q->tail)) {
        node = unlink_first(q);
        rest = rest_of(b, spilled);
        for (uint64_t i = 0; i < rest; i++)
            mri_store_relaxed(slot_at(b->mine, b->tail + i),
                              entry_of(unlink_first(q)));
        /* Relaxed: the ring is empty, so who finds 0 here and an old tail is
         * right that nothing is left. */
        mri_store_relaxed(&q->spilled, spilled - 1 - rest);
    }
    mri_lock_release(&q->lock);
    batch_publish(b, rest);
    return node;
}

static mri_run_node *steal(mri_run_queue *q, const struct batch *b)
{
    /* Relaxed: an old head fails the CAS. */
    uint64_t head = mri_load_relaxed(&q->head);
    /* Acquire: pairs with the release in put, refill and batch_publish. */
    uint64_t tail = mri_load_acquire(&q->tail);
    for (;;) {
        mri_run_node *node;
        while ((int64_t)(tail - head) > 0)
            if ((node = steal_ring(q, b, &head, tail)) != NULL)
                return node;
        /* Acquire: pairs with the release of spilled in refill. */
        if (mri_load_acquire(&q->spilled) != 0 &&
            (node = steal_spilled(q, b)) != NULL)
            return node;
        /* Acquire: as above. */
        uint64_t again = mri_load_acquire(&q->tail);
        if (again == tail)
            return NULL;
        tail = again;
    }
}

mri_run_node *mri_run_queue_steal(mri_run_queue *q)
{
    return steal(q, &(struct batch){NULL, 0, 0});
}

mri_run_node *mri_run_queue_steal_half(mri_run_queue *q, mri_run_queue *mine)
{
    struct batch b = batch_open(mine);
    return steal(q, &b);
}

/* ---- Looking ------------------------------------------------------------ */

uint64_t mri_run_queue_size(const mri_run_queue *q)
{
    /* Relaxed: three looks at different moments; a head that is newer than
     * tail counts as an empty ring. */
    int64_t ring =
        (int64_t)(mri_load_relaxed(&q->tail) - mri_load_relaxed(&q->head));
    return (ring > 0 ? (uint64_t)ring : 0) + mri_load_relaxed(&q->spilled);
}

void mri_run_queue_check(mri_run_queue *q)
{
    mri_lock_acquire(&q->lock);
    uint64_t head = mri_load_relaxed(&q->head);
    uint64_t tail = mri_load_relaxed(&q->tail);
    mri_require(tail - head <= q->mask + 1, "the ring holds what it can");
    mri_require((int64_t)(head - q->head_seen) >= 0, "head never goes back");
    uint64_t left = mri_load_relaxed(&q->spilled);
    uint64_t others = mri_load_relaxed(&q->spilled_others);
    const mri_run_node *node = q->first;
    for (; left > 1 && node; left--, node = node->next)
        others -= !mri_run_node_in_hand(node);
    mri_require(left == 0 || (node && node == q->last && !node->next),
                "the overflow list ends after what was spilled");
    mri_require(others == (left && !mri_run_node_in_hand(node)),
                "what is spilled and in nobody's hand is counted");
    mri_lock_release(&q->lock);
}
