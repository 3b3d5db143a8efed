/* What the models of the strand deque share: the state, children, an owner's
 * spawn and await, a thief, and what must be true at the end. */
#ifndef MODEL_PARTS_STRAND_DEQUE_SCENE_H
#define MODEL_PARTS_STRAND_DEQUE_SCENE_H

#include "parts/strand_deque.h"

#include "model.h"

enum { SLOTS = 8, CHILDREN = 8 };

struct state {
    mri_deque deque;
    mri_slot slots[SLOTS];
    mri_slot elsewhere; /* a child without a slot */
    mri_barrier barrier;
    uint32_t ran[CHILDREN]; /* plain: who runs a child is alone with it */
    mri_atomic_u32 parked, resumed, asked, offered, taken;
};

/* Setups. */
void with_barrier(void *state);
void without_barrier(void *state);
void with_two_slots(void *state);

/* A child that spawns nothing. value[0]: which; result: which + 100. */
MRI_SLOT_FN void leaf(mri_deque *d, mri_slot *head, mri_slot *slot);

void spawn(mri_deque *d, uint32_t which, mri_slot_fn fn);
/* Await the child in slot `i`; it must have run once by then. */
void await(mri_deque *d, uint32_t i, mri_slot_fn fn);
void wait_for(mri_atomic_u32 *word, uint32_t value);

/* Take a child and run it, if there is one. */
bool steal(struct state *s);
/* The whole of a thread: hungry, then one try. */
void thief_1(void *state);

/* At the end: children 0 .. n-1 ran, once each, and the deque is empty. */
void ran_1(void *state);
void ran_2(void *state);
void ran_3(void *state);
void ran_4(void *state);

#define DEQUE(name_, setup_, finish_, bound_, deep_, ...)                      \
    MODEL(deque_##name_, .state_size = sizeof(struct state),                   \
          .setup = (setup_), .finish = (finish_), .bound = (bound_),           \
          .deep_bound = (deep_), .free_pauses = MODEL_NONE,                    \
          .thread = {__VA_ARGS__})

/* Too long for every day. */
#define DEEP(name_, setup_, finish_, ...)                                      \
    MODEL(deque_##name_, .state_size = sizeof(struct state),                   \
          .setup = (setup_), .finish = (finish_), .deep_only = true,           \
          .deep_bound = 2, .free_pauses = MODEL_NONE, .thread = {__VA_ARGS__})

#endif
