/* What the models of spares share: threads that begin once the runtime has
 * started them, strands that are not there, and a monitor that looks once or
 * twice whether it is to be another's turn, and then sleeps until stop. A scene
 * may begin in the midst of things: with a spare that has joined already, or
 * one that rests and is not seen to do anything. */
#ifndef MODEL_SCHED_SPARE_SCENE_H
#define MODEL_SCHED_SPARE_SCENE_H

#include "sched/scene.h"

enum { THREADS = 2 };

struct spares;

struct spares {
    struct state s; /* first: the scene is the same block */
    mri_atomic_u32 begun[THREADS], ended[THREADS];
    mri_thread *made[THREADS];
    bool relieved[THREADS]; /* to begin with: another is the monitor already */
    int most;               /* threads that can be */
    int threads;            /* that were started; under the monitor's lock */
    int watches;            /* plain: the monitor's, whoever that is */
    int relieves;           /* how often it is to be another's turn */
    int last;               /* who was the monitor when stop came: how many */
    mri_atomic_u32 tried;
    uint32_t late; /* stop comes when it was tried that often */
    /* What a spare that joins does until it retires; NULL: nothing. */
    void (*runs)(struct spares *p, mri_worker *w);
    mri_strand first[THREADS];
    /* Of one that sleeps, and one that joins: which sees the other. */
    bool sleeper_sees, joiner_sees;
};

/* `workers`, and seats up to `seats` that are open already. */
void spares_open(struct spares *p, uint32_t workers, uint32_t seats,
                 unsigned jobs);

/* Setup: spare i has a thread, and has joined: another was the monitor before
 * that. Its seat must be open. */
void spares_joined(struct spares *p, int i);

/* Setup: spare i rests, without a thread. */
void spares_rest(struct spares *p, int i);

/* The runtime's end, when it was tried `late` times. */
void spares_stop(struct spares *p);

/* A thread of a model: spare i's, from its start to its end. */
void spares_thread(struct spares *p, int i);

#endif
