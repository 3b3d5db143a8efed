/* What must hold of select: exactly one of its cases is done, whoever would
 * serve it at the same time; what is not done is untouched; it waits for
 * nothing that is there, and no two wait for each other. */
#include "async/select_scene.h"

enum { A_HANDLE = 5 };

static void direct(void *a)
{
    scene_select(a, 0, 0);
}

static void buffered(void *a)
{
    scene_select(a, 1, 0);
}

static void direct_0_foreign(void *a)
{
    scene_select(a, 0, 1);
}

static void sends_0(void *a)
{
    model_assert(scene_send(a, 0) == 0);
}

static void sends_1(void *a)
{
    model_assert(scene_send(a, 1) == 0);
}

/* One of both, into the same memory. */
static int64_t receive_one(struct state *s, unsigned first)
{
    int64_t item = NONE;
    mr_case cases[] = {mr_case_receive(&s->c[first], &item),
                       mr_case_receive(&s->c[1 - first], &item)};
    int64_t at = mr_select(cases, 2, MR_NEVER);
    if (at < 0) {
        model_assert(item == NONE && at == MR_ECANCELED);
        return at;
    }
    model_assert(cases[at].result == 0);
    s->got[model_thread()] = item;
    return at == 0 ? first : 1 - first;
}

/* ---- Two who send ------------------------------------------------------- */

/* Thread 1 sends to 0, thread 2 to 1. */
static void receives_both(void *a)
{
    struct state *s = a;
    int64_t at = receive_one(s, 0);
    model_assert(s->got[0] == 1 + at);
    model_assert(receive_one(s, 0) == 1 - at);
    model_assert(s->got[0] == 2 - at);
}

static void nothing_is_left(void *a)
{
    struct select_state *x = a;
    model_assert(mr_channel_count(&x->s.c[0]) == 0);
    model_assert(mr_channel_count(&x->s.c[1]) == 0);
    scene_select_check(x);
}

/* The second without a wait. */
static void receives_one_then_the_other(void *a)
{
    struct state *s = a;
    int64_t at = receive_one(s, 0), item;
    model_assert(s->got[0] == 1 + at);
    while (mr_tryreceive(&s->c[1 - at], &item) < 0)
        mri_pause();
    model_assert(item == 2 - at);
}

MODEL(of_two_who_send_one_is_first, .state_size = sizeof(struct select_state),
      .setup = direct, .thread = {receives_both, sends_0, sends_1},
      .finish = nothing_is_left, .bound = MODEL_NO_PREEMPTION, .deep_bound = 1)
MODEL(of_two_who_send_to_a_thread_one_is_first,
      .state_size = sizeof(struct select_state), .setup = direct_0_foreign,
      .thread = {receives_one_then_the_other, sends_0, sends_1},
      .finish = nothing_is_left, .bound = MODEL_NO_PREEMPTION, .deep_bound = 1)
MODEL(of_two_items_one_is_first, .state_size = sizeof(struct select_state),
      .setup = buffered, .thread = {receives_both, sends_0, sends_1},
      .finish = nothing_is_left, .bound = 1, .deep_bound = 1)

/* ---- Two selects -------------------------------------------------------- */

/* Either, on the same channel. */
static void does_either(void *a)
{
    struct state *s = a;
    int64_t item = model_thread(), got = NONE;
    mr_case cases[] = {mr_case_send(&s->c[0], &item),
                       mr_case_receive(&s->c[0], &got)};
    int64_t at = mr_select(cases, 2, MR_NEVER);
    model_assert(at >= 0 && cases[at].result == 0);
    s->sent[model_thread()] = at == 0;
    s->got[model_thread()] = got;
}

static void one_sent_to_the_other(void *a)
{
    struct select_state *x = a;
    model_assert(x->s.sent[0] + x->s.sent[1] == 1);
    int from = x->s.sent[1];
    model_assert(x->s.got[1 - from] == from && x->s.got[from] == NONE);
    scene_select_check(x);
}

MODEL(of_two_that_do_either_each_does_another,
      .state_size = sizeof(struct select_state), .setup = direct,
      .thread = {does_either, does_either}, .finish = one_sent_to_the_other,
      .bound = 2)

/* On both channels, named in another order: what locks them all must not wait
 * in a circle, and what one offers the other finds whole. */
static void sends_to_either(void *a)
{
    struct state *s = a;
    int64_t item = 0;
    mr_case cases[] = {mr_case_send(&s->c[0], &item),
                       mr_case_send(&s->c[1], &item)};
    s->at[0] = mr_select(cases, 2, MR_NEVER);
    model_assert(s->at[0] >= 0);
}

static void receives_from_either(void *a)
{
    struct state *s = a;
    s->at[1] = receive_one(s, 1);
}

static void both_did_the_same(void *a)
{
    struct select_state *x = a;
    model_assert(x->s.at[0] == x->s.at[1] && x->s.got[1] == 0);
    scene_select_check(x);
}

MODEL(two_that_name_channels_in_another_order_meet,
      .state_size = sizeof(struct select_state), .setup = direct,
      .thread = {sends_to_either, receives_from_either},
      .finish = both_did_the_same, .bound = 2)

/* ---- Giving up ---------------------------------------------------------- */

