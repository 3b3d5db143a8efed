/* Every atomic operation of the library, with its order in its name.
 *
 * No other file touches a shared word by other means, so that one header can
 * be exchanged as a whole: natively these are the compiler's builtins; under
 * ThreadSanitizer, which does not understand fences, relaxed operations turn
 * into ordered ones; and the model checker puts tests/model/shadow/base/
 * atomic.h in this file's place (same names, checked by a test).
 *
 * The vocabulary is small on purpose:
 *  - There are no sequentially consistent loads and stores. What needs a
 *    total order says so with mri_fence_seq_cst(), whose meaning under C11
 *    (RC11, Lahav et al., PLDI 2017) is simple and checked exactly.
 *    A seq_cst read-modify-write is not a fence in C11, although it happens
 *    to be one on x86: oneTBB#2136 hung on AArch64 by relying on that.
 *  - The failure order of a compare-and-swap is its order without release.
 *  - Fences appear as acquire, release, seq_cst. An asymmetric pair, light
 *    on one side and heavy on the other, lives in os/barrier.h.
 *
 * Must not know: which structures use it.
 */
#ifndef MRI_BASE_ATOMIC_H
#define MRI_BASE_ATOMIC_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

/* A word that threads share. T is an integer or a pointer of 4 or 8 bytes. */
#define mri_atomic(T)                                                          \
    struct {                                                                   \
        T cell;                                                                \
    }

typedef mri_atomic(uint32_t) mri_atomic_u32;
typedef mri_atomic(uint64_t) mri_atomic_u64;
typedef mri_atomic(uintptr_t) mri_atomic_uptr;
typedef mri_atomic(void *) mri_atomic_ptr;

/* TSan: a release or acquire that the code expresses by a fence is given to
 * every relaxed access around it instead. That hides a relaxed access that
 * lacks its fence; finding those is the model checker's task, not TSan's. */
#if MRI_TSAN
#define MRI_ORDER_LOAD_RELAXED __ATOMIC_ACQUIRE
#define MRI_ORDER_STORE_RELAXED __ATOMIC_RELEASE
#define MRI_ORDER_RMW_RELAXED __ATOMIC_ACQ_REL
#define MRI_ORDER_RMW_ACQUIRE __ATOMIC_ACQ_REL
#define MRI_ORDER_RMW_RELEASE __ATOMIC_ACQ_REL
#else
#define MRI_ORDER_LOAD_RELAXED __ATOMIC_RELAXED
#define MRI_ORDER_STORE_RELAXED __ATOMIC_RELAXED
#define MRI_ORDER_RMW_RELAXED __ATOMIC_RELAXED
#define MRI_ORDER_RMW_ACQUIRE __ATOMIC_ACQUIRE
#define MRI_ORDER_RMW_RELEASE __ATOMIC_RELEASE
#endif

/* Give a word its first value, before any other thread can reach it. */
#define mri_init(a, v) ((void)((a)->cell = (v)))

#define mri_load_relaxed(a) __atomic_load_n(&(a)->cell, MRI_ORDER_LOAD_RELAXED)
#define mri_load_acquire(a) __atomic_load_n(&(a)->cell, __ATOMIC_ACQUIRE)

#define mri_store_relaxed(a, v)                                                \
    __atomic_store_n(&(a)->cell, (v), MRI_ORDER_STORE_RELAXED)
#define mri_store_release(a, v)                                                \
    __atomic_store_n(&(a)->cell, (v), __ATOMIC_RELEASE)

/* Read-modify-writes return the value before. */
#define mri_swap_relaxed(a, v)                                                 \
    __atomic_exchange_n(&(a)->cell, (v), MRI_ORDER_RMW_RELAXED)
#define mri_swap_acquire(a, v)                                                 \
    __atomic_exchange_n(&(a)->cell, (v), MRI_ORDER_RMW_ACQUIRE)
#define mri_swap_release(a, v)                                                 \
    __atomic_exchange_n(&(a)->cell, (v), MRI_ORDER_RMW_RELEASE)
#define mri_swap_acq_rel(a, v)                                                 \
    __atomic_exchange_n(&(a)->cell, (v), __ATOMIC_ACQ_REL)

#define mri_add_relaxed(a, v)                                                  \
    __atomic_fetch_add(&(a)->cell, (v), MRI_ORDER_RMW_RELAXED)
#define mri_add_acquire(a, v)                                                  \
    __atomic_fetch_add(&(a)->cell, (v), MRI_ORDER_RMW_ACQUIRE)
#define mri_add_release(a, v)                                                  \
    __atomic_fetch_add(&(a)->cell, (v), MRI_ORDER_RMW_RELEASE)
#define mri_add_acq_rel(a, v)                                                  \
    __atomic_fetch_add(&(a)->cell, (v), __ATOMIC_ACQ_REL)

#define mri_sub_relaxed(a, v)                                                  \
    __atomic_fetch_sub(&(a)->cell, (v), MRI_ORDER_RMW_RELAXED)
