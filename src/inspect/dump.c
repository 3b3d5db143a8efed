/* mr_dump: the tasks that strands hold. See dump.h. */
#include "inspect/dump.h"

#include "base/atomic.h"
#include "os/clock.h"
#include "os/symbol.h"
#include "sched/overflow.h"
#include "task/task.h"
#include <millrace/error.h>
#include <millrace/inspect.h>

#include <string.h>

/* ---- Text --------------------------------------------------------------- */

MRI_NO_TSAN uintptr_t mri_dump_look(const void *word)
{
    return *(const volatile uintptr_t *)word;
}

static void flush(mri_dump *d)
{
    size_t size = (size_t)(d->line.at - d->line.begin);
    if (fwrite(d->text, 1, size, d->out) != size && d->rc == 0)
        d->rc = MR_EIO;
    d->line.at = d->line.begin;
}

void mri_dump_line(mri_dump *d)
{
    enum { LINE = 1024 }; /* none is longer */
    mri_text_put(&d->line, "\n");
    if (d->line.end - d->line.at < LINE)
        flush(d);
}

/* The loader takes a microsecond or ten to find a name, and there are few. */
void mri_dump_code(mri_dump *d, uintptr_t code)
{
    mri_dump_name *name = &d->names[(code >> 2) % MRI_DUMP_NAMES];
    if (name->code != code || name->length == 0) {
        mri_text t = MRI_TEXT(name->text);
        mri_symbol_put(&t, code);
        name->code = code;
        name->length = (uint32_t)(t.at - t.begin);
    }
    mri_text_put_most(&d->line, name->text, name->length);
}

void mri_dump_site(mri_dump *d, uintptr_t site)
{
    if (!site)
        return;
    mri_text_put(&d->line, ", spawned at ");
    mri_dump_code(d, site);
}

static void put_number(mri_dump *d, const char *before, uint64_t n)
{
    mri_text_put(&d->line, before);
    mri_text_decimal(&d->line, n);
}

/* ---- Strands ------------------------------------------------------------ */

static void put_state(mri_dump *d, mri_strand *s)
{
    const char *wait = mri_load_relaxed(&s->shown.wait);
    mri_worker *w = (mri_worker *)mri_dump_look(&s->worker);
    uint64_t park = mri_load_relaxed(&s->park.word) & 7;
    if (w && mri_load_relaxed(&w->current) == s) {
        put_number(d, " runs on worker ", w->index);
    } else if (park == MRI_PARK_ARMING || park == MRI_PARK_PARKED) {
        mri_text_put(&d->line, " waits for ");
        mri_text_put(&d->line, wait ? wait : "something");
    } else {
        mri_text_put(&d->line, " is ready");
    }
    mri_text_put(&d->line, " for ");
    mri_text_seconds(&d->line, d->now - mri_load_relaxed(&s->shown.since));
}

static const char *state_of_child(uintptr_t fn, mri_slot *slot, bool taken)
{
    bool awaited = fn & 1;
    if (!taken)
        return awaited ? " is begun by its parent" : " is not begun";
    if (mri_load_relaxed(&slot->done) == MRI_WAITER_DONE)
        return " has ended elsewhere";
    return awaited ? " runs elsewhere, awaited" : " runs elsewhere";
}

static void put_child(mri_dump *d, mri_slot *slot, uint32_t i, bool taken)
{
    uintptr_t word = mri_load_relaxed(&slot->fn), fn = word & ~(uintptr_t)1;
    if (word == 0 || word == MRI_TOMB)
        return;
    put_number(d, "  child ", i);
    mri_text_put(&d->line, ": ");
    mri_dump_code(d, mri_task_is_spawned(fn) ? mri_dump_look(&slot->value[1])
                                             : fn);
    mri_text_put(&d->line, state_of_child(word, slot, taken));
    mri_dump_site(d, mri_dump_look(&slot->parent));
    mri_dump_line(d);
}

static void put_children(mri_dump *d, mri_strand *s, uint32_t index)
{
    mri_strand_pool *pool = &d->rt->pool;
    char *slots = mri_strand_slots(pool, index);
    /* The head may be outside of the slots: then all are in use. */
    uintptr_t used =
        (uintptr_t)mri_load_relaxed(&s->deque.head) - (uintptr_t)slots;
    size_t size = used <= pool->slots_size ? used : pool->slots_size;
    uint32_t top = (uint32_t)mri_load_relaxed(&s->deque.bounds);
    for (uint32_t i = 0; i < size / sizeof(mri_slot); i++)
        put_child(d, (mri_slot *)(void *)slots + i, i, i < top);
}

