#include "io/handle_scene.h"

#include "os/clock.h"
#include "task/cancel.h"

static struct state *scene;

__attribute__((no_sanitize("thread"))) static void set_scene(struct state *s)
{
    scene = s;
}

__attribute__((no_sanitize("thread"))) static struct state *get_scene(void)
{
    return scene;
}

/* ---- What handles ask of the system ------------------------------------- */

int scene_close_fd(int fd);

/* Whoever still calls touches a block that is dead. */
int scene_close_fd(int fd)
{
    struct state *s = get_scene();
    model_assert(!s->file[fd]->polled);
    model_free(s->file[fd]);
    s->closed[fd]++;
    return 0;
}

int mri_poller_add(mri_poller *p, int fd, uint64_t data)
{
    struct state *s = get_scene();
    (void)p;
    model_assert((int64_t)data >= 0);
    if (s->refuses)
        return MR_ENOMEM;
    s->file[fd]->polled = true;
    s->data[fd] = data;
    model_event_post(fd);
    return 0;
}

void mri_poller_remove(mri_poller *p, int fd)
{
    struct state *s = get_scene();
    (void)p;
    model_assert(s->file[fd]->polled);
    s->file[fd]->polled = false;
}

/* ---- What they ask of the scheduler ------------------------------------- */

int mri_io_open(mr_runtime *rt, mri_io **out)
{
    *out = mri_io_of(rt);
    return 0;
}

static unsigned index_of(struct state *s, const mri_strand *strand)
{
    return (unsigned)(strand - s->strand);
}

void mri_strand_ready(mri_strand *strand)
{
    struct state *s = get_scene();
    mri_add_release(&s->resumed[index_of(s, strand)], 1);
}

/* As sched/strand.c: on the far side, parked; then another resumes it. */
static void park(mri_strand *strand, uint64_t count)
{
    struct state *s = get_scene();
    unsigned i = index_of(s, strand);
    if (!mri_park_parked(&strand->park, count))
        return;
    while (mri_load_acquire(&s->resumed[i]) == s->gone_on[i])
        mri_pause();
    s->gone_on[i]++;
}

/* Whoever cancels knows the count by it. */
int mri_cancelable_wait(mri_strand *strand, uint64_t count, int64_t deadline)
{
    struct state *s = get_scene();
    (void)deadline;
    if (index_of(s, strand) == 0)
        mri_store_release(&s->count, count);
    park(strand, count);
    return mri_park_outcome(&strand->park) == MRI_PARK_CANCELLED ? MR_ECANCELED
                                                                 : 0;
}

int mri_cancelable_pass(const mri_strand *s)
{
    (void)s;
    return 0;
}

void *mri_runtime_allocate(mr_runtime *rt, size_t size, size_t align)
{
    (void)rt;
    (void)align;
    return model_alloc(size);
}

void mri_runtime_release(mr_runtime *rt, void *memory, size_t size)
{
    (void)rt;
    (void)size;
    model_free(memory);
}

/* ---- The scene ---------------------------------------------------------- */

void scene_open(struct state *s)
{
    set_scene(s);
    s->worker.runtime = &s->rt;
    s->rt.pool.control = (char *)s->strand;
    s->rt.pool.control_size = sizeof(mri_strand);
    mri_init(&s->rt.io, &s->io);
    mri_handles_open(&s->io.handles);
    s->generation = s->io.handles.first_generation;
    for (unsigned i = 0; i < STRANDS; i++) {
        mri_park_word_init(&s->strand[i].park);
        s->strand[i].worker = &s->worker;
        s->strand[i].index = i;
        model_name(&s->strand[i].park, 8, "park");
    }
    model_name(&s->io.handles.lock, 4, "lock");
    model_name(s->ended, sizeof s->ended, "ended");
    model_name(s->bytes, sizeof s->bytes, "bytes");
    model_name(s->resumed, sizeof s->resumed, "resumed");
}

static void make_file(struct state *s, int fd)
{
    s->file[fd] = model_alloc(sizeof(file));
}

mr_handle scene_add(struct state *s, unsigned strand, int fd)
{
    make_file(s, fd);
    return mri_desc_open(&s->strand[strand], fd, MRI_DESC_STREAM, 0);
}

/* Under the table's lock. */
static bool ends(mri_desc *d)
{
    struct state *s = get_scene();
    s->asked[d->fd]++;
    model_assert(mri_load_relaxed(&d->own) == OWN);
    return mri_load_relaxed(&s->ended[d->fd]);
}

mr_handle scene_add_with_end(struct state *s, unsigned strand, int fd)
{
    make_file(s, fd);
    return mri_desc_open_with(&s->strand[strand], fd, MRI_DESC_PROCESS, ends,
                              OWN);
}

void scene_call(struct state *s, const mri_desc *d, int fd)
{
    model_assert(d->fd == fd);
    mri_add_relaxed(&s->file[d->fd]->calls, 1);
}

int scene_use(struct state *s, unsigned strand, mr_handle h, int fd)
{
    mri_desc *d;
    uint32_t any = MRI_DESC_STREAM | MRI_DESC_PROCESS | MRI_DESC_FILE;
    int rc = mri_desc_get(&s->strand[strand], h, any, &d);
    if (rc < 0)
        return rc;
    scene_call(s, d, fd);
    mri_desc_put(&s->strand[strand], d);
    return 0;
}

void scene_tell(struct state *s, mr_handle data, uint32_t events)
{
    mri_run_list ready = MRI_RUN_LIST_EMPTY;
    mri_handles_expect(&s->io.handles, (uint64_t)data);
    mri_handles_tell(&s->rt, &s->io.handles, (uint64_t)data, events, &ready);
    mri_run_node *node = ready.first;
    for (uint64_t i = 0; i < ready.count; i++) {
        mri_run_node *next = node->next;
        mri_strand_ready(mri_container_of(node, mri_strand, node));
        node = next;
    }
}

