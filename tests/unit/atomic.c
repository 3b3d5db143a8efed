/* Each operation does what its name says, for every width and a pointer. What
 * the orders in the names are worth is shown by tests/stress and proved by
 * tests/model. */
#include "base/atomic.h"

#include "test.h"

typedef mri_atomic(int32_t) atomic_i32;
typedef mri_atomic(int64_t) atomic_i64;

/* For each name of order, X(order). */
#define RMW_ORDERS(X)                                                          \
    X(relaxed)                                                                 \
    X(acquire)                                                                 \
    X(release)                                                                 \
    X(acq_rel)

/* Values differ in their high and their low halves, so that an operation on
 * half a word is seen. */
#define HIGH_LOW(T, n) ((T)((UINT64_C(0x90807060) * (n) << 29) + (n)))

#define LOADS_AND_STORES(type, T)                                              \
    do {                                                                       \
        type a;                                                                \
        mri_init(&a, (T)HIGH_LOW(uintptr_t, 1));                               \
        EXPECT(mri_load_relaxed(&a) == (T)HIGH_LOW(uintptr_t, 1));             \
        EXPECT(mri_load_acquire(&a) == (T)HIGH_LOW(uintptr_t, 1));             \
        mri_store_relaxed(&a, (T)HIGH_LOW(uintptr_t, 2));                      \
        EXPECT(mri_load_relaxed(&a) == (T)HIGH_LOW(uintptr_t, 2));             \
        mri_store_release(&a, (T)HIGH_LOW(uintptr_t, 3));                      \
        EXPECT(mri_load_acquire(&a) == (T)HIGH_LOW(uintptr_t, 3));             \
    } while (0)

TEST(atomic, store_is_seen_by_load)
{
    LOADS_AND_STORES(mri_atomic_u32, uint32_t);
    LOADS_AND_STORES(mri_atomic_u64, uint64_t);
    LOADS_AND_STORES(mri_atomic_uptr, uintptr_t);
    LOADS_AND_STORES(mri_atomic_ptr, void *);
    LOADS_AND_STORES(atomic_i32, int32_t);
    LOADS_AND_STORES(atomic_i64, int64_t);
}

#define SWAP(order, type, T)                                                   \
    do {                                                                       \
        type a = {(T)HIGH_LOW(uintptr_t, 1)};                                  \
        EXPECT(mri_swap_##order(&a, (T)HIGH_LOW(uintptr_t, 2)) ==              \
               (T)HIGH_LOW(uintptr_t, 1));                                     \
        EXPECT(mri_load_relaxed(&a) == (T)HIGH_LOW(uintptr_t, 2));             \
    } while (0);
#define SWAPS(order)                                                           \
    SWAP(order, mri_atomic_u32, uint32_t)                                      \
    SWAP(order, mri_atomic_u64, uint64_t)                                      \
    SWAP(order, mri_atomic_uptr, uintptr_t)                                    \
    SWAP(order, mri_atomic_ptr, void *)

TEST(atomic, swap_returns_what_was_there){RMW_ORDERS(SWAPS)}

