/* See timers.h for the protocol. Static functions are called under the lock. */
#include "parts/timers.h"

#include "base/assert.h"

#include <string.h>

enum {
    UNIT_BITS = 16,
    DIGIT_BITS = 6,
    DIGIT_MASK = 63,
    LOOK = 8, /* who wants a list's least looks at this many */
};

MRI_STATIC_ASSERT(UNIT_BITS + DIGIT_BITS * MRI_TIMER_LEVELS == 64,
                  "the wheel covers all times");

/* Units since INT64_MIN. */
static uint64_t unit_of(int64_t at)
{
    return ((uint64_t)at ^ (uint64_t)INT64_MIN) >> UNIT_BITS;
}

static bool before(const mri_timer *a, const mri_timer *b)
{
    return a->at < b->at || (a->at == b->at && a->number < b->number);
}

/* ---- Links -------------------------------------------------------------- */

/* Let `x` (NULL: nobody) stand where `from` points. */
static void stand(mri_timer **from, mri_timer *x)
{
    *from = x;
    if (x)
        x->from = from;
}

static void leave(mri_timer *x)
{
    stand(x->from, x->next);
    x->from = NULL;
}

/* ---- The heap ----------------------------------------------------------- */

/* One tree of two; which of them lies where is the caller's to write. */
static mri_timer *join(mri_timer *a, mri_timer *b)
{
    if (before(b, a)) {
        mri_timer *first = b;
        b = a;
        a = first;
    }
    stand(&b->next, a->child);
    stand(&a->child, b);
    return a;
}

/* One tree of a list of siblings, in two passes: linked in pairs, and then all
 * into the last. Its next and from are the caller's to write. */
static mri_timer *combine(mri_timer *list)
{
    mri_timer *pairs = NULL;
    while (list) {
        mri_timer *a = list, *b = a->next;
        list = b ? b->next : NULL;
        if (b)
            a = join(a, b);
        a->next = pairs;
        pairs = a;
    }
    mri_timer *tree = pairs;
    if (!tree)
        return NULL;
    for (pairs = tree->next; pairs;) {
        mri_timer *a = pairs;
        pairs = a->next;
        tree = join(tree, a);
    }
    return tree;
}

static void heap_put(mri_timers *t, mri_timer *x)
{
    uint32_t order = 0;
    for (; t->root[order]; order++) {
        mri_timer *other = t->root[order];
        t->root[order] = NULL;
        x = join(other, x);
    }
    x->next = NULL;
    stand(&t->root[order], x);
    t->roots |= UINT64_C(1) << order;
}

/* NULL: it is empty. */
static mri_timer *heap_first(mri_timers *t)
{
    mri_timer *first = NULL;
    for (uint64_t left = t->roots; left; left &= left - 1) {
        mri_timer *root = t->root[__builtin_ctzll(left)];
        if (!root)
            t->roots &= ~(left & -left);
        else if (!first || before(root, first))
            first = root;
    }
    return first;
}

/* ---- The wheel ---------------------------------------------------------- */

static mri_timer_list *list_of(mri_timers *t, uint64_t unit, uint32_t *level)
{
    uint64_t differ = unit ^ t->horizon; /* not 0 */
    *level = (63 - (uint32_t)__builtin_clzll(differ)) / DIGIT_BITS;
    return &t->list[*level][unit >> (DIGIT_BITS * *level) & DIGIT_MASK];
}

static void list_put(mri_timer_list *list, mri_timer *x)
{
    if (!list->first || x->at < list->least)
        list->least = x->at;
    stand(&x->next, list->first);
    stand(&list->first, x);
}

/* Exact if it holds no more than LOOK. */
static int64_t list_least(mri_timer_list *list)
{
    int64_t least = INT64_MAX;
    uint32_t looked = 0;
    const mri_timer *x = list->first;
    for (; x && looked < LOOK; x = x->next, looked++)
        least = x->at < least ? x->at : least;
    if (!x)
        list->least = least;
    return list->least;
}

