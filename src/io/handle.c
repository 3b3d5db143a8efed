/* See handle.h. */
#include "io/handle.h"

#include "io/io.h"
#include "os/clock.h"
#include "os/sys.h"
#include "task/cancel.h"
#include <millrace/error.h>

#include <string.h>
#include <sys/epoll.h>

#define USER UINT64_C(1)
#define USERS UINT64_C(0x7fffffff)
#define CLOSED (UINT64_C(1) << 31)
#define GENERATION_SHIFT 32
#define GENERATIONS UINT64_C(0x7fffffff)

static uint64_t generation_of(uint64_t word)
{
    return word >> GENERATION_SHIFT;
}

/* ---- Places ------------------------------------------------------------- */

static uint32_t chunk_of(uint32_t index)
{
    uint32_t n = index / MRI_DESC_FIRST_CHUNK + 1;
    return 31 - (uint32_t)__builtin_clz(n);
}

static uint32_t chunk_start(uint32_t chunk)
{
    return ((1u << chunk) - 1) * MRI_DESC_FIRST_CHUNK;
}

static size_t chunk_size(uint32_t chunk)
{
    return ((size_t)MRI_DESC_FIRST_CHUNK << chunk) * sizeof(mri_desc);
}

/* NULL: there has never been such a place. */
static mri_desc *place(mri_handle_table *t, uint32_t index)
{
    uint32_t chunk = chunk_of(index);
    if (chunk >= MRI_DESC_CHUNKS)
        return NULL;
    /* Acquire: its places are initialised; pairs with the release in grow. */
    mri_desc *places = mri_load_acquire(&t->chunk[chunk]);
    return places ? &places[index - chunk_start(chunk)] : NULL;
}

/* Under the lock: one chunk more. */
static int grow(mr_runtime *rt, mri_handle_table *t)
{
    if (t->chunks == MRI_DESC_CHUNKS)
        return MR_EMFILE;
    size_t size = chunk_size(t->chunks);
    mri_desc *places = mri_runtime_allocate(rt, size, MRI_CACHE_LINE);
    if (!places)
        return MR_ENOMEM;
    memset(places, 0, size);
    uint32_t start = chunk_start(t->chunks);
    for (uint32_t i = 0; i < size / sizeof *places; i++) {
        places[i].index = start + i;
        mri_init(&places[i].life,
                 (uint64_t)t->first_generation << GENERATION_SHIFT);
    }
    mri_store_release(&t->chunk[t->chunks++], places);
    return 0;
}

/* Under the lock. */
static int next_place(mr_runtime *rt, mri_handle_table *t, mri_desc **out)
{
    if (t->free > 0) {
        *out = place(t, t->free - 1);
        t->free = (*out)->next;
        return 0;
    }
    int rc = t->made == chunk_start(t->chunks) ? grow(rt, t) : 0;
    if (rc == 0)
        *out = place(t, t->made++);
    return rc;
}

static int take_place(mr_runtime *rt, mri_handle_table *t, mri_desc **out)
{
    mri_lock_acquire(&t->lock);
    int rc = next_place(rt, t, out);
    mri_lock_release(&t->lock);
    return rc;
}

static void free_place(mri_handle_table *t, mri_desc *d)
{
    mri_lock_acquire(&t->lock);
    d->next = t->free;
    t->free = d->index + 1;
    mri_lock_release(&t->lock);
}

/* ---- Open --------------------------------------------------------------- */

/* From a number of the process that differs from runtime to runtime. */
void mri_handles_open(mri_handle_table *t)
{
    memset(t, 0, sizeof *t);
    mri_lock_init(&t->lock);
    uint64_t seed = (uint64_t)mri_clock_now() * UINT64_C(0x9e3779b97f4a7c15);
    t->first_generation = (uint32_t)(seed >> 33);
    for (uint32_t i = 0; i < MRI_DESC_CHUNKS; i++)
        mri_init(&t->chunk[i], NULL);
}

/* Its place is nobody else's; true: it has a handle. */
static mr_handle enter(mri_desc *d, const mri_desc *what)
{
    /* Relaxed: who freed the place released it by the lock. */
    uint64_t life = mri_load_relaxed(&d->life);
    d->fd = what->fd;
    d->kind = what->kind;
    d->traits = what->traits;
    d->end = what->end;
    /* Relaxed: as the others. */
    mri_store_relaxed(&d->own, mri_load_relaxed(&what->own));
    mri_ready_init(&d->ready[MRI_DIR_READ]);
    mri_ready_init(&d->ready[MRI_DIR_WRITE]);
    /* Release: for get. */
    mri_store_release(&d->life, life + USER);
    return (mr_handle)(life | d->index);
}

