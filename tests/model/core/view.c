/* What a thread knows.
 *
 * A message's view is immutable once made, so sharing it is free; it lives in
 * scratch memory that one execution fills and the next reuses.
 */
#include "core/core.h"

#include <stdlib.h>
#include <string.h>

static char *scratch;
static size_t scratch_used;
enum { SCRATCH_SIZE = 64 << 20 };

void *scratch_alloc(size_t size)
{
    if (!scratch)
        scratch = malloc(SCRATCH_SIZE);
    size = (size + 15) & ~(size_t)15;
    if (!scratch || scratch_used + size > SCRATCH_SIZE)
        engine_limit("out of memory for one execution");
    void *p = scratch + scratch_used;
    scratch_used += size;
    return p;
}

void scratch_reset(void)
{
    scratch_used = 0;
}

static void join(uint32_t *into, const uint32_t *from, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        into[i] = from[i] > into[i] ? from[i] : into[i];
}

void knowledge_join(struct knowledge *k, const struct view *v)
{
    if (!v)
        return;
    join(k->clock, v->clock, MAX_THREADS);
    join(k->seen, v->seen, v->locations);
}

void knowledge_join_all(struct knowledge *k, const struct knowledge *other,
                        unsigned locations)
{
    join(k->clock, other->clock, MAX_THREADS);
    join(k->seen, other->seen, locations);
}

const struct view *view_of(const struct knowledge *k, unsigned locations)
{
    struct view *v = scratch_alloc(sizeof *v + locations * sizeof v->seen[0]);
    v->locations = locations;
    memcpy(v->clock, k->clock, sizeof v->clock);
    memcpy(v->seen, k->seen, locations * sizeof v->seen[0]);
    return v;
}

const struct view *view_join(const struct view *a, const struct view *b)
{
    if (!a || !b)
        return a ? a : b;
    if (a->locations < b->locations) {
        const struct view *swap = a;
        a = b;
        b = swap;
    }
    struct view *v =
        scratch_alloc(sizeof *v + a->locations * sizeof v->seen[0]);
    memcpy(v, a, sizeof *v + a->locations * sizeof v->seen[0]);
    join(v->clock, b->clock, MAX_THREADS);
    join(v->seen, b->seen, b->locations);
    return v;
}
