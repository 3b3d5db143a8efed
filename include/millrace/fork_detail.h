/* What millrace/fork.h needs to see of a strand's deque, so that a spawn is
 * four stores and an await a compare. Not for use: these names change without
 * notice, and with them the version, 1 now, in every symbol here, so that a
 * program and a library that do not fit do not link.
 *
 * The protocol is told, and proved, in the library's own source
 * (parts/strand_deque.h): the inline functions here are the public twins of
 * mri_deque_spawn and mri_deque_await, and follow them word for word. */
#ifndef MILLRACE_FORK_DETAIL_H
#define MILLRACE_FORK_DETAIL_H

#include <millrace/export.h>
#include <millrace/task.h>

#include <stdbool.h>
#include <stdint.h>

MR_BEGIN_DECLS

typedef struct mr_slot mr_slot;
typedef struct mr_deque mr_deque;
typedef void (*mr_slot_fn)(mr_deque *deque, mr_slot *head, mr_slot *slot);

enum { MR_SLOT_VALUE = 32 };

struct mr_slot {
    uintptr_t fn;
    uint64_t done;
    int64_t value[MR_SLOT_VALUE / 8]; /* the argument, then the result */
    void *context, *parent;
};

/* The part of it that its owner uses. */
struct mr_deque {
    mr_slot *floor, *head, *limit;
    uint32_t want, bottom;
    mr_slot *slots;
    void *context, *task;
    char *stack_limit;
};

#define MR_INLINE_ static inline __attribute__((always_inline, unused))
#define MR_COLD_ static __attribute__((cold, noinline, unused))
#define MR_LIKELY_(x) __builtin_expect(!!(x), 1)
#define MR_UNLIKELY_(x) __builtin_expect(!!(x), 0)

/* ThreadSanitizer knows no fences: what they order is ordered for it. */
#define MR_TSAN_ 0
#if defined(__SANITIZE_THREAD__)
#undef MR_TSAN_
#define MR_TSAN_ 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#undef MR_TSAN_
#define MR_TSAN_ 1
#endif
#endif
#define MR_ASAN_ 0
#if defined(__SANITIZE_ADDRESS__)
#undef MR_ASAN_
#define MR_ASAN_ 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#undef MR_ASAN_
#define MR_ASAN_ 1
#endif
#endif
#if MR_TSAN_
#define MR_LOAD_(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define MR_STORE_(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#else
/* Relaxed, as volatile: the builtins make gcc compute each address apart and
 * keep it in a register. */
#define MR_LOAD_(p) (*(volatile __typeof__(*(p)) *)(p))
#define MR_STORE_(p, v) ((void)(*(volatile __typeof__(*(p)) *)(p) = (v)))
#endif

/* A call that leaves the caller's registers alone, where it can be had: what
 * the caller needs afterwards may stay in any of them, and functions that
 * return at once save none (base/quiet_call.h tells more). */
#if defined(__x86_64__) && !defined(__ILP32__) && defined(__OPTIMIZE__) &&     \
    !MR_ASAN_ && !MR_TSAN_ && !defined(__APX_F__)
#define MR_QUIET_CALLS_ 1
#if defined(__AVX512F__)
#define MR_QUIET_WIDE_                                                         \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23",  \
        "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30",         \
        "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#else
#define MR_QUIET_WIDE_
#endif
/* result = fn(a, b), pointers all. */
#define MR_QUIET_CALL_(result, fn, a, b)                                       \
    __asm__ volatile("movq " fn "@GOTPCREL(%%rip), %%r10\n\t"                  \
                     "leaq 0f(%%rip), %%r11\n\t"                               \
                     "notrack jmp *mr_detail1_quiet@GOTPCREL(%%rip)\n"         \
                     "0:"                                                      \
                     : "=a"(result)                                            \
                     : "D"(a), "S"(b)                                          \
                     : "r10", "r11", "cc", "memory", "xmm0", "xmm1", "xmm2",   \
                       "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", \
                       "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",   \
                       "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)",      \
                       "st(6)", "st(7)" MR_QUIET_WIDE_)
