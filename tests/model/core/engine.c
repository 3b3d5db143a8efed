/* One execution: logical threads on fibers, one of them running at a time.
 *
 * A thread announces each step that others could notice (engine_point) and
 * takes it when it is picked; everything in between is its own business and
 * goes along with the step before. So all that matters is the order of steps,
 * and while a thread waits to be picked, what it is going to do is known:
 * that is what enabledness and the independence of steps are decided by.
 *
 *   driver ──> thread 0: setup ──> each thread up to its first step
 *                 ^                      │
 *                 └── all done: finish <─┴─ pick, step, pick, step, ...
 *
 * A failure switches to the driver and abandons all fibers where they are.
 */
#include "base/assert.h"
#include "core/core.h"
#include "model.h"
#include "os/fiber.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HEAP_SIZE = 1 << 20, STACK_SIZE = 128 << 10, FRAMES_IN_USE = 4096 };

/* How often a spinning thread is let go on when nobody else can. */
enum { PATIENCE = 64 };

struct engine engine;

static mri_fiber fibers[MAX_THREADS], driver;
static uintptr_t region;
static const size_t region_size = HEAP_SIZE + MAX_THREADS * STACK_SIZE;
static enum ending ending;
static char failure[1024];
static void *state;

/* ---- Memory of the model ------------------------------------------------ */

static void on_crash(int sig)
{
    engine_fail("%s crashed: signal %d (%s)", trace_thread(engine.current), sig,
                strsignal(sig));
}

static void catch_crashes(void)
{
    static char stack[64 << 10];
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    struct sigaction action = {.sa_handler = on_crash,
                               .sa_flags = SA_ONSTACK | SA_NODEFER};
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
}

static void open_region(void)
{
    if (region)
        return;
    void *p = mmap(NULL, region_size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    region = (uintptr_t)p;
    if (p == MAP_FAILED || plain_open(region, region_size) != 0) {
        perror("model: mapping the model's memory");
        exit(2);
    }
    heap_open(region, HEAP_SIZE);
    mri_fiber_of_thread(&driver);
    catch_crashes();
}

static uintptr_t stack_low(unsigned thread)
{
    return region + HEAP_SIZE + thread * (uintptr_t)STACK_SIZE;
}

bool engine_owns(uintptr_t addr)
{
    return addr - region < region_size;
}

int engine_stack_of(uintptr_t addr, bool *gone)
{
    if (addr - region < HEAP_SIZE || !engine_owns(addr))
        return -1;
    unsigned t = (unsigned)((addr - region - HEAP_SIZE) / STACK_SIZE);
    *gone = addr < engine.thread[t].frame;
    return (int)t;
}

/* ---- Ending ------------------------------------------------------------- */

static void MRI_NORETURN leave(enum ending how)
{
    ending = how;
    mri_fiber_switch(&fibers[engine.current], &driver);
    abort();
}

void engine_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(failure, sizeof failure, format, args);
    va_end(args);
    if (tracing)
        trace("FAILED %s", failure);
    leave(END_FAILED);
}

const char *engine_failure(void)
{
    return failure;
}

static void MRI_NORETURN deadlock(void)
{
    char text[800] = "";
    size_t len = 0;
    for (unsigned t = 1; t < engine.threads; t++) {
        if (engine.thread[t].state == THREAD_DONE || len + 200 > sizeof text)
            continue;
        len += (size_t)snprintf(text + len, sizeof text - len, "; ");
        block_explain(t, text + len, sizeof text - len);
        len = strlen(text);
    }
    engine_fail("deadlock%s", text);
}

/* ---- Picking ------------------------------------------------------------ */

static bool overlap(struct step a, struct step b)
{
    return a.addr < b.end && b.addr < a.end;
}

/* Could the two be exchanged without anybody noticing? False when in doubt. */
static bool commute(struct step a, struct step b)
{
    if (a.kind == STEP_EVENT && b.kind == STEP_EVENT)
        return false;
    if ((a.kind == STEP_PAUSE && b.kind == STEP_WRITE) ||
        (b.kind == STEP_PAUSE && a.kind == STEP_WRITE))
        return false;
    return !overlap(a, b) || (a.kind == STEP_READ && b.kind == STEP_READ);
}

