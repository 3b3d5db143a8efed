/* All that makes a thread wait: futexes, event sources, and pauses in loops
 * that spin.
 *
 * Futex. Linux promises that a wait compares and goes to sleep in one step as
 * seen by wakes of the same word. So a wait reads the word and, if it is as
 * expected, sleeps; a wake wakes sleepers. Because the two also take the same
 * kernel lock, a wait that comes after a wake reads nothing older, of that
 * word, than what the waker knew; that is all the order there is.
 *
 * Event source. As an eventfd in an edge-triggered epoll set; here the data
 * path through the kernel (a counter written and read) does order the post
 * before the wait that takes it.
 *
 * Pause. A loop that spins reads some words, pauses and reads them again, and
 * an execution must not do that for ever. A few pauses of each thread (the
 * model says how many) are free: it goes on whatever there is to see, so that
 * loops that spin a few times and then do something else are explored. After
 * those, a pause brings news: if a newer value of one of the words exists, the
 * next read of it returns a newer one than the last (values become visible in
 * finite time), and if of none, the thread rests until somebody stores one. A
 * loop that spins a bounded number of times, more than are free, is let go on
 * when nobody else can; one that never ends is reported then.
 */
#include "core/core.h"
#include "model.h"
#include "os/clock.h"
#include "os/futex.h"

#include <millrace/error.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_FUTEXES = 64, MAX_EVENTS = 16 };

static struct {
    uintptr_t addr;
    uint32_t floor; /* timestamp that a later wait does not read behind */
} futexes[MAX_FUTEXES];
static unsigned futex_count;

static uint32_t events_ready;
static const struct view *event_view[MAX_EVENTS];

void block_reset(void)
{
    futex_count = 0;
    events_ready = 0;
    memset(event_view, 0, sizeof event_view);
}

/* ---- Spinning ----------------------------------------------------------- */

void spin_note(int location, uint32_t seen)
{
    struct thread *t = me();
    for (unsigned i = 0; i < t->spins; i++)
        if (t->spin[i].location == location) {
            t->spin[i].seen = seen;
            return;
        }
    if (t->spins == MAX_SPIN) {
        t->too_many_spins = true;
        return;
    }
    t->spin[t->spins].location = location;
    t->spin[t->spins++].seen = seen;
}

void spin_left(void)
{
    me()->spins = me()->limits = 0;
    me()->too_many_spins = false;
}

uint32_t spin_limit(int location)
{
    struct thread *t = me();
    for (unsigned i = 0; i < t->limits; i++)
        if (t->limit[i].location == location) {
            uint32_t seen = t->limit[i].seen;
            bool newer = location_at(location)->newest->stamp > seen;
            t->limit[i] = t->limit[--t->limits];
            return newer ? seen + 1 : 0;
        }
    return 0;
}

static bool anything_newer(const struct thread *t)
{
    for (unsigned i = 0; i < t->spins; i++)
        if (location_at(t->spin[i].location)->newest->stamp > t->spin[i].seen)
            return true;
    return false;
}

void mrm_pause(void)
{
    ENTER();
    struct thread *t = me();
    if (!engine.running)
        engine_fail("setup or finish spins, and no thread runs");
    if (t->too_many_spins)
        engine_limit("a loop spins on more than %d words", MAX_SPIN);
    engine_point((struct step){.kind = STEP_PAUSE});
    if (t->spins == 0)
        return; /* backs off some more, and has not looked since */
    bool news = anything_newer(t), is_free = t->free_pauses > 0;
    if (is_free && (!news || choose(2) == 1)) {
        t->free_pauses--;
        t->limits = 0;
    } else {
        memcpy(t->limit, t->spin, sizeof t->spin);
        t->limits = t->spins;
        if (!news && --t->patience == 0)
            engine_fail("%s spins for ever: nobody is left to store what it "
                        "waits for",
                        trace_thread(engine.current));
    }
    t->spins = 0;
    if (tracing)
        trace(news ? "pause" : "pause, nothing new");
}

/* ---- Who can go on ------------------------------------------------------ */

bool block_can_go_on(const struct thread *t)
{
    switch (t->state) {
    case THREAD_READY:
        return t->next.kind != STEP_PAUSE || t->free_pauses > 0 ||
               t->spins == 0 || anything_newer(t);
    case THREAD_ASLEEP:
        return t->timed;
    case THREAD_POLLING:
        return (events_ready & t->event_mask) != 0;
    case THREAD_DONE:
        break;
    }
    return false;
}

bool block_rests(const struct thread *t)
{
    return t->state == THREAD_READY && t->next.kind == STEP_PAUSE;
}

void block_explain(unsigned index, char *out, size_t size)
{
    const struct thread *t = &engine.thread[index];
    const char *name = trace_thread(index);
    if (t->state == THREAD_ASLEEP)
        snprintf(out, size,
                 "%s sleeps on %s, which it saw as 0x%" PRIx32
                 " and nobody will wake it (lost wake-up)",
                 name, trace_place(t->futex), t->expected);
    else if (t->state == THREAD_POLLING)
        snprintf(out, size, "%s waits for events 0x%" PRIx32, name,
                 t->event_mask);
    else
        snprintf(out, size, "%s spins", name);
}

