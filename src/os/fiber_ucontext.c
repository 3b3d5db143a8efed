/* Context switch with ucontext(3), where there is no assembly (or on demand:
 * CMake's MILLRACE_UCONTEXT, so that it is tested).
 *
 * Some hundred times slower: each swap is a system call, for the signal mask,
 * which is per fiber here, and so are the floating-point control words. No
 * code of ours may rely on either.
 *
 * A context lies on the stack it belongs to; fiber->sp points to it.
 */
#include "os/fiber_arch.h"

#if MRI_FIBER_UCONTEXT
#include "base/assert.h"

#include <ucontext.h>

/* What makecontext can pass on are ints. */
static void start(unsigned high, unsigned low)
{
    void **first = (void **)(((uintptr_t)high << 16 << 16) | low);
    mri_fiber_main(first[0], (mri_fiber_entry)first[1], first[2]);
}

/* The arguments and the first context, at the top of the new stack. */
struct first_frame {
    ucontext_t context;
    void *call[3];
} MRI_ALIGNED(64);

void mri_fiber_prepare(mri_fiber *fiber, mri_fiber_entry entry, void *arg)
{
    uintptr_t low = (uintptr_t)fiber->stack_low;
    uintptr_t top = low + fiber->stack_size - sizeof(struct first_frame);
    top &= ~(uintptr_t)63;
    struct first_frame *frame = (struct first_frame *)top;
    uintptr_t call = (uintptr_t)frame->call;

    mri_require(getcontext(&frame->context) == 0, "getcontext works");
    frame->context.uc_stack.ss_sp = fiber->stack_low;
    frame->context.uc_stack.ss_size = top - low;
    frame->context.uc_link = NULL;
    frame->call[0] = fiber;
    frame->call[1] = (void *)entry;
    frame->call[2] = arg;
    makecontext(&frame->context, (void (*)(void))start, 2,
                (unsigned)(call >> 16 >> 16), (unsigned)call);
    fiber->sp = &frame->context;
}

void mri_fiber_swap(void **from_sp, void *to_sp)
{
    ucontext_t here;
    *from_sp = &here;
    mri_require(swapcontext(&here, to_sp) == 0, "swapcontext works");
}

const char *mri_fiber_kind(void)
{
    return "ucontext";
}
#else
typedef int mri_no_ucontext_here;
#endif
