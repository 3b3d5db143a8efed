/* The checker from inside: what its files know of each other.
 *
 *   site.h       what instrumented code calls
 *   view.c       what a thread knows: clocks and, per location, how far
 *   location.c   atomic locations, each a history
 *   memory.c     loads and stores: what may be read, where written
 *   fence.c      fences, and what seq_cst ones forbid
 *   plain.c      plain accesses: data races, dead memory
 *   engine.c     logical threads on fibers; one execution
 *   block.c      futexes, events, pauses: all that makes a thread wait
 *   explore.c    the tree of executions: depth-first, random, replay
 *   trace.c      what happened, in words
 *   outcome.c    the set of a litmus test's outcomes
 *   main.c       the command line
 *   hooks.c      entry points the compiler's thread instrumentation calls
 *
 * None of these is instrumented, and none of them uses the atomics it models:
 * the whole checker is one operating-system thread.
 */
#ifndef MODEL_CORE_H
#define MODEL_CORE_H

#include "core/site.h"

#include <setjmp.h>
#include <stddef.h>

#define MAX_THREADS 8 /* thread 0 is setup and finish */
#define MAX_LOCATIONS 512
#define MAX_STEPS 20000

struct model;

/* ---- view.c ------------------------------------------------------------ */

/* What a thread knows. clock: happens-before, per thread. seen: coherence,
 * per location the timestamp of the newest message it may not look behind. */
struct knowledge {
    uint32_t clock[MAX_THREADS];
    uint32_t seen[MAX_LOCATIONS];
};

/* A copy that no longer changes, as messages carry it. */
struct view {
    uint32_t locations; /* entries of seen[]; the rest counts as 0 */
    uint32_t clock[MAX_THREADS];
    uint32_t seen[];
};

void knowledge_join(struct knowledge *k, const struct view *v);
void knowledge_join_all(struct knowledge *k, const struct knowledge *other,
                        unsigned locations);
const struct view *view_of(const struct knowledge *k, unsigned locations);
const struct view *view_join(const struct view *a, const struct view *b);

/* Memory of one execution, given back as a whole. */
void *scratch_alloc(size_t size);
void scratch_reset(void);

/* ---- engine.c ---------------------------------------------------------- */

/* What a thread is about to do: enough to tell whether two steps commute. */
enum step_kind {
    STEP_START,
    STEP_READ,
    STEP_WRITE, /* any atomic that may write */
    STEP_WAIT,  /* futex wait: compares and sleeps */
    STEP_WAKE,
    STEP_RESUME, /* woken, or timed out */
    STEP_EVENT,
    STEP_PAUSE,
    STEP_FREE
};

struct step {
    enum step_kind kind;
    uintptr_t addr, end; /* what it touches; [addr, end) */
};

enum thread_state { THREAD_READY, THREAD_ASLEEP, THREAD_POLLING, THREAD_DONE };

#define MAX_SPIN 16
#define MAX_DEPTH 64

struct thread {
    enum thread_state state;
    struct step next;
    struct knowledge now;        /* what its next action may rely on */
    struct knowledge pending;    /* read by relaxed loads; an acquire fence
                                    makes it part of now */
    const struct view *released; /* now, at the last release fence */
    /* Asleep on a futex. */
    uintptr_t futex;
    uint32_t expected;
    bool timed, timed_out;
    int spurious_left, weak_left, free_pauses, patience;
    unsigned depth; /* functions entered, and where their frames begin */
    uintptr_t entry[MAX_DEPTH];
    bool shared;     /* another thread has touched this stack */
    uintptr_t frame; /* its code called the checker from here: what lies below
                        on its stack is gone */
    /* Polling events. */
    uint32_t event_mask;
    /* Spinning: the words read since the last pause. */
    unsigned spins;
    struct {
        int location;
        uint32_t seen;
    } spin[MAX_SPIN];
    bool too_many_spins; /* more words than fit: no matter unless it pauses */
    unsigned limits;     /* spin[] as it was at the last pause */
    struct {
        int location;
        uint32_t seen;
    } limit[MAX_SPIN];
};

struct engine {
    const struct model *model;
    struct thread thread[MAX_THREADS];
    unsigned threads; /* including thread 0 */
    unsigned current;
    bool running; /* between start and end of the threads proper */
    unsigned steps, preemptions;
    uint32_t asleep_set; /* sleep set: threads not worth running now */
    uintptr_t state;
    size_t state_size;
    bool launching; /* threads run up to their first step */
};
extern struct engine engine;

enum ending { END_FINE, END_FAILED, END_REDUNDANT };

/* Run the model once, choices taken from explore.c. */
enum ending engine_run(const struct model *m);

/* The calling logical thread is about to take a step that others could see.
 * Returns when the scheduler lets it. */
void engine_point(struct step step);

/* It cannot go on (its state says why); returns when it can. */
void engine_block(void);

/* End this execution with a failure. */
void engine_fail(const char *format, ...)
    __attribute__((noreturn, cold, format(printf, 1, 2)));
const char *engine_failure(void);
/* The same, for what the checker cannot do: no verdict on the model. */
#define engine_limit(...) engine_fail("limit of the checker: " __VA_ARGS__)

/* Does this address belong to the state, the heap or a stack of the model? */
bool engine_owns(uintptr_t addr);
/* Whose stack it is on, -1 if on none; and whether its frame is gone. */
int engine_stack_of(uintptr_t addr, bool *gone);