/* ---- Futex -------------------------------------------------------------- */

void block_forget(uintptr_t addr, size_t size)
{
    for (unsigned i = 0; i < futex_count; i++)
        if (futexes[i].addr - addr < size)
            futexes[i].floor = 0;
}

static uint32_t *floor_of(uintptr_t addr)
{
    for (unsigned i = 0; i < futex_count; i++)
        if (futexes[i].addr == addr)
            return &futexes[i].floor;
    if (futex_count == MAX_FUTEXES)
        engine_limit("more than %d futex words", MAX_FUTEXES);
    futexes[futex_count].addr = addr;
    futexes[futex_count].floor = 0;
    return &futexes[futex_count++].floor;
}

/* Asleep until a wake, or until time is up if there is a deadline. */
static int sleep_on(uintptr_t addr, uint32_t expected, bool timed)
{
    struct thread *t = me();
    t->state = THREAD_ASLEEP;
    t->futex = addr;
    t->expected = expected;
    t->timed = timed;
    t->next = (struct step){STEP_RESUME, addr, addr + 4};
    if (tracing)
        trace("sleep  on %s", trace_place(addr));
    engine_block();
    bool woken = t->state == THREAD_READY;
    t->state = THREAD_READY;
    if (tracing)
        trace(woken ? "woken" : "deadline passed");
    return woken ? 0 : MR_ETIMEDOUT;
}

int mri_futex_wait(mri_atomic_u32 *word, uint32_t expected, int64_t deadline)
{
    ENTER();
    uintptr_t addr = (uintptr_t)&word->cell;
    struct thread *t = me();
    spin_left();
    engine_point((struct step){STEP_WAIT, addr, addr + 4});
    if (t->spurious_left > 0 && choose(2) == 1) {
        t->spurious_left--;
        return MR_EINTR;
    }
    uint32_t seen = memory_kernel_read(addr, *floor_of(addr));
    if (seen != expected) {
        if (tracing)
            trace("futex  %s is 0x%" PRIx32 ", not 0x%" PRIx32,
                  trace_place(addr), seen, expected);
        return MR_EAGAIN;
    }
    return sleep_on(addr, expected, deadline != MRI_NEVER);
}

/* Which of the sleepers a wake of one finds first is not promised. */
static unsigned wake_one_of(const uint8_t sleepers[], unsigned n)
{
    unsigned picked = choose(n);
    struct thread *t = &engine.thread[sleepers[picked]];
    t->state = THREAD_READY;
    if (tracing)
        trace("wake   %s", trace_thread(sleepers[picked]));
    return picked;
}

int mri_futex_wake(mri_atomic_u32 *word, int count)
{
    ENTER();
    uintptr_t addr = (uintptr_t)&word->cell;
    engine_point((struct step){STEP_WAKE, addr, addr + 4});
    int location = engine_owns(addr) ? plain_location(addr) : 0;
    uint32_t *floor = floor_of(addr);
    if (location > 0 && memory_limit(location) > *floor)
        *floor = memory_limit(location);
    uint8_t sleepers[MAX_THREADS];
    unsigned n = 0;
    for (unsigned t = 1; t < engine.threads; t++)
        if (engine.thread[t].state == THREAD_ASLEEP &&
            engine.thread[t].futex == addr)
            sleepers[n++] = (uint8_t)t;
    int woken = 0;
    while (n > 0 && woken < count) {
        unsigned picked = wake_one_of(sleepers, n);
        sleepers[picked] = sleepers[--n];
        woken++;
    }
    if (tracing && woken == 0)
        trace("wake   nobody on %s", trace_place(addr));
    return woken;
}

/* ---- Time --------------------------------------------------------------- */

/* Stands still: a deadline passes when the scheduler has it pass. */
int64_t mri_clock_now(void)
{
    return 1;
}

/* ---- Events ------------------------------------------------------------- */

static const struct step event_step = {.kind = STEP_EVENT};

void model_event_post(int source)
{
    ENTER();
    struct thread *t = me();
    engine_point(event_step);
    event_view[source] =
        view_join(event_view[source], view_of(&t->now, location_count()));
    t->now.clock[engine.current]++;
    events_ready |= 1u << source;
    if (tracing)
        trace("post   event %d", source);
}

uint32_t model_event_wait(uint32_t mask)
{
    ENTER();
    struct thread *t = me();
    engine_point(event_step);
    while (!(events_ready & mask)) {
        t->state = THREAD_POLLING;
        t->event_mask = mask;
        t->next = event_step;
        if (tracing)
            trace("poll   events 0x%" PRIx32, mask);
        engine_block();
        t->state = THREAD_READY;
    }
    uint32_t taken = events_ready & mask;
    events_ready &= ~taken;
    for (int i = 0; i < MAX_EVENTS; i++)
        if (taken >> i & 1)
            knowledge_join(&t->now, event_view[i]);
    if (tracing)
        trace("events 0x%" PRIx32, taken);
    return taken;
}
