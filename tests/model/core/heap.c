/* Blocks that can die. A block is never handed out twice in an execution, so
 * that a late access to a freed one is always seen; reuse of addresses by an
 * allocator (and the ABA it brings) is a model's own business. */
#include "core/core.h"

#include <string.h>

enum { MAX_BLOCKS = 256, GAP = 32 };

struct block {
    uintptr_t addr;
    size_t size;
    unsigned thread;
    bool alive, kept;
};

static struct block blocks[MAX_BLOCKS];
static unsigned count;
static uintptr_t base;
static size_t share; /* bytes per thread */
static size_t used[MAX_THREADS], dirty[MAX_THREADS];

void heap_open(uintptr_t from, size_t size)
{
    base = from;
    share = size / MAX_THREADS & ~(size_t)63;
}

void heap_reset(void)
{
    count = 0;
    for (unsigned t = 0; t < MAX_THREADS; t++) {
        memset((void *)(base + t * share), 0, dirty[t]);
        used[t] = dirty[t] = 0;
    }
}

void *heap_alloc(size_t size)
{
    unsigned t = engine.current;
    size_t whole = (size + GAP + 63) & ~(size_t)63;
    if (count == MAX_BLOCKS || used[t] + whole > share)
        engine_limit("the model's heap is full");
    uintptr_t addr = base + t * share + used[t];
    used[t] += whole;
    dirty[t] = used[t];
    plain_mark(addr + size, whole - size, false);
    blocks[count++] = (struct block){addr, size, t, true, false};
    return (void *)addr;
}

void *heap_open_state(size_t size)
{
    void *p = heap_alloc(size);
    blocks[0].kept = true;
    return p;
}

static struct block *find(uintptr_t addr)
{
    for (unsigned i = 0; i < count; i++)
        if (blocks[i].addr == addr)
            return &blocks[i];
    return NULL;
}

void heap_free(void *p)
{
    ENTER();
    if (!p)
        return;
    struct block *b = find((uintptr_t)p);
    if (!b)
        engine_fail("free of an address that is no block: %p", p);
    engine_point((struct step){STEP_FREE, b->addr, b->addr + b->size});
    if (!b->alive)
        engine_fail("block %s freed twice", trace_place(b->addr));
    plain_access(b->addr, b->size, ACCESS_FREE, __builtin_return_address(0));
    b->alive = false;
    plain_mark(b->addr, b->size, false);
    if (tracing)
        trace("free   %s", trace_place(b->addr));
}

void heap_check_leaks(void)
{
    for (unsigned i = 0; i < count; i++)
        if (blocks[i].alive && !blocks[i].kept)
            engine_fail("leak: %s, %zu bytes, allocated by %s",
                        trace_place(blocks[i].addr), blocks[i].size,
                        trace_thread(blocks[i].thread));
}