mr_handle scene_await_polled(int fd)
{
    (void)model_event_wait(1u << fd);
    return (mr_handle)get_scene()->data[fd];
}

void scene_ends(struct state *s, int fd)
{
    mri_store_relaxed(&s->ended[fd], 1);
    scene_tell(s, s->h[fd], EPOLLIN);
}

/* ---- Setups ------------------------------------------------------------- */

/* The place that is made first. */
mri_desc *scene_place(struct state *s)
{
    return mri_load_relaxed(&s->io.handles.chunk[0]);
}

static mri_desc *place_of(struct state *s, mr_handle h)
{
    uint32_t index = (uint32_t)h;
    if (index == 0)
        return scene_place(s);
    return &mri_load_relaxed(&s->io.handles.chunk[1])[index - 1];
}

static void name_place(struct state *s)
{
    mri_desc *d = scene_place(s);
    model_name(&d->life, 8, "life");
    model_name(&d->ready[0], 8, "ready0");
    model_name(&d->ready[1], 8, "ready1");
}

void scene_open_one(void *a)
{
    struct state *s = a;
    scene_open(s);
    s->h[0] = scene_add(s, 0, 0);
    name_place(s);
}

void scene_open_closed(void *a)
{
    struct state *s = a;
    scene_open_one(a);
    model_assert(mri_desc_close(&s->strand[0], s->h[0]) == 0);
}

void scene_open_ending(void *a)
{
    struct state *s = a;
    scene_open(s);
    s->h[0] = scene_add_with_end(s, 0, 0);
    name_place(s);
}

void scene_open_lingering(void *a)
{
    struct state *s = a;
    scene_open_ending(a);
    model_assert(mri_desc_close(&s->strand[0], s->h[0]) == 0);
}

/* ---- Threads ------------------------------------------------------------ */

mri_strand *scene_here(struct state *s)
{
    return &s->strand[model_thread()];
}

void scene_uses(void *a)
{
    struct state *s = a;
    int rc = scene_use(s, (unsigned)model_thread(), s->h[0], 0);
    model_assert(rc == 0 || rc == MR_EBADF);
}

void scene_closes(void *a)
{
    struct state *s = a;
    model_assert(mri_desc_close(scene_here(s), s->h[0]) == 0);
    model_assert(scene_use(s, (unsigned)model_thread(), s->h[0], 0) ==
                 MR_EBADF);
}

void scene_tells(void *a)
{
    struct state *s = a;
    scene_tell(s, s->h[0], EPOLLIN | EPOLLOUT);
}

void scene_byte_comes(struct state *s, int fd, mr_handle data)
{
    mri_add_relaxed(&s->bytes[fd], 1);
    scene_tell(s, data, EPOLLIN);
}

static bool call_reads(struct state *s, mri_desc *d, int fd)
{
    scene_call(s, d, fd);
    uint32_t bytes = mri_load_relaxed(&s->bytes[fd]);
    if (bytes == 0)
        return false;
    mri_sub_relaxed(&s->bytes[fd], 1);
    mri_add_relaxed(&s->got, 1);
    return true;
}

/* One byte; or what the wait said. As io/attempt.c. */
int scene_read(struct state *s, mr_handle h, int fd)
{
    mri_desc *d;
    int rc = mri_desc_get(scene_here(s), h, MRI_DESC_STREAM, &d);
    if (rc < 0)
        return rc;
    while (rc == 0) {
        if (mri_desc_try(d, MRI_DIR_READ) && call_reads(s, d, fd)) {
            mri_desc_again(scene_here(s), d, MRI_DIR_READ);
            break;
        }
        rc = mri_desc_wait(scene_here(s), d, MRI_DIR_READ, MRI_NEVER);
        model_assert(mri_park_ended(&scene_here(s)->park));
    }
    mri_desc_put(scene_here(s), d);
    return rc;
}

/* ---- Checks ------------------------------------------------------------- */

void scene_check(struct state *s, uint32_t closed)
{
    for (unsigned i = 0; i < STRANDS; i++)
        model_assert(mri_load_relaxed(&s->resumed[i]) == s->gone_on[i]);
    for (int fd = 0; fd < FILES; fd++)
        model_assert(s->closed[fd] == (int)(closed >> fd & 1));
    for (int fd = 0; fd < FILES; fd++)
        if (s->file[fd] && !s->closed[fd])
            s->file[fd]->polled = false;
    mri_handles_close(&s->rt, &s->io.handles);
    for (int fd = 0; fd < FILES; fd++)
        model_assert(s->closed[fd] == (s->file[fd] != NULL));
}

/* Nobody has its place. */
bool scene_is_free_after(struct state *s, mr_handle h)
{
    return mri_load_relaxed(&place_of(s, h)->life) == (((uint64_t)h >> 32) + 1)
                                                          << 32;
}

bool scene_is_open(struct state *s, mr_handle h)
{
    mri_desc *d = place_of(s, h);
    return mri_load_relaxed(&d->life) ==
               ((uint64_t)h & ~UINT64_C(0xffffffff)) + 1 &&
           !mri_ready_is_closed(&d->ready[MRI_DIR_READ]) &&
           !mri_ready_is_closed(&d->ready[MRI_DIR_WRITE]);
}

void scene_closed_0(void *a)
{
    struct state *s = a;
    model_assert(scene_is_free_after(s, s->h[0]));
    scene_check(s, 1 << 0);
}

void scene_closed_both(void *a)
{
    scene_check(a, 3);
}
