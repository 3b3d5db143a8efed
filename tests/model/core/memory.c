/* Atomic memory: per location a history, and the rules by which a thread may
 * read from it and add to it.
 *
 * The model is RC11 (Lahav, Vafeiadis, Kang, Hur, Dreyer, PLDI 2017) without
 * seq_cst accesses, which base/atomic.h does not have, in the operational form
 * of Kang et al. (POPL 2017) without promises:
 *
 *  - A location is a list of messages in modification order, each with a
 *    timestamp. A thread carries, per location, the timestamp behind which it
 *    may not look (coherence); it may read any message from there on, so old
 *    values are read as long as C11 allows it.
 *  - A store may take any place in the list behind that timestamp, not only
 *    the end: modification order need not follow execution order (2+2W). A
 *    read-modify-write stands right behind the message it read, and nothing
 *    is ever put between the two.
 *  - A release store's message carries all its thread knows; a relaxed one
 *    what the thread knew at its last release fence. An acquire load takes
 *    that over at once; a relaxed one keeps it until an acquire fence. A
 *    read-modify-write hands on what the message it read carried (release
 *    sequence as of C++20: later plain stores of the same thread do not
 *    continue it, which is weaker than C11 and so finds more).
 *  - seq_cst fences further restrict how old a message may be read, and where
 *    a store may stand: fence.c.
 *
 * Clocks (happens-before) travel with the same views; plain.c uses them. The
 * lists are location.c's, fences fence.c's. Not modelled: load buffering (a
 * load never returns a value that is stored later in execution order).
 */
#include "core/core.h"

#include <inttypes.h>

/* All it knows, to be carried by a message; what it does next is newer. */
static const struct view *snapshot(struct thread *t)
{
    const struct view *v = view_of(&t->now, location_count());
    t->now.clock[engine.current]++;
    return v;
}

/* ---- Reading ------------------------------------------------------------ */

/* The timestamp behind which this thread may not look. */
uint32_t memory_limit(int index)
{
    uint32_t seen = me()->now.seen[index];
    if (seen == location_at(index)->newest->stamp)
        return seen;
    uint32_t floor = fence_floor(index);
    return seen > floor ? seen : floor;
}

static void take(int index, const struct message *m, unsigned order)
{
    struct thread *t = me();
    if (m->stamp > t->now.seen[index])
        t->now.seen[index] = m->stamp;
    bool acquires = order == MRM_ACQUIRE || order == MRM_ACQ_REL;
    knowledge_join(acquires ? &t->now : &t->pending, m->view);
    spin_note(index, m->stamp);
    fence_note(index, m->stamp, false);
}

/* The timestamp behind which this thread may not read now. */
static uint32_t read_limit(int index)
{
    uint32_t limit = spin_limit(index), known = memory_limit(index);
    return limit > known ? limit : known;
}

/* How many messages this thread may read, newest first. */
static unsigned readable(int index)
{
    uint32_t limit = read_limit(index);
    unsigned n = 0;
    for (struct message *m = location_at(index)->newest; m; m = m->older) {
        if (m->stamp < limit)
            break;
        n++;
    }
    return n;
}

static struct message *nth_newest(int index, unsigned n)
{
    struct message *m = location_at(index)->newest;
    while (n--)
        m = m->older;
    return m;
}

static void visit(struct mrm_site *site, enum step_kind kind, uintptr_t addr,
                  unsigned size)
{
    site->executions++;
    engine_point((struct step){kind, addr, addr + size});
}

uint64_t mrm_load(struct mrm_site *site, const void *addr, unsigned size)
{
    ENTER();
    uintptr_t a = (uintptr_t)addr;
    visit(site, STEP_READ, a, size);
    int index = location_open(a, size);
    plain_access(a, size, ACCESS_ATOMIC_READ, __builtin_return_address(0));
    unsigned pick = choose(readable(index));
    struct message *m = nth_newest(index, pick);
    take(index, m, site->order);
    if (tracing)
        trace("load   %-9s %s = 0x%" PRIx64 "%s", order_name(site->order),
              trace_place(a), m->value, m->newer ? " (stale)" : "");
    return m->value;
}

/* ---- Writing ------------------------------------------------------------ */

static void publish(int index, struct message *before, struct message *m,
                    unsigned order)
{
    struct thread *t = me();
    location_insert(index, before, m);
    t->now.seen[index] = m->stamp;
    fence_note(index, m->stamp, true);
    bool releases = order == MRM_RELEASE || order == MRM_ACQ_REL;
    m->view = releases ? snapshot(t) : t->released;
}

enum { MAX_PLACES = 255 };

/* Messages right behind which something new may stand, newest first, back to
 * the one with this timestamp. */
static unsigned places(int index, uint32_t limit, struct message *out[])
{
    unsigned n = 0;
    for (struct message *m = location_at(index)->newest; m && m->stamp >= limit;
         m = m->older) {
        if (m->followed)
            continue;
        if (n == MAX_PLACES)
            engine_limit("more than %d places for a store to %s", MAX_PLACES,
                         trace_place(location_at(index)->addr));
        out[n++] = m;
    }
    return n;
}

