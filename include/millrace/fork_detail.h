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

#include <millrace/call_detail.h>
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

#define MR_LIKELY_(x) __builtin_expect(!!(x), 1)
#define MR_UNLIKELY_(x) __builtin_expect(!!(x), 0)

/* ThreadSanitizer knows no fences: what they order is ordered for it. */
#if MR_TSAN_
#define MR_LOAD_(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define MR_STORE_(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#else
/* Relaxed, as volatile: the builtins make gcc compute each address apart and
 * keep it in a register. */
#define MR_LOAD_(p) (*(volatile __typeof__(*(p)) *)(p))
#define MR_STORE_(p, v) ((void)(*(volatile __typeof__(*(p)) *)(p) = (v)))
#endif

/* The two slow paths of a spawn are quiet calls.
 *
 * Answer the hunger of others; queue a child without a slot. `head` as it is
 * after the spawn. */
MR_API void mr_detail1_publish(mr_deque *deque, mr_slot *head);

/* No slot is left, or the caller is no task: one from elsewhere, for the child
 * that is spawned next and awaited as any. Stops the program where no memory is
 * left. */
MR_API mr_slot *mr_detail1_spill(mr_deque *deque, mr_slot *unused);

/* The await that is not the youngest's, untouched. The slot: the result is in
 * it; NULL: the child is the caller's to run, at `slot`. */
MR_API mr_slot *mr_detail1_await_slow(mr_deque *deque, mr_slot *slot);

/* After that has returned the slot, and the result was read: the head as it is
 * now. */
MR_API mr_slot *mr_detail1_await_end(mr_deque *deque, mr_slot *slot);

/* The awaited child is the caller's, whose stack is nearly used up. The slot:
 * it has run on another, the result is in the slot. NULL: there is no other. */
MR_API mr_slot *mr_detail1_await_elsewhere(mr_deque *deque, mr_slot *slot);

/* The same of one that begins, by `fn`. */
MR_API bool mr_detail1_run_elsewhere(mr_deque *deque, mr_slot *slot,
                                     mr_slot_fn fn);

/* What is slow in an await. Where none but the body is called in the ordinary
 * way, clang takes a quarter less time for fib; gcc gains nothing. */
#if defined(__clang__)
#define MR_AWAIT_GET_ MR_QUIET_GET_
#else
#define MR_AWAIT_GET_(result, fn, a, b) ((void)((result) = fn((a), (b))))
#endif

/* That of the calling task; outside, one that never has room. */
MR_API mr_deque *mr_detail1_deque(void);

/* A typed task has returned without awaiting a child: stops the program. */
MR_API void mr_detail1_unawaited(const char *task);
/* The same, in another scope than it was called in. */
MR_API void mr_detail1_unclosed(const char *task);

/* The head is slot + 1 from here on. */
MR_INLINE_ void mr_detail_spawn(mr_deque *deque, mr_slot *slot, mr_slot_fn fn)
{
    slot->context = deque->context;
    slot->parent = deque->task;
    MR_STORE_(&deque->head, slot + 1);
    __atomic_store_n(&slot->fn, (uintptr_t)fn, __ATOMIC_RELEASE);
    if (MR_UNLIKELY_(MR_LOAD_(&deque->want)))
        MR_QUIET_CALL_(mr_detail1_publish, deque, slot + 1);
}

/* fn + 1. Where gcc knows both addresses it keeps both in registers, two more
 * to save in each call; here it computes this one where it is needed. */
MR_INLINE_ uintptr_t mr_detail_awaited(mr_slot_fn fn)
{
#if defined(__x86_64__) && defined(__PIC__) && !defined(__clang__)
    uintptr_t awaited;
    __asm__ volatile("leaq %a1, %0" : "=r"(awaited) : "p"((uintptr_t)fn + 1));
    return awaited;
#else
    return (uintptr_t)fn + 1;
#endif
}

/* The slot: the result is in it. NULL: run the child at `slot`. */
MR_INLINE_ mr_slot *mr_detail_await(mr_deque *deque, mr_slot *slot,
                                    mr_slot *head, mr_slot_fn fn)
{
    mr_slot *ran = (mr_slot *)0;
    MR_STORE_(&slot->fn, mr_detail_awaited(fn));
    __asm__ volatile("" ::: "memory");
    if (MR_UNLIKELY_(slot + 1 != head || slot < MR_LOAD_(&deque->floor)))
        MR_AWAIT_GET_(ran, mr_detail1_await_slow, deque, slot);
    else
        MR_STORE_(&deque->head, slot);
    return ran;
}

MR_END_DECLS

#endif
