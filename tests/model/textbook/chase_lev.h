/* A Chase-Lev work-stealing deque, written to be checked: the owner pushes and
 * takes at the bottom, anybody steals at the top, the array grows.
 *
 * Chase and Lev, SPAA 2005; the C11 orders are those of Le, Pop, Cohen, Zappa
 * Nardelli, PPoPP 2013. It is not part of the library: it stands here so that
 * the checker can be seen to find this field's classic bugs, and as the
 * simplest reference for the library's own deque.
 */
#ifndef TEXTBOOK_CHASE_LEV_H
#define TEXTBOOK_CHASE_LEV_H

#include "base/atomic.h"

#include <stddef.h>

struct chase_lev_array {
    uint64_t capacity;               /* a power of two */
    struct chase_lev_array *smaller; /* retired: a thief may still read it */
    mri_atomic_u64 slot[];
};

struct chase_lev {
    mri_atomic_u64 top;    /* next to steal; only ever grows, by CAS */
    mri_atomic_u64 bottom; /* next free; the owner alone writes it */
    mri_atomic(struct chase_lev_array *) array; /* the owner alone writes it */
};

#define CHASE_LEV_EMPTY UINT64_MAX
#define CHASE_LEV_LOST (UINT64_MAX - 1) /* somebody else was faster */

void chase_lev_open(struct chase_lev *d, uint64_t capacity);
void chase_lev_close(struct chase_lev *d); /* nobody else uses it any more */

void chase_lev_push(struct chase_lev *d, uint64_t value); /* owner */
uint64_t chase_lev_take(struct chase_lev *d);             /* owner */
uint64_t chase_lev_steal(struct chase_lev *d);            /* anybody */

#endif
