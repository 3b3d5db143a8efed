/* An asymmetric fence: nothing on the side that runs often, membarrier(2) on
 * the side that runs seldom. Together they act as two seq_cst fences would
 * (C++ paper P1202): of a light one in thread A and a heavy one in thread B,
 * either what A did before is seen by B after, or what B did before is seen
 * by A after. Two light ones order nothing.
 *
 * Where membarrier is missing or denied (seccomp, old kernel), the light side
 * pays a real fence. Cost on Zen 4, Linux 6.18: heavy 0.5 us alone, 9 us with
 * a running sibling, 1.8 ms at worst; never hold a lock across it.
 *
 * The model checker puts tests/model/shadow/os/barrier.h in this file's place.
 *
 * Must not know: what is ordered.
 */
#ifndef MRI_OS_BARRIER_H
#define MRI_OS_BARRIER_H

#include "base/atomic.h"
#include "base/compiler.h"

/* Written by mri_barrier_open, then read-only. */
typedef struct mri_barrier {
    bool membarrier; /* false: both sides are seq_cst fences */
    int denied;      /* the code of the refusal, 0 when membarrier is used */
} mri_barrier;

/* Find out, and register the process for expedited barriers. Cannot fail:
 * what is denied falls back. Any thread; repeating it is harmless. */
void mri_barrier_open(mri_barrier *barrier);

/* The rare side. Should the kernel refuse what it granted when opening, the
 * program stops: the light sides rely on it already. */
void mri_barrier_heavy(const mri_barrier *barrier);

/* The frequent side: what stands before it is not reordered with what stands
 * after it, as seen by whoever executes the heavy side. */
MRI_INLINE void mri_barrier_light(const mri_barrier *barrier)
{
    if (mri_likely(barrier->membarrier))
        __asm__ volatile("" ::: "memory");
    else
        mri_fence_seq_cst();
}

/* The light side alone, for code that takes another path altogether where
 * there is no membarrier. */
#define mri_light_fence() __asm__ volatile("" ::: "memory")

#endif