static unsigned enabled(uint8_t options[])
{
    unsigned n = 0, current = engine.current;
    const struct thread *t = &engine.thread[current];
    bool stays = block_can_go_on(t), pauses = t->next.kind == STEP_PAUSE;
    if (stays && !pauses)
        options[n++] = (uint8_t)current;
    for (unsigned i = 1; i < engine.threads; i++)
        if (i != current && block_can_go_on(&engine.thread[i]))
            options[n++] = (uint8_t)i;
    if (stays && pauses)
        options[n++] = (uint8_t)current;
    return n;
}

/* When nobody else can go on: those that spin, the most patient first, so that
 * each gets its turns. */
static unsigned resting(uint8_t options[])
{
    unsigned n = 0;
    int most = 0;
    for (unsigned t = 1; t < engine.threads; t++)
        if (block_rests(&engine.thread[t]) && engine.thread[t].patience > most)
            most = engine.thread[t].patience;
    for (unsigned t = 1; t < engine.threads; t++)
        if (block_rests(&engine.thread[t]) && engine.thread[t].patience == most)
            options[n++] = (uint8_t)t;
    return n;
}

static unsigned without_sleepers(uint8_t options[], unsigned n)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < n; i++)
        if (!(engine.asleep_set >> options[i] & 1))
            options[kept++] = options[i];
    if (kept == 0)
        leave(END_REDUNDANT);
    return kept;
}

/* Those options before the picked one that need not be run until somebody
 * takes a step that does not commute with theirs (explore.c). */
static void sleep_siblings(const uint8_t options[], unsigned picked, bool costs)
{
    uint32_t set = engine.asleep_set;
    struct step taken = engine.thread[options[picked]].next;
    unsigned sleepers = picked;
    if (exploration.mode == MODE_BOUNDED)
        sleepers = costs && picked > 0 ? 1 : 0;
    for (unsigned i = 0; i < sleepers; i++)
        set |= 1u << options[i];
    for (unsigned t = 1; t < engine.threads; t++)
        if (!commute(engine.thread[t].next, taken))
            set &= ~(1u << t);
    engine.asleep_set = set & ~(1u << options[picked]);
}

static unsigned pick(void)
{
    uint8_t options[MAX_THREADS];
    unsigned n = enabled(options);
    int most = engine.model->max_steps ? engine.model->max_steps : 2000;
    if (n == 0)
        n = resting(options);
    if (n == 0) {
        for (unsigned t = 1; t < engine.threads; t++)
            if (engine.thread[t].state != THREAD_DONE)
                deadlock();
        return 0;
    }
    if (++engine.steps > (unsigned)most)
        engine_fail("livelock: more than %d steps", most);
    /* To leave a thread that could go on, and does not offer it, costs. */
    bool costs = options[0] == engine.current && me()->next.kind != STEP_PAUSE;
    if (exploration.mode == MODE_BOUNDED && costs &&
        engine.preemptions >= (unsigned)exploration.bound)
        n = 1;
    bool reduces = exploration.mode != MODE_RANDOM && !exploration.full;
    if (reduces)
        n = without_sleepers(options, n);
    unsigned picked = choose_thread(options, n);
    if (costs && options[picked] != engine.current)
        engine.preemptions++;
    if (reduces)
        sleep_siblings(options, picked, costs);
    return options[picked];
}

static void run(unsigned next)
{
    unsigned from = engine.current;
    if (next == from)
        return;
    engine.current = next;
    mri_fiber_switch(&fibers[from], &fibers[next]);
}

void engine_point(struct step step)
{
    if (!engine.running)
        return;
    me()->next = step;
    run(engine.launching ? 0 : pick());
}

void engine_block(void)
{
    if (!engine.running)
        engine_fail("setup or finish waits, and no thread runs");
    run(pick());
}

/* ---- Threads ------------------------------------------------------------ */

