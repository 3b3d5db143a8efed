/* The strand that a thread runs: the one thing that sched/ finds by thread and
 * not by pointer. Models have one of their own: their threads are none. */
#include "sched/strand.h"

/* Of the loader's reserve (88 bytes with task/fork.c's), so that the library
 * can be loaded by dlopen and the access is still one instruction. */
_Thread_local mri_strand *mri_self_of_thread
    __attribute__((tls_model("initial-exec")));

/* Never inlined, and the result is laundered: after a switch the caller may be
 * on another thread, and a compiler that remembers the variable's address, or
 * knows this function for a pure one, would read the first thread's. */
MRI_NOINLINE mri_strand *mri_strand_self(void)
{
    mri_strand *s = mri_self_of_thread;
    __asm__ volatile("" : "+r"(s) : : "memory");
    return s;
}

MRI_NOINLINE void mri_strand_set_self(mri_strand *s)
{
    mri_self_of_thread = s;
    __asm__ volatile("" : : : "memory");
}
