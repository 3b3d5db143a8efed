/* How a model is written: a few threads over a state, explored in all
 * interleavings and with all values that C11 lets each load return.
 *
 *     struct state { mri_atomic_u32 flag; int data; };
 *     static void setup(void *arg) { ... }
 *     static void sender(void *arg) { ... }
 *     static void receiver(void *arg) { ... model_assert(...); }
 *     MODEL(message_passing, .state_size = sizeof(struct state),
 *           .setup = setup, .thread = {sender, receiver})
 *
 * State lives in the block handed to each function (zeroed afresh for every
 * execution), on the threads' stacks, or in blocks of model_alloc; writing
 * anywhere else is reported. Nothing here is called outside a model's
 * functions. Code under test may use all of base/, and of os/ futexes, the
 * clock (which stands still) and barriers.
 */
#ifndef MODEL_H
#define MODEL_H

#include "base/atomic.h"

#include <stddef.h>

#define MODEL_MAX_THREADS 7
#define MODEL_UNBOUNDED (-1)
#define MODEL_NONE (-1)
#define MODEL_NO_PREEMPTION (-2)

struct model {
    const char *name;
    size_t state_size;
    void (*setup)(void *state); /* before the threads; may be NULL */
    void (*thread[MODEL_MAX_THREADS])(void *state);
    void (*finish)(void *state); /* after all of them; may be NULL */

    /* A model that stands for many: it is run once for each time that this
     * returns true, having changed what the functions above do. Not called
     * while an execution is under way. NULL: one run. */
    bool (*next)(void);

    /* Preemption bounds: how many times a thread that could go on may be
     * interrupted. 0 stands for 2 every day and 3 in depth, and
     * MODEL_NO_PREEMPTION for none. */
    int bound, deep_bound;
    /* Per thread; MODEL_NONE for none. */
    int spurious;    /* weak CASs (0: one) and futex waits (0: none) that may
                        fail for no reason */
    int free_pauses; /* in loops that spin, pauses after which nothing need be
                        new (0: one): a loop that gives up after n needs n */
    int max_steps;   /* an execution longer than this is a livelock; 0: 2000 */

    /* What is expected. NULL, NULL: that nothing is wrong. */
    const char *outcomes; /* litmus: exactly this set of model_outcome texts,
                             separated by spaces */
    const char *fails;    /* broken on purpose: the failure's text has this */
    bool deep_only;       /* too long for every day */
};

void model_register(struct model *m);

#define MODEL(name_, ...)                                                      \
    static struct model model_##name_ = {.name = #name_, __VA_ARGS__};         \
    __attribute__((                                                            \
        constructor,                                                           \
        no_sanitize("thread"))) static void model_##name_##_add(void)          \
    {                                                                          \
        model_register(&model_##name_);                                        \
    }

/* The property. A failure ends the execution and is reported with a trace. */
#define model_assert(cond)                                                     \
    ((cond) ? (void)0 : model_failed(#cond, __FILE__, __LINE__))
void model_failed(const char *what, const char *file, int line);

/* Which of a litmus test's outcomes this execution had; call it in finish. */
void model_outcome(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Name a word or block in traces. */
void model_name(const void *addr, size_t size, const char *name);

/* Memory that can die. Zeroed, never reused within an execution. Touching a
 * freed block, or freeing it while another thread may still touch it, is
 * reported, and so is a block that nobody freed. */
void *model_alloc(size_t size);
void model_free(void *block);

/* An edge-triggered event source, as an eventfd in an epoll set behaves: a
 * post makes it ready, a wait takes the readiness or sleeps until there is
 * some. The kernel's locks order the one before the other. Sources are small
 * numbers, 0 to 15. wait returns a mask of those of `mask` that were ready. */
void model_event_post(int source);
uint32_t model_event_wait(uint32_t mask);

/* One of 0 .. count - 1, all of them explored. */
unsigned model_choose(unsigned count);

/* The calling thread, 0 to MODEL_MAX_THREADS - 1, in the order of .thread. */
int model_thread(void);

#endif