static void join_all(void)
{
    for (unsigned t = 1; t < engine.threads; t++)
        knowledge_join_all(&me()->now, &engine.thread[t].now, location_count());
}

/* A model's own figure; 0 stands for the usual one, MODEL_NONE for none. */
static int budget(int own, int usual)
{
    return own == MODEL_NONE ? 0 : own ? own : usual;
}

static void open_thread(unsigned t, mri_fiber_entry entry)
{
    struct thread *thread = &engine.thread[t];
    thread->state = THREAD_DONE;
    thread->next = (struct step){.kind = STEP_START};
    /* seen[] is cleared location by location, as they are opened. */
    memset(thread->now.clock, 0, sizeof thread->now.clock);
    memset(thread->pending.clock, 0, sizeof thread->pending.clock);
    thread->now.clock[t] = 1;
    thread->released = NULL;
    thread->spins = thread->limits = 0;
    thread->too_many_spins = false;
    thread->frame = 0;
    thread->depth = 0;
    thread->shared = false;
    thread->spurious_left = budget(engine.model->spurious, 0);
    thread->weak_left = budget(engine.model->spurious, 1);
    thread->free_pauses = budget(engine.model->free_pauses, 1);
    thread->patience = PATIENCE;
    mri_fiber_open(&fibers[t], (void *)stack_low(t), STACK_SIZE, entry,
                   (void *)(uintptr_t)t);
}

static void thread_main(void *arg)
{
    unsigned t = (unsigned)(uintptr_t)arg;
    engine.model->thread[t - 1](state);
    plain_leave((uintptr_t)__builtin_frame_address(0) - FRAMES_IN_USE,
                (uintptr_t)__builtin_frame_address(0));
    me()->state = THREAD_DONE;
    me()->frame = UINTPTR_MAX;
    run(engine.launching ? 0 : pick());
    abort();
}

static void launch(void)
{
    const struct view *v = view_of(&me()->now, location_count());
    engine.thread[0].now.clock[0]++;
    engine.running = engine.launching = true;
    for (unsigned t = 1; t < engine.threads; t++) {
        engine.thread[t].state = THREAD_READY;
        knowledge_join(&engine.thread[t].now, v);
        run(t);
    }
    engine.launching = false;
}

static void conductor(void *arg)
{
    (void)arg;
    const struct model *m = engine.model;
    if (m->setup)
        m->setup(state);
    launch();
    run(pick());
    engine.running = false;
    join_all();
    if (m->finish)
        m->finish(state);
    heap_check_leaks();
    outcome_take();
    leave(END_FINE);
}

enum ending engine_run(const struct model *m)
{
    open_region();
    scratch_reset();
    plain_reset();
    location_reset();
    fence_reset();
    heap_reset();
    block_reset();
    trace_reset();
    outcome_open();
    engine.model = m;
    engine.current = 0;
    engine.running = false;
    engine.steps = engine.preemptions = 0;
    engine.asleep_set = 0;
    engine.threads = 1;
    while (engine.threads <= MODEL_MAX_THREADS && m->thread[engine.threads - 1])
        engine.threads++;
    open_thread(0, conductor);
    for (unsigned t = 1; t < engine.threads; t++)
        open_thread(t, thread_main);
    state = heap_open_state(m->state_size);
    mri_fiber_switch(&driver, &fibers[0]);
    for (unsigned t = 0; t < engine.threads; t++)
        mri_fiber_close(&fibers[t]);
    return ending;
}

void model_failed(const char *what, const char *file, int line)
{
    engine_fail("%s is false, at %s:%d in %s", what, file, line,
                trace_thread(engine.current));
}

unsigned model_choose(unsigned count)
{
    return choose(count);
}

int model_thread(void)
{
    return (int)engine.current - 1;
}

/* base/assert.h, for the code under test. */
void mri_fatal(const char *rule, const char *condition, const char *file,
               int line, const char *function)
{
    engine_fail("%s (%s) at %s:%d in %s", rule, condition, file, line,
                function);
}