#define mri_sub_acquire(a, v)                                                  \
    __atomic_fetch_sub(&(a)->cell, (v), MRI_ORDER_RMW_ACQUIRE)
#define mri_sub_release(a, v)                                                  \
    __atomic_fetch_sub(&(a)->cell, (v), MRI_ORDER_RMW_RELEASE)
#define mri_sub_acq_rel(a, v)                                                  \
    __atomic_fetch_sub(&(a)->cell, (v), __ATOMIC_ACQ_REL)

#define mri_or_relaxed(a, v)                                                   \
    __atomic_fetch_or(&(a)->cell, (v), MRI_ORDER_RMW_RELAXED)
#define mri_or_acquire(a, v)                                                   \
    __atomic_fetch_or(&(a)->cell, (v), MRI_ORDER_RMW_ACQUIRE)
#define mri_or_release(a, v)                                                   \
    __atomic_fetch_or(&(a)->cell, (v), MRI_ORDER_RMW_RELEASE)
#define mri_or_acq_rel(a, v)                                                   \
    __atomic_fetch_or(&(a)->cell, (v), __ATOMIC_ACQ_REL)

#define mri_and_relaxed(a, v)                                                  \
    __atomic_fetch_and(&(a)->cell, (v), MRI_ORDER_RMW_RELAXED)
#define mri_and_acquire(a, v)                                                  \
    __atomic_fetch_and(&(a)->cell, (v), MRI_ORDER_RMW_ACQUIRE)
#define mri_and_release(a, v)                                                  \
    __atomic_fetch_and(&(a)->cell, (v), MRI_ORDER_RMW_RELEASE)
#define mri_and_acq_rel(a, v)                                                  \
    __atomic_fetch_and(&(a)->cell, (v), __ATOMIC_ACQ_REL)

/* Compare-and-swap: true when *a was *expected and is now desired; else
 * *expected holds what was seen. The weak form may fail for no reason. */
#define mri_cas_relaxed(a, expected, desired)                                  \
    __atomic_compare_exchange_n(&(a)->cell, (expected), (desired), false,      \
                                MRI_ORDER_RMW_RELAXED, MRI_ORDER_LOAD_RELAXED)
#define mri_cas_acquire(a, expected, desired)                                  \
    __atomic_compare_exchange_n(&(a)->cell, (expected), (desired), false,      \
                                MRI_ORDER_RMW_ACQUIRE, __ATOMIC_ACQUIRE)
#define mri_cas_release(a, expected, desired)                                  \
    __atomic_compare_exchange_n(&(a)->cell, (expected), (desired), false,      \
                                MRI_ORDER_RMW_RELEASE, MRI_ORDER_LOAD_RELAXED)
#define mri_cas_acq_rel(a, expected, desired)                                  \
    __atomic_compare_exchange_n(&(a)->cell, (expected), (desired), false,      \
                                __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#define mri_cas_weak_relaxed(a, expected, desired)                             \
    __atomic_compare_exchange_n(&(a)->cell, (expected), (desired), true,       \
                                MRI_ORDER_RMW_RELAXED, MRI_ORDER_LOAD_RELAXED)
#define mri_cas_weak_acquire(a, expected, desired)                             \
    __atomic_compare_exchange_n(&(a)->cell, (expected), (desired), true,       \
                                MRI_ORDER_RMW_ACQUIRE, __ATOMIC_ACQUIRE)
#define mri_cas_weak_release(a, expected, desired)                             \
    __atomic_compare_exchange_n(&(a)->cell, (expected), (desired), true,       \
                                MRI_ORDER_RMW_RELEASE, MRI_ORDER_LOAD_RELAXED)
#define mri_cas_weak_acq_rel(a, expected, desired)                             \
    __atomic_compare_exchange_n(&(a)->cell, (expected), (desired), true,       \
                                __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

/* Fences. Under TSan the orders they lend are on the accesses already, and
 * __atomic_thread_fence would only draw a warning; a compiler barrier keeps
 * their second effect, and the machine's fence is kept where it matters. */
#if MRI_TSAN
#define mri_fence_acquire() __asm__ volatile("" ::: "memory")
#define mri_fence_release() __asm__ volatile("" ::: "memory")
#else
#define mri_fence_acquire() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define mri_fence_release() __atomic_thread_fence(__ATOMIC_RELEASE)
#endif

/* A locked operation on the stack costs a third of the `mfence` that clang
 * chooses for __atomic_thread_fence (16.5 ns on Zen 4). */
MRI_INLINE void mri_fence_seq_cst(void)
{
#if defined(__x86_64__)
    __asm__ volatile("lock; orl $0, (%%rsp)" ::: "memory", "cc");
#elif defined(__aarch64__)
    __asm__ volatile("dmb ish" ::: "memory");
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* In a loop that waits for another thread: lets a sibling hyperthread run.
 * The model checker treats it as "no step of mine until somebody writes". */
MRI_INLINE void mri_pause(void)
{
#if defined(__x86_64__)
    __asm__ volatile("pause" ::: "memory");
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

#endif
