/* base/atomic.h as the model checker sees it: the same names, each operation
 * handed to the checker together with the place it stands at.
 *
 * A place (struct mrm_site) is a static record in a section of its own, so
 * that the checker knows all places of the sources under test, also those no
 * execution reached, and can weaken the order of any one of them at run time:
 * that is what the mutation driver does, without compiling anything.
 */
#ifndef MRI_BASE_ATOMIC_H
#define MRI_BASE_ATOMIC_H

#include "base/compiler.h"

#include "core/site.h"

#include <stdbool.h>
#include <stdint.h>

#define mri_atomic(T)                                                          \
    struct {                                                                   \
        T cell;                                                                \
    }

typedef mri_atomic(uint32_t) mri_atomic_u32;
typedef mri_atomic(uint64_t) mri_atomic_u64;
typedef mri_atomic(uintptr_t) mri_atomic_uptr;
typedef mri_atomic(void *) mri_atomic_ptr;

/* An operation in the argument of another: the inner names are meant. */
#pragma GCC diagnostic ignored "-Wshadow"

#define MRM_SITE(op_, order_)                                                  \
    static struct mrm_site site_ __attribute__((                               \
        section("mrm_sites"), used, aligned(8))) = {.file = __FILE__,          \
                                                    .line = __LINE__,          \
                                                    .op = (op_),               \
                                                    .written = (order_),       \
                                                    .order = (order_)}

#define MRM_TYPE(a) __typeof__((a)->cell)
#define MRM_WORD(a, v)                                                         \
    ({                                                                         \
        MRM_TYPE(a) word_ = (v);                                               \
        (uint64_t)(word_);                                                     \
    })
#define MRM_BACK(a, w) ((MRM_TYPE(a))(uintptr_t)(w))

#define mri_init(a, v) mrm_init(&(a)->cell, sizeof((a)->cell), MRM_WORD(a, v))

#define MRM_LOAD(a, order)                                                     \
    ({                                                                         \
        MRM_SITE(MRM_LOAD_OP, order);                                          \
        MRM_BACK(a, mrm_load(&site_, &(a)->cell, sizeof((a)->cell)));          \
    })
#define mri_load_relaxed(a) MRM_LOAD(a, MRM_RELAXED)
#define mri_load_acquire(a) MRM_LOAD(a, MRM_ACQUIRE)

#define MRM_STORE(a, v, order)                                                 \
    ({                                                                         \
        MRM_SITE(MRM_STORE_OP, order);                                         \
        mrm_store(&site_, &(a)->cell, sizeof((a)->cell), MRM_WORD(a, v));      \
    })
#define mri_store_relaxed(a, v) MRM_STORE(a, v, MRM_RELAXED)
#define mri_store_release(a, v) MRM_STORE(a, v, MRM_RELEASE)

#define MRM_RMW(a, v, op, order)                                               \
    ({                                                                         \
        MRM_SITE(op, order);                                                   \
        MRM_BACK(a, mrm_rmw(&site_, &(a)->cell, sizeof((a)->cell),             \
                            MRM_WORD(a, v)));                                  \
    })
