/* A strand: a stack with the deque of what runs on it, and all that is needed
 * to leave it and to come back.
 *
 * A worker's loop runs on a strand, and what it finds starts right there, as a
 * plain call. When that has to wait, its strand parks, the worker goes on with
 * the loop on another one, and whoever ends the wait puts the strand into a
 * run queue; a worker that finds it there leaves its own strand for good and
 * goes on in the middle of the other.
 *
 * Leaving has a far side: while registers are being saved the stack is in use,
 * and nobody else may run on it. What is to be done with the strand that was
 * left is therefore written into the worker (`mri_after`) and done by whoever
 * arrives on the other stack:
 *     PARKED    park_word.h says whether it rests or is ready again already
 *     REQUEUED  into the worker's run queue
 *     RECYCLED  back into the pool: its next life begins with a new stack
 *
 * Control words are never unmapped and never initialised twice, so a thief may
 * look at a strand that it read from a worker's `current` long ago.
 *
 * Must not know: what a task is, where work is looked for.
 */
#ifndef MRI_SCHED_STRAND_H
#define MRI_SCHED_STRAND_H

#include "base/assert.h"
#include "os/fiber.h"
#include "parts/park_word.h"
#include "parts/run_node.h"
#include "parts/strand_deque.h"
#include "parts/strand_pool.h"
#include "parts/token.h"

typedef struct mr_runtime mr_runtime;
typedef struct mri_worker mri_worker;
typedef struct mri_strand mri_strand;
typedef struct mri_member mri_member;

/* Bytes of a task's name that are kept. */
enum { MRI_TASK_NAME = 32 };

/* Lines of a stack, from the last frame on, that a wait and who called it
 * have. */
enum { MRI_STRAND_EXPECTED = 12 };

/* What is shown of a strand to whoever looks (inspect/), at any time. The
 * strand writes; each word for itself, relaxed: who looks may see one of a
 * former task beside one of this. What runs at its base: deque.task. */
typedef struct mri_strand_shown {
    mri_atomic_ptr site; /* code that spawned the task, or NULL */
    mri_atomic_u64 name[MRI_TASK_NAME / 8]; /* what it calls itself, or 0 */
    mri_atomic(const char *) wait; /* what it parks for: static, or NULL */
    mri_atomic(int64_t) since; /* coarse: when it left its worker or came back,
                                  or began */
} mri_strand_shown;

/* What a strand is in while it waits: a list of those that one call may tell to
 * wait no more. The list and its lock are an upper layer's (task/cancel.h). */
struct mri_member {
    void *of; /* NULL: in none. The strand */
    void (*leave)(mri_strand *s);
    /* Under the list's lock; `from` points here, or is NULL once the strand was
     * told. */
    mri_member *next, **from;
    /* The count of the last park that may end so; the strand writes. */
    mri_atomic_u64 cancelable;
};

/* What each wait touches lies in three lines: the owner's of the deque, that of
 * `worker`, and that of `member`. Where many strands wait, each of them is a
 * cache miss. */
struct mri_strand {
    mri_deque deque;
    mri_slot_fn given_fn; /* with `given` */
    mri_slot *given;      /* a child to begin with; before it is entered */
    struct mri_spilled *spilled; /* task/fork.c's: youngest without a slot */
    mri_strand_shown shown;
    /* Who runs it, or ran it last: written by that worker as it switches to
     * it, read on the strand. Everything that runs here asks for its worker
     * again after each wait. */
    mri_worker *worker;
    mri_park_word park;
    mri_run_node node; /* from the end of a park until it is resumed */
    uint32_t index;  /* constant: in the pool; below MRI_READY_STRANDS, to which
                        runtime.c holds the configuration */
    bool mapped : 1; /* what is constant is initialised */
    bool computes : 1; /* its base is fork and join's; see mri_worker_await */
    uint8_t holds; /* async/'s: locks that what runs here holds; the strand's */
    uint16_t turn; /* how much of it is used: see turn.h; the strand's */
    mri_fiber fiber;
    /* The park that the completer of a task ends: written before the strand
     * registers with the task's word, read after its exchange there. */
    uint64_t awaiting;
    mri_token token;
    char *stack; /* constant */
    mri_member member;
};

