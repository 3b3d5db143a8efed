/* Plain memory: who touched which bytes when, so that two accesses that race,
 * and any access to memory that is gone, are seen in whichever order this
 * execution happens to run them.
 *
 * Per granule of 8 bytes a list of accesses, each (thread, its clock, bytes,
 * kind). An access races with an earlier one of another thread on a common
 * byte when one of the two writes, not both are atomic, and the later
 * thread's knowledge does not include the earlier one's clock (vector clocks,
 * as in FastTrack, Flanagan and Freund, PLDI 2009, but without its epochs:
 * the lists are short).
 *
 * A plain write ordered after everything else takes the place of all it
 * covers: whoever is ordered after it is ordered after them.
 */
#include "core/core.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MAX_ACCESSES = 24 };

struct access {
    const void *pc;
    uint32_t clock;
    uint8_t thread, mask, kind;
};

struct cell {
    uint32_t epoch; /* stale when not the current one */
    uint8_t dead;   /* bytes that may not be touched */
    uint8_t count;
    uint16_t location[2]; /* of the atomic in each half */
    struct access access[MAX_ACCESSES];
};

static struct cell *cells;
static uintptr_t base;
static size_t bytes;
static uint32_t epoch;

int plain_open(uintptr_t from, size_t size)
{
    base = from;
    bytes = size;
    cells = mmap(NULL, size / 8 * sizeof *cells, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return cells == MAP_FAILED ? -1 : 0;
}

void plain_reset(void)
{
    epoch++;
}

static struct cell *cell_of(uintptr_t addr)
{
    struct cell *c = &cells[(addr - base) >> 3];
    if (c->epoch != epoch) {
        c->epoch = epoch;
        c->count = 0;
        c->dead = 0;
        c->location[0] = c->location[1] = 0;
    }
    return c;
}

int plain_location(uintptr_t addr)
{
    return cell_of(addr)->location[(addr >> 2) & 1];
}

void plain_set_location(uintptr_t addr, int index)
{
    cell_of(addr)->location[(addr >> 2) & 1] = (uint16_t)index;
}

/* Bytes of [addr, addr + size) that lie in the granule at g. */
static uint8_t mask_in(uintptr_t g, uintptr_t addr, size_t size)
{
    unsigned from = addr > g ? (unsigned)(addr - g) : 0;
    unsigned to = addr + size < g + 8 ? (unsigned)(addr + size - g) : 8;
    return (uint8_t)(((1u << to) - 1) & ~((1u << from) - 1));
}

void plain_mark(uintptr_t addr, size_t size, bool alive)
{
    for (uintptr_t g = addr & ~(uintptr_t)7; g < addr + size; g += 8) {
        uint8_t mask = mask_in(g, addr, size);
        struct cell *c = cell_of(g);
        c->dead = alive ? c->dead & (uint8_t)~mask : c->dead | mask;
    }
}

static bool conflicts(unsigned a, unsigned b)
{
    const unsigned atomic = ACCESS_ATOMIC_READ | ACCESS_ATOMIC_WRITE;
    const unsigned reads = ACCESS_READ | ACCESS_ATOMIC_READ;
    return !((a & atomic) && (b & atomic)) && !((a & reads) && (b & reads));
}

static const char *kind_name(unsigned kind)
{
    return kind == ACCESS_READ           ? "plain read"
           : kind == ACCESS_WRITE        ? "plain write"
           : kind == ACCESS_ATOMIC_READ  ? "atomic read"
           : kind == ACCESS_ATOMIC_WRITE ? "atomic write"
                                         : "free";
}

static void check_race(const struct cell *c, uintptr_t g, uint8_t mask,
                       unsigned kind, const void *pc)
{
    const struct thread *t = me();
    for (unsigned i = 0; i < c->count; i++) {
        const struct access *a = &c->access[i];
        if (a->thread == engine.current || !(a->mask & mask) ||
            !conflicts(a->kind, kind) || t->now.clock[a->thread] >= a->clock)
            continue;
        engine_fail("data race on %s: %s by %s at %s, %s by %s at %s",
                    trace_place(g + (unsigned)__builtin_ctz(a->mask & mask)),
                    kind_name(a->kind), trace_thread(a->thread),
                    trace_code(a->pc), kind_name(kind),
                    trace_thread(engine.current), trace_code(pc));
    }
}

static void check_alive(const struct cell *c, uintptr_t g, uint8_t mask,
                        unsigned kind, const void *pc)
{
    bool gone = false;
    if (c->dead & mask)
        engine_fail("%s of dead memory %s by %s at %s", kind_name(kind),
                    trace_place(g), trace_thread(engine.current),
                    trace_code(pc));
    int owner = engine_stack_of(g, &gone);
    if (owner < 0 || owner == (int)engine.current)
        return;
    engine.thread[owner].shared = true;
    if (gone)
        engine_fail("%s of dead memory: a frame that %s has left, by %s at %s",
                    kind_name(kind), trace_thread((unsigned)owner),
                    trace_thread(engine.current), trace_code(pc));
}

static void leave_cell(struct cell *c, uintptr_t g)
{
    const struct thread *t = me();
    for (unsigned i = 0; i < c->count; i++) {
        const struct access *a = &c->access[i];
        if (a->thread != engine.current && t->now.clock[a->thread] < a->clock)
            engine_fail("%s leaves a frame with %s, which %s may yet touch: "
                        "nothing orders its %s at %s before",
                        trace_thread(engine.current), trace_place(g),
                        trace_thread(a->thread), kind_name(a->kind),
                        trace_code(a->pc));
    }
    c->count = 0;
    c->location[0] = c->location[1] = 0;
}

void plain_leave(uintptr_t low, uintptr_t high)
{
    if (!me()->shared)
        return;
    for (uintptr_t g = low & ~(uintptr_t)7; g < high; g += 8)
        if (cells[(g - base) >> 3].epoch == epoch)
            leave_cell(cell_of(g), g);
}

static void record(struct cell *c, uint8_t mask, unsigned kind, const void *pc)
{
    unsigned kept = 0;
    bool covers = kind == ACCESS_WRITE || kind == ACCESS_FREE;
    for (unsigned i = 0; i < c->count; i++) {
        struct access *a = &c->access[i];
        bool within = !(a->mask & ~mask);
        bool mine = a->thread == engine.current && a->kind == kind;
        if (!(within && (covers || mine)))
            c->access[kept++] = *a;
    }
    c->count = (uint8_t)kept;
    if (kept == MAX_ACCESSES)
        engine_limit("more than %d kinds of access to eight bytes",
                     MAX_ACCESSES);
    c->access[c->count++] =
        (struct access){pc, me()->now.clock[engine.current],
                        (uint8_t)engine.current, mask, (uint8_t)kind};
}

void plain_access(uintptr_t addr, size_t size, enum access_kind kind,
                  const void *pc)
{
    if (!engine_owns(addr)) {
        if (kind != ACCESS_READ)
            engine_fail("%s of memory outside the model, at %s: it would "
                        "survive the execution",
                        kind_name(kind), trace_code(pc));
        return;
    }
    for (uintptr_t g = addr & ~(uintptr_t)7; g < addr + size; g += 8) {
        struct cell *c = cell_of(g);
        uint8_t mask = mask_in(g, addr, size);
        check_alive(c, g, mask, kind, pc);
        check_race(c, g, mask, kind, pc);
        record(c, mask, kind, pc);
    }
    if (kind == ACCESS_WRITE || kind == ACCESS_FREE)
        location_forget(addr, size);
}
