/* Fences, and the one order that they must all agree on.
 *
 * RC11 asks that some order of all seq_cst fences exists in which a fence F
 * comes before a fence G whenever
 *
 *   (1) F happens before G, or
 *   (2) something that F happens before is coherence-ordered (eco: it reads
 *       older, or is older, or is read) before something that happens before G.
 *
 * So psc, the relation of these pairs, must have no cycle. The order in which
 * an execution takes its fences is one candidate, and not the only one: it may
 * be contradicted by a chain of relaxed reads that psc does not count,
 *
 *     z = 1; fence; x = 1  |  if x: y = 1  |  if y: fence; r = z
 *
 * where r = 0 is allowed. So nothing follows from when a fence executes. The
 * pairs are kept as a graph that grows as the execution goes on, and an access
 * that would close a cycle is not an option: that is what fence_floor tells.
 * It follows that a fence commutes with every step of another thread, and is
 * no step of its own.
 *
 * A pair becomes known either when G executes, or when an access after F
 * reads, or stands, behind what G knew. For the first, each fence keeps the
 * oldest that was read and written after it; for the second, what it knew.
 *
 * Light and heavy fences (C++ paper P1202, Concurrency TS 2) are nodes too. A
 * heavy one is a seq_cst one besides; a light one pairs with heavy ones only.
 */
#include "core/core.h"

#include <string.h>

/* A set of fences, by index. */
typedef unsigned __int128 fence_set;
enum { MAX_FENCES = 128, KINDS = 3 };

enum fence_kind { SEQ_CST, LIGHT, HEAVY };

static struct fence {
    enum fence_kind kind;
    unsigned thread;
    uint32_t clock;   /* its thread's, then */
    fence_set before; /* itself and all that psc puts before it */
    /* Per location, as stamps: the newest that happens before; the oldest
     * that what it happens before has read from, or written. */
    uint32_t known[MAX_LOCATIONS], read[MAX_LOCATIONS], wrote[MAX_LOCATIONS];
} fences[MAX_FENCES];
static unsigned count;
static fence_set of_kind[KINDS];

void fence_reset(void)
{
    count = 0;
    memset(of_kind, 0, sizeof of_kind);
}

void fence_open_location(int index)
{
    for (unsigned i = 0; i < count; i++) {
        fences[i].known[index] = 0;
        fences[i].read[index] = fences[i].wrote[index] = UINT32_MAX;
    }
}

static fence_set one(unsigned i)
{
    return (fence_set)1 << i;
}

static unsigned take_lowest(fence_set *set)
{
    uint64_t low = (uint64_t)*set;
    unsigned i = low ? (unsigned)__builtin_ctzll(low)
                     : 64 + (unsigned)__builtin_ctzll((uint64_t)(*set >> 64));
    *set &= *set - 1;
    return i;
}

/* Those that a fence of this kind makes pairs with. */
static fence_set partners(enum fence_kind kind)
{
    fence_set strong = of_kind[SEQ_CST] | of_kind[HEAVY];
    return kind == SEQ_CST ? strong
           : kind == LIGHT ? of_kind[HEAVY]
                           : strong | of_kind[LIGHT];
}

static bool happens_before(const struct fence *f, const struct thread *t)
{
    return t->now.clock[f->thread] >= f->clock;
}

/* ---- Accesses ----------------------------------------------------------- */

uint32_t fence_floor(int index)
{
    fence_set ahead = 0;
    uint32_t floor = 0;
    for (unsigned i = 0; i < count; i++)
        if (happens_before(&fences[i], me()))
            ahead |= fences[i].before & partners(fences[i].kind);
    while (ahead) {
        uint32_t known = fences[take_lowest(&ahead)].known[index];
        floor = known > floor ? known : floor;
    }
    return floor;
}

