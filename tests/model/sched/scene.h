/* What the models of the scheduler share: a runtime of a few workers without
 * threads, strands without stacks, and things to run that are long leaves. */
#ifndef MODEL_SCHED_SCENE_H
#define MODEL_SCHED_SCENE_H

#include "sched/runtime.h"
#include "sched/wait.h"

#include "model.h"

enum { WORKERS = 3, NODES = 3, SLOTS = 2 };

struct state;

struct state {
    mr_runtime rt;
    mri_worker worker[WORKERS];
    mri_strand strand[WORKERS + 1]; /* one per worker, and one more */
    mri_slot slots[WORKERS + 1][SLOTS];
    mri_job job[NODES];
    unsigned expected; /* how many things are to be run in all */
    int ran[NODES];    /* plain: who runs one is alone with it */
    void (*run[NODES])(struct state *s, uint32_t worker); /* besides */
    mri_alarm alarm;
    mri_atomic_u32 started;
    mri_atomic_u32 quiet; /* whoever keeps others waiting is in its leaf */
    unsigned periods[MODEL_MAX_THREADS]; /* of watches begun, by thread */
    uint32_t seen[MODEL_MAX_THREADS];    /* started, as a watch last saw it */
    bool watched;  /* somebody who is not there, before anybody else would */
    bool timed;    /* it is 0 when a thread asks for the first time, then 1 */
    bool together; /* who runs one returns when all have started, without an end
                    */
};

/* A runtime whose first n workers are there, each on a strand of its own;
 * `watched`: nobody's sleep has an end. */
void scene_open(struct state *s, uint32_t n, unsigned expected, bool watched);

/* What is done from now on is long done when a watch has lasted a period. */
void scene_quiet(struct state *s);

/* Worker i, from its loop's beginning to the end of all. */
void scene_work(struct state *s, uint32_t i);

/* Worker i runs one thing and is seen no more: as a long leaf, and none of the
 * steps of an end. */
void scene_work_once(struct state *s, uint32_t i);

/* The same, about to sleep when it begins. */
void scene_sleep_once(struct state *s, uint32_t i);

/* The same, about to search when it begins. */
void scene_search_once(struct state *s, uint32_t i);

/* Worker i puts the jobs [from, to) into its queue, and is busy with nothing
 * else until all have started. */
void scene_push(struct state *s, uint32_t i, unsigned from, unsigned to);

/* Some other thread puts them into the inbox. */
void scene_post(struct state *s, unsigned from, unsigned to);

/* Something has begun to run: the last one ends the workers. */
void scene_started(struct state *s);

/* Wait until everything has started. */
void scene_await_all(struct state *s);

/* At the end: all ran, once. */
void scene_check(void *state);

#endif
