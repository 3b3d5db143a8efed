/* What the models of channels and of select share: channels in the state, and
 * items that are plain memory, so that whoever hands one on must order it. */
#ifndef MODEL_ASYNC_CHANNEL_SCENE_H
#define MODEL_ASYNC_CHANNEL_SCENE_H

#include "async/channel.h"
#include "async/scene.h"

#include <stdint.h>

enum { CHANNELS = 2, NONE = 99 };

struct state {
    struct scene scene;
    mr_channel c[CHANNELS];
    int64_t room[CHANNELS];
    mri_atomic(mr_channel *) lent; /* in a block that its opener frees */
    int64_t got[STRANDS];          /* what each thread received: its own */
    int sent[STRANDS];             /* its own: what its send came to */
    int64_t at[STRANDS];           /* its own: what its select came to */
    mri_atomic_u64 waiter;         /* of the handle or future of a select */
    mri_atomic_u32 ready;
};

/* Setup: all channels with this capacity, 0 or 1; a bit for each thread that is
 * no strand. */
void scene_channels(struct state *s, size_t capacity, unsigned foreign);

/* On the calling thread: an item that tells who sent it, or what it got. */
int scene_send(struct state *s, unsigned channel);
int scene_receive(struct state *s, unsigned channel);

/* At the end: nobody waits; how many items are in there. */
void scene_channels_check(struct state *s);

#endif
