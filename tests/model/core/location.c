/* Where the model's atomics are, and the history of each: its messages in
 * modification order, with timestamps that leave room between them.
 *
 * Must not know: which message a thread may read, or follow with its own.
 */
#include "core/core.h"

#include <inttypes.h>

struct location location_table[MAX_LOCATIONS];
static unsigned count;

enum { STAMP_GAP = 1 << 14 };

void location_reset(void)
{
    count = 1; /* index 0 is "none" */
}

unsigned location_count(void)
{
    return count;
}

struct message *location_message(uint64_t value, const struct mrm_site *site)
{
    struct message *m = scratch_alloc(sizeof *m);
    *m = (struct message){
        .value = value, .thread = (uint8_t)engine.current, .site = site};
    return m;
}

static uint64_t native_read(uintptr_t addr, unsigned size)
{
    return size == 4 ? *(volatile uint32_t *)addr : *(volatile uint64_t *)addr;
}

/* The cell itself always holds the newest value in modification order: what
 * a plain access after all atomic ones must find there. */
static void native_write(const struct location *l)
{
    if (l->size == 4)
        *(volatile uint32_t *)l->addr = (uint32_t)l->newest->value;
    else
        *(volatile uint64_t *)l->addr = l->newest->value;
}

int location_open(uintptr_t addr, unsigned size)
{
    if (!engine_owns(addr) || !engine_owns(addr + size - 1))
        engine_fail("an atomic outside the model, %#jx: it would survive the "
                    "execution",
                    (uintmax_t)addr);
    int index = plain_location(addr);
    if (index == 0 && size == 8)
        index = plain_location(addr + 4);
    if (index > 0) {
        struct location *l = &location_table[index];
        if (l->addr != addr || l->size != size)
            engine_fail("%s is accessed with %u bytes and with %u",
                        trace_place(addr), l->size, size);
        return index;
    }
    if (addr % size != 0 || (size != 4 && size != 8))
        engine_fail("%s: an atomic of %u bytes, or misaligned",
                    trace_place(addr), size);
    if (count == MAX_LOCATIONS)
        engine_limit("more than %d atomic locations", MAX_LOCATIONS);
    index = (int)count++;
    location_table[index] = (struct location){
        addr, size, location_message(native_read(addr, size), NULL)};
    for (unsigned t = 0; t < engine.threads; t++) {
        engine.thread[t].now.seen[index] = 0;
        engine.thread[t].pending.seen[index] = 0;
    }
    fence_open_location(index);
    plain_set_location(addr, index);
    if (size == 8)
        plain_set_location(addr + 4, index);
    return index;
}

void location_forget(uintptr_t addr, size_t size)
{
    for (uintptr_t a = addr & ~(uintptr_t)3; a < addr + size; a += 4) {
        int index = plain_location(a);
        if (index == 0)
            continue;
        const struct location *l = &location_table[index];
        for (uintptr_t half = l->addr; half < l->addr + l->size; half += 4)
            plain_set_location(half, 0);
        block_forget(l->addr, l->size);
    }
}

void location_insert(int index, struct message *before, struct message *m)
{
    struct location *l = &location_table[index];
    struct message *after = before->newer;
    m->older = before;
    m->newer = after;
    before->newer = m;
    if (after) {
        after->older = m;
        m->stamp = before->stamp + (after->stamp - before->stamp) / 2;
        if (m->stamp == before->stamp)
            engine_limit("too many stores between two stores to %s",
                         trace_place(l->addr));
    } else {
        l->newest = m;
        m->stamp = before->stamp + STAMP_GAP;
    }
    native_write(l);
}
