/* Fork and join, typed: as millrace/task.h, at the price of a few plain stores.
 *
 *     MR_FORKABLE(int64_t, fib, int64_t, n)
 *     {
 *         if (n < 2)
 *             return n;
 *         MR_CHILD(fib, other);
 *         MR_SPAWN(fib, other, n - 1);            // may run on another core
 *         int64_t sum = MR_CALL(fib, n - 2);      // an ordinary call
 *         return sum + MR_AWAIT(fib, other);
 *     }
 *
 *     ... fib(39) ...
 *
 * MR_FORKABLE(result, name, type, argument) defines a function of one argument
 * that can be forked; several are fields of a struct. Both types are plain data
 * of any size; up to 32 bytes travel in the deque, more lie in the frame. Where
 * functions fork each other, MR_DECLARE_FORKABLE(result, name, type) comes
 * first and MR_DEFINE_FORKABLE(result, name, type, argument) later.
 *
 * name(x) calls it from any code: inside a task it forks; outside, it is the
 * serial program, each child run by its await. MR_CALL(name, x) is the same
 * from the body of a forkable function, and as cheap as any call.
 *
 * MR_CHILD(name, child) declares one child in the frame, MR_CHILDREN(name,
 * children, n) an array of them, used by MR_SPAWN_AT(name, children, i, x) and
 * MR_AWAIT_AT(name, children, i). They need no initialisation. Every spawned
 * child is awaited once, by the function that spawned it, before it returns,
 * in any order; youngest first is the cheap one. Where NDEBUG is not defined, a
 * function that returns without, or has left a scope open, stops the program,
 * with its name.
 *
 * A stack has room for 4096 children that are not awaited yet; those beyond
 * take memory by mr_config.allocate until they are, and where none is left the
 * program stops: mr_spawn, whose caller brings the storage, needs none. gcc
 * folds a few levels of a recursion into one call: such a function's frame is
 * that of all of them.
 *
 * Waits and everything else mix freely with these. mr_spawn does in what the
 * body calls; in the body itself its tasks are awaited before the next of these
 * macros, since each stands on top of the other (checked without NDEBUG). No
 * exception leaves a forkable function. C and C++. */
#ifndef MILLRACE_FORK_H
#define MILLRACE_FORK_H

#include <millrace/fork_detail.h>

#ifdef NDEBUG
#define MR_CHECK_HEAD_(deque, head, name) ((void)0)
#define MR_SCOPE_(deque) ((void *)0)
#define MR_CHECK_SCOPE_(deque, scope, name) ((void)(scope))
#else
#define MR_SCOPE_(deque) ((deque)->context)
#define MR_CHECK_SCOPE_(deque, scope, name)                                    \
    (MR_LIKELY_((deque)->context == (scope)) ? (void)0                         \
                                             : mr_detail1_unclosed(name))
#define MR_CHECK_HEAD_(deque, expected, name)                                  \
    (MR_LIKELY_(MR_LOAD_(&(deque)->head) == (expected))                        \
         ? (void)0                                                             \
         : mr_detail1_unawaited(name))
#endif

