/* Runs programs given as data under the checker: one model, run once for each
 * line of standard input. Every pair of operation and order is a place of its
 * own, so that --weaken breaks one at a time. An outcome is what the operations
 * that read have read, in the order of the text, then "/" and the words' last
 * values: "0,1/1,2,0". */
#include "model.h"
#include "os/barrier.h"
#include "program.h"

#include <inttypes.h>
#include <stdio.h>

struct state {
    mri_atomic_u64 word[WORDS];
    uint64_t read[THREADS][OPERATIONS];
    mri_barrier barrier;
};

static struct program program;

static uint64_t load(const struct operation *op, mri_atomic_u64 *word)
{
    return op->order == ACQ ? mri_load_acquire(word) : mri_load_relaxed(word);
}

static void store(const struct operation *op, mri_atomic_u64 *word)
{
    if (op->order == REL)
        mri_store_release(word, op->first);
    else
        mri_store_relaxed(word, op->first);
}

static uint64_t add(const struct operation *op, mri_atomic_u64 *word)
{
    switch (op->order) {
    case ACQ:
        return mri_add_acquire(word, op->first);
    case REL:
        return mri_add_release(word, op->first);
    case ACQ_REL:
        return mri_add_acq_rel(word, op->first);
    default:
        return mri_add_relaxed(word, op->first);
    }
}

static uint64_t cas(const struct operation *op, mri_atomic_u64 *word)
{
    uint64_t seen = op->first;
    bool done;
    switch (op->order) {
    case ACQ:
        done = mri_cas_acquire(word, &seen, op->second);
        break;
    case REL:
        done = mri_cas_release(word, &seen, op->second);
        break;
    case ACQ_REL:
        done = mri_cas_acq_rel(word, &seen, op->second);
        break;
    default:
        done = mri_cas_relaxed(word, &seen, op->second);
    }
    model_assert(done == (seen == op->first));
    return seen;
}

static void fence(const struct operation *op)
{
    switch (op->order) {
    case ACQ:
        mri_fence_acquire();
        break;
    case REL:
        mri_fence_release();
        break;
    case ACQ_REL:
        mri_fence_acquire();
        mri_fence_release();
        break;
    default:
        mri_fence_seq_cst();
    }
}

static uint64_t perform(struct state *s, const struct operation *op)
{
    mri_atomic_u64 *word = &s->word[op->word];
    switch (op->kind) {
    case 'R':
        return load(op, word);
    case 'W':
        store(op, word);
        break;
    case 'A':
        return add(op, word);
    case 'C':
        return cas(op, word);
    case 'F':
        fence(op);
        break;
    case 'L':
        mri_barrier_light(&s->barrier);
        break;
    default:
        mri_barrier_heavy(&s->barrier);
    }
    return 0;
}

static void thread(void *state)
{
    struct state *s = state;
    unsigned t = (unsigned)model_thread();
    for (unsigned i = 0; i < program.length[t]; i++)
        s->read[t][i] = perform(s, &program.operation[t][i]);
}

static bool reads(const struct operation *op)
{
    return op->kind == 'R' || op->kind == 'A' || op->kind == 'C';
}

static void setup(void *state)
{
    ((struct state *)state)->barrier.membarrier = true;
}

static void finish(void *state)
{
    struct state *s = state;
    char text[THREADS * OPERATIONS * 21];
    int n = 0;
    text[0] = '\0';
    for (unsigned t = 0; t < THREADS; t++)
        for (unsigned i = 0; i < program.length[t]; i++)
            if (reads(&program.operation[t][i]))
                n += snprintf(text + n, sizeof text - (size_t)n, "%s%" PRIu64,
                              n ? "," : "", s->read[t][i]);
    model_outcome("%s/%" PRIu64 ",%" PRIu64 ",%" PRIu64, text,
                  mri_load_relaxed(&s->word[0]), mri_load_relaxed(&s->word[1]),
                  mri_load_relaxed(&s->word[2]));
}

static bool next(void)
{
    return program_read(&program);
}

MODEL(program, .state_size = sizeof(struct state), .setup = setup,
      .thread = {thread, thread, thread}, .finish = finish, .next = next,
      .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED)