/* `op` is an operation's name and its C operator. */
#define FETCH(order, name, op, type, T)                                        \
    do {                                                                       \
        T first = (T)HIGH_LOW(uintptr_t, 5), second = (T)HIGH_LOW(T, 3);       \
        type a = {first};                                                      \
        EXPECT(mri_##name##_##order(&a, second) == first);                     \
        EXPECT(mri_load_relaxed(&a) == (T)(first op second));                  \
    } while (0);
#define FETCHES(order)                                                         \
    FETCH(order, add, +, mri_atomic_u32, uint32_t)                             \
    FETCH(order, add, +, mri_atomic_u64, uint64_t)                             \
    FETCH(order, add, +, mri_atomic_uptr, uintptr_t)                           \
    FETCH(order, sub, -, mri_atomic_u32, uint32_t)                             \
    FETCH(order, sub, -, mri_atomic_u64, uint64_t)                             \
    FETCH(order, or, |, mri_atomic_u32, uint32_t)                              \
    FETCH(order, or, |, mri_atomic_u64, uint64_t)                              \
    FETCH(order, and, &, mri_atomic_u32, uint32_t)                             \
    FETCH(order, and, &, mri_atomic_u64, uint64_t)

TEST(atomic, arithmetic_returns_what_was_there){RMW_ORDERS(FETCHES)}

TEST(atomic, arithmetic_wraps)
{
    mri_atomic_u32 a = {UINT32_MAX};
    EXPECT_EQ(mri_add_relaxed(&a, 2), UINT32_MAX);
    EXPECT_EQ(mri_load_relaxed(&a), 1);
    EXPECT_EQ(mri_sub_acq_rel(&a, 3), 1);
    EXPECT_EQ(mri_load_relaxed(&a), UINT32_MAX - 1);
}

/* The strong form: never fails where it need not. */
#define CAS(order, type, T)                                                    \
    do {                                                                       \
        T one = (T)HIGH_LOW(uintptr_t, 1);                                     \
        T two = (T)HIGH_LOW(uintptr_t, 2);                                     \
        T seen = two;                                                          \
        type a = {one};                                                        \
        EXPECT(!mri_cas_##order(&a, &seen, two));                              \
        EXPECT(seen == one);                                                   \
        EXPECT(mri_load_relaxed(&a) == one);                                   \
        EXPECT(mri_cas_##order(&a, &seen, two));                               \
        EXPECT(seen == one);                                                   \
        EXPECT(mri_load_relaxed(&a) == two);                                   \
    } while (0);
#define CASES(order)                                                           \
    CAS(order, mri_atomic_u32, uint32_t)                                       \
    CAS(order, mri_atomic_u64, uint64_t)                                       \
    CAS(order, mri_atomic_uptr, uintptr_t)                                     \
    CAS(order, mri_atomic_ptr, void *)

TEST(atomic, cas_exchanges_only_what_was_expected){RMW_ORDERS(CASES)}

/* The weak form: fails for sure only where the word differs. */
#define CAS_WEAK(order, type, T)                                               \
    do {                                                                       \
        T one = (T)HIGH_LOW(uintptr_t, 1);                                     \
        T two = (T)HIGH_LOW(uintptr_t, 2);                                     \
        T seen = two;                                                          \
        type a = {one};                                                        \
        EXPECT(!mri_cas_weak_##order(&a, &seen, two));                         \
        EXPECT(seen == one);                                                   \
        EXPECT(mri_load_relaxed(&a) == one);                                   \
        while (!mri_cas_weak_##order(&a, &seen, two))                          \
            EXPECT(seen == one);                                               \
        EXPECT(mri_load_relaxed(&a) == two);                                   \
    } while (0);
#define CASES_WEAK(order)                                                      \
    CAS_WEAK(order, mri_atomic_u32, uint32_t)                                  \
    CAS_WEAK(order, mri_atomic_u64, uint64_t)                                  \
    CAS_WEAK(order, mri_atomic_uptr, uintptr_t)                                \
    CAS_WEAK(order, mri_atomic_ptr, void *)

TEST(atomic, weak_cas_exchanges_only_what_was_expected){RMW_ORDERS(CASES_WEAK)}

TEST(atomic, word_is_as_large_as_its_type)
{
    EXPECT_EQ(sizeof(mri_atomic_u32), 4);
    EXPECT_EQ(sizeof(mri_atomic_u64), 8);
    EXPECT_EQ(sizeof(mri_atomic_ptr), sizeof(void *));
    EXPECT(__atomic_always_lock_free(sizeof(mri_atomic_u64), 0));
}

TEST(atomic, fences_and_pause_keep_registers_and_stack)
{
    volatile uint64_t below[16];
    for (int i = 0; i < 16; i++)
        below[i] = HIGH_LOW(uint64_t, (uint64_t)i);
    mri_fence_seq_cst();
    mri_fence_acquire();
    mri_fence_release();
    mri_pause();
    for (int i = 0; i < 16; i++)
        EXPECT(below[i] == HIGH_LOW(uint64_t, (uint64_t)i));
}