#define mri_swap_relaxed(a, v) MRM_RMW(a, v, MRM_SWAP_OP, MRM_RELAXED)
#define mri_swap_acquire(a, v) MRM_RMW(a, v, MRM_SWAP_OP, MRM_ACQUIRE)
#define mri_swap_release(a, v) MRM_RMW(a, v, MRM_SWAP_OP, MRM_RELEASE)
#define mri_swap_acq_rel(a, v) MRM_RMW(a, v, MRM_SWAP_OP, MRM_ACQ_REL)
#define mri_add_relaxed(a, v) MRM_RMW(a, v, MRM_ADD_OP, MRM_RELAXED)
#define mri_add_acquire(a, v) MRM_RMW(a, v, MRM_ADD_OP, MRM_ACQUIRE)
#define mri_add_release(a, v) MRM_RMW(a, v, MRM_ADD_OP, MRM_RELEASE)
#define mri_add_acq_rel(a, v) MRM_RMW(a, v, MRM_ADD_OP, MRM_ACQ_REL)
#define mri_sub_relaxed(a, v) MRM_RMW(a, v, MRM_SUB_OP, MRM_RELAXED)
#define mri_sub_acquire(a, v) MRM_RMW(a, v, MRM_SUB_OP, MRM_ACQUIRE)
#define mri_sub_release(a, v) MRM_RMW(a, v, MRM_SUB_OP, MRM_RELEASE)
#define mri_sub_acq_rel(a, v) MRM_RMW(a, v, MRM_SUB_OP, MRM_ACQ_REL)
#define mri_or_relaxed(a, v) MRM_RMW(a, v, MRM_OR_OP, MRM_RELAXED)
#define mri_or_acquire(a, v) MRM_RMW(a, v, MRM_OR_OP, MRM_ACQUIRE)
#define mri_or_release(a, v) MRM_RMW(a, v, MRM_OR_OP, MRM_RELEASE)
#define mri_or_acq_rel(a, v) MRM_RMW(a, v, MRM_OR_OP, MRM_ACQ_REL)
#define mri_and_relaxed(a, v) MRM_RMW(a, v, MRM_AND_OP, MRM_RELAXED)
#define mri_and_acquire(a, v) MRM_RMW(a, v, MRM_AND_OP, MRM_ACQUIRE)
#define mri_and_release(a, v) MRM_RMW(a, v, MRM_AND_OP, MRM_RELEASE)
#define mri_and_acq_rel(a, v) MRM_RMW(a, v, MRM_AND_OP, MRM_ACQ_REL)

#define MRM_CAS(a, expected, desired, op, order)                               \
    ({                                                                         \
        MRM_SITE(op, order);                                                   \
        __typeof__(expected) expected_ = (expected);                           \
        uint64_t seen_ = MRM_WORD(a, *expected_);                              \
        bool done_ = mrm_cas(&site_, &(a)->cell, sizeof((a)->cell), &seen_,    \
                             MRM_WORD(a, desired));                            \
        if (!done_)                                                            \
            *expected_ = MRM_BACK(a, seen_);                                   \
        done_;                                                                 \
    })
#define mri_cas_relaxed(a, e, d) MRM_CAS(a, e, d, MRM_CAS_OP, MRM_RELAXED)
#define mri_cas_acquire(a, e, d) MRM_CAS(a, e, d, MRM_CAS_OP, MRM_ACQUIRE)
#define mri_cas_release(a, e, d) MRM_CAS(a, e, d, MRM_CAS_OP, MRM_RELEASE)
#define mri_cas_acq_rel(a, e, d) MRM_CAS(a, e, d, MRM_CAS_OP, MRM_ACQ_REL)
#define mri_cas_weak_relaxed(a, e, d)                                          \
    MRM_CAS(a, e, d, MRM_CAS_WEAK_OP, MRM_RELAXED)
#define mri_cas_weak_acquire(a, e, d)                                          \
    MRM_CAS(a, e, d, MRM_CAS_WEAK_OP, MRM_ACQUIRE)
#define mri_cas_weak_release(a, e, d)                                          \
    MRM_CAS(a, e, d, MRM_CAS_WEAK_OP, MRM_RELEASE)
#define mri_cas_weak_acq_rel(a, e, d)                                          \
    MRM_CAS(a, e, d, MRM_CAS_WEAK_OP, MRM_ACQ_REL)

#define MRM_FENCE(op, order)                                                   \
    ({                                                                         \
        MRM_SITE(op, order);                                                   \
        mrm_fence(&site_);                                                     \
    })
#define mri_fence_acquire() MRM_FENCE(MRM_FENCE_OP, MRM_ACQUIRE)
#define mri_fence_release() MRM_FENCE(MRM_FENCE_OP, MRM_RELEASE)
#define mri_fence_seq_cst() MRM_FENCE(MRM_FENCE_OP, MRM_SEQ_CST)

#define mri_pause() mrm_pause()

#endif