/* What to do with the strand that a worker has just left. */
typedef struct mri_after {
    enum {
        MRI_AFTER_NOTHING,
        MRI_AFTER_PARKED,
        MRI_AFTER_REQUEUED,
        MRI_AFTER_RECYCLED
    } what;
    mri_strand *left;
    uint64_t count; /* of the park */
} mri_after;

/* On strand s: is so little stack left that no child should start on it? */
MRI_INLINE bool mri_strand_is_deep(const mri_strand *s)
{
    return mr_detail_stack_is_below(&s->deque.stack_limit);
}

/* The strand that the calling thread runs, or NULL; set by its worker alone. */
mri_strand *mri_strand_self(void);
void mri_strand_set_self(mri_strand *s);

/* The same, without a call, for a MRI_ENTRY that asks once and before all else:
 * so there is no switch that it could remember the variable's address across.
 * Laundered, that nothing is read anew. */
extern _Thread_local mri_strand *mri_self_of_thread
    __attribute__((tls_model("initial-exec")));
MRI_INLINE mri_strand *mri_strand_at_entry(void)
{
    mri_strand *s = mri_self_of_thread;
    __asm__ volatile("" : "+r"(s) : : "memory");
    return s;
}

/* Worker: a strand for its loop, not yet running; NULL where memory or the
 * configured number of strands is used up. */
MRI_CHECKED mri_strand *mri_strand_take(mri_worker *w);

/* Worker: give back one that was taken and not entered. */
void mri_strand_drop(mri_worker *w, mri_strand *s);

/* The worker of `from` goes on with `to`, a strand at rest or just taken.
 * Returns when somebody switches back to `from`. */
void mri_strand_switch(mri_strand *from, mri_strand *to, mri_after after);

/* Worker thread: onto its first strand; returns when the loop has ended. */
void mri_strand_enter(mri_worker *w, mri_strand *first);
/* Worker's loop, on strand s: back to the thread's own stack for good. */
MRI_NORETURN void mri_strand_leave(mri_strand *s);

/* On strand s: what its next park is for, a static text that goes on from
 * "waits for". */
MRI_INLINE void mri_strand_waits_for(mri_strand *s, const char *what)
{
    mri_store_relaxed(&s->shown.wait, what);
}

/* On strand s: wait until the park that began with `count` ends; the caller
 * has handed out the count. The strand may be on another worker afterwards. */
void mri_strand_park(mri_strand *s, uint64_t count);

/* The same; the worker goes on with `next`. */
void mri_strand_park_into(mri_strand *s, uint64_t count, mri_strand *next);

/* On strand s: let others run that are ready. */
void mri_strand_yield(mri_strand *s);

/* Whoever ended a park with MRI_PARK_RESUME. Any thread that the runtime
 * outlives, though the strand may end at once, and with it the last job: a
 * worker, a thread of the blocking pool (joined before anything is freed), or
 * one that is a visitor (mri_runtime_enter) until it has returned from here. */
void mri_strand_ready(mri_strand *s);

/* The same for `count` of one runtime, their nodes linked by `next`. */
void mri_strand_ready_list(mr_runtime *rt, mri_run_node *first,
                           mri_run_node *last, uint64_t count);

/* Whoever ended its park, and has yet to say that it is ready: what will be
 * touched first when it goes on. */
MRI_INLINE void mri_strand_expect(const mri_strand *s)
{
    const char *sp = s->fiber.sp;
    __builtin_prefetch(&s->deque, 1);
    __builtin_prefetch(&s->member, 1);
    for (size_t i = 0; i < MRI_STRAND_EXPECTED; i++)
        __builtin_prefetch(sp + i * MRI_CACHE_LINE, 1);
}

/* On strand s, around what begins with a context of its own: nothing that is
 * done here afterwards belongs to it. */
MRI_INLINE void mri_strand_enter_context(mri_strand *s, void *context)
{
    s->deque.context = context;
}
MRI_INLINE void mri_strand_leave_context(mri_strand *s, const void *context)
{
    mri_require(s->deque.context == context,
                "a task closes its scopes before it returns");
    s->deque.context = NULL;
    if (s->member.of)
        s->member.leave(s);
}

#endif
