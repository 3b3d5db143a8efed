/* What must hold of places: a handle that was closed is known for one, whoever
 * has its place now; an event that comes late harms nobody; and the table grows
 * under the eyes of those who look into it. */
#include "io/handle_scene.h"

/* ---- Places that change hands ------------------------------------------- */

typedef mr_handle (*adder)(struct state *s, unsigned strand, int fd);

static void open_another(struct state *s, adder add)
{
    s->h[1] = add(s, (unsigned)model_thread(), 1);
    model_assert(s->h[1] > 0 && s->h[1] != s->h[0]);
}

static void close_and_open(struct state *s, adder add)
{
    model_assert(mri_desc_close(scene_here(s), s->h[0]) == 0);
    open_another(s, add);
}

/* The place is free again, or the other one is used. */
static void opens_again(void *a)
{
    struct state *s = a;
    close_and_open(s, scene_add);
    model_assert(scene_use(s, (unsigned)model_thread(), s->h[1], 1) == 0);
}

static void opens_again_and_closes(void *a)
{
    struct state *s = a;
    opens_again(a);
    model_assert(mri_desc_close(scene_here(s), s->h[1]) == 0);
}

static void opens_again_and_reads(void *a)
{
    struct state *s = a;
    close_and_open(s, scene_add);
    s->rc[model_thread()] = scene_read(s, s->h[1], 1);
}

static void tells_late(void *a)
{
    struct state *s = a;
    scene_tell(s, s->h[0], EPOLLIN | (model_choose(2) ? EPOLLHUP : 0));
}

/* The byte comes once the poller has who is to be told of it. */
static void tells_late_then_sends(void *a)
{
    struct state *s = a;
    scene_tell(s, s->h[0], EPOLLIN);
    scene_byte_comes(s, 1, scene_await_polled(1));
}

/* It lingers, where another was. */
static void opens_what_lingers(void *a)
{
    struct state *s = a;
    close_and_open(s, scene_add_with_end);
    model_assert(mri_desc_close(scene_here(s), s->h[1]) == 0);
    mri_store_relaxed(&s->ended[1], 1);
}

/* The same, behind one that lingered. */
static void ends_and_opens_what_lingers(void *a)
{
    struct state *s = a;
    scene_ends(s, 0);
    open_another(s, scene_add_with_end);
    model_assert(mri_desc_close(scene_here(s), s->h[1]) == 0);
    mri_store_relaxed(&s->ended[1], 1);
}

static void opens_after_the_close(void *a)
{
    open_another(a, scene_add);
}

static void closes_too_late(void *a)
{
    struct state *s = a;
    model_assert(mri_desc_close(scene_here(s), s->h[0]) == MR_EBADF);
}

static void closed_0_alone(void *a)
{
    struct state *s = a;
    model_assert(scene_is_open(s, s->h[1]));
    scene_check(s, 1);
}

static void read_from_the_new(void *a)
{
    struct state *s = a;
    model_assert(s->rc[0] == 0 && mri_load_relaxed(&s->got) == 1);
    scene_check(s, 1);
}

static void closed_what_lingered(void *a)
{
    struct state *s = a;
    scene_tell(s, s->h[1], EPOLLIN);
    model_assert(scene_is_free_after(s, s->h[1]));
    scene_check(s, 3);
}

HANDLE(a_late_user, scene_open_one, .thread = {opens_again, scene_uses},
       .finish = closed_0_alone, PAIR)
HANDLE(a_late_user_of_what_was_closed_again, scene_open_one,
       .thread = {opens_again_and_closes, scene_uses},
       .finish = scene_closed_both, PAIR)
HANDLE(a_late_close, scene_open_closed,
       .thread = {opens_after_the_close, closes_too_late},
       .finish = closed_0_alone, EXHAUST)
HANDLE(a_close_and_who_opens_behind_it, scene_open_one,
       .thread = {scene_closes, opens_after_the_close},
       .finish = closed_0_alone, PAIR)
HANDLE(a_late_event, scene_open_one,
       .thread = {opens_again_and_closes, tells_late},
       .finish = scene_closed_both, LARGE)
HANDLE(a_late_event_before_the_new_ones, scene_open_one,
       .thread = {opens_again_and_reads, tells_late_then_sends},
       .finish = read_from_the_new, LARGE)
HANDLE(a_late_event_and_what_lingers, scene_open_one,
       .thread = {opens_what_lingers, tells_late},
       .finish = closed_what_lingered, LARGE)
HANDLE(a_late_end_and_what_lingers, scene_open_lingering,
       .thread = {ends_and_opens_what_lingers, tells_late},
       .finish = closed_what_lingered, LARGE)

/* ---- Growth ------------------------------------------------------------- */

/* In the place that a growth makes. */
static void opens(struct state *s, int fd)
{
    s->h[fd] = scene_add(s, (unsigned)model_thread(), fd);
    model_assert(s->h[fd] > 0);
}

static void opens_1(void *a)
{
    opens(a, 1);
}

static void opens_2(void *a)
{
    opens(a, 2);
}

static void opens_1_and_closes(void *a)
{
    struct state *s = a;
    opens(s, 1);
    model_assert(mri_desc_close(scene_here(s), s->h[1]) == 0);
}

/* A number that nobody has been given, or yet. */
static void looks_up(void *a)
{
    struct state *s = a;
    int rc = scene_use(s, (unsigned)model_thread(), s->h[0] | 1, 1);
    model_assert(rc == 0 || rc == MR_EBADF);
}

static void uses_both(void *a)
{
    looks_up(a);
    scene_uses(a);
}

static void cannot_be_polled(void *a)
{
    struct state *s = a;
    s->refuses = true;
    model_assert(scene_add(s, (unsigned)model_thread(), 1) == MR_ENOMEM);
}

static void two_are_open(void *a)
{
    struct state *s = a;
    model_assert(s->h[1] != s->h[2] && s->h[1] != s->h[0]);
    scene_check(s, 0);
}

static void one_is_open(void *a)
{
    scene_check(a, 0);
}

static void closed_1(void *a)
{
    scene_check(a, 1 << 1);
}

HANDLE(growth_against_growth, scene_open_one, .thread = {opens_1, opens_2},
       .finish = two_are_open, EXHAUST)
HANDLE(growth_against_a_look, scene_open_one, .thread = {opens_1, uses_both},
       .finish = one_is_open, EXHAUST)
HANDLE(growth_against_a_look_and_a_close, scene_open_one,
       .thread = {opens_1_and_closes, looks_up}, .finish = closed_1, EXHAUST)
HANDLE(growth_against_growth_and_a_look, scene_open_one,
       .thread = {opens_1, opens_2, scene_uses}, .finish = two_are_open, LARGE)
HANDLE(a_poller_that_refuses, scene_open_one,
       .thread = {cannot_be_polled, scene_uses}, .finish = closed_1, EXHAUST)