#else
#define MR_QUIET_CALLS_ 0
#endif

/* The stub of quiet calls; not a function to C. */
MR_API void mr_detail1_quiet(void);

/* Answer the hunger of others; queue a child without a slot. `head` as it is
 * after the spawn. */
MR_API void mr_detail1_publish(mr_deque *deque, mr_slot *head);

/* No slot is left, or the caller is no task: one from elsewhere, for the child
 * that is spawned next and awaited as any. Stops the program where no memory is
 * left. */
MR_API mr_slot *mr_detail1_spill(mr_deque *deque, mr_slot *unused);

/* The await that is not the youngest's, untouched: true, the result is in the
 * slot; false, the child is the caller's to run, at `slot`. */
MR_API bool mr_detail1_await_slow(mr_deque *deque, mr_slot *slot);

/* After that has said true, and the result was read: the head as it is now. */
MR_API mr_slot *mr_detail1_await_end(mr_deque *deque, mr_slot *slot);

/* The child is the caller's, whose stack is nearly used up. True: it has run on
 * another, the result is in the slot. False: there is no other. */
MR_API bool mr_detail1_run_elsewhere(mr_deque *deque, mr_slot *slot,
                                     mr_slot_fn fn);

/* That of the calling task; outside, one that never has room. */
MR_API mr_deque *mr_detail1_deque(void);

/* A typed task has returned without awaiting a child: stops the program. */
MR_API void mr_detail1_unawaited(const char *task);

MR_INLINE_ char *mr_detail_stack(void)
{
    char *sp;
#if defined(__x86_64__)
    __asm__ volatile("movq %%rsp, %0" : "=r"(sp));
#elif defined(__aarch64__)
    __asm__ volatile("mov %0, sp" : "=r"(sp));
#else
    sp = (char *)__builtin_frame_address(0);
#endif
    return sp;
}

/* The two slow paths of a spawn leave registers alone. */
MR_INLINE_ mr_slot *mr_detail_spill(mr_deque *deque)
{
#if MR_QUIET_CALLS_
    mr_slot *slot;
    MR_QUIET_CALL_(slot, "mr_detail1_spill", deque, (mr_slot *)0);
    return slot;
#else
    return mr_detail1_spill(deque, (mr_slot *)0);
#endif
}

MR_INLINE_ void mr_detail_answer(mr_deque *deque, mr_slot *head)
{
#if MR_QUIET_CALLS_
    mr_slot *unused;
    MR_QUIET_CALL_(unused, "mr_detail1_publish", deque, head);
    (void)unused;
#else
    mr_detail1_publish(deque, head);
#endif
}

/* The head is slot + 1 from here on. */
MR_INLINE_ void mr_detail_spawn(mr_deque *deque, mr_slot *slot, mr_slot_fn fn)
{
    slot->context = deque->context;
    slot->parent = deque->task;
    MR_STORE_(&deque->head, slot + 1);
    __atomic_store_n(&slot->fn, (uintptr_t)fn, __ATOMIC_RELEASE);
    if (MR_UNLIKELY_(MR_LOAD_(&deque->want)))
        mr_detail_answer(deque, slot + 1);
}

/* True: the result is in the slot. False: run the child at `slot`. */
MR_INLINE_ bool mr_detail_await(mr_deque *deque, mr_slot *slot, mr_slot *head,
                                mr_slot_fn fn)
{
    MR_STORE_(&slot->fn, (uintptr_t)fn + 1);
    __asm__ volatile("" ::: "memory");
    if (MR_UNLIKELY_(slot + 1 != head || slot < MR_LOAD_(&deque->floor)))
        return mr_detail1_await_slow(deque, slot);
    MR_STORE_(&deque->head, slot);
    return false;
}

MR_END_DECLS

#endif