/* The list that comes next and the unit where it begins; NULL: all empty. */
static mri_timer_list *wheel_next(mri_timers *t, uint32_t *level,
                                  uint64_t *begin)
{
    for (uint32_t l = 0; l < MRI_TIMER_LEVELS; l++)
        for (; t->lists[l]; t->lists[l] &= t->lists[l] - 1) {
            uint64_t digit = (uint64_t)__builtin_ctzll(t->lists[l]);
            if (!t->list[l][digit].first)
                continue;
            uint32_t shift = DIGIT_BITS * l;
            *level = l;
            *begin = ((t->horizon >> shift & ~(uint64_t)DIGIT_MASK) | digit)
                     << shift;
            return &t->list[l][digit];
        }
    return NULL;
}

/* Where it belongs; pending already. */
static void put(mri_timers *t, mri_timer *x)
{
    uint64_t unit = unit_of(x->at);
    uint32_t level;
    x->child = NULL;
    if (unit <= t->horizon) {
        heap_put(t, x);
        return;
    }
    list_put(list_of(t, unit, &level), x);
    t->lists[level] |= UINT64_C(1)
                       << (unit >> (DIGIT_BITS * level) & DIGIT_MASK);
}

/* With the heap and the rest empty: turn the wheel as far as `now`. True: a
 * list has been opened that may have some that are due. */
static bool turn(mri_timers *t, int64_t now)
{
    uint32_t level;
    uint64_t begin, to = unit_of(now);
    mri_timer_list *list = wheel_next(t, &level, &begin);
    bool open = list && list_least(list) <= now;
    if (open) {
        to = begin;
        t->rest.least = list->least;
        stand(&t->rest.first, list->first);
        list->first = NULL;
    } else if (list && to >= begin) {
        to = begin - 1;
    }
    if (to > t->horizon)
        t->horizon = to;
    return open;
}

/* ---- What is done with it ----------------------------------------------- */

/* The heap's are before the wheel's; of the rest nothing is known. */
static int64_t find_earliest(mri_timers *t)
{
    uint32_t level;
    uint64_t begin;
    int64_t earliest = INT64_MAX;
    mri_timer *near = heap_first(t);
    mri_timer_list *list = near ? NULL : wheel_next(t, &level, &begin);
    if (near || list)
        earliest = near ? near->at : list_least(list);
    if (!t->rest.first)
        return earliest;
    int64_t rest = list_least(&t->rest);
    return rest < earliest ? rest : earliest;
}

/* It may have become later. */
static void update_earliest(mri_timers *t)
{
    int64_t earliest = find_earliest(t);
    /* Relaxed, both: see timers.h; and the lock orders the stores. */
    if (earliest != mri_load_relaxed(&t->earliest))
        mri_store_relaxed(&t->earliest, earliest);
}

void mri_timers_open(mri_timers *t, int64_t now)
{
    memset(t, 0, sizeof *t);
    mri_lock_init(&t->lock);
    mri_init(&t->earliest, INT64_MAX);
    t->horizon = unit_of(now);
}

bool mri_timer_start(mri_timers *t, mri_timer *x, int64_t at)
{
    mri_assert(!x->from, "a timer is started when it is not pending");
    x->at = at;
    mri_lock_acquire(&t->lock);
    x->number = t->number++;
    t->pending++;
    put(t, x);
    /* Relaxed, both: as in update_earliest. */
    bool first = at < mri_load_relaxed(&t->earliest);
    if (first)
        mri_store_relaxed(&t->earliest, at);
    mri_lock_release(&t->lock);
    return first;
}

/* Out of heap, rest or wheel. */
static void take_out(mri_timers *t, mri_timer *x)
{
    mri_timer *instead = combine(x->child);
    if (instead) {
        stand(&instead->next, x->next);
        stand(x->from, instead);
        x->from = NULL;
    } else {
        leave(x);
    }
    t->pending--;
}

