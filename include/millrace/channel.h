/* Channels: items handed from tasks and threads to others, first in, first out.
 *
 *     mr_channel jobs;
 *     int room[16];
 *     mr_channel_open(&jobs, sizeof(int), 16, room);
 *
 *     mr_send(&jobs, &i);                         // one side
 *     mr_channel_close(&jobs);                    // no more
 *
 *     while (mr_receive(&jobs, &i) == 0)          // the other
 *         work(i);
 *
 * An item is some bytes, as many for each of a channel, which are copied; 0 for
 * a mere signal. A channel has room for `capacity` of them. A send waits while
 * there is no room, a receive while there is nothing; with a capacity of 0 they
 * wait for each other, and an item goes straight from the one's memory to the
 * other's. So it does wherever somebody waits already. Who waits longest is
 * served first.
 *
 * Tasks of any runtime and threads outside of tasks may use one at the same
 * time, in any number; a task parks where a thread would block.
 *
 * Memory. The channel, and the room for its items, are the caller's: nothing is
 * allocated, so nothing but misuse can fail, and it lies in a frame, in a
 * global or in whatever else lives as long as its users do. It is the library's
 * from mr_channel_open until mr_channel_close has returned and so have the
 * other calls that use it; except that a send or receive (not mr_select) that
 * has done its part touches nothing of it after the close. So who sends a
 * request with a channel in its own frame for the answer, receives that and
 * closes the channel, may leave.
 *
 * Nothing is lost, nothing comes twice. Whatever is returned but 0, nothing was
 * sent, or received: the item is still the sender's. What was sent is received
 * by one, also after the close.
 *
 * All that may wait are points of cancellation (millrace/scope.h): in a scope
 * that was cut short they return MR_ECANCELED, a wait as soon as that happens,
 * and calls that come later without having done anything. A task whose calls
 * never have to wait lets others run before every 2048th. */
#ifndef MILLRACE_CHANNEL_H
#define MILLRACE_CHANNEL_H

#include <millrace/export.h>

#include <stddef.h>
#include <stdint.h>

MR_BEGIN_DECLS

/* Need not be initialised. Not to be copied while it is open. */
typedef struct mr_channel {
    uint64_t opaque[16];
} mr_channel;

/* Open a channel for items of `item` bytes with room for `capacity` of them,
 * the item * capacity bytes at `room`, of any alignment; NULL where that is 0.
 * 0; or MR_EINVAL for a NULL where there should be room, or sizes that no
 * memory has: then it is closed. Any thread. */
MR_API int mr_channel_open(mr_channel *channel, size_t item, size_t capacity,
                           void *room);

/* No more is sent: who waits to send, and who comes later to, gets MR_EPIPE;
 * who receives gets what was sent before, then MR_EOF, at once. 0, or MR_EPIPE
 * where it was closed before, which does no harm. Any thread; does not wait.
 * Its memory: see above. */
MR_API int mr_channel_close(mr_channel *channel);

/* How many items lie in the channel's room, a moment ago. Any thread. */
MR_API size_t mr_channel_count(const mr_channel *channel);

/* Send a copy of the bytes at `item`; wait until there is room, or somebody
 * receives it. 0; MR_EPIPE: the channel was closed, before or meanwhile;
 * MR_ECANCELED; MR_EPERM in a task, in a child of fork(). After anything but 0
 * nothing was sent. Any thread, in a task or not. Point of cancellation. */
MR_API int mr_send(mr_channel *channel, const void *item);

/* Receive into `item`; wait until there is something. 0; MR_EOF: the channel
 * was closed, and all that was sent has been received; MR_ECANCELED; MR_EPERM
 * as above. After anything but 0 nothing was received, and the bytes at `item`
 * are any. Any thread, in a task or not. Point of cancellation. */
MR_API int mr_receive(mr_channel *channel, void *item);

/* The same, but they wait until `deadline` at most, an absolute time of
 * mr_now(): then MR_ETIMEDOUT. What need not wait is done however late. */
MR_API int mr_send_until(mr_channel *channel, const void *item,
                         int64_t deadline);
MR_API int mr_receive_until(mr_channel *channel, void *item, int64_t deadline);

/* The same, but where they would wait they return MR_EAGAIN. */
MR_API int mr_trysend(mr_channel *channel, const void *item);
MR_API int mr_tryreceive(mr_channel *channel, void *item);

MR_END_DECLS

#endif
