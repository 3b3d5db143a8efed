/* What the models of the loop thread share. libuv is what the loop needs of it:
 * a bell as in parts/mailbox_models.c, a loop that sleeps for it and for the
 * end of one operation, and calls back what prepares and what checks. */
#ifndef MODEL_IO_LOOP_SCENE_H
#define MODEL_IO_LOOP_SCENE_H

#include "io/io.h"
#include "io/loop.h"
#include "os/clock.h"
#include "task/cancel.h"

#include "model.h"
#include <millrace/error.h>

enum { STRANDS = 2, BELL = 0, OUTSIDE = 1, RESULT = 7 };

struct state {
    mr_runtime rt;
    mri_io io;
    mri_worker worker;
    mri_strand strand[STRANDS];
    mri_atomic_u32 resumed[STRANDS];
    uint32_t gone_on[STRANDS];
    mri_atomic_u64 count; /* of the park in which strand 0 waits, cancelably */
    mri_atomic(mri_thread *) thread; /* once it was started */
    mri_atomic_u32 ended;            /* the thread has */

    mri_atomic_u32 rung; /* the bell's flag */
    bool stopped;        /* uv_stop was called: the loop thread's */
    uv_async_cb bell;
    uv_prepare_cb prepare;
    uv_check_cb check;
    uv_async_t *of_bell;
    uv_prepare_t *of_prepare;
    uv_check_t *of_check;

    mri_loop_op *pending; /* the loop thread's */
    int64_t outcome;      /* of it */
    int cuts;
    mri_atomic_u32 done; /* strands that are */
};

/* Of the execution that is under way: for what has no other argument. */
struct state *scene_get(void);

/* Setup: no loop yet; and one that was started by the first who needed it. */
void scene_open(void *state);
void scene_open_loop(void *state);

/* The thread that the loop was started on. */
void scene_loops(void *state);

/* Loop thread: what is pending, if anything, is complete. */
void scene_complete(struct state *s, mri_loop *l, int64_t outcome);

/* Whoever has ended its park with MRI_PARK_RESUME. */
void scene_resume(struct state *s, mri_strand *strand);

/* All jobs have ended. */
void scene_stop(struct state *s);

/* At the end: who was resumed went on, and nothing is left. */
void scene_check(void *state);

#endif
