/* The tree of executions.
 *
 * An execution is a sequence of choices: which thread steps, which message a
 * load reads, where a store stands. It is replayed from the start each time
 * (nothing is saved but the choices), and the last choice that has another
 * option left takes it: depth-first search.
 *
 * Two ways to bound the tree, both exact in what they claim:
 *  - preemption bound (Musuvathi and Qadeer, PLDI 2007): every execution in
 *    which at most N times a thread that could go on was left. Full sleep sets
 *    would be wrong here: they drop executions whose equivalent may need more
 *    preemptions than the bound. One part of them is right: a thread that was
 *    preempted before a step sleeps until somebody takes a step that does not
 *    commute with it. For if nobody does before it runs again, taking that
 *    step first and being preempted after it is equivalent, costs no more (no
 *    thread is left once more than before, and if the step blocks the thread,
 *    leaving it is free), and was explored as the earlier option.
 *  - none, with sleep sets (Godefroid): every execution up to exchanging
 *    neighbouring steps that commute.
 * And one way to sample where the tree is too large: random priorities with a
 * few change points (PCT, Burckhardt et al., ASPLOS 2010), random reads.
 *
 * A choice of 0 is always the plainest: go on with the same thread, read the
 * newest message, append. So a replay string only names the others.
 */
#include "core/core.h"
#include "model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct decision {
    uint8_t chosen, count;
};

enum { MAX_DECISIONS = 4 * MAX_STEPS, CHANGE_POINTS = 3 };

struct exploration exploration;

static struct decision decisions[MAX_DECISIONS];
static unsigned depth, at;
static bool replaying;

static uint64_t random_state;
static uint32_t priority[MAX_THREADS];
static uint64_t change_at[CHANGE_POINTS];
static uint32_t lowest;

static uint64_t random_next(void)
{
    /* splitmix64: Steele, Lea, Flood, OOPSLA 2014 */
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void open_random(uint64_t run)
{
    random_state = exploration.seed * 0x2545f4914f6cdd1du + run;
    uint64_t length = exploration.longest ? exploration.longest : 50;
    for (unsigned t = 0; t < MAX_THREADS; t++)
        priority[t] = 1000 + (uint32_t)(random_next() % 1000000);
    for (unsigned i = 0; i < CHANGE_POINTS; i++)
        change_at[i] = random_next() % length;
    lowest = CHANGE_POINTS;
}

static unsigned decide(unsigned count, unsigned (*fresh)(unsigned))
{
    if (count == 1)
        return 0;
    if (count == 0 || count > 255)
        engine_limit("%u options for one choice", count);
    if (at == MAX_DECISIONS)
        engine_limit("more than %d choices in one execution", MAX_DECISIONS);
    if (at >= depth) {
        decisions[at] =
            (struct decision){(uint8_t)fresh(count), (uint8_t)count};
        depth = at + 1;
    }
    if (replaying)
        decisions[at].count = (uint8_t)count;
    if (decisions[at].count != count || decisions[at].chosen >= count)
        engine_limit("the model is not deterministic: choice %u had %u options "
                     "and now has %u",
                     at, decisions[at].count, count);
    return decisions[at++].chosen;
}

static unsigned first(unsigned count)
{
    (void)count;
    return 0;
}

/* Half of the time the newest, so that executions get somewhere. */
static unsigned any(unsigned count)
{
    uint64_t r = random_next();
    return r & 1 ? 0 : (unsigned)((r >> 1) % count);
}

unsigned choose(unsigned count)
{
    bool random = exploration.mode == MODE_RANDOM;
    return decide(count, random ? any : first);
}

static const uint8_t *thread_options;

static unsigned highest_priority(unsigned count)
{
    unsigned best = 0;
    for (unsigned i = 0; i < CHANGE_POINTS; i++)
        if (change_at[i] == engine.steps)
            priority[engine.current] = --lowest;
    for (unsigned i = 1; i < count; i++)
        if (priority[thread_options[i]] > priority[thread_options[best]])
            best = i;
    return best;
}

unsigned choose_thread(const uint8_t *options, unsigned count)
{
    bool random = exploration.mode == MODE_RANDOM;
    thread_options = options;
    return decide(count, random ? highest_priority : first);
}

/* ---- The search --------------------------------------------------------- */

static bool backtrack(void)
{
    while (depth > 0) {
        struct decision *d = &decisions[depth - 1];
        if (d->chosen + 1 < d->count) {
            d->chosen++;
            return true;
        }
        depth--;
    }
    return false;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static enum ending run_once(const struct model *m)
{
    struct exploration *x = &exploration;
    at = 0;
    if (x->mode == MODE_RANDOM && !replaying) {
        depth = 0;
        open_random(x->executions);
    }
    enum ending ending = engine_run(m);
    x->executions++;
    x->redundant += ending == END_REDUNDANT;
    x->steps += engine.steps;
    if (engine.steps > x->longest)
        x->longest = engine.steps;
    return ending;
}

enum ending explore(const struct model *m)
{
    struct exploration *x = &exploration;
    double start = now();
    enum ending ending;
    if (!replaying)
        depth = 0;
    x->executions = x->redundant = x->steps = x->longest = 0;
    x->exhausted = false;
    for (;;) {
        ending = run_once(m);
        if (ending == END_FAILED || replaying)
            break;
        if (x->mode == MODE_RANDOM ? x->executions >= x->runs : !backtrack()) {
            x->exhausted = x->mode != MODE_RANDOM;
            break;
        }
        bool look = (x->executions & 255) == 0;
        if (look && x->seconds > 0 && now() - start > x->seconds)
            break;
    }
    x->elapsed = now() - start;
    return ending == END_REDUNDANT ? END_FINE : ending;
}

/* ---- Replay ------------------------------------------------------------- */

/* "b2:17=1,33=2": how it was bounded, then the choices that were not 0. */
void replay_string(char *out, size_t size)
{
    int n = exploration.mode == MODE_BOUNDED
                ? snprintf(out, size, "b%d:", exploration.bound)
                : snprintf(out, size,
                           "%c:", exploration.mode == MODE_RANDOM ? 'r' : 'u');
    size_t len = (size_t)n;
    for (unsigned i = 0; i < at && len + 16 < size; i++)
        if (decisions[i].chosen > 0)
            len += (size_t)snprintf(out + len, size - len, "%s%u=%u",
                                    out[len - 1] == ':' ? "" : ",", i,
                                    decisions[i].chosen);
}

static bool parse_mode(const char **text)
{
    char *end;
    const char *p = *text;
    switch (*p++) {
    case 'b':
        exploration.mode = MODE_BOUNDED;
        exploration.bound = (int)strtol(p, &end, 10);
        p = end;
        break;
    case 'u':
        exploration.mode = MODE_UNBOUNDED;
        break;
    case 'r':
        exploration.mode = MODE_RANDOM;
        break;
    default:
        return false;
    }
    *text = p + 1;
    return *p == ':';
}

bool replay_parse(const char *text)
{
    if (!parse_mode(&text))
        return false;
    memset(decisions, 0, sizeof decisions);
    while (*text) {
        char *end;
        unsigned long index = strtoul(text, &end, 10);
        if (*end != '=' || index >= MAX_DECISIONS)
            return false;
        decisions[index].chosen = (uint8_t)strtoul(end + 1, &end, 10);
        if (*end != ',' && *end != '\0')
            return false;
        text = *end ? end + 1 : end;
    }
    depth = MAX_DECISIONS;
    replaying = true;
    return true;
}

void replay_last(void)
{
    depth = at;
    replaying = true;
}

void replay_end(void)
{
    replaying = false;
}