static inline struct thread *me(void)
{
    return &engine.thread[engine.current];
}

/* First in every function that code under test calls and that may switch. */
#define ENTER() (me()->frame = (uintptr_t)__builtin_frame_address(0))

/* ---- location.c -------------------------------------------------------- */

struct message {
    struct message *older, *newer;
    uint64_t value;
    uint32_t stamp;
    uint8_t thread;
    bool followed; /* a read-modify-write stands right behind it */
    const struct view *view;
    const struct mrm_site *site;
};

struct location {
    uintptr_t addr;
    unsigned size;
    struct message *newest;
};
extern struct location location_table[MAX_LOCATIONS];

void location_reset(void);
/* Indices in use, 0 included, which stands for none. */
unsigned location_count(void);
static inline const struct location *location_at(int index)
{
    return &location_table[index];
}
/* The one at this address, begun with what the memory holds if it is new. */
int location_open(uintptr_t addr, unsigned size);
/* Its history is over: a plain write, or the end of the memory. */
void location_forget(uintptr_t addr, size_t size);
/* By the calling thread; not in any history yet. */
struct message *location_message(uint64_t value, const struct mrm_site *site);
/* Put m behind `before`, which nothing follows that it must stay next to. */
void location_insert(int index, struct message *before, struct message *m);

/* ---- memory.c ---------------------------------------------------------- */

/* The timestamp behind which the calling thread may not look. */
uint32_t memory_limit(int index);
/* The kernel's look at a futex word; see block.c. */
uint32_t memory_kernel_read(uintptr_t addr, uint32_t floor);

/* ---- fence.c ----------------------------------------------------------- */

void fence_reset(void);
void fence_open_location(int index);
/* The calling thread may read nothing older, and store nothing behind it. */
uint32_t fence_floor(int index);
/* It has read, or written, the message with this stamp. */
void fence_note(int index, uint32_t stamp, bool writes);

/* ---- plain.c ----------------------------------------------------------- */

enum access_kind {
    ACCESS_READ = 1,
    ACCESS_WRITE = 2,
    ACCESS_ATOMIC_READ = 4,
    ACCESS_ATOMIC_WRITE = 8,
    ACCESS_FREE = 16
};

int plain_open(uintptr_t base, size_t size);
void plain_reset(void);
void plain_access(uintptr_t addr, size_t size, enum access_kind kind,
                  const void *pc);
/* The calling thread leaves the frames in [low, high): an access of another
 * thread that is not ordered before this may as well come after it. */
void plain_leave(uintptr_t low, uintptr_t high);
void plain_mark(uintptr_t addr, size_t size, bool alive);
/* The index of the atomic location at this address, 0 if there is none. */
int plain_location(uintptr_t addr);
void plain_set_location(uintptr_t addr, int index);

/* ---- heap.c ------------------------------------------------------------ */

/* Each thread takes from a range of its own, so that addresses do not depend
 * on the interleaving. */
void heap_open(uintptr_t base, size_t size);
void heap_reset(void);
/* The model's state: a block that nobody need free. */
void *heap_open_state(size_t size);
void *heap_alloc(size_t size);
void heap_free(void *block);
void heap_check_leaks(void);

/* ---- block.c ----------------------------------------------------------- */

void block_reset(void);
bool block_can_go_on(const struct thread *t);
/* Spins with nothing new to see: goes on when nobody else can. */
bool block_rests(const struct thread *t);
/* The futex word is another one now. */
void block_forget(uintptr_t addr, size_t size);
void block_explain(unsigned thread, char *out, size_t size);
/* Note a read for pause, and the oldest message a read may return after one. */
void spin_note(int location, uint32_t seen);
uint32_t spin_limit(int location);
/* The thread does something else than looking: the loop is over. */
void spin_left(void);

/* ---- explore.c --------------------------------------------------------- */

enum mode { MODE_BOUNDED, MODE_UNBOUNDED, MODE_RANDOM };

struct exploration {
    enum mode mode;
    int bound;
    uint64_t seed, runs; /* random: how many */
    double seconds;      /* stop after; 0: never */
    uint64_t executions, redundant, failures, steps, longest;
    double elapsed;
    bool exhausted;
    bool full; /* no reduction, to check the reductions by */
};
extern struct exploration exploration;

/* One of `count` options, 0 being the plainest. */
unsigned choose(unsigned count);
/* One of the threads in `options`; the calling one stands first if it could
 * go on, and leaving it then is a preemption. */
unsigned choose_thread(const uint8_t *options, unsigned count);
enum ending explore(const struct model *m);
void replay_string(char *out, size_t size);
bool replay_parse(const char *text);
/* Run the execution that ended last again; and stop doing so. */
void replay_last(void);
void replay_end(void);

/* ---- trace.c ----------------------------------------------------------- */

extern bool tracing;
void trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *trace_place(uintptr_t addr);
const char *trace_thread(unsigned thread);
const char *trace_code(const void *pc);
void trace_reset(void);
void trace_name(uintptr_t addr, size_t size, const char *name);
const char *op_name(unsigned op);
const char *order_name(unsigned order);

/* ---- outcome.c --------------------------------------------------------- */

void outcome_reset(void); /* of one model: none yet */
void outcome_open(void);  /* of one execution: finish said nothing yet */
void outcome_take(void);  /* add what finish said */
void outcome_print(void);
/* None that is forbidden; and, if asked, all that are allowed. */
bool outcome_check(const struct model *m, bool all, char *why, size_t size);

#endif
