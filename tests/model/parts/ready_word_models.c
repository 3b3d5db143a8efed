/* What must hold of the ready word: nobody waits for ever while there is
 * something to read; who is handed out is told once, and only of the park in
 * which he waited; who gives up takes nothing from the others; a HUP and a
 * close are for good.
 *
 * The kernel is a counter of bytes, and an edge that is told after a byte has
 * come, by `set`. Its loads are relaxed: a call that follows a `take` sees what
 * was told before, by the orders of the word alone. A strand looks on its own
 * stack whether its park has ended; that others resume it is the park word's,
 * which has models of its own. */
#include "parts/ready_word.h"

#include "model.h"
#include "os/clock.h"
#include "os/futex.h"
#include "parts/park_word.h"

enum { STRANDS = 2, MOST = 8 };

struct strand {
    mri_park_word park;
    mri_atomic_u64 count; /* of the first park in which it waits; 0: none yet */
    int told[MOST];       /* plain: by count, by whoever tells it */
    int wins[MOST];       /* plain: by count, by whoever ends it */
    int parks[MOST], got, busy; /* plain: its own */
};

struct state {
    mri_ready_word word;
    mri_atomic_u32 bytes;
    mri_atomic_u32 ended; /* the other side has ended its part */
    struct strand strand[STRANDS];
};

/* As a descriptor whose first call has found nothing, and told nobody yet. */
static void open(void *a)
{
    struct state *s = a;
    mri_ready_init(&s->word);
    (void)mri_ready_take(&s->word);
    for (int i = 0; i < STRANDS; i++)
        mri_park_word_init(&s->strand[i].park);
    model_name(&s->word, 8, "word");
    model_name(&s->bytes, 4, "bytes");
    model_name(&s->strand[0].park, 8, "park0");
    model_name(&s->strand[1].park, 8, "park1");
}

/* As one that nobody has called yet. */
static void open_fresh(void *a)
{
    struct state *s = a;
    open(a);
    mri_ready_init(&s->word);
}

/* ---- The kernel, and who tells what it does ----------------------------- */

static void won(struct strand *strand, uint64_t count, enum mri_park_end end)
{
    model_assert(end != MRI_PARK_RESUME);
    if (end == MRI_PARK_WON)
        strand->wins[count]++;
}

/* As io/handle.c does. */
static void tell(struct state *s, mri_ready_waiter waiter)
{
    if (!waiter)
        return;
    model_assert(mri_ready_strand(waiter) < STRANDS);
    struct strand *strand = &s->strand[mri_ready_strand(waiter)];
    uint64_t reached = mri_load_relaxed(&strand->park.word) >> 3;
    uint64_t count = mri_ready_count(waiter, reached);
    model_assert(count > 0 && count < MOST);
    strand->told[count]++;
    won(strand, count, mri_park_complete(&strand->park, count));
}

static void byte_comes(struct state *s)
{
    mri_add_relaxed(&s->bytes, 1);
    tell(s, mri_ready_set(&s->word, 0));
}

static void sends(void *a)
{
    byte_comes(a);
}

static void sends_two(void *a)
{
    byte_comes(a);
    byte_comes(a);
}

/* The same, with the poller on another thread. */
static void sends_by_edge(void *a)
{
    struct state *s = a;
    mri_add_relaxed(&s->bytes, 1);
    model_event_post(0);
    mri_add_relaxed(&s->bytes, 1);
    model_event_post(1);
}

static void polls(void *a)
{
    struct state *s = a;
    for (uint32_t left = 3; left;) {
        left &= ~model_event_wait(left);
        tell(s, mri_ready_set(&s->word, 0));
    }
}

/* ---- Who reads ---------------------------------------------------------- */

static bool call(struct state *s)
{
    uint32_t bytes = mri_load_relaxed(&s->bytes);
    while (bytes > 0)
        if (mri_cas_relaxed(&s->bytes, &bytes, bytes - 1))
            return true;
    return false;
}

/* A call that found something may have left more. */
static bool reads(struct state *s, uint32_t strand)
{
    if (!mri_ready_take(&s->word))
        return false;
    if (!call(s))
        return false;
    tell(s, mri_ready_set(&s->word, 0));
    s->strand[strand].got++;
    return true;
}

/* As those do who write: READY stays while calls get somewhere. */
static bool reads_if_ready(struct state *s, uint32_t strand)
{
    if (!mri_ready_looks(&s->word) || !call(s))
        return reads(s, strand);
    s->strand[strand].got++;
    return true;
}

enum waited { READY, BUSY, CLOSED, GAVE_UP };

static enum waited told_at_once(struct strand *me, uint64_t count,
                                enum mri_ready_wait now)
{
    won(me, count, mri_park_complete(&me->park, count));
    return now == MRI_READY_NOW ? READY : now == MRI_READY_BUSY ? BUSY : CLOSED;
}

