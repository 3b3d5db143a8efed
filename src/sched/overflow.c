/* See overflow.h. */
#include "sched/overflow.h"

#include "os/signal.h"
#include "os/symbol.h"
#include "os/thread.h"
#include "sched/runtime.h"

#include <unistd.h>

/* For our handler, and for those of others that it hands on to. */
enum { HANDLER_STACK = 65536, THREAD_STACK = 4 * HANDLER_STACK };

void mri_strand_put_name(mri_text *t, const mri_strand *s)
{
    union {
        uint64_t word[MRI_TASK_NAME / 8];
        char text[MRI_TASK_NAME];
    } name;
    for (size_t i = 0; i < MRI_ARRAY_LEN(name.word); i++)
        name.word[i] = mri_load_relaxed(&s->shown.name[i]);
    if (!name.text[0])
        return;
    for (size_t i = 0; i < sizeof name.text; i++)
        if (name.text[i] > 0 && name.text[i] < ' ')
            name.text[i] = '?';
    mri_text_put(t, "\"");
    mri_text_put_most(t, name.text, sizeof name.text);
    mri_text_put(t, "\" ");
}

/* Names are asked of the loader, whose lock another thread may hold for a
 * while. This one may hold it too, if it overflowed in there: it can take it
 * again. */
MRI_COLD void mri_overflow_say(const mri_strand *s)
{
    char line[512];
    mri_text t = MRI_TEXT(line);
    uintptr_t task = (uintptr_t)mri_load_relaxed(&s->deque.task);
    uintptr_t site = (uintptr_t)mri_load_relaxed(&s->shown.site);
    mri_text_put(&t, "millrace: stack overflow in task ");
    mri_strand_put_name(&t, s);
    mri_symbol_put(&t, task);
    if (site) {
        mri_text_put(&t, ", spawned at ");
        mri_symbol_put(&t, site);
    }
    mri_text_put(&t, ": it needs more than ");
    mri_text_decimal(&t, s->worker->runtime->pool.stack_size >> 10);
    mri_text_put(&t, " KiB; mr_config.stack_size gives more\n");
    /* Nobody is left to tell should stderr be closed. */
    ssize_t written MRI_UNUSED =
        write(STDERR_FILENO, line, (size_t)(t.at - t.begin));
}

static void heard(const void *address)
{
    const mri_strand *s = mri_strand_self();
    if (!s)
        return;
    /* The guard is the page below the stack. */
    uintptr_t below = (uintptr_t)s->stack - 1 - (uintptr_t)address;
    if (below < s->worker->runtime->pool.page)
        mri_overflow_say(s);
}

void mri_overflow_open(void)
{
    mri_segv_open(heard);
}

void mri_overflow_close(void)
{
    mri_segv_close();
}

MRI_NOINLINE void mri_overflow_call(void (*fn)(mri_worker *w, mri_strand *s),
                                    mri_worker *w, mri_strand *s)
{
    MRI_ALIGNED(16) char stack[HANDLER_STACK];
    mri_handler_stack former;
    mri_handler_stack_open(&former, stack, sizeof stack);
    fn(w, s);
    mri_handler_stack_close(&former);
}

/* 0: the process's default, which may be less than a handler's (ulimit -s). */
size_t mri_overflow_thread_stack(void)
{
    return mri_thread_stack_default() < THREAD_STACK ? THREAD_STACK : 0;
}
