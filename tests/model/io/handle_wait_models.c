/* What must hold of who waits on a descriptor: an event of his direction ends
 * it, and so does a close, which he is told of. */
#include "io/handle_scene.h"

#include "os/clock.h"

/* Nothing has come, and who has called knows that. */
static void open_drained(void *a)
{
    struct state *s = a;
    scene_open_one(a);
    for (int dir = 0; dir < 2; dir++)
        model_assert(mri_desc_try(scene_place(s), (enum mri_dir)dir));
}

static void sends(void *a)
{
    struct state *s = a;
    scene_byte_comes(s, 0, s->h[0]);
}

static void reads(void *a)
{
    struct state *s = a;
    s->rc[model_thread()] = scene_read(s, s->h[0], 0);
}

/* Who has given up waits again. */
static void waits_in(struct state *s, enum mri_dir dir)
{
    mri_desc *d;
    int rc = mri_desc_get(scene_here(s), s->h[0], MRI_DESC_STREAM, &d);
    if (rc == 0) {
        do
            rc = mri_desc_wait(scene_here(s), d, dir, MRI_NEVER);
        while (rc == MR_ECANCELED);
        scene_call(s, d, 0);
        mri_desc_put(scene_here(s), d);
    }
    s->rc[model_thread()] = rc;
}

static void waits_to_read(void *a)
{
    waits_in(a, MRI_DIR_READ);
}

static void waits_to_write(void *a)
{
    waits_in(a, MRI_DIR_WRITE);
}

static void tells_in_turn(void *a)
{
    struct state *s = a;
    scene_tell(s, s->h[0], EPOLLOUT);
    scene_tell(s, s->h[0], EPOLLIN);
}

static void cancels(void *a)
{
    struct state *s = a;
    uint64_t count = mri_load_acquire(&s->count);
    if (count && mri_park_cancel(&s->strand[0].park, count) == MRI_PARK_RESUME)
        mri_strand_ready(&s->strand[0]);
}

static void read_it(void *a)
{
    struct state *s = a;
    model_assert(s->rc[0] == 0 && mri_load_relaxed(&s->got) == 1);
    scene_check(s, 0);
}

static void told_of_the_close(void *a)
{
    struct state *s = a;
    model_assert(s->rc[0] == MR_EBADF);
    scene_closed_0(a);
}

static void both_told_of_the_close(void *a)
{
    struct state *s = a;
    model_assert(s->rc[1] == MR_EBADF);
    told_of_the_close(a);
}

static void both_told(void *a)
{
    struct state *s = a;
    model_assert(s->rc[0] == 0 && s->rc[1] == 0);
    scene_check(s, 0);
}

static void read_or_told(void *a)
{
    struct state *s = a;
    model_assert(s->rc[0] == (mri_load_relaxed(&s->got) ? 0 : MR_EBADF));
    scene_closed_0(a);
}

HANDLE(an_event_ends_the_wait, open_drained, .thread = {reads, sends},
       .finish = read_it, PAIR)
HANDLE(a_close_ends_the_wait, open_drained,
       .thread = {waits_to_read, scene_closes}, .finish = told_of_the_close,
       PAIR)
HANDLE(an_event_and_a_close, scene_open_one,
       .thread = {scene_tells, scene_closes}, .finish = scene_closed_0, PAIR)
HANDLE(a_wait_an_event_and_a_close, open_drained,
       .thread = {reads, sends, scene_closes}, .finish = read_or_told, LARGE)
HANDLE(a_wait_a_cancel_and_a_close, open_drained,
       .thread = {waits_to_read, cancels, scene_closes},
       .finish = told_of_the_close, LARGE)
HANDLE(a_close_ends_the_waits_of_both_directions, open_drained,
       .thread = {waits_to_read, waits_to_write, scene_closes},
       .finish = both_told_of_the_close, LARGEST)
HANDLE(events_end_the_waits_of_both_directions, open_drained,
       .thread = {waits_to_read, waits_to_write, tells_in_turn},
       .finish = both_told, LARGEST)