static enum waited parked(struct state *s, struct strand *me, uint64_t count,
                          mri_ready_waiter as)
{
    if (!mri_load_relaxed(&me->count))
        mri_store_release(&me->count, count);
    while (!mri_park_ended(&me->park))
        mri_pause();
    if (mri_park_outcome(&me->park) != MRI_PARK_COMPLETED) {
        mri_ready_unwait(&s->word, as);
        return GAVE_UP;
    }
    model_assert(me->told[count] == 1);
    return mri_ready_is_closed(&s->word) ? CLOSED : READY;
}

static enum waited waits(struct state *s, uint32_t strand)
{
    struct strand *me = &s->strand[strand];
    uint64_t count = mri_park_begin(&me->park);
    model_assert(count < MOST);
    me->parks[count] = 1;
    mri_ready_waiter as = mri_ready_waiter_of(strand, count);
    enum mri_ready_wait now = mri_ready_wait(&s->word, as);
    return now == MRI_READY_WAITS ? parked(s, me, count, as)
                                  : told_at_once(me, count, now);
}

static void reads_one(struct state *s, uint32_t strand)
{
    while (!reads(s, strand))
        if (waits(s, strand) == BUSY)
            mri_pause();
}

static void reader(void *a)
{
    reads_one(a, 0);
}

static void another(void *a)
{
    reads_one(a, 1);
}

static void reader_of_two(void *a)
{
    reads_one(a, 0);
    reads_one(a, 0);
}

static void try_one(struct state *s, uint32_t strand)
{
    while (!reads_if_ready(s, strand))
        if (waits(s, strand) == BUSY)
            mri_pause();
}

static void trier_of_two(void *a)
{
    try_one(a, 0);
    try_one(a, 0);
}

/* Once it has given up, it is for good. */
static void impatient(void *a)
{
    struct state *s = a;
    while (!reads(s, 0)) {
        enum waited how = waits(s, 0);
        if (how == GAVE_UP)
            return;
        if (how == BUSY)
            mri_pause();
    }
}

static void canceller(void *a)
{
    struct state *s = a;
    struct strand *strand = &s->strand[0];
    uint64_t count = mri_load_acquire(&strand->count);
    if (count)
        won(strand, count, mri_park_cancel(&strand->park, count));
}

/* ---- The end ------------------------------------------------------------ */

static void each_park_ended_once(void *a)
{
    struct state *s = a;
    for (int i = 0; i < STRANDS; i++)
        for (int j = 0; j < MOST; j++)
            model_assert(s->strand[i].wins[j] == s->strand[i].parks[j]);
    model_assert(mri_load_relaxed(&s->word.word) < 8);
}

static void all_read(void *a)
{
    struct state *s = a;
    each_park_ended_once(a);
    model_assert(mri_load_relaxed(&s->bytes) == 0);
}

#define READY_WORD_OF(setup_, name_, ...)                                      \
    MODEL(ready_word_##name_, .state_size = sizeof(struct state),              \
          .setup = setup_, .free_pauses = MODEL_NONE, __VA_ARGS__)
#define READY_WORD(name_, ...) READY_WORD_OF(open, name_, __VA_ARGS__)
#define EXHAUST .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED
/* Too large for failures without a reason, which the others have. */
#define LARGE .spurious = MODEL_NONE, .bound = 1, .deep_bound = 2

READY_WORD(a_byte_is_read, .thread = {reader, sends}, .finish = all_read,
           EXHAUST)
READY_WORD(two_bytes_are_read, .thread = {reader_of_two, sends_two},
           .finish = all_read)
READY_WORD(two_edges_are_told, .thread = {reader_of_two, sends_by_edge, polls},
           .finish = all_read, LARGE)
READY_WORD(two_read_a_byte_each, .thread = {reader, another, sends_two},
           .finish = all_read, LARGE)
READY_WORD(two_are_read_with_ready_left, .thread = {trier_of_two, sends_two},
           .finish = all_read)
READY_WORD(two_edges_find_ready_left,
           .thread = {trier_of_two, sends_by_edge, polls}, .finish = all_read,
           LARGE)
READY_WORD_OF(open_fresh, two_find_ready_and_one_takes_it,
              .thread = {reader, another, sends_two}, .finish = all_read, LARGE)
READY_WORD(an_event_or_a_cancel, .thread = {reader, sends, canceller},
           .finish = all_read)
READY_WORD(a_late_event_ends_no_other_park,
           .thread = {reader_of_two, sends_two, canceller}, .finish = all_read,
           LARGE)
READY_WORD(who_gives_up_leaves_it_to_the_next,
           .thread = {impatient, another, sends_two, canceller},
           .finish = each_park_ended_once, LARGE)

/* Who is being told gives up, when another may wait already. */
static void gives_up_late(void *a)
{
    struct state *s = a;
    uint64_t count = mri_park_begin(&s->strand[0].park);
    mri_ready_waiter me = mri_ready_waiter_of(0, count);
    model_assert(!mri_ready_set(&s->word, MRI_READY_HUP));
    (void)mri_ready_take(&s->word);
    model_assert(mri_ready_wait(&s->word, me) == MRI_READY_WAITS);
    mri_ready_unwait(&s->word, me);
    model_assert(mri_ready_hup(&s->word));
    model_assert(mri_ready_wait(&s->word, me) == MRI_READY_WAITS);
    model_assert(mri_ready_set(&s->word, 0) == me);
    model_event_post(0);
    mri_ready_unwait(&s->word, me);
    byte_comes(s);
    (void)!mri_park_complete(&s->strand[0].park, count);
}

