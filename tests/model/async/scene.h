/* What the models of async/ share. A model's thread is a strand, or, where its
 * bit in `foreign` is set, a thread outside of tasks; each waits for itself. A
 * strand that is resumed goes on in its own thread. */
#ifndef MODEL_ASYNC_SCENE_H
#define MODEL_ASYNC_SCENE_H

#include "async/seeker.h"
#include "sched/runtime.h"

#include "model.h"
#include <millrace/error.h>

enum { STRANDS = 4 };

/* At the beginning of each model's state. */
struct scene {
    mr_runtime rt;
    mri_worker worker;
    mri_strand strand[STRANDS];      /* of the thread with the same number */
    mri_atomic_u32 resumed[STRANDS]; /* times that it was resumed */
    uint32_t gone_on[STRANDS];       /* times that it went on: its own */
    unsigned foreign;                /* a bit per thread that is no strand */
    mri_atomic_u64
        cancelable[STRANDS]; /* the count of its wait, if it is one */
    mri_atomic_u32 visitors;
};

void scene_open(struct scene *s, unsigned foreign);

/* The calling thread's strand, NULL for a foreign one. */
mri_strand *scene_self(void);

/* Strand i's wait, the first that it begins from now on or the last one, is
 * ended as by a cancellation, unless somebody was faster. */
void scene_cancel(struct scene *s, unsigned i);

/* The calling thread will not wait any more: nobody waits to cancel it. */
void scene_done(struct scene *s);

/* At the end: who was resumed went on, and nobody visits. */
void scene_check(struct scene *s);

#endif
