/* What the models of select have besides: a handle, of which the kernel knows
 * whether it is ready, and a future; both in the smallest form that keeps to
 * what io/readiness.h and async/future.h say. */
#ifndef MODEL_ASYNC_SELECT_SCENE_H
#define MODEL_ASYNC_SELECT_SCENE_H

#include "async/channel_scene.h"
#include "async/select.h"

struct select_state {
    struct state s;
    mri_desc desc;
    mri_atomic_u32 kernel; /* 1: ready */
    mri_heap heap;
    mr_future *future;
};

/* Setup, and the end. */
void scene_select(struct select_state *x, size_t capacity, unsigned foreign);
void scene_select_check(struct select_state *x);

/* On the calling thread: the handle becomes ready, or is closed; the future is
 * done. */
void scene_ready(struct select_state *x);
void scene_close(struct select_state *x);
void scene_complete(struct select_state *x);

#endif
