/* What the models of futures share. A model's thread is a worker with one
 * strand, or a thread outside; jobs that are pushed, posted or submitted wait
 * in cells until a worker that was told to takes them. Futures lie in blocks
 * that die when they are released; one that is never released is found at the
 * end.
 */
#ifndef MODEL_ASYNC_FUTURE_SCENE_H
#define MODEL_ASYNC_FUTURE_SCENE_H

#include "async/future.h"

#include "model.h"
#include <millrace/error.h>

enum { THREADS = 4, SLOTS = 1, CELLS = 10 };

struct state {
    mr_runtime rt;
    mri_worker worker[THREADS];
    mri_strand strand[THREADS];
    mri_slot slots[THREADS][SLOTS];
    mri_atomic_u32 resumed[THREADS]; /* times that it was resumed */
    uint32_t gone_on[THREADS];       /* times that it went on: its own */
    mri_barrier barrier;
    unsigned foreign; /* a bit per thread that is outside of tasks */

    mri_atomic(mri_run_node *) cell[CELLS];
    mri_atomic_u32 pushed, visitors;

    mri_atomic(mr_promise *) promise[2]; /* made known by who opened them */
    mri_atomic(mr_future *) future[2];
    mri_atomic_u32 ran, told; /* functions that were called; unhandled errors */
    mri_run_node over;        /* in a cell: a thread has nothing left to do */
    int said; /* plain: written by one side, read by the other */
};

/* Setup: all are workers; thread 1 is outside; 0 is; both are. */
void scene_open(void *state);
void scene_open_foreign(void *state);
void scene_open_foreign_0(void *state);
void scene_open_foreign_01(void *state);

/* The worker of this thread: run all that is pushed, until so many other
 * threads are over. */
void scene_work(struct state *s, unsigned others);
void scene_over(struct state *s);

/* Make known; wait until it is. */
void scene_offer_promise(struct state *s, unsigned n, mr_promise *p);
mr_promise *scene_await_promise(struct state *s, unsigned n);
void scene_offer(struct state *s, unsigned n, mr_future *f);
mr_future *scene_await(struct state *s, unsigned n);

/* At the end: all that was counted has ended, who was resumed went on, nobody
 * visits, nothing is left. */
void scene_check(void *state);

#endif
