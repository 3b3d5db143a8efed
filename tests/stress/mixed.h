/* What the parts of the mixed load share: a round that ends, numbers from a
 * seed, and bytes that say where they belong. */
#ifndef TESTS_STRESS_MIXED_H
#define TESTS_STRESS_MIXED_H

#include <millrace.h>

#include "test.h"

typedef struct mixed {
    int64_t end;           /* when the round does */
    int64_t pause;         /* the longest of one who is slow */
    const char *where;     /* a directory */
    mr_handle listener[3]; /* negative: this machine has none */
    mr_address at[3];
    mr_handle datagrams;
    mr_address datagrams_at;
} mixed;

/* Something done once, and all of it checked. */
typedef void (*mixed_step)(const mixed *m, uint64_t *seed);

typedef struct mixed_kind {
    const char *name;
    mixed_step step;
    int tasks; /* that do it at the same time */
    int64_t done;
} mixed_kind;

extern mixed_kind mixed_net[], mixed_local[]; /* the last has no name */

/* Whoever echoes, until all listeners are closed. */
void mixed_listen(mixed *m);
int64_t mixed_serve(void *m);
void mixed_close(const mixed *m);

static inline uint64_t mixed_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static inline unsigned mixed_below(uint64_t *seed, unsigned n)
{
    return (unsigned)(mixed_next(seed) >> 33) % n;
}

/* Each byte says whose it is, and how far. */
static inline char mixed_byte(uint64_t id, uint64_t at)
{
    return (char)((id * 0x9e3779b97f4a7c15 + at * 2654435761U) >> 24);
}

static inline void mixed_fill(char *buf, size_t n, uint64_t id, uint64_t at)
{
    for (size_t i = 0; i < n; i++)
        buf[i] = mixed_byte(id, at + i);
}

static inline void mixed_expect(const char *buf, size_t n, uint64_t id,
                                uint64_t at)
{
    for (size_t i = 0; i < n; i++)
        EXPECT_EQ(buf[i], mixed_byte(id, at + i));
}

#endif
