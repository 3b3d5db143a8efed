/* What must hold of handles: a descriptor is closed once, by the last user, and
 * nobody calls with it afterwards; and what lingers is closed when it has
 * ended, whoever comes first, the last user or the event. */
#include "io/handle_scene.h"

/* ---- Setups ------------------------------------------------------------- */

static void open_file(void *a)
{
    struct state *s = a;
    scene_open_closed(a);
    s->file[1] = model_alloc(sizeof(file));
    s->h[1] = mri_desc_open(&s->strand[0], 1, MRI_DESC_FILE, 0);
    model_assert(!s->file[1]->polled);
}

/* Closed; so many users are in. */
static void close_used(struct state *s, int users)
{
    for (int i = 0; i < users; i++)
        model_assert(mri_desc_get(&s->strand[0], s->h[0], MRI_DESC_PROCESS,
                                  &s->in[i]) == 0);
    model_assert(mri_desc_close(&s->strand[0], s->h[0]) == 0);
}

static void open_closed_in_use(void *a)
{
    scene_open_ending(a);
    close_used(a, 1);
}

static void open_closed_in_use_by_two(void *a)
{
    scene_open_ending(a);
    close_used(a, 2);
}

/* ---- Threads ------------------------------------------------------------ */

static void uses_file(void *a)
{
    struct state *s = a;
    int rc = scene_use(s, (unsigned)model_thread(), s->h[1], 1);
    model_assert(rc == 0 || rc == MR_EBADF);
}

/* It is no such thing: a user for a moment. */
static void mistakes(void *a)
{
    mri_desc *d;
    struct state *s = a;
    int rc = mri_desc_get(scene_here(s), s->h[0], MRI_DESC_DATAGRAM, &d);
    model_assert(rc == MR_EINVAL || rc == MR_EBADF);
}

static void closes_file(void *a)
{
    struct state *s = a;
    model_assert(mri_desc_close(scene_here(s), s->h[1]) == 0);
}

static void tries_to_close(void *a)
{
    struct state *s = a;
    s->rc[model_thread()] = mri_desc_close(scene_here(s), s->h[0]);
}

static void put(struct state *s, int user)
{
    scene_call(s, s->in[user], 0);
    mri_desc_put(scene_here(s), s->in[user]);
}

static void puts_0(void *a)
{
    put(a, 0);
}

static void puts_1(void *a)
{
    put(a, 1);
}

static void ends(void *a)
{
    scene_ends(a, 0);
}

static void ends_and_opens(void *a)
{
    struct state *s = a;
    scene_ends(s, 0);
    model_assert(scene_add(s, (unsigned)model_thread(), 1) >= 0);
}

/* ---- Checks ------------------------------------------------------------- */

static void closed_0_by_one(void *a)
{
    struct state *s = a;
    int by = 0;
    for (int i = 0; i < STRANDS; i++) {
        model_assert(s->rc[i] == 0 || s->rc[i] == MR_EBADF);
        by += s->rc[i] == MR_EBADF;
    }
    model_assert(by == 1);
    scene_closed_0(a);
}

static void only_closed_0(void *a)
{
    scene_check(a, 1 << 0);
}

/* ---- Users and close ---------------------------------------------------- */

HANDLE(a_user_and_a_close, scene_open_one, .thread = {scene_uses, scene_closes},
       .finish = scene_closed_0, EXHAUST)
HANDLE(a_user_of_a_file_and_a_close, open_file,
       .thread = {uses_file, closes_file}, .finish = scene_closed_both, EXHAUST)
HANDLE(a_mistake_and_a_close, scene_open_one,
       .thread = {mistakes, scene_closes}, .finish = scene_closed_0, EXHAUST)
HANDLE(two_users_and_a_close, scene_open_one,
       .thread = {scene_uses, scene_uses, scene_closes},
       .finish = scene_closed_0, TRIO)
HANDLE(one_of_two_closes, scene_open_one,
       .thread = {tries_to_close, tries_to_close}, .finish = closed_0_by_one,
       EXHAUST)
HANDLE(one_of_two_closes_what_is_used, scene_open_one,
       .thread = {tries_to_close, tries_to_close, scene_uses},
       .finish = closed_0_by_one, TRIO)

/* ---- What lingers ------------------------------------------------------- */

HANDLE(a_close_and_the_end, scene_open_ending, .thread = {scene_closes, ends},
       .finish = scene_closed_0, PAIR)
HANDLE(the_last_user_and_the_end, open_closed_in_use, .thread = {puts_0, ends},
       .finish = scene_closed_0, PAIR)
HANDLE(an_event_and_the_end, scene_open_lingering,
       .thread = {scene_tells, ends}, .finish = scene_closed_0, PAIR)
HANDLE(two_users_and_the_end, open_closed_in_use_by_two,
       .thread = {puts_0, puts_1, ends}, .finish = scene_closed_0, LARGE)
HANDLE(a_user_a_close_and_the_end, scene_open_ending,
       .thread = {scene_uses, scene_closes, ends}, .finish = scene_closed_0,
       LARGE)
HANDLE(the_last_user_an_event_and_the_end, open_closed_in_use,
       .thread = {puts_0, scene_tells, ends}, .finish = scene_closed_0, LARGE)
HANDLE(the_last_user_and_who_opens_after_the_end, open_closed_in_use,
       .thread = {puts_0, ends_and_opens}, .finish = only_closed_0, TRIO)
