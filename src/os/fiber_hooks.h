/* What tools that watch a program's stacks must be told of fibers: the only
 * place that knows any of them. At most one of AddressSanitizer,
 * ThreadSanitizer and Valgrind is in use; without them all of this is
 * nothing, for Valgrind but a few idle instructions on open and close (none
 * with NVALGRIND or without its header). No run-time dependence on any.
 *
 * Use of mri_fiber.hooks:
 *             ASan                              TSan          Valgrind
 *   [0]       fake stack while not running      its fiber     stack id
 *   [1]       who switched here last            -             -
 *   [2], [3]  a thread's own stack, low, size   -             -
 *
 * Must not know: how registers are switched.
 */
#ifndef MRI_OS_FIBER_HOOKS_H
#define MRI_OS_FIBER_HOOKS_H

#include "os/fiber.h"

#if MRI_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <stdbool.h>

MRI_INLINE void mri_hooks_of_thread(mri_fiber *fiber)
{
    /* Bounds of its stack: learnt by whom it switches to first. */
    fiber->hooks[0] = NULL;
}

MRI_INLINE void mri_hooks_open(mri_fiber *fiber)
{
    fiber->hooks[0] = NULL;
}

MRI_INLINE void mri_hooks_leave(mri_fiber *from, mri_fiber *to)
{
    bool own = !to->stack_low;
    to->hooks[1] = from;
    __sanitizer_start_switch_fiber(&from->hooks[0],
                                   own ? to->hooks[2] : to->stack_low,
                                   own ? (size_t)to->hooks[3] : to->stack_size);
}

MRI_INLINE void mri_hooks_arrive(mri_fiber *self)
{
    mri_fiber *from = (mri_fiber *)self->hooks[1];
    const void *low;
    size_t size;
    __sanitizer_finish_switch_fiber(self->hooks[0], &low, &size);
    if (!from->stack_low) {
        from->hooks[2] = (void *)low;
        from->hooks[3] = (void *)size;
    }
}

/* The fake stack (detect_stack_use_after_return) dies only with a switch away
 * for good: pretend to be that fiber for a moment. The poison that its
 * unfinished frames left would be found by the stack's next user. */
MRI_INLINE void mri_hooks_close(mri_fiber *fiber)
{
    void *mine;
    const void *low;
    size_t size;
    if (!fiber->stack_low)
        return;
    __sanitizer_start_switch_fiber(&mine, fiber->stack_low, fiber->stack_size);
    __sanitizer_finish_switch_fiber(fiber->hooks[0], &low, &size);
    __sanitizer_start_switch_fiber(NULL, low, size);
    __sanitizer_finish_switch_fiber(mine, NULL, NULL);
    __asan_unpoison_memory_region(fiber->stack_low, fiber->stack_size);
}

#elif MRI_TSAN
#include <sanitizer/tsan_interface.h>

MRI_INLINE void mri_hooks_of_thread(mri_fiber *fiber)
{
    fiber->hooks[0] = __tsan_get_current_fiber();
}

MRI_INLINE void mri_hooks_open(mri_fiber *fiber)
{
    fiber->hooks[0] = __tsan_create_fiber(0);
}

/* Flags 0: what one fiber did happens before what the next one does on the
 * same thread, which is the truth. */
MRI_INLINE void mri_hooks_leave(mri_fiber *from, mri_fiber *to)
{
    (void)from;
    __tsan_switch_to_fiber(to->hooks[0], 0);
}

MRI_INLINE void mri_hooks_arrive(mri_fiber *self)
{
    (void)self;
}

MRI_INLINE void mri_hooks_close(mri_fiber *fiber)
{
    if (fiber->stack_low)
        __tsan_destroy_fiber(fiber->hooks[0]);
}

#else

#if !defined(NVALGRIND) && __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(low, high) 0
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

MRI_INLINE void mri_hooks_of_thread(mri_fiber *fiber)
{
    (void)fiber;
}

MRI_INLINE void mri_hooks_open(mri_fiber *fiber)
{
    char *low = (char *)fiber->stack_low;
    uintptr_t id =
        (uintptr_t)VALGRIND_STACK_REGISTER(low, low + fiber->stack_size);
    fiber->hooks[0] = (void *)id;
}

MRI_INLINE void mri_hooks_leave(mri_fiber *from, mri_fiber *to)
{
    (void)from;
    (void)to;
}

MRI_INLINE void mri_hooks_arrive(mri_fiber *self)
{
    (void)self;
}

MRI_INLINE void mri_hooks_close(mri_fiber *fiber)
{
    if (fiber->stack_low)
        VALGRIND_STACK_DEREGISTER((uintptr_t)fiber->hooks[0]);
}
#endif

#endif
