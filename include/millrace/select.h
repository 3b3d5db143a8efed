/* Waiting for one of several things: channels, futures, handles, a time.
 *
 *     mr_case cases[] = {mr_case_receive(&jobs, &job),
 *                        mr_case_send(&results, &result),
 *                        mr_case_readable(stream)};
 *     switch (mr_select(cases, 3, mr_after(MR_S))) {
 *     case 0: ...                 // cases[0].result: 0, or MR_EOF
 *     case MR_ETIMEDOUT: ...
 *
 * What is done of a case, and when it can be:
 *   send, receive   the item is sent, received (millrace/channel.h), or the
 *                   channel is closed: result MR_EPIPE, MR_EOF
 *   future          it is done, and stays the caller's: mr_get does not wait
 *   readable,       a read, an accept, a write need not wait, as after
 *   writable        mr_wait_readable; or cannot be waited for: result MR_EBADF
 *                   (also where it is closed meanwhile), MR_EBUSY (another
 *                   waits for the same, another case here too), MR_EINVAL
 * Exactly one case is done, and of the others nothing has happened: neither is
 * an item taken nor memory written to. A case for NULL in place of a channel is
 * never done. What a select sends it does not receive itself.
 *
 * Fairness. Of n cases of which several can be done at once, each of those is
 * the one with a probability of at least 1/n, whatever was done before: who
 * selects again and again sees one that stays ready after n times on average.
 * Where a select waits, it waits in the channels' queues like others, and who
 * comes first decides.
 *
 * A descriptor that belongs to another library, or a process or signal, is
 * waited for by a task of its own that sends what it has seen. */
#ifndef MILLRACE_SELECT_H
#define MILLRACE_SELECT_H

#include <millrace/channel.h>
#include <millrace/export.h>

#include <stddef.h>
#include <stdint.h>

MR_BEGIN_DECLS

typedef struct mr_future mr_future;

typedef enum mr_case_kind {
    MR_CASE_SEND = 1,
    MR_CASE_RECEIVE,
    MR_CASE_FUTURE,
    MR_CASE_READABLE,
    MR_CASE_WRITABLE
} mr_case_kind;

/* The caller's storage, the library's while mr_select runs; may be used again
 * afterwards. Made by the functions below. */
typedef struct mr_case {
    mr_case_kind kind;
    int result; /* once this case was done */
    union {
        mr_channel *channel;
        mr_future *future;
        int64_t handle;
    };
    void *item; /* of a send it is not written to */
    uint64_t opaque[8];
} mr_case;

static inline mr_case mr_case_send(mr_channel *channel, const void *item)
{
    mr_case c = {MR_CASE_SEND, 0, {channel}, (void *)(uintptr_t)item, {0}};
    return c;
}

static inline mr_case mr_case_receive(mr_channel *channel, void *item)
{
    mr_case c = {MR_CASE_RECEIVE, 0, {channel}, item, {0}};
    return c;
}

/* The caller keeps its reference. */
static inline mr_case mr_case_future(mr_future *future)
{
    mr_case c = {MR_CASE_FUTURE, 0, {NULL}, NULL, {0}};
    c.future = future;
    return c;
}

/* A mr_handle of millrace/io.h. */
static inline mr_case mr_case_readable(int64_t handle)
{
    mr_case c = {MR_CASE_READABLE, 0, {NULL}, NULL, {0}};
    c.handle = handle;
    return c;
}

static inline mr_case mr_case_writable(int64_t handle)
{
    mr_case c = {MR_CASE_WRITABLE, 0, {NULL}, NULL, {0}};
    c.handle = handle;
    return c;
}

/* Wait until one of the n cases can be done, and do it: its index, and its
 * result is set. Or MR_ETIMEDOUT: none could until `deadline`, an absolute time
 * of mr_now(); with one that has passed it does not wait. MR_ECANCELED;
 * MR_EINVAL for a case of another kind; MR_EPERM for one with a handle outside
 * of tasks, and in a child of fork() for all in a task, and for one with a
 * future that is not done. After a negative code nothing was done. Of no cases
 * it waits for the time alone. Any thread, in a task or not. Point of
 * cancellation. */
MR_API int64_t mr_select(mr_case cases[], size_t n, int64_t deadline);

MR_END_DECLS

#endif
