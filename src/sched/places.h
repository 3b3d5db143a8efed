/* Who is near whom: workers on CPUs that share a cache, a socket, a memory
 * node. Who steals asks those first.
 *
 * A level says of each CPU with which others it shares something: the smaller
 * the level, the fewer. Levels at which all CPUs are together, or each is
 * alone, or that say the same as the one before, tell nobody anything and are
 * left out; so where there is one cache for all there is no level.
 *
 * Must not know: what is stolen.
 */
#ifndef MRI_SCHED_PLACES_H
#define MRI_SCHED_PLACES_H

#include "os/cpus.h"

#include "base/compiler.h"
#include <stdint.h>

enum { MRI_PLACES_LEVELS = 4 };

/* Zero: nobody is near anybody. Constant once it is open. */
typedef struct mri_places {
    uint32_t levels;
    uint32_t cpus; /* numbers below this are known */
    int *key;      /* levels * cpus: those with equal keys share; -1: none */
} mri_places;

/* How many bytes of memory the places of these CPUs take. */
size_t mri_places_size(const mri_cpus *cpus);

/* In memory of that size and an int's alignment, which is theirs. */
void mri_places_open(mri_places *places, const mri_cpus *cpus, void *memory);

/* Whether two CPUs, by the kernel's numbers, share something at a level; of one
 * that is not known (a negative number, too) nobody is near. */
MRI_INLINE bool mri_places_near(const mri_places *places, uint32_t level, int a,
                                int b)
{
    /* Negative ones are large. */
    if ((uint32_t)a >= places->cpus || (uint32_t)b >= places->cpus)
        return false;
    const int *key = places->key + (size_t)level * places->cpus;
    return key[a] >= 0 && key[a] == key[b];
}

#endif
