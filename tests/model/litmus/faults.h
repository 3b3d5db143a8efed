/* Faults planted on purpose, and next to each the right program, in which
 * nothing is found: every kind of fault the checker claims to see. */
#ifndef MODEL_LITMUS_FAULTS_H
#define MODEL_LITMUS_FAULTS_H

#include "model.h"

#define FINE(name_, ...)                                                       \
    MODEL(name_, .state_size = sizeof(struct shared), .thread = {__VA_ARGS__}, \
          .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED)
#define BROKEN(name_, text_, ...)                                              \
    MODEL(name_, .state_size = sizeof(struct shared), .thread = {__VA_ARGS__}, \
          .fails = (text_), .bound = MODEL_UNBOUNDED,                          \
          .deep_bound = MODEL_UNBOUNDED)

struct shared {
    mri_atomic_u32 word, other, done;
    mri_atomic_ptr pointer;
    char bytes[16];
    uint64_t wide;
};

#endif
