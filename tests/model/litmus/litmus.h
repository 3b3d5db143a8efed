/* The small programs of the C11 literature, one outcome set each. An outcome
 * is what the threads' registers r[] hold at the end, "10" for r[0] = 1 and
 * r[1] = 0. The set must be reached exactly: one outcome more is a checker
 * that is too weak, one less a checker that is too strong. All run without a
 * preemption bound; a second test runs them without sleep sets too. */
#ifndef MODEL_LITMUS_H
#define MODEL_LITMUS_H

#include "model.h"
#include "os/barrier.h"

struct state {
    mri_atomic_u32 x, y, z, data_word;
    uint32_t r[4];
    uint32_t data, data2;
    mri_barrier barrier;
};

#define THREAD(name)                                                           \
    static void name##_body(struct state *s);                                  \
    static void name(void *state)                                              \
    {                                                                          \
        name##_body(state);                                                    \
    }                                                                          \
    static void name##_body(struct state *s)

#define LITMUS(name_, finish_, outcomes_, ...)                                 \
    MODEL(name_, .state_size = sizeof(struct state), .thread = {__VA_ARGS__},  \
          .finish = (finish_), .outcomes = (outcomes_),                        \
          .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED)

/* A program whose fault is the point: a failure with this text. */
#define FAULT(name_, text_, ...)                                               \
    MODEL(name_, .state_size = sizeof(struct state), .thread = {__VA_ARGS__},  \
          .fails = (text_), .bound = MODEL_UNBOUNDED,                          \
          .deep_bound = MODEL_UNBOUNDED)

#define REGISTERS(n, format, ...)                                              \
    __attribute__((unused)) static void show##n(void *state)                   \
    {                                                                          \
        const struct state *s = state;                                         \
        model_outcome(format, __VA_ARGS__);                                    \
    }
REGISTERS(1, "%u", s->r[0])
REGISTERS(2, "%u%u", s->r[0], s->r[1])
REGISTERS(3, "%u%u%u", s->r[0], s->r[1], s->r[2])
REGISTERS(4, "%u%u%u%u", s->r[0], s->r[1], s->r[2], s->r[3])

/* The last value in modification order of x and y. */
__attribute__((unused)) static void show_memory(void *state)
{
    struct state *s = state;
    model_outcome("%u%u", mri_load_relaxed(&s->x), mri_load_relaxed(&s->y));
}

#endif