static void put_before(unsigned a, unsigned b)
{
    if (fences[b].before & one(a))
        return;
    if (fences[a].before & one(b))
        engine_limit("it let seq_cst fences contradict each other");
    for (unsigned i = 0; i < count; i++)
        if (fences[i].before & one(b))
            fences[i].before |= fences[a].before;
}

/* Fence i happens before an access to a message older than some. */
static void put_before_those_that_knew_newer(unsigned i, int index,
                                             uint32_t stamp)
{
    for (fence_set p = partners(fences[i].kind); p;) {
        unsigned g = take_lowest(&p);
        if (stamp < fences[g].known[index])
            put_before(i, g);
    }
}

void fence_note(int index, uint32_t stamp, bool writes)
{
    bool newest = stamp == location_at(index)->newest->stamp;
    for (unsigned i = 0; i < count; i++) {
        struct fence *f = &fences[i];
        if (!happens_before(f, me()))
            continue;
        uint32_t *oldest = writes ? &f->wrote[index] : &f->read[index];
        *oldest = stamp < *oldest ? stamp : *oldest;
        if (!newest)
            put_before_those_that_knew_newer(i, index, stamp);
    }
}

/* ---- Fences ------------------------------------------------------------- */

/* Is something after f coherence-ordered before something that g knows? What
 * was read is older when it is strictly so; what was written, also when it is
 * the very message that was read there. */
static bool coherence_before(const struct fence *f, const struct fence *g)
{
    for (unsigned i = 1; i < location_count(); i++)
        if (f->read[i] < g->known[i] || f->wrote[i] <= g->known[i])
            return true;
    return false;
}

static void add(enum fence_kind kind)
{
    struct thread *t = me();
    if (count == MAX_FENCES)
        engine_limit("more than %d fences in one execution", MAX_FENCES);
    struct fence *g = &fences[count];
    size_t size = location_count() * sizeof g->known[0];
    g->kind = kind;
    g->thread = engine.current;
    g->clock = t->now.clock[engine.current];
    g->before = one(count);
    memcpy(g->known, t->now.seen, size);
    memset(g->read, 0xff, size);
    memset(g->wrote, 0xff, size);
    for (fence_set p = partners(kind); p;) {
        const struct fence *f = &fences[take_lowest(&p)];
        if (happens_before(f, t) || coherence_before(f, g))
            g->before |= f->before;
    }
    of_kind[kind] |= one(count++);
}

static void acquire_pending(struct thread *t)
{
    knowledge_join_all(&t->now, &t->pending, location_count());
}

static void release(struct thread *t)
{
    t->released = view_of(&t->now, location_count());
    t->now.clock[engine.current]++;
}

static void full_fence(enum fence_kind kind)
{
    acquire_pending(me());
    add(kind);
    release(me());
}

void mrm_fence(struct mrm_site *site)
{
    ENTER();
    site->executions++;
    spin_left();
    if (site->order == MRM_SEQ_CST)
        full_fence(SEQ_CST);
    if (site->order == MRM_ACQUIRE || site->order == MRM_ACQ_REL)
        acquire_pending(me());
    if (site->order == MRM_RELEASE || site->order == MRM_ACQ_REL)
        release(me());
    if (tracing)
        trace("fence  %s", order_name(site->order));
}

/* Where membarrier is denied both sides are seq_cst fences. Weakened by a
 * mutation: a light fence is gone, a heavy one is an ordinary seq_cst one. */
void mrm_barrier(struct mrm_site *site, bool membarrier)
{
    ENTER();
    bool is_light = site->op == MRM_LIGHT_OP;
    site->executions++;
    if (is_light && site->order == MRM_NONE)
        return;
    bool fence = !membarrier || (!is_light && site->order != MRM_SEQ_CST);
    if (fence || !is_light) {
        full_fence(fence ? SEQ_CST : HEAVY);
    } else {
        add(LIGHT);
        me()->now.clock[engine.current]++;
    }
    if (tracing)
        trace("%s%s", is_light ? "light barrier" : "heavy barrier",
              fence ? " (as a fence)" : "");
}