static mr_handle open_as(mri_strand *s, const mri_desc *what)
{
    mri_io *io;
    mri_desc *d = NULL;
    mr_runtime *rt = s->worker->runtime;
    int rc = mri_io_open(rt, &io);
    if (rc == 0)
        rc = take_place(rt, &io->handles, &d);
    if (rc < 0) {
        mri_sys_close(what->fd);
        return rc;
    }
    mr_handle h = enter(d, what);
    if (!(what->kind & MRI_DESC_FILE))
        rc = mri_poller_add(&io->poller, what->fd, (uint64_t)h);
    if (rc == 0)
        return h;
    d->kind = MRI_DESC_FILE; /* the poller does not have it */
    d->end = NULL;
    (void)!mri_desc_close(s, h);
    return rc;
}

mr_handle mri_desc_open(mri_strand *s, int fd, uint32_t kind, uint32_t traits)
{
    return open_as(s, &(mri_desc){.fd = fd, .kind = kind, .traits = traits});
}

mr_handle mri_desc_open_with(mri_strand *s, int fd, uint32_t kind,
                             mri_desc_end end, uint64_t own)
{
    return open_as(
        s, &(mri_desc){.fd = fd, .kind = kind, .end = end, .own = {own}});
}

/* ---- Users -------------------------------------------------------------- */

/* One user more; with CLOSED, none other from now on. */
static int use(mri_desc *d, uint64_t generation, uint64_t flags)
{
    uint64_t life = mri_load_relaxed(&d->life);
    do
        if (generation_of(life) != generation || life & CLOSED ||
            (life & USERS) == 0)
            return MR_EBADF;
    /* Acquire: what open has stored. */
    while (!mri_cas_weak_acquire(&d->life, &life, (life + USER) | flags));
    return 0;
}

static int find(mri_strand *s, mr_handle h, mri_desc **out)
{
    if (!s || !mri_runtime_is_here(s->worker->runtime))
        return MR_EPERM;
    mri_io *io = mri_io_of(s->worker->runtime);
    *out = io && h >= 0 ? place(&io->handles, (uint32_t)h) : NULL;
    return *out ? 0 : MR_EBADF;
}

int mri_desc_get(mri_strand *s, mr_handle h, uint32_t kinds, mri_desc **out)
{
    int rc = find(s, h, out);
    if (rc == 0)
        rc = use(*out, generation_of((uint64_t)h), 0);
    if (rc < 0)
        return rc;
    if ((*out)->kind & kinds)
        return 0;
    mri_desc_put(s, *out);
    return MR_EINVAL;
}

static void destroy(mri_io *io, mri_desc *d, uint64_t generation)
{
    if (!(d->kind & MRI_DESC_FILE))
        mri_poller_remove(&io->poller, d->fd);
    mri_sys_close(d->fd);
    uint64_t next = (generation + 1) & GENERATIONS;
    /* Relaxed: whoever gets the place next does so by the lock. */
    mri_store_relaxed(&d->life, next << GENERATION_SHIFT);
    free_place(&io->handles, d);
}

static bool lingers(uint64_t life)
{
    return (life & (CLOSED | USERS)) == CLOSED;
}

/* Under the lock. */
static bool has_ended(mri_desc *d)
{
    /* With the one in mri_handles_tell: see handle.h. Nobody waits. */
    (void)!mri_ready_set(&d->ready[MRI_DIR_READ], 0);
    return d->end(d);
}

/* It may have been another's for a while. */
static void try_end(mri_io *io, mri_desc *d, uint64_t generation)
{
    mri_lock_acquire(&io->handles.lock);
    /* Acquire: what open has stored. `end` changes when the place has been free
     * meanwhile, under the lock. */
    uint64_t life = mri_load_acquire(&d->life);
    bool mine = lingers(life) && generation_of(life) == generation && d->end &&
                has_ended(d);
    if (mine) /* relaxed: read under the lock */
        mri_store_relaxed(&d->life, generation << GENERATION_SHIFT);
    mri_lock_release(&io->handles.lock);
    if (mine)
        destroy(io, d, generation);
}

static void drop(mri_io *io, mri_desc *d, uint64_t users)
{
    bool ends = d->end != NULL; /* not ours to read afterwards */
    /* Release: all that was done with it. Acquire: the same of the others, for
     * the last. */
    uint64_t life = mri_sub_acq_rel(&d->life, users);
    if ((life & USERS) != users)
        return;
    if (mri_unlikely(ends))
        try_end(io, d, generation_of(life));
    else
        destroy(io, d, generation_of(life));
}

void mri_desc_put(mri_strand *s, mri_desc *d)
{
    drop(mri_io_of(s->worker->runtime), d, USER);
}

/* ---- Waiting ------------------------------------------------------------ */

