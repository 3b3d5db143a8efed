/* os/barrier.h as the model checker sees it. With .membarrier true the pair
 * has exactly the meaning of C++ paper P1202, no more: two light fences order
 * nothing, and a light fence alone orders nothing. With it false both sides
 * are seq_cst fences, as in the product. */
#ifndef MRI_OS_BARRIER_H
#define MRI_OS_BARRIER_H

#include "base/atomic.h"

typedef struct mri_barrier {
    bool membarrier;
    int denied;
} mri_barrier;

#define mri_barrier_light(barrier)                                             \
    ({                                                                         \
        MRM_SITE(MRM_LIGHT_OP, MRM_SEQ_CST);                                   \
        mrm_barrier(&site_, (barrier)->membarrier);                            \
    })

#define mri_barrier_heavy(barrier)                                             \
    ({                                                                         \
        MRM_SITE(MRM_HEAVY_OP, MRM_SEQ_CST);                                   \
        mrm_barrier(&site_, (barrier)->membarrier);                            \
    })

/* A model that wants membarrier denied sets the field itself. */
MRI_INLINE void mri_barrier_open(mri_barrier *barrier)
{
    *barrier = (mri_barrier){.membarrier = true};
}
#define mri_light_fence()                                                      \
    ({                                                                         \
        MRM_SITE(MRM_LIGHT_OP, MRM_SEQ_CST);                                   \
        mrm_barrier(&site_, true);                                             \
    })

#endif
