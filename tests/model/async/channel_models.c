/* What must hold of channels: each item that was sent is received by one, or is
 * still there; what was not sent is not; nobody waits for what is there; who
 * has received may close the channel and free it. */
#include "async/channel_scene.h"

/* ---- Setups ------------------------------------------------------------- */

static void direct(void *a)
{
    scene_channels(a, 0, 0);
}

static void buffered(void *a)
{
    scene_channels(a, 1, 0);
}

static void direct_0_foreign(void *a)
{
    scene_channels(a, 0, 1);
}

static void direct_1_foreign(void *a)
{
    scene_channels(a, 0, 2);
}

/* ---- Handing over ------------------------------------------------------- */

static void sends(void *a)
{
    model_assert(scene_send(a, 0) == 0);
}

static void receives(void *a)
{
    model_assert(scene_receive(a, 0) == 0);
}

static void sends_two(void *a)
{
    sends(a);
    sends(a);
}

static void receives_two(void *a)
{
    struct state *s = a;
    receives(a);
    int64_t first = s->got[model_thread()];
    receives(a);
    model_assert(first != NONE && s->got[model_thread()] != NONE);
}

static void one_came(void *a)
{
    struct state *s = a;
    scene_channels_check(s);
    model_assert(s->got[1] == 0);
    model_assert(mr_channel_count(&s->c[0]) == 0);
}

static void all_came(void *a)
{
    scene_channels_check(a);
    model_assert(mr_channel_count(&((struct state *)a)->c[0]) == 0);
}

MODEL(an_item_goes_from_hand_to_hand, .state_size = sizeof(struct state),
      .setup = direct, .thread = {sends, receives}, .finish = one_came,
      .bound = 3)
MODEL(a_thread_hands_an_item_to_a_task, .state_size = sizeof(struct state),
      .setup = direct_0_foreign, .thread = {sends, receives},
      .finish = one_came, .bound = 3)
MODEL(a_task_hands_an_item_to_a_thread, .state_size = sizeof(struct state),
      .setup = direct_1_foreign, .thread = {sends, receives},
      .finish = one_came, .bound = 3)
MODEL(an_item_goes_through_the_room, .state_size = sizeof(struct state),
      .setup = buffered, .thread = {sends, receives}, .finish = one_came,
      .bound = 3)
MODEL(two_send_and_one_receives_twice, .state_size = sizeof(struct state),
      .setup = direct, .thread = {sends, sends, receives_two},
      .finish = all_came, .bound = MODEL_NO_PREEMPTION, .deep_bound = 1)
MODEL(two_send_and_one_receives_twice_with_room,
      .state_size = sizeof(struct state), .setup = buffered,
      .thread = {sends, sends, receives_two}, .finish = all_came, .bound = 1,
      .deep_bound = 2)
MODEL(one_sends_twice_where_there_is_room_for_one,
      .state_size = sizeof(struct state), .setup = buffered,
      .thread = {sends_two, receives_two}, .finish = all_came, .bound = 3)

/* ---- Giving up ---------------------------------------------------------- */

static void receives_or_gives_up(void *a)
{
    struct state *s = a;
    int rc = scene_receive(s, 0);
    model_assert(rc == 0 || rc == MR_ECANCELED);
    scene_done(&s->scene);
}

static void sends_or_gives_up(void *a)
{
    struct state *s = a;
    int rc = scene_send(s, 0);
    model_assert(rc == 0 || rc == MR_ECANCELED);
    scene_done(&s->scene);
}

static void cancels_0(void *a)
{
    struct state *s = a;
    scene_cancel(&s->scene, 0);
}

static void tries_to_send(void *a)
{
    struct state *s = a;
    int64_t item = model_thread();
    s->sent[model_thread()] = mr_trysend(&s->c[0], &item);
}

static void tries_to_receive(void *a)
{
    struct state *s = a;
    int64_t item;
    if (mr_tryreceive(&s->c[0], &item) == 0)
        s->got[model_thread()] = item;
}

static void sent_as_received(void *a)
{
    struct state *s = a;
    scene_channels_check(s);
    model_assert((s->got[0] == 1) == (s->sent[1] == 0));
}

static void received_as_sent(void *a)
{
    struct state *s = a;
    scene_channels_check(s);
    model_assert((s->sent[0] == 0) == (s->got[1] == 0));
}

MODEL(what_a_receiver_gave_up_was_not_sent, .state_size = sizeof(struct state),
      .setup = direct,
      .thread = {receives_or_gives_up, tries_to_send, cancels_0},
      .finish = sent_as_received, .bound = 1, .deep_bound = 1)
MODEL(what_a_sender_gave_up_is_not_received, .state_size = sizeof(struct state),
      .setup = direct,
      .thread = {sends_or_gives_up, tries_to_receive, cancels_0},
      .finish = received_as_sent, .bound = 1, .deep_bound = 1)

/* ---- Close -------------------------------------------------------------- */

static void closes(void *a)
{
    struct state *s = a;
    model_assert(mr_channel_close(&s->c[0]) == 0);
}

static void sends_until_closed(void *a)
{
    int rc = scene_send(a, 0);
    model_assert(rc == 0 || rc == MR_EPIPE);
}

static void receives_until_closed(void *a)
{
    struct state *s = a;
    int rc = scene_receive(s, 0);
    model_assert(rc == 0 || rc == MR_EOF);
}

static void nothing_is_lost(void *a)
{
    struct state *s = a;
    scene_channels_check(s);
    size_t left = mr_channel_count(&s->c[0]);
    model_assert(left == 0 || s->room[0] == 0);
    model_assert((s->sent[0] == 0) == ((s->got[1] == 0) + left == 1));
}

MODEL(close_ends_all_waits, .state_size = sizeof(struct state), .setup = direct,
      .thread = {sends_until_closed, receives_until_closed, closes},
      .finish = nothing_is_lost, .bound = 1, .deep_bound = 2)
MODEL(close_leaves_what_was_sent, .state_size = sizeof(struct state),
      .setup = buffered,
      .thread = {sends_until_closed, receives_until_closed, closes},
      .finish = nothing_is_lost, .bound = 1, .deep_bound = 2)
MODEL(close_ends_the_wait_of_a_thread, .state_size = sizeof(struct state),
      .setup = direct_1_foreign, .thread = {closes, receives_until_closed},
      .bound = 3)

/* ---- Memory ------------------------------------------------------------- */

/* A channel in a frame that is left once the answer has come. */
static void asks(void *a)
{
    struct state *s = a;
    mr_channel *c = model_alloc(sizeof *c);
    int64_t item;
    model_assert(mr_channel_open(c, sizeof item, 0, NULL) == 0);
    mri_store_release(&s->lent, c);
    model_assert(mr_receive(c, &item) == 0 && item == 7);
    model_assert(mr_channel_close(c) == 0);
    model_free(c);
}

static void answers(void *a)
{
    struct state *s = a;
    mr_channel *c;
    int64_t item = 7;
    while (!(c = mri_load_acquire(&s->lent)))
        mri_pause();
    model_assert(mr_send(c, &item) == 0);
}

MODEL(who_has_received_may_free_the_channel, .state_size = sizeof(struct state),
      .setup = direct, .thread = {asks, answers}, .bound = 3)
MODEL(a_thread_that_has_received_may_free_the_channel,
      .state_size = sizeof(struct state), .setup = direct_0_foreign,
      .thread = {asks, answers}, .bound = 3)