/* The strand that waited: whether it is the caller's to resume. */
static mri_strand *released(mr_runtime *rt, mri_ready_waiter waiter)
{
    if (!waiter)
        return NULL;
    mri_strand *s = mri_strand_control(&rt->pool, mri_ready_strand(waiter));
    /* Relaxed: at least this park's count, which came with the waiter. */
    uint64_t reached = mri_load_relaxed(&s->park.word) >> 3;
    enum mri_park_end end =
        mri_park_complete(&s->park, mri_ready_count(waiter, reached));
    return end == MRI_PARK_RESUME ? s : NULL;
}

static void tell(mr_runtime *rt, mri_ready_waiter waiter)
{
    mri_strand *s = released(rt, waiter);
    if (s)
        mri_strand_ready(s);
}

void mri_desc_again(mri_strand *s, mri_desc *d, enum mri_dir dir)
{
    tell(s->worker->runtime, mri_ready_set(&d->ready[dir], 0));
}

static const char *const what[] = {"a descriptor to read from",
                                   "a descriptor to write to"};

int mri_desc_wait(mri_strand *s, mri_desc *d, enum mri_dir dir,
                  int64_t deadline)
{
    mri_ready_word *r = &d->ready[dir];
    uint64_t count = mri_park_begin(&s->park);
    mri_ready_waiter me = mri_ready_waiter_of(s->index, count);
    enum mri_ready_wait now = mri_ready_wait(r, me);
    if (now == MRI_READY_WAITS) {
        mri_strand_waits_for(s, what[dir]);
        int rc = mri_cancelable_wait(s, count, deadline);
        if (rc < 0)
            mri_ready_unwait(r, me);
        return rc == 0 && mri_ready_is_closed(r) ? MR_EBADF : rc;
    }
    /* Ended by the strand itself: nobody resumes it. */
    (void)!mri_park_complete(&s->park, count);
    return now == MRI_READY_NOW    ? mri_cancelable_pass(s)
           : now == MRI_READY_BUSY ? MR_EBUSY
                                   : MR_EBADF;
}

int mri_desc_close(mri_strand *s, mr_handle h)
{
    mri_desc *d;
    int rc = find(s, h, &d);
    if (rc == 0)
        rc = use(d, generation_of((uint64_t)h), CLOSED);
    if (rc < 0)
        return rc;
    mr_runtime *rt = s->worker->runtime;
    tell(rt, mri_ready_close(&d->ready[MRI_DIR_READ]));
    tell(rt, mri_ready_close(&d->ready[MRI_DIR_WRITE]));
    drop(mri_io_of(rt), d, 2 * USER); /* and who has opened it */
    return 0;
}

/* ---- Events ------------------------------------------------------------- */

static void set(mr_runtime *rt, mri_ready_word *r, uint32_t hup,
                mri_run_list *ready)
{
    mri_strand *s = released(rt, mri_ready_set(r, hup ? MRI_READY_HUP : 0));
    if (s)
        mri_run_list_append(ready, &s->node);
}

void mri_handles_expect(mri_handle_table *t, uint64_t data)
{
    __builtin_prefetch(place(t, (uint32_t)data), 1);
}

void mri_handles_tell(mr_runtime *rt, mri_handle_table *t, uint64_t data,
                      uint32_t events, mri_run_list *ready)
{
    const uint32_t broken = EPOLLHUP | EPOLLERR;
    mri_desc *d = place(t, (uint32_t)data);
    /* Relaxed: the poller was told of this use behind enter, and tells of it
     * behind that; see handle.h of what is old. */
    uint64_t life = mri_load_relaxed(&d->life);
    if (generation_of(life) != generation_of(data))
        return;
    /* A read ends before what is urgent, though there is more behind it. */
    const uint32_t no_short = EPOLLPRI | EPOLLRDHUP | broken;
    if (events & (EPOLLIN | no_short))
        set(rt, &d->ready[MRI_DIR_READ], events & no_short, ready);
    if (events & (EPOLLOUT | broken))
        set(rt, &d->ready[MRI_DIR_WRITE], events & broken, ready);
    /* Again, behind the words. Relaxed: ordered by the set in has_ended, see
     * handle.h; try_end looks by itself. */
    if (mri_unlikely(lingers(mri_load_relaxed(&d->life))))
        try_end(mri_io_of(rt), d, generation_of(life));
}

/* ---- Close -------------------------------------------------------------- */

void mri_handles_close(mr_runtime *rt, mri_handle_table *t)
{
    for (uint32_t i = 0; i < t->made; i++) {
        mri_desc *d = place(t, i);
        if (!(mri_load_relaxed(&d->life) & (USERS | CLOSED)))
            continue;
        if (d->end)
            (void)d->end(d);
        mri_sys_close(d->fd);
    }
    for (uint32_t i = 0; i < t->chunks; i++)
        mri_runtime_release(rt, mri_load_relaxed(&t->chunk[i]), chunk_size(i));
}