bool mri_timer_stop(mri_timers *t, mri_timer *x)
{
    mri_lock_acquire(&t->lock);
    bool pending = x->from != NULL;
    if (pending) {
        take_out(t, x);
        /* Relaxed: written under the lock. */
        if (x->at <= mri_load_relaxed(&t->earliest) || t->pending == 0)
            update_earliest(t);
    }
    mri_lock_release(&t->lock);
    return pending;
}

/* Put the rest where it belongs. False: there is some left. */
static bool settle_rest(mri_timers *t, uint32_t *moves)
{
    for (; t->rest.first && *moves > 0; --*moves) {
        mri_timer *x = t->rest.first;
        leave(x);
        put(t, x);
    }
    return !t->rest.first;
}

uint32_t mri_timers_expire(mri_timers *t, int64_t now, mri_expired out[],
                           uint32_t most)
{
    uint32_t count = 0, moves = MRI_TIMER_MOVES;
    mri_lock_acquire(&t->lock);
    while (settle_rest(t, &moves) && count < most) {
        mri_timer *x = heap_first(t);
        if (x && x->at <= now) {
            out[count++] = (mri_expired){x->owner, x->count};
            /* LAST TOUCH of it, as far as its owner can tell: until release. */
            take_out(t, x);
        } else if (x || !turn(t, now)) {
            break;
        }
    }
    update_earliest(t);
    mri_lock_release(&t->lock);
    return count;
}

/* ---- Looking ------------------------------------------------------------ */

/* One that was met where `from` points. */
static void check_timer(mri_timers *t, const mri_timer *x,
                        mri_timer *const *from, uint64_t *seen)
{
    ++*seen;
    mri_require(x->from == from, "a timer knows what points to it");
    mri_require(x->number < t->number, "a timer has been started");
    mri_require(mri_load_relaxed(&t->earliest) <= x->at,
                "no timer is before the earliest");
}

/* `x` and its younger siblings. */
static void check_trees(mri_timers *t, const mri_timer *parent,
                        mri_timer *const *from, uint64_t *seen)
{
    for (; *from; from = &(*from)->next) {
        const mri_timer *x = *from;
        check_timer(t, x, from, seen);
        mri_require(unit_of(x->at) <= t->horizon,
                    "what is in the heap came too late for the wheel");
        mri_require(!parent || before(parent, x),
                    "no timer in the heap is before its parent");
        check_trees(t, x, &x->child, seen);
    }
}

static void check_list(mri_timers *t, mri_timer_list *list, uint64_t *seen)
{
    mri_timer *const *from = &list->first;
    for (; *from; from = &(*from)->next) {
        const mri_timer *x = *from;
        uint32_t level;
        check_timer(t, x, from, seen);
        mri_require(!x->child, "a list's timers have no children");
        mri_require(list->least <= x->at,
                    "no timer is before its list's least");
        if (list == &t->rest)
            continue;
        mri_require(unit_of(x->at) > t->horizon,
                    "what is in the wheel is beyond the horizon");
        mri_require(list == list_of(t, unit_of(x->at), &level),
                    "a timer is in the list of its digit");
        mri_require(t->lists[level] >> (list - t->list[level]) & 1,
                    "a list that is not empty is marked");
    }
}

void mri_timers_check(mri_timers *t)
{
    uint64_t seen = 0;
    mri_lock_acquire(&t->lock);
    for (uint32_t order = 0; order < MRI_TIMER_ORDERS; order++) {
        mri_timer *const *root = &t->root[order];
        mri_require(!*root || (t->roots >> order & 1 && !(*root)->next),
                    "a root is marked and has no siblings");
        check_trees(t, NULL, root, &seen);
    }
    check_list(t, &t->rest, &seen);
    for (uint32_t level = 0; level < MRI_TIMER_LEVELS; level++)
        for (uint32_t digit = 0; digit <= DIGIT_MASK; digit++)
            check_list(t, &t->list[level][digit], &seen);
    mri_require(seen == t->pending, "each pending timer is somewhere");
    mri_require(seen > 0 || mri_load_relaxed(&t->earliest) == INT64_MAX,
                "where nothing is pending nothing is earliest");
    mri_lock_release(&t->lock);
}
