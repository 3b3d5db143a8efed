/* Waiting for what the kernel tells: a role that one thread has at a time.
 *
 * Who has nothing to do would sleep on a futex, which no descriptor wakes. So
 * one of the sleepers sleeps in the kernel's own wait for descriptors instead,
 * and there is woken by them and, like the others, by work. It is a worker:
 * what became ready is in its own queue when it wakes, with no other thread and
 * no second wake-up in between.
 *
 *   state   VACANT   nobody has the role
 *           HELD     somebody has it, and looks, without sleeping
 *           ASLEEP   somebody has it, and sleeps, or is about to
 *           KICKED   the same, and was told to wake
 *
 *   VACANT -> HELD       take: whoever wins; a worker that goes idle, one that
 *                        looks while busy, the monitor
 *   HELD -> ASLEEP       doze: its holder, then a fence, then its last look
 *   ASLEEP -> KICKED     kick: whoever has pushed something; then it calls the
 *                        poller's kick, which ends the sleep or the next one
 *   any but VACANT -> VACANT   leave: its holder, with what it found pushed
 *                        where others can take it, before it runs any of it
 *
 * Work is not left lying while the holder sleeps: P pushes, fence, looks at the
 * state; S stores ASLEEP, fence, looks for work (idle.c). So P finds S asleep
 * and kicks it, or S finds what P has pushed. A kick that comes late, when
 * another has the role, wakes that one for nothing.
 *
 * Nor is what the kernel has to tell. Who leaves the role and has something to
 * run may be long. A busy worker looks every MRI_INBOX_TURN-th pick. Else the
 * monitor sees to it, which does not sleep for good while the role is VACANT
 * (doze.c has the argument: leave, then a fence, then a look whether it
 * sleeps). Where at two looks, a millisecond apart, the role was vacant and
 * nobody had taken it in between, the monitor wakes a sleeper, which takes it;
 * or, where nobody sleeps, it looks itself, and what it finds waits in the
 * inbox, for a spare if need be. So nothing waits there much longer than for
 * two looks. Before anything was polled for there is no such role (`ops` is
 * NULL), and nothing of this costs anything.
 *
 * Must not know: descriptors, epoll.
 */
#ifndef MRI_SCHED_POLL_H
#define MRI_SCHED_POLL_H

#include "base/atomic.h"
#include "parts/run_node.h"

#include <stdbool.h>

typedef struct mr_runtime mr_runtime;
typedef struct mri_worker mri_worker;

enum mri_poll_state {
    MRI_POLL_VACANT,
    MRI_POLL_HELD,
    MRI_POLL_ASLEEP,
    MRI_POLL_KICKED
};

typedef struct mri_poll_ops {
    /* The role's holder: append the strands that became ready; if none has,
     * wait until one does, or a kick, or `deadline` (0: do not wait). */
    void (*wait)(mr_runtime *rt, int64_t deadline, mri_run_list *ready);
    /* Anybody. */
    void (*kick)(mr_runtime *rt);
} mri_poll_ops;

typedef struct mri_poll {
    mri_atomic_u32 state;
    mri_atomic_u32 taken; /* how often, ever; its holder writes */
    mri_atomic(const mri_poll_ops *) ops;
} mri_poll;

/* Once per runtime, on a worker of it: from now on there is something to wait
 * for. */
void mri_poll_open(mr_runtime *rt, const mri_poll_ops *ops);

MRI_INLINE const mri_poll_ops *mri_poll_ops_of(const mri_poll *p)
{
    /* Acquire: pairs with the release in mri_poll_open. */
    return mri_load_acquire(&p->ops);
}

/* Relaxed, here and below: whose look has to be ordered fences before it. */
MRI_INLINE bool mri_poll_is_vacant(const mri_poll *p)
{
    return mri_load_relaxed(&p->state) == MRI_POLL_VACANT &&
           mri_load_relaxed(&p->ops) != NULL;
}

MRI_INLINE bool mri_poll_is_asleep(const mri_poll *p)
{
    return mri_load_relaxed(&p->state) >= MRI_POLL_ASLEEP;
}

/* Worker that would sleep: true: it has the role, and is ASLEEP; it looks once
 * more, and waits or leaves. */
MRI_CHECKED bool mri_poll_doze(mr_runtime *rt);

/* Its holder, asleep: wait until `deadline`. True: it was kicked. What became
 * ready is in its queue; it has left the role. */
MRI_CHECKED bool mri_poll_wait(mri_worker *w, int64_t deadline);

/* Its holder, asleep, that has found something else. True: it was kicked. */
MRI_CHECKED bool mri_poll_leave(mr_runtime *rt);

/* Worker: what is ready now, into its queue; false: nothing, or another has the
 * role. */
MRI_CHECKED bool mri_poll_look(mri_worker *w);

/* The monitor: what is ready now, for the caller to hand on. */
void mri_poll_fetch(mr_runtime *rt, mri_run_list *ready);

/* Whoever has pushed something, after a fence; true: the holder slept, and
 * wakes. */
MRI_CHECKED bool mri_poll_kick(mr_runtime *rt);

#endif
