/* The door between code under test and the checker: what the shadow headers
 * call. Included by instrumented code, so it declares and nothing more. */
#ifndef MODEL_CORE_SITE_H
#define MODEL_CORE_SITE_H

#include <stdbool.h>
#include <stdint.h>

enum mrm_order {
    MRM_NONE, /* a fence that is not there */
    MRM_RELAXED,
    MRM_ACQUIRE,
    MRM_RELEASE,
    MRM_ACQ_REL,
    MRM_SEQ_CST
};

enum mrm_op {
    MRM_LOAD_OP,
    MRM_STORE_OP,
    MRM_SWAP_OP,
    MRM_ADD_OP,
    MRM_SUB_OP,
    MRM_OR_OP,
    MRM_AND_OP,
    MRM_CAS_OP,
    MRM_CAS_WEAK_OP,
    MRM_FENCE_OP,
    MRM_LIGHT_OP,
    MRM_HEAVY_OP
};

/* One operation in the text of the sources. */
struct mrm_site {
    const char *file;
    int line;
    uint8_t op;          /* enum mrm_op */
    uint8_t written;     /* the order in the source */
    uint8_t order;       /* the order in force: mutations change it */
    uint8_t failure;     /* of a CAS: failure order weakened to relaxed */
    uint64_t executions; /* how often it ran */
};

/* Values are widened to 64 bits; `size` is 4 or 8. */
void mrm_init(void *addr, unsigned size, uint64_t value);
uint64_t mrm_load(struct mrm_site *site, const void *addr, unsigned size);
void mrm_store(struct mrm_site *site, void *addr, unsigned size,
               uint64_t value);
uint64_t mrm_rmw(struct mrm_site *site, void *addr, unsigned size,
                 uint64_t operand);
bool mrm_cas(struct mrm_site *site, void *addr, unsigned size,
             uint64_t *expected, uint64_t desired);
void mrm_fence(struct mrm_site *site);
void mrm_barrier(struct mrm_site *site, bool membarrier);
void mrm_pause(void);

#endif
