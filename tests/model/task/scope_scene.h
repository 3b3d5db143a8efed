/* What the models of scopes share. A model's thread is a strand that runs one
 * thing; what is pushed waits in a cell until a thread that was told to takes
 * it. A scope lies in a block that dies after its close, as its frame does. */
#ifndef MODEL_TASK_SCOPE_SCENE_H
#define MODEL_TASK_SCOPE_SCENE_H

#include "sched/runtime.h"
#include "task/cancel.h"
#include "task/scope.h"
#include "task/task.h"

#include "model.h"
#include <millrace/error.h>

enum { STRANDS = 4, SLOTS = 1, CELLS = 2 };

struct state {
    mr_runtime rt;
    mri_worker worker;
    mri_strand strand[STRANDS]; /* of the thread with the same number */
    mri_slot slots[STRANDS][SLOTS];
    mri_atomic_u32 resumed[STRANDS]; /* times that it was resumed */
    uint32_t gone_on[STRANDS];       /* times that it went on: its own */
    mri_barrier barrier;
    unsigned foreign; /* a bit per thread that is no strand */

    mri_atomic(mri_run_node *) cell[CELLS]; /* pushed; the n-th goes to n */
    mri_atomic_u32 pushed;

    mri_atomic(mr_scope *) scope[2]; /* made known by their openers */
    mri_atomic_u64 handed; /* the count of a park that somebody completes */
    mri_atomic(mri_alarm *) alarm;
    mri_atomic_u32 alarm_state;
    mri_atomic_u32 visitors;
    mr_task task[CELLS];
    uint32_t ran; /* children that ran: the thread that runs them */
    int said;     /* plain: before a scope was cut short */
};

/* Setup: every thread a strand; and with thread 2 or 1 a foreign one. */
void scene_open(void *state);
void scene_open_foreign(void *state);
void scene_open_foreign_1(void *state);

/* A scope in a block of its own, opened, and known as the n-th; and closed,
 * its block freed. */
mr_scope *scene_scope(struct state *s, unsigned n, int64_t deadline);
int64_t scene_close(mr_scope *scope);

/* The n-th scope, once it is open. */
mr_scope *scene_await_scope(struct state *s, unsigned n);

/* The thread of strand i: run what was pushed as the n-th. */
void scene_run(struct state *s, unsigned i, unsigned n);

/* On the calling thread's strand: a wait without end; one that is over as it
 * begins; and one whose count scene_complete gets. */
int scene_wait(struct state *s);
int scene_wait_over(struct state *s);
int scene_wait_handed(struct state *s);
void scene_complete(struct state *s, unsigned strand);

/* The alarm rings, if it was not stopped. */
void scene_ring(struct state *s);

/* At the end: who was resumed went on, and nobody visits. */
void scene_check(struct state *s);

#endif