static void another_after(void *a)
{
    (void)model_event_wait(1);
    another(a);
}

static void no_byte_left(void *a)
{
    struct state *s = a;
    model_assert(mri_load_relaxed(&s->bytes) == 0);
}

READY_WORD(who_is_told_too_late_leaves_the_next,
           .thread = {gives_up_late, another_after}, .finish = no_byte_left)

/* ---- A second waiter ---------------------------------------------------- */

/* Who is told BUSY leaves; the other has the byte. */
static void tries(struct state *s, uint32_t strand)
{
    while (!reads(s, strand)) {
        if (waits(s, strand) != BUSY)
            continue;
        s->strand[strand].busy = 1;
        return;
    }
}

static void tries_0(void *a)
{
    tries(a, 0);
}

static void tries_1(void *a)
{
    tries(a, 1);
}

static void one_read(void *a)
{
    struct state *s = a;
    each_park_ended_once(a);
    model_assert(s->strand[0].got + s->strand[0].busy == 1);
    model_assert(s->strand[1].got + s->strand[1].busy == 1);
    model_assert(s->strand[0].got + s->strand[1].got > 0);
}

READY_WORD(a_second_is_told, .thread = {tries_0, tries_1, sends_two},
           .finish = one_read, LARGE)

/* ---- Close -------------------------------------------------------------- */

static void reads_to_the_close(void *a)
{
    struct state *s = a;
    do
        (void)reads(s, 0);
    while (waits(s, 0) != CLOSED);
    model_assert(waits(s, 0) == CLOSED);
}

static void closes(void *a)
{
    struct state *s = a;
    tell(s, mri_ready_close(&s->word));
}

READY_WORD(close_ends_the_wait, .thread = {reads_to_the_close, closes},
           .finish = each_park_ended_once, EXHAUST)
READY_WORD(close_and_an_event, .thread = {reads_to_the_close, closes, sends},
           .finish = each_park_ended_once, LARGE)
READY_WORD(close_or_a_cancel, .thread = {reads_to_the_close, closes, canceller},
           .finish = each_park_ended_once)

/* ---- HUP ---------------------------------------------------------------- */

/* Two bytes and the end are told by one edge, or by two. */
static void sends_and_ends(void *a)
{
    struct state *s = a;
    mri_add_relaxed(&s->bytes, 1);
    if (model_choose(2))
        tell(s, mri_ready_set(&s->word, 0));
    mri_add_relaxed(&s->bytes, 1);
    mri_store_release(&s->ended, 1);
    tell(s, mri_ready_set(&s->word, MRI_READY_HUP));
}

/* One byte at a time; or all that may be, of which less has come. As
 * mri_attempt_after has it. False: nothing. */
static bool reads_short(struct state *s, bool *end)
{
    uint32_t asked = 1 + model_choose(2), n = 0;
    if (!mri_ready_take(&s->word))
        return false;
    while (n < asked && call(s))
        n++;
    if (n == 0)
        return *end = mri_load_acquire(&s->ended) &&
                      mri_load_relaxed(&s->bytes) == 0;
    if (n == asked || mri_ready_hup(&s->word))
        tell(s, mri_ready_set(&s->word, 0));
    return true;
}

static void reads_to_the_end(void *a)
{
    struct state *s = a;
    bool end = false;
    while (!end)
        if (!reads_short(s, &end))
            (void)waits(s, 0);
}

static void all_read_and_ended(void *a)
{
    struct state *s = a;
    all_read(a);
    model_assert(mri_ready_hup(&s->word));
}

READY_WORD(hup_stays, .thread = {reads_to_the_end, sends_and_ends},
           .finish = all_read_and_ended, LARGE)

/* ---- A word that changes hands ------------------------------------------ */

/* Of the one who had it before. */
static void late_event(void *a)
{
    struct state *s = a;
    tell(s, mri_ready_set(&s->word, model_choose(2) ? MRI_READY_HUP : 0));
}

/* Closed, and opened again, in one go: what comes between is the table's. The
 * kernel knows of it from then on. */
static void opens_again(void *a)
{
    struct state *s = a;
    tell(s, mri_ready_close(&s->word));
    mri_ready_init(&s->word);
    model_event_post(0);
    model_assert(!mri_ready_is_closed(&s->word));
    while (!reads(s, 0))
        model_assert(waits(s, 0) == READY);
}

static void sends_to_the_new(void *a)
{
    (void)model_event_wait(1);
    byte_comes(a);
}

READY_WORD(a_stale_event_harms_nobody,
           .thread = {opens_again, late_event, sends_to_the_new},
           .finish = all_read, LARGE)