static void put_strand(mri_dump *d, uint32_t index)
{
    mri_strand *s = mri_strand_control(&d->rt->pool, index);
    uintptr_t task = (uintptr_t)mri_load_relaxed(&s->deque.task), context;
    if (!task)
        return;
    put_number(d, "task ", index);
    mri_text_put(&d->line, ": ");
    mri_strand_put_name(&d->line, s);
    mri_dump_code(d, task);
    put_state(d, s);
    mri_dump_site(d, (uintptr_t)mri_load_relaxed(&s->shown.site));
    context = mri_dump_look(&s->deque.context);
    if (context) {
        mri_text_put(&d->line, ", in scope ");
        mri_text_hex(&d->line, context);
    }
    mri_dump_line(d);
    put_children(d, s, index);
}

/* ---- The whole ---------------------------------------------------------- */

static void put_worker(mri_dump *d, mri_worker *w)
{
    /* Acquire: with the release in install, for the index. */
    mri_strand *s = mri_load_acquire(&w->current);
    put_number(d, "worker ", w->index);
    if (mri_load_relaxed(&w->idle))
        mri_text_put(&d->line, ": has nothing to do");
    else if (s && mri_load_relaxed(&s->deque.task))
        put_number(d, ": runs task ", s->index);
    else
        mri_text_put(&d->line, ": looks for work");
    put_number(d, ", queue of ", mri_run_queue_size(&w->queue));
    mri_dump_line(d);
}

/* That have left the inbox and not ended; takings of it may be among them. The
 * ends are read first, so that none is without its birth. */
static uint64_t jobs_of(const mr_runtime *rt)
{
    uint32_t seats = mri_seats(rt);
    uint64_t born = 0, gone = 0;
    for (uint32_t i = 0; i < seats; i++)
        gone += mri_load_acquire(&rt->worker[i].gone);
    for (uint32_t i = 0; i < seats; i++)
        born += mri_load_relaxed(&rt->worker[i].born);
    return born - gone;
}

static void put_runtime(mri_dump *d)
{
    mr_runtime *rt = d->rt;
    uint32_t visitors = mri_load_relaxed(&rt->visitors);
    mri_text_put(&d->line, "millrace: runtime ");
    mri_text_hex(&d->line, (uintptr_t)rt);
    put_number(d, ", ", rt->workers);
    mri_text_put(&d->line, " workers, ");
    mri_text_decimal(&d->line, jobs_of(rt));
    mri_text_put(&d->line, " jobs begun or queued");
    if (visitors > 0)
        put_number(d, ", threads that may touch it: ", visitors);
    if (mri_inbox_closed(&rt->inbox))
        mri_text_put(&d->line, ", stopping");
    mri_dump_line(d);
}

static void put_blocking(mri_dump *d)
{
    mri_blocking_stats b;
    mri_blocking_stats_get(&d->rt->blocking, &b);
    if (b.threads == 0)
        return;
    put_number(d, "blocking calls: ", b.threads - b.idle);
    put_number(d, " running, queued: ", b.queued);
    mri_dump_line(d);
}

static void put_all(mri_dump *d)
{
    mri_strand_stats pool;
    mri_strand_pool_stats(&d->rt->pool, &pool);
    put_runtime(d);
    for (uint32_t i = 0; i < mri_seats(d->rt); i++)
        put_worker(d, &d->rt->worker[i]);
    for (uint32_t i = 0; i < pool.fresh; i++)
        put_strand(d, i);
    mri_dump_jobs(d);
    put_blocking(d);
    flush(d);
}

int mri_dump_all(mr_runtime *rt, FILE *out)
{
    mri_dump *d = mri_runtime_allocate(rt, sizeof *d, MRI_CACHE_LINE);
    if (!d)
        return MR_ENOMEM;
    d->rt = rt;
    d->out = out;
    d->rc = 0;
    d->now = mri_clock_now();
    d->line = (mri_text)MRI_TEXT(d->text);
    memset(d->names, 0, sizeof d->names);
    put_all(d);
    int rc = d->rc;
    mri_runtime_release(rt, d, sizeof *d);
    return rc;
}

int mr_dump(mr_runtime *rt, FILE *out)
{
    return mri_runtime_is_here(rt) ? mri_dump_all(rt, out) : MR_EPERM;
}
