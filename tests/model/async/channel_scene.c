#include "async/channel_scene.h"

#include "sched/turn.h"
#include "task/cancel.h"

/* ---- What channels ask of the rest -------------------------------------- */

void mri_turn_end(mri_strand *s)
{
    (void)s;
    model_assert(!"a turn is longer than a model");
}

int mri_cancelable_pass(const mri_strand *s)
{
    (void)s;
    return 0;
}

/* ---- The scene ---------------------------------------------------------- */

void scene_channels(struct state *s, size_t capacity, unsigned foreign)
{
    scene_open(&s->scene, foreign);
    for (int i = 0; i < CHANNELS; i++) {
        mri_channel *c = (mri_channel *)&s->c[i];
        model_assert(mr_channel_open(&s->c[i], sizeof(int64_t), capacity,
                                     &s->room[i]) == 0);
        model_name(&c->lock, sizeof c->lock, "lock");
    }
    for (int i = 0; i < STRANDS; i++)
        s->got[i] = NONE;
}

int scene_send(struct state *s, unsigned channel)
{
    int64_t item = model_thread();
    int rc = mr_send(&s->c[channel], &item);
    item = NONE; /* it is the sender's again */
    s->sent[model_thread()] = rc;
    return rc;
}

int scene_receive(struct state *s, unsigned channel)
{
    int64_t item = NONE;
    int rc = mr_receive(&s->c[channel], &item);
    if (rc == 0)
        s->got[model_thread()] = item;
    return rc;
}

void scene_channels_check(struct state *s)
{
    scene_check(&s->scene);
    for (int i = 0; i < CHANNELS; i++) {
        const mri_channel *c = (const mri_channel *)&s->c[i];
        mri_channel_check(c);
        model_assert(!c->senders.first && !c->receivers.first);
    }
}