#define MR_DECLARE_FORKABLE(result_, name_, type_)                             \
    typedef type_ name_##_mr_argument;                                         \
    typedef result_ name_##_mr_result;                                         \
    typedef union name_##_mr_value {                                           \
        name_##_mr_argument argument;                                          \
        name_##_mr_result result;                                              \
    } name_##_mr_value;                                                        \
    /* Of a child, in the frame: where its value lies if no slot holds it. */  \
    typedef union name_##_mr_beside {                                          \
        name_##_mr_value value;                                                \
        char none;                                                             \
    } name_##_mr_beside;                                                       \
    /* Inline, so that gcc folds a few levels of a recursion into one. */      \
    static inline name_##_mr_result name_##_mr_body(                           \
        mr_deque *mr_deque_, mr_slot *mr_head_, name_##_mr_argument);          \
    static void name_##_mr_run(mr_deque *deque, mr_slot *head, mr_slot *slot)  \
        __attribute__((aligned(16)));                                          \
    enum { name_##_mr_in_slot_ = sizeof(name_##_mr_value) <= MR_SLOT_VALUE };  \
                                                                               \
    MR_INLINE_ void *name_##_mr_value_of(mr_slot *slot)                        \
    {                                                                          \
        return name_##_mr_in_slot_ ? (void *)slot->value                       \
                                   : (void *)(uintptr_t)slot->value[0];        \
    }                                                                          \
    MR_INLINE_ name_##_mr_result name_##_mr_result_of(mr_slot *slot)           \
    {                                                                          \
        name_##_mr_result result;                                              \
        __builtin_memcpy(&result, name_##_mr_value_of(slot), sizeof result);   \
        return result;                                                         \
    }                                                                          \
    MR_INLINE_ name_##_mr_result name_##_mr_call(                              \
        mr_deque *deque, mr_slot *head, name_##_mr_argument argument)          \
    {                                                                          \
        MR_CHECK_HEAD_(deque, head, #name_);                                   \
        const void *scope = MR_SCOPE_(deque);                                  \
        name_##_mr_result result = name_##_mr_body(deque, head, argument);     \
        MR_CHECK_SCOPE_(deque, scope, #name_);                                 \
        MR_CHECK_HEAD_(deque, head, #name_);                                   \
        return result;                                                         \
    }                                                                          \
    MR_INLINE_ name_##_mr_result name_##_mr_call_slot(                         \
        mr_deque *deque, mr_slot *head, mr_slot *slot)                         \
    {                                                                          \
        name_##_mr_argument argument;                                          \
        __builtin_memcpy(&argument, name_##_mr_value_of(slot),                 \
                         sizeof argument);                                     \
        return name_##_mr_call(deque, head, argument);                         \
    }                                                                          \
    static inline __attribute__((unused)) name_##_mr_result name_(             \
        name_##_mr_argument argument)                                          \
    {                                                                          \
        mr_deque *deque = mr_detail1_deque();                                  \
        return name_##_mr_call(deque, MR_LOAD_(&deque->head), argument);       \
    }                                                                          \
    MR_INLINE_ void name_##_mr_fill(mr_slot *slot, name_##_mr_beside *beside,  \
                                    name_##_mr_argument argument)              \
    {                                                                          \
        if (name_##_mr_in_slot_) {                                             \
            __builtin_memcpy(slot->value, &argument, sizeof argument);         \
        } else {                                                               \
            beside->value.argument = argument;                                 \
            slot->value[0] = (int64_t)(uintptr_t)&beside->value;               \
        }                                                                      \
    }                                                                          \
    MR_INLINE_ mr_slot *name_##_mr_spawn(mr_deque *deque, mr_slot **head,      \
                                         name_##_mr_beside *beside,            \
                                         name_##_mr_argument argument)         \
    {                                                                          \
        mr_slot *slot = *head;                                                 \
        MR_CHECK_HEAD_(deque, slot, #name_);                                   \
        if (MR_UNLIKELY_(slot == deque->limit))                                \
            MR_QUIET_GET_(slot, mr_detail1_spill, deque, (mr_slot *)0);        \
        name_##_mr_fill(slot, beside, argument);                               \
        mr_detail_spawn(deque, slot, name_##_mr_run);                          \
        *head = slot + 1;                                                      \
        return slot;                                                           \
    }                                                                          \
    MR_INLINE_ name_##_mr_result name_##_mr_await(                             \
        mr_deque *deque, mr_slot **head, mr_slot *slot)                        \
    {                                                                          \
        MR_CHECK_HEAD_(deque, *head, #name_);                                  \
        mr_slot *ran = mr_detail_await(deque, slot, *head, name_##_mr_run);    \
        if (MR_UNLIKELY_(ran)) {                                               \
            name_##_mr_result result = name_##_mr_result_of(slot);             \
            /* Quiet, or the result would want a register of its own. */       \
            MR_QUIET_GET_(*head, mr_detail1_await_end, deque, slot);           \
            return result;                                                     \
        }                                                                      \
        *head = slot;                                                          \
        if (MR_UNLIKELY_(mr_detail_stack_is_below(&deque->stack_limit))) {     \
            MR_QUIET_GET_(ran, mr_detail1_await_elsewhere, deque, slot);       \
            if (ran)                                                           \
                return name_##_mr_result_of(slot);                             \
        }                                                                      \
        return name_##_mr_call_slot(deque, slot, slot);                        \
    }

#define MR_DEFINE_FORKABLE(result_, name_, type_, argument_)                   \
    static void name_##_mr_run(mr_deque *deque, mr_slot *head, mr_slot *slot)  \
    {                                                                          \
        /* The slot is the body's to use again where it is the youngest; what  \
         * lies beside it is found before. */                                  \
        void *value = name_##_mr_value_of(slot);                               \
        if (MR_UNLIKELY_(mr_detail_stack_is_below(&deque->stack_limit)) &&     \
            mr_detail1_run_elsewhere(deque, slot, name_##_mr_run))             \
            return;                                                            \
        name_##_mr_result result = name_##_mr_call_slot(deque, head, slot);    \
        __builtin_memcpy(value, &result, sizeof result);                       \
        if (!name_##_mr_in_slot_)                                              \
            slot->value[0] = (int64_t)(uintptr_t)value;                        \
    }                                                                          \
    static inline name_##_mr_result name_##_mr_body(                           \
        mr_deque *mr_deque_ __attribute__((unused)),                           \
        mr_slot *mr_head_ __attribute__((unused)),                             \
        name_##_mr_argument argument_)

#define MR_FORKABLE(result_, name_, type_, argument_)                          \
    MR_DECLARE_FORKABLE(result_, name_, type_)                                 \
    MR_DEFINE_FORKABLE(result_, name_, type_, argument_)

/* In the body of a forkable function. */
#define MR_CHILD(name_, child_)                                                \
    mr_slot *child_;                                                           \
    name_##_mr_beside child_##_mr_beside __attribute__((unused))
#define MR_CHILDREN(name_, children_, n_)                                      \
    mr_slot *children_[n_];                                                    \
    name_##_mr_beside children_##_mr_beside[name_##_mr_in_slot_ ? 1 : (n_)]    \
        __attribute__((unused))
#define MR_CALL(name_, ...) name_##_mr_call(mr_deque_, mr_head_, __VA_ARGS__)
#define MR_SPAWN(name_, child_, ...)                                           \
    ((void)((child_) = name_##_mr_spawn(mr_deque_, &mr_head_,                  \
                                        &child_##_mr_beside, __VA_ARGS__)))
#define MR_AWAIT(name_, child_) name_##_mr_await(mr_deque_, &mr_head_, (child_))
#define MR_SPAWN_AT(name_, children_, i_, ...)                                 \
    ((void)((children_)[i_] = name_##_mr_spawn(                                \
                mr_deque_, &mr_head_,                                          \
                &children_##_mr_beside[name_##_mr_in_slot_ ? 0 : (i_)],        \
                __VA_ARGS__)))
#define MR_AWAIT_AT(name_, children_, i_)                                      \
    name_##_mr_await(mr_deque_, &mr_head_, (children_)[i_])

#endif
