/* Looking into a running runtime. */
#ifndef MILLRACE_INSPECT_H
#define MILLRACE_INSPECT_H

#include <millrace/export.h>
#include <millrace/runtime.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

MR_BEGIN_DECLS

/* What happened since the start, in numbers. Fork and join count nothing as
 * long as nobody steals: what is counted takes a slow path anyhow. */
typedef struct mr_counters {
    size_t size; /* sizeof(mr_counters): set before the call */
    /* Of one worker, or of all, spares included. */
    uint64_t jobs;      /* tasks taken from queues: submitted, or queued */
    uint64_t resumes;   /* tasks that had waited, and went on here */
    uint64_t steals;    /* children taken from a task that runs elsewhere */
    uint64_t tokens;    /* looks at the children of a task that waits */
    uint64_t robberies; /* batches taken from another worker's queue */
    uint64_t publishes; /* children shown to others because those asked */
    uint64_t forces;    /* attempts to show the children of a busy other */
    uint64_t parks;     /* waits that gave the worker to others */
    uint64_t yields;
    uint64_t searches; /* for work, among the others */
    uint64_t sleeps;   /* having found none */
    uint64_t wakes;    /* sleeps that somebody ended, not the clock */
    /* Of the runtime: 0 where one worker was asked for. */
    uint64_t spares;       /* times that a spare worker was called in */
    uint64_t strands;      /* stacks in use: a task each, or a worker's own */
    uint64_t strands_most; /* ever, those at hand included, 32 a worker */
    uint64_t stack_size;   /* bytes of each */
    uint64_t stack_most;   /* bytes of a stack that tasks have used, in whole
                              pages; 0 where the system does not tell */
} mr_counters;

#define MR_ALL_WORKERS (~0U)

/* The counters of one worker (below mr_workers()), or the sum of all and what
 * the runtime as a whole has. Each is read for itself, while the others go on.
 * `stack_most` is the deepest that this call or one before found: each looks at
 * up to 4096 stacks (1 or 2 us for each), then the next goes on; a stack that
 * was used deeply and given back to the system in between is missed. A smaller
 * or larger out->size gets what both sides know of, and is set to that. 0;
 * MR_EINVAL for another worker, or no size; MR_EPERM in a child of fork(). Any
 * thread, tasks too, while rt lives. */
MR_API int mr_stats(mr_runtime *rt, unsigned worker, mr_counters *out);

/* What the calling task is called in dumps and when its stack overflows: the
 * first 31 bytes are copied. One that runs on its parent's stack, because that
 * awaited it before anybody took it, names the parent. NULL: no name. Outside
 * of tasks nothing happens. Costs a few stores. */
MR_API void mr_task_name(const char *name);

/* Write to `out` what runs and what waits, a line each:
 *   runtime   how many jobs are begun or in queues of workers; "stopping" once
 *             mr_stop was called
 *   worker    which task it runs, and how many entries its queue has
 *   task      one on a stack of its own: what it is, the name it gave itself in
 *             front; that it runs, is ready, or what it waits for; for how
 *             long, to about 10 ms where there are workers that sleep or look
 *             for work; where it was spawned; the scope it is in
 *   child     below its parent: one that mr_spawn or millrace/fork.h started
 *             and nobody has awaited to its end
 *   job       one that nobody has begun, and where it stands
 *   blocking calls    how many run, and how many wait for a thread
 * Code is shown as the loader knows it, «function+0x12», or «module(+0x1234)»
 * for addr2line where the function is not exported (-rdynamic exports those of
 * a program). What began on the same stack, as a call or as an awaited child,
 * is shown as the task that it began with.
 *
 * Any thread at any time while rt lives, tasks too; after an mr_stop that timed
 * out it says who refused. Nobody is stopped meanwhile, so each line is of its
 * own moment: a task that moved is missed or seen twice, one that just ended
 * may be shown, a state may be next to the name or the wait of the task that
 * had the stack before; beyond 4096 jobs of a queue the others are counted.
 * What does not move is shown as it is. Some 0.5 us a task. 0; MR_ENOMEM;
 * MR_EIO where the stream failed (it is not flushed); MR_EPERM in a child of
 * fork(). */
MR_API int mr_dump(mr_runtime *rt, FILE *out);

/* From now on until mr_stop has ended, when the process gets this signal
 * (SIGUSR1, SIGQUIT, ...), mr_dump rt to stderr. The library takes the signal
 * from whoever has it, by a handler that does no more than wake a thread, which
 * this call starts for rt and which prints: so it works when all workers hang.
 * After the last stop the former handler is back, unless another was put in
 * front of ours. 0; MR_EINVAL for what is no signal, cannot be caught or is
 * raised by an instruction (SIGSEGV, ...); MR_EALREADY where rt has one;
 * MR_EBUSY where another runtime has another signal; MR_ENOMEM; MR_EAGAIN where
 * no thread can be made; MR_EPERM in a child of fork(). Any thread; not while
 * another is in mr_stop. */
MR_API int mr_dump_on(mr_runtime *rt, int signo);

MR_END_DECLS

#endif
