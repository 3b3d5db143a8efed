/* Threads that nobody starts: those of a model are there. */
#include "base/atomic.h"
#include "os/thread.h"

int mri_thread_start(mri_thread *t, const char *name, void (*run)(void *),
                     void *arg, size_t stack_size)
{
    (void)t;
    (void)name;
    (void)run;
    (void)arg;
    (void)stack_size;
    return 0;
}

/* The model's: what its workers say at their end. */
void mri_thread_join(mri_thread *t)
{
    while (t->arg && !mri_load_acquire((mri_atomic_uptr *)t->arg))
        mri_pause();
}
