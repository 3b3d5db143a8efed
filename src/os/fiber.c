/* Fibers: the part that is the same on every machine, and the first frame
 * for the two that have assembly. */
#include "os/fiber.h"

#include "base/assert.h"
#include "os/fiber_arch.h"
#include "os/fiber_hooks.h"

void mri_fiber_of_thread(mri_fiber *fiber)
{
    *fiber = (mri_fiber){0};
    mri_hooks_of_thread(fiber);
}

void mri_fiber_open(mri_fiber *fiber, void *stack_low, size_t size,
                    mri_fiber_entry entry, void *arg)
{
    mri_assert(size >= MRI_FIBER_MIN_STACK, "a fiber has room to start");
    mri_assert(((uintptr_t)stack_low | size) % 16 == 0,
               "a fiber's stack is a multiple of 16");
    fiber->stack_low = stack_low;
    fiber->stack_size = size;
    mri_fiber_prepare(fiber, entry, arg);
    mri_hooks_open(fiber);
}

#if MRI_FIBER_HOOKED
void mri_fiber_switch(mri_fiber *from, mri_fiber *to)
{
    mri_hooks_leave(from, to);
    mri_fiber_swap(&from->sp, to->sp);
    mri_hooks_arrive(from);
}
#endif

void mri_fiber_close(mri_fiber *fiber)
{
    mri_hooks_close(fiber);
}

MRI_NORETURN void mri_fiber_main(mri_fiber *fiber, mri_fiber_entry entry,
                                 void *arg)
{
    mri_hooks_arrive(fiber);
    entry(arg);
    mri_fatal("a fiber's entry function never returns", "entry(arg)", __FILE__,
              __LINE__, __func__);
}

#if !MRI_FIBER_UCONTEXT

void mri_fiber_start(void); /* assembly; nobody calls it */

static void set(char *frame, size_t offset, uintptr_t value)
{
    *(uintptr_t *)(frame + offset) = value;
}

/* A pair of words stays above the frame, so that whoever reads where a caller
 * would have been is still on this stack. */
void mri_fiber_prepare(mri_fiber *fiber, mri_fiber_entry entry, void *arg)
{
    char *top = (char *)fiber->stack_low + fiber->stack_size - 16;
    char *frame = top - MRI_FRAME_SIZE;
    for (size_t offset = 0; offset < MRI_FRAME_SIZE + 16; offset += 8)
        set(frame, offset, 0);
    set(frame, MRI_FRAME_FIBER, (uintptr_t)fiber);
    set(frame, MRI_FRAME_ENTRY, (uintptr_t)entry);
    set(frame, MRI_FRAME_ARG, (uintptr_t)arg);
    set(frame, MRI_FRAME_PC, (uintptr_t)mri_fiber_start);
    fiber->sp = frame;
}

const char *mri_fiber_kind(void)
{
    return MRI_FIBER_X86_64 ? "x86-64" : "aarch64";
}
#endif