void mrm_store(struct mrm_site *site, void *addr, unsigned size, uint64_t value)
{
    ENTER();
    uintptr_t a = (uintptr_t)addr;
    spin_left();
    visit(site, STEP_WRITE, a, size);
    int index = location_open(a, size);
    plain_access(a, size, ACCESS_ATOMIC_WRITE, __builtin_return_address(0));
    struct message *place[MAX_PLACES];
    unsigned pick = choose(places(index, memory_limit(index), place));
    publish(index, place[pick], location_message(value, site), site->order);
    if (tracing)
        trace("store  %-9s %s := 0x%" PRIx64 "%s", order_name(site->order),
              trace_place(a), value, pick ? " (before a newer one)" : "");
}

static uint64_t operate(unsigned op, uint64_t old, uint64_t operand,
                        unsigned size)
{
    uint64_t value = op == MRM_SWAP_OP  ? operand
                     : op == MRM_ADD_OP ? old + operand
                     : op == MRM_SUB_OP ? old - operand
                     : op == MRM_OR_OP  ? (old | operand)
                                        : (old & operand);
    return size == 4 ? (uint32_t)value : value;
}

/* The read half and the write half, in one step. */
static void replace(int index, struct message *old, uint64_t value,
                    const struct mrm_site *site)
{
    take(index, old, site->order);
    struct message *m = location_message(value, site);
    old->followed = true;
    publish(index, old, m, site->order);
    m->view = view_join(m->view, old->view);
    spin_note(index, m->stamp); /* its own store is no news to it */
}

uint64_t mrm_rmw(struct mrm_site *site, void *addr, unsigned size,
                 uint64_t operand)
{
    ENTER();
    uintptr_t a = (uintptr_t)addr;
    visit(site, STEP_WRITE, a, size);
    int index = location_open(a, size);
    plain_access(a, size, ACCESS_ATOMIC_WRITE, __builtin_return_address(0));
    struct message *place[MAX_PLACES];
    unsigned pick = choose(places(index, read_limit(index), place));
    uint64_t old = place[pick]->value;
    uint64_t value = operate(site->op, old, operand, size);
    replace(index, place[pick], value, site);
    if (tracing)
        trace("%-6s %-9s %s: 0x%" PRIx64 " -> 0x%" PRIx64 "%s",
              op_name(site->op), order_name(site->order), trace_place(a), old,
              value, pick ? " (before a newer one)" : "");
    return old;
}

/* What a CAS may do with one message. */
struct cas_option {
    struct message *m;
    bool succeeds;
};

static unsigned cas_options(const struct mrm_site *site, int index,
                            uint64_t expected,
                            struct cas_option out[MAX_PLACES])
{
    bool spurious = site->op == MRM_CAS_WEAK_OP && me()->weak_left > 0;
    unsigned n = 0, all = readable(index);
    for (unsigned i = 0; i < all; i++) {
        struct message *m = nth_newest(index, i);
        if (n + 2 > MAX_PLACES)
            engine_limit("more than %d outcomes of a CAS on %s", MAX_PLACES,
                         trace_place(location_at(index)->addr));
        bool equal = m->value == expected;
        if (equal && !m->followed)
            out[n++] = (struct cas_option){m, true};
        if (!equal || spurious)
            out[n++] = (struct cas_option){m, false};
    }
    return n;
}

static unsigned failure_order(const struct mrm_site *site)
{
    bool acquires =
        site->written == MRM_ACQUIRE || site->written == MRM_ACQ_REL;
    return acquires && !site->failure ? MRM_ACQUIRE : MRM_RELAXED;
}

bool mrm_cas(struct mrm_site *site, void *addr, unsigned size,
             uint64_t *expected, uint64_t desired)
{
    ENTER();
    uintptr_t a = (uintptr_t)addr;
    visit(site, STEP_WRITE, a, size);
    int index = location_open(a, size);
    /* The location tells a failed CAS from a write; races do not, since
     * C11 demands writable memory either way. */
    plain_access(a, size, ACCESS_ATOMIC_WRITE, __builtin_return_address(0));
    struct cas_option option[MAX_PLACES];
    unsigned n = cas_options(site, index, *expected, option);
    struct cas_option picked = option[choose(n)];
    if (tracing)
        trace("cas    %-9s %s: 0x%" PRIx64 " -> 0x%" PRIx64
              ": %s, saw 0x%" PRIx64 "%s",
              order_name(site->order), trace_place(a), *expected, desired,
              picked.succeeds ? "done" : "failed", picked.m->value,
              picked.m->newer && !picked.succeeds ? " (stale)" : "");
    if (picked.succeeds) {
        replace(index, picked.m, desired, site);
        return true;
    }
    if (picked.m->value == *expected)
        me()->weak_left--;
    take(index, picked.m, failure_order(site));
    *expected = picked.m->value;
    return false;
}

void mrm_init(void *addr, unsigned size, uint64_t value)
{
    uintptr_t a = (uintptr_t)addr;
    plain_access(a, size, ACCESS_WRITE, __builtin_return_address(0));
    if (size == 4)
        *(uint32_t *)addr = (uint32_t)value;
    else
        *(uint64_t *)addr = value;
}

/* ---- The kernel's look -------------------------------------------------- */

uint32_t memory_kernel_read(uintptr_t addr, uint32_t floor)
{
    struct thread *t = me();
    int index = location_open(addr, 4);
    plain_access(addr, 4, ACCESS_ATOMIC_READ, __builtin_return_address(0));
    if (floor > t->now.seen[index])
        t->now.seen[index] = floor;
    struct message *m = nth_newest(index, choose(readable(index)));
    t->now.seen[index] = m->stamp;
    fence_note(index, m->stamp, false);
    return (uint32_t)m->value;
}
