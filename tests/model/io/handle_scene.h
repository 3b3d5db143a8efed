/* What the models of handles share: a table, descriptors that stand for blocks
 * which die when they are closed, and strands without stacks. A model's thread
 * is a strand that runs one thing, or whoever tells the events of a batch.
 *
 * Descriptors are small numbers, each opened once. What the kernel knows of one
 * is relaxed: nothing but an edge that was told says that it is to be seen. */
#ifndef MODEL_IO_HANDLE_SCENE_H
#define MODEL_IO_HANDLE_SCENE_H

#include "io/handle.h"
#include "io/io.h"
#include "sched/runtime.h"

#include "model.h"
#include <millrace/error.h>
#include <sys/epoll.h>

enum { STRANDS = 3, FILES = 4, OWN = 77 };

typedef struct file {
    mri_atomic_u32 calls; /* whoever makes one */
    bool polled;          /* plain: by who opens it and who closes it */
} file;

struct state {
    mr_runtime rt;
    mri_io io;
    mri_worker worker;
    mri_strand strand[STRANDS];      /* of the thread with the same number */
    mri_atomic_u32 resumed[STRANDS]; /* times that it was resumed */
    uint32_t gone_on[STRANDS];       /* times that it went on: its own */

    file *file[FILES];           /* by who opens it */
    uint64_t data[FILES];        /* the poller's, from when it is told */
    int closed[FILES];           /* plain: times that it was */
    mri_atomic_u32 bytes[FILES]; /* the kernel's: there to be read */
    mri_atomic_u32 ended[FILES]; /* the kernel's: what `end` asks for */
    int asked[FILES];            /* plain: by `end`, times that it asked */
    bool refuses;                /* the poller, from now on */

    mr_handle h[FILES];   /* of what setup has opened */
    mri_desc *in[FILES];  /* where setup has left a user in */
    int rc[STRANDS];      /* what a thread was told */
    uint64_t generation;  /* the first one */
    mri_atomic_u64 count; /* of the park in which strand 0 waits; 0: not yet */
    mri_atomic_u32 got;   /* bytes read */
};

/* ---- Setups ------------------------------------------------------------- */

/* An empty table. */
void scene_open(struct state *s);

/* fd 0 is in it; it was closed; it is to be ended; and it lingers. */
void scene_open_one(void *state);
void scene_open_closed(void *state);
void scene_open_ending(void *state);
void scene_open_lingering(void *state);

/* ---- Steps -------------------------------------------------------------- */

mri_strand *scene_here(struct state *s);

/* On the strand: fd in the table, as a stream; as what is to be ended. */
mr_handle scene_add(struct state *s, unsigned strand, int fd);
mr_handle scene_add_with_end(struct state *s, unsigned strand, int fd);

/* On the strand: get, call, put; fd is what it must be. What get said. */
int scene_use(struct state *s, unsigned strand, mr_handle h, int fd);

/* A call with a descriptor in hand. */
void scene_call(struct state *s, const mri_desc *d, int fd);

/* Here: one byte is read, or what a wait for it said; as io/attempt.h. */
int scene_read(struct state *s, mr_handle h, int fd);

/* Whoever polls: an event that was fetched before; a byte, and its event. */
void scene_tell(struct state *s, mr_handle data, uint32_t events);
void scene_byte_comes(struct state *s, int fd, mr_handle data);

/* The kernel: from when the poller has fd, once: the data of its events. */
mr_handle scene_await_polled(int fd);

/* The kernel: what `end` asks for has happened; and its event is told. */
void scene_ends(struct state *s, int fd);

/* ---- Threads ------------------------------------------------------------ */

/* A user of fd 0; it is closed; an event of it is told. */
void scene_uses(void *state);
void scene_closes(void *state);
void scene_tells(void *state);

/* ---- Checks ------------------------------------------------------------- */

/* The place that is made first. */
mri_desc *scene_place(struct state *s);

/* Nobody has the handle's place; or who has opened it, and nobody else. */
bool scene_is_free_after(struct state *s, mr_handle h);
bool scene_is_open(struct state *s, mr_handle h);

/* At the end: fd was closed, or is there still; closes what is there. */
void scene_check(struct state *s, uint32_t closed);

/* It was fd 0; and 1. */
void scene_closed_0(void *state);
void scene_closed_both(void *state);

/* ---- Models ------------------------------------------------------------- */

#define HANDLE(name_, setup_, ...)                                             \
    MODEL(handle_##name_, .state_size = sizeof(struct state), .setup = setup_, \
          .free_pauses = MODEL_NONE, __VA_ARGS__)
#define EXHAUST .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED
/* Too large for failures without a reason, which the others have. */
#define PAIR .spurious = MODEL_NONE, .bound = 3, .deep_bound = 4
#define TRIO .spurious = MODEL_NONE, .bound = 2, .deep_bound = 3
#define LARGE .spurious = MODEL_NONE, .bound = 1, .deep_bound = 2
#define LARGEST                                                                \
    .spurious = MODEL_NONE, .bound = MODEL_NO_PREEMPTION, .deep_bound = 1

#endif