static void receives_or_gives_up(void *a)
{
    struct state *s = a;
    s->at[0] = receive_one(s, 0);
    scene_done(&s->scene);
}

static void cancels_0(void *a)
{
    scene_cancel(a, 0);
}

static void tries_to_send(struct state *s, unsigned to)
{
    int64_t item = model_thread();
    s->sent[model_thread()] = mr_trysend(&s->c[to], &item);
}

static void tries_to_send_0(void *a)
{
    tries_to_send(a, 0);
}

static void tries_to_send_1(void *a)
{
    tries_to_send(a, 1);
}

static void sent_as_received(void *a)
{
    struct select_state *x = a;
    model_assert((x->s.sent[1] == 0) == (x->s.at[0] == 0));
    model_assert((x->s.sent[2] == 0) == (x->s.at[0] == 1));
    model_assert((x->s.at[0] >= 0) == (x->s.got[0] != NONE));
    scene_select_check(x);
}

MODEL(what_a_select_gave_up_was_not_sent,
      .state_size = sizeof(struct select_state), .setup = direct,
      .thread = {receives_or_gives_up, tries_to_send_0, tries_to_send_1,
                 cancels_0},
      .finish = sent_as_received, .deep_only = true,
      .bound = MODEL_NO_PREEMPTION, .deep_bound = MODEL_NO_PREEMPTION)

/* ---- Close -------------------------------------------------------------- */

static void closes_0(void *a)
{
    struct state *s = a;
    model_assert(mr_channel_close(&s->c[0]) == 0);
}

static void receives_the_end(void *a)
{
    struct state *s = a;
    int64_t item[2] = {NONE, NONE};
    mr_case cases[] = {mr_case_receive(&s->c[0], &item[0]),
                       mr_case_receive(&s->c[1], &item[1])};
    int64_t at = mr_select(cases, 2, MR_NEVER);
    model_assert(cases[at].result == (at == 0 ? MR_EOF : 0));
    model_assert(item[0] == NONE && item[1] == (at == 1 ? 2 : NONE));
    if (at == 0) /* for who sends to the other */
        model_assert(scene_receive(s, 1) == 0);
}

static void all_are_done(void *a)
{
    scene_select_check(a);
}

MODEL(close_is_one_thing_among_others,
      .state_size = sizeof(struct select_state), .setup = direct,
      .thread = {receives_the_end, closes_0, sends_1}, .finish = all_are_done,
      .bound = 1, .deep_bound = 1)

/* ---- Handles and futures ------------------------------------------------ */

/* 0: the handle, 1: the channel, 2: the future. */
static int64_t select_all(struct select_state *x, int64_t *item, bool future)
{
    mr_case cases[] = {mr_case_readable(A_HANDLE),
                       mr_case_receive(&x->s.c[0], item),
                       mr_case_future(x->future)};
    int64_t at = mr_select(cases, future ? 3 : 2, MR_NEVER);
    model_assert(at >= 0);
    x->s.sent[0] = cases[at].result;
    return at;
}

static void waits_for_handle_and_item(void *a)
{
    struct select_state *x = a;
    int64_t item = NONE;
    int64_t at = select_all(x, &item, false);
    model_assert((at == 1) == (item == 1));
    if (at == 0) { /* then the item is still there, and now, the readiness */
        model_assert(scene_receive(&x->s, 0) == 0);
        model_assert(mri_load_acquire(&x->kernel));
    } else {
        mr_case ready = mr_case_readable(A_HANDLE);
        model_assert(mr_select(&ready, 1, MR_NEVER) == 0);
        model_assert(ready.result == 0);
    }
}

static void becomes_ready(void *a)
{
    scene_ready(a);
}

MODEL(a_readiness_and_an_item_are_both_told,
      .state_size = sizeof(struct select_state), .setup = direct,
      .thread = {waits_for_handle_and_item, sends_0, becomes_ready},
      .finish = all_are_done, .bound = MODEL_NO_PREEMPTION, .deep_bound = 1)

static void waits_for_handle(void *a)
{
    struct select_state *x = a;
    int64_t item = NONE;
    model_assert(select_all(x, &item, false) == 0 && item == NONE);
    model_assert(x->s.sent[0] == MR_EBADF);
}

static void closes_handle(void *a)
{
    scene_close(a);
}

MODEL(a_handle_that_is_closed_ends_the_wait,
      .state_size = sizeof(struct select_state), .setup = direct,
      .thread = {waits_for_handle, closes_handle}, .finish = all_are_done,
      .bound = 2)

static void waits_for_future_and_item(void *a)
{
    struct select_state *x = a;
    int64_t item = NONE;
    int64_t at = select_all(x, &item, true);
    model_assert((at == 1) == (item == 1) && at != 0);
    if (at == 2)
        model_assert(x->future->value == 7 && scene_receive(&x->s, 0) == 0);
    mr_case done = mr_case_future(x->future);
    model_assert(mr_select(&done, 1, MR_NEVER) == 0);
    model_assert(x->future->value == 7);
}

static void completes(void *a)
{
    scene_complete(a);
}

MODEL(a_future_and_an_item_are_both_told,
      .state_size = sizeof(struct select_state), .setup = direct,
      .thread = {waits_for_future_and_item, sends_0, completes},
      .finish = all_are_done, .bound = MODEL_NO_PREEMPTION, .deep_bound = 1)
